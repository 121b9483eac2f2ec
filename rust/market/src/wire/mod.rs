//! Bytes of market-data feeds, decoded and encoded without I/O: a strict JSON reader, Saxo frames and the quote book
//! that merges snapshots and deltas, SignalR records with the events of ProjectX, Polygon, and any other JSON feed by a
//! declaration.

pub mod feed;
mod find;
pub mod fuzz;
mod instant;
pub mod json;
pub mod polygon;
pub mod projectx;
pub mod saxo;
pub mod signalr;
