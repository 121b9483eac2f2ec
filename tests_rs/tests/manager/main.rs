//! What the manager of a desk promises, over a venue that loses, repeats, reorders and delays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commands;
mod doubts;
mod ends;
mod kit;
mod model;
mod reconcile;
mod refused;
mod reports;
mod seeds;
mod venue;
mod world;
