//! The Saxo broker over scripted answers and over the simulated venue keeps its promises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, clippy::indexing_slicing)]

mod asking;
mod auth;
mod changing;
mod client;
mod kit;
mod linked;
mod looking;
mod losing;
mod placing;
mod random;
mod streaming;
mod venue;
