//! Brokers: ways from a checked order to a venue: `paper`, which needs no venue, `saxo` and `projectx`.

pub mod paper;
pub mod projectx;
pub mod saxo;
