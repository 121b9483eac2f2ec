//! What a scan or a state file can be refused for; each message names the scenario or the file, the
//! value and what to do.

use std::error::Error;
use std::path::PathBuf;

use thiserror::Error;

/// Something that a scan cannot decide on.
#[derive(Debug, Error)]
pub enum ScanError {
    /// A parameter of a strategy or scenario that makes no sense.
    #[error("{owner} has {field} {value}: {rule}")]
    Parameter {
        /// Which strategy or scenario.
        owner: String,
        /// Which parameter.
        field: &'static str,
        /// The value as it came.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// A price that is NaN, infinite or not positive where one is needed.
    #[error(
        "{what} of instrument {uic} is {value}: a price must be a finite positive number; drop the tick before it gets here"
    )]
    BadPrice {
        /// Which instrument.
        uic: i64,
        /// Which price: bid or ask.
        what: &'static str,
        /// The value as it came.
        value: f64,
    },
    /// A close that is NaN or infinite.
    #[error("close {value}{} of {} must be a finite number; drop the bar before it gets here", .at.map_or_else(String::new, |at| format!(" at index {at}")), .uic.map_or_else(|| "the closes".to_owned(), |uic| format!("instrument {uic}")))]
    BadClose {
        /// Which instrument, where it is known.
        uic: Option<i64>,
        /// Its place among the closes, where there is one.
        at: Option<usize>,
        /// The value as it came.
        value: f64,
    },
    /// A position that has no opposite.
    #[error("scenario {scenario:?} has position {position}: it cannot be closed by one order, its amount does not fit")]
    BadPosition {
        /// Which scenario.
        scenario: String,
        /// The position as it came.
        position: i64,
    },
    /// A limit price whose count of ticks is not finite.
    #[error(
        "scenario {scenario:?}: limit price {price} with tick {tick} cannot be rounded: the tick must be positive and the price finite"
    )]
    BadLimit {
        /// Which scenario.
        scenario: String,
        /// The price before it was rounded.
        price: f64,
        /// The tick.
        tick: f64,
    },
    /// A scenario of which nobody said where it stands.
    #[error("scenario {0:?} has no view: pass its position and open order with the others")]
    NoView(String),
    /// A strategy's own failure.
    #[error("the strategy of scenario {scenario:?} failed")]
    Strategy {
        /// Which scenario.
        scenario: String,
        /// What it failed with.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// A state that cannot be written or read.
#[derive(Debug, Error)]
pub enum StateError {
    /// The file could not be written.
    #[error("state file {}: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the writer said.
        source: Box<exuvia_lake::LakeError>,
    },
    /// The file could not be read.
    #[error("state file {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: exuvia_ports::FilesError,
    },
    /// The file holds something that is no state.
    #[error("state file {}: {why}; restore it from a copy or move it away to start anew", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and at which line and column or under which key.
        why: String,
    },
    /// A version that this build cannot read.
    #[error("state file {}: version {found} is newer than {known}, which this build reads: run the exuvia that wrote it, or a newer one", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The version in the file.
        found: String,
        /// The newest that is known.
        known: i64,
    },
    /// The state to be written has no usable version.
    #[error("a state needs \"version\": {known} at the top, not {found}")]
    Version {
        /// What was there.
        found: String,
        /// What this build writes.
        known: i64,
    },
    /// Nested too deep.
    #[error("{path} is nested deeper than {limit} levels: does it hold itself?")]
    TooDeep {
        /// Where.
        path: String,
        /// The limit.
        limit: usize,
    },
}
