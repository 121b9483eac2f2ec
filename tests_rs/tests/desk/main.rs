//! The desk: orders as changes, executions that are counted once, orders that hang together, positions to the cent, and
//! the journal from which all of it comes back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod crash;
mod fills;
mod holdings;
mod journal;
mod kit;
mod links;
mod refused;
mod reports;
mod steps;
mod trailing;
