//! The traits of the world: clock, randomness, files, environment, HTTP and WebSocket. Each has a
//! *simulated* implementation here (deterministic, seeded, with faults), the network and the clock
//! also a *taped* one (answers from a recording, refuses everything else); the live ones are in
//! `exuvia-net`. No tokio and no TLS: whoever takes a port can be run without a world.

mod clock;
mod environment;
mod files;
mod http;
mod random;
mod websocket;

pub use clock::{Clock, SimClock, TapedClock};
pub use environment::{Environment, SimEnvironment};
pub use files::{Create, FileLock, FileReader, FileWriter, Files, FilesError, SimFault, SimFiles, Stamp, Survives};
pub use http::{Http, HttpError, Request, Response, SimHttp, TapedHttp};
pub use random::{Random, SimRandom, Xoshiro256};
pub use websocket::{Frame, SimWebSocket, TapedWebSockets, WebSocket, WebSocketError, WebSockets};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock that a panicking holder does not poison: what the ports keep is valid after every single step.
fn locked<T: ?Sized>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
