//! Brokers: ways from a checked order to a venue. Today `paper`, which needs no venue.

pub mod paper;
