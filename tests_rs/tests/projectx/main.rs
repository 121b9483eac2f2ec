//! The ProjectX gateway and its broker against the protocol's own examples, against every code and status, and against bytes that
//! nobody would send.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod broker;
mod contracts;
mod desk;
mod hub;
mod kit;
mod limits;
mod line;
mod login;
mod orders;
mod random;
mod reports;
mod snapshot;
mod words;
