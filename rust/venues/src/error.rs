//! What can be wrong with a simulated venue; each message names the place and what to do.

use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// A simulated venue that could not start, or a tick source that could not be read.
#[derive(Debug, Error)]
pub enum VenueError {
    /// The text names no tick source.
    #[error(
        "tick source {text:?} is not understood: {why}; write lean:PATH[,PATH…][?tz=-05:00] for LEAN quote-tick zips, or sim:SEED[?ticks=N&days=D] for the simulated market"
    )]
    Source {
        /// The text as it came.
        text: String,
        /// What was wrong with it.
        why: String,
    },
    /// A file or folder that cannot be read.
    #[error("tick file {path} cannot be read, check the path in the source")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A folder without a day in it.
    #[error("folder {path} holds no quote-tick day: files named like 20140507_quote.zip were expected")]
    NoDays {
        /// Which.
        path: PathBuf,
    },
    /// A file that is not named after its day.
    #[error("tick file {path} is not named after its day: LEAN names it like 20140507_quote.zip")]
    FileName {
        /// Which.
        path: PathBuf,
    },
    /// Not a zip, or a damaged one.
    #[error("tick file {path} is not a sound zip with one CSV in it: {why}; fetch it again")]
    Zip {
        /// Which.
        path: PathBuf,
        /// What was wrong with it.
        why: String,
    },
    /// A line that is not a tick.
    #[error("tick file {path}, line {line} ({text:?}): {why}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The line, at most its first 80 characters.
        text: String,
        /// What was wrong with it.
        why: String,
    },
    /// No tick at all.
    #[error("tick source {text:?} holds no tick: there would be nothing to trade on")]
    Empty {
        /// The source as it came.
        text: String,
    },
    /// An address that others could reach.
    #[error("a simulated venue serves 127.0.0.1 only, not {address}: leave the host out")]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The port cannot be had.
    #[error("port {port} on 127.0.0.1 cannot be bound: another program may hold it; use port 0 for a free one")]
    Port {
        /// Which.
        port: u16,
        /// Why not.
        source: std::io::Error,
    },
    /// The server's threads did not start.
    #[error("the venue's server could not start")]
    Runtime(#[source] std::io::Error),
}
