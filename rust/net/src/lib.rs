//! The live implementations of the ports: the system's clock, files, random bits and environment. The
//! HTTP and WebSocket clients are not built yet: they come with the first real venue, and until then
//! nothing in this crate opens a connection.

// This crate is where the world is touched; everyone else takes a port.
#![allow(clippy::disallowed_methods)]

mod clock;
mod environment;
mod files;
mod random;

pub use clock::SystemClock;
pub use environment::SystemEnvironment;
pub use files::SystemFiles;
pub use random::SystemRandom;
