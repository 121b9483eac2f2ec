//! The paper exchange against tables written by hand, against its own promises, and over real ticks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accounts;
mod broker;
mod kit;
mod matching;
mod messages;
mod properties;
mod queue;
mod refused;
mod sessions;
mod stops;
mod ticks;
mod trades;
