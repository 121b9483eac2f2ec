//! The live implementations of the ports: the system's clock, files, random bits and environment, and the clients for HTTP and
//! WebSocket, which reach 127.0.0.1 only until they are asked for more.

// This crate is where the world is touched; everyone else takes a port.
#![allow(clippy::disallowed_methods)]

mod clock;
mod driver;
mod environment;
mod error;
mod files;
mod http;
mod random;
mod websocket;

pub use clock::SystemClock;
pub use driver::Driver;
pub use environment::SystemEnvironment;
pub use error::NetError;
pub use files::SystemFiles;
pub use http::{HttpClient, HttpOptions, Reach};
pub use random::SystemRandom;
pub use websocket::{Connection, Heard, WebSocketClient, WebSocketOptions};
