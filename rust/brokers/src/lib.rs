//! Brokers: ways from a checked order to a venue: `paper`, which needs no venue, and `projectx`.

pub mod paper;
pub mod projectx;
//! Brokers: ways from a checked order to a venue: `paper`, which needs no venue, and `saxo`.

pub mod paper;
pub mod saxo;
