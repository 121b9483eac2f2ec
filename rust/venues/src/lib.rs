//! Simulated venues on 127.0.0.1 that speak the real protocols over the paper exchange. Today: Saxo
//! (`saxo`, the venue as a state machine without I/O), its ticks (`ticks`), and the server around it (`server`).

// Files, sockets and tasks: this floor and `net` are where they live.
#![allow(clippy::disallowed_methods)]

mod error;
pub mod saxo;
pub mod server;
pub mod ticks;

pub use error::VenueError;
