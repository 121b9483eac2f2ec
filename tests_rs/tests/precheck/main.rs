//! Pre-trade checks: each at, below and above its limit; without its data; in its profiles; as the bot has it. The kill switch and
//! the trading mode, which stand at the same door.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod changes;
mod guard;
mod kill;
mod kit;
mod legacy;
mod limits;
mod linked;
mod missing;
mod mode;
mod passes;
mod profiles;
mod waits;
