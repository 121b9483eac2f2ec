//! What a market sends, and what is made of it: bars from ticks and the indicators that live with them, trading
//! sessions, option analytics, wire formats. Nothing here does I/O: bytes and columns go in, records and columns come out.

pub mod bars;
mod cores;
pub mod indicators;
pub mod options;
pub mod sessions;
pub mod wire;
