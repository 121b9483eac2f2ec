//! Where a venue's ticks come from: a source's text in, beats in order of time out.

mod lean;
mod simulated;

use exuvia_model::{Price, Time};

use crate::VenueError;

/// One thing that happens in the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Beat {
    /// When.
    pub time: Time,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A new best bid and ask.
    Tick {
        /// Best price to sell at.
        bid: Price,
        /// Best price to buy at.
        ask: Price,
    },
    /// The market opens or closes.
    Session {
        /// Whether it is open from now on.
        open: bool,
    },
}

/// Reads a tick source: `lean:PATH[,PATH…][?tz=-05:00]` or `sim:SEED[?ticks=N&days=D]`.
///
/// A `lean` path is a LEAN quote-tick zip of one day, or a folder: then all days in it. The files' zone is
/// UTC, or UTC−05:00 where a folder of the path is named `fxcm` (LEAN's layout), unless `tz` says otherwise.
/// `sim` makes `ticks` (40,000) a day of open market for `days` (1) from 2014-05-07.
///
/// # Errors
/// Every kind of `VenueError` that concerns files, lines and the source's text.
///
/// ```
/// let beats = exuvia_venues::ticks::read("sim:7")?;
/// assert!(beats.len() > 30_000 && beats.is_sorted_by_key(|beat| beat.time));
/// # Ok::<(), exuvia_venues::VenueError>(())
/// ```
pub fn read(source: &str) -> Result<Vec<Beat>, VenueError> {
    let refuse = |why: String| VenueError::Source { text: source.to_owned(), why };
    let (kind, rest) = source.split_once(':').ok_or_else(|| refuse("it has no kind".into()))?;
    let (place, options) = rest.rsplit_once('?').unwrap_or((rest, ""));
    let options = options
        .split('&')
        .filter(|option| !option.is_empty())
        .map(|option| option.split_once('=').ok_or_else(|| refuse(format!("option {option:?} has no value"))))
        .collect::<Result<Vec<_>, _>>()?;
    let beats = match kind {
        "lean" => lean::read(place, &options, refuse)?,
        "sim" => simulated::read(place, &options, refuse)?,
        _ => return Err(refuse(format!("kind {kind:?} is unknown"))),
    };
    if beats.iter().any(|beat| matches!(beat.what, What::Tick { .. })) {
        Ok(beats)
    } else {
        Err(VenueError::Empty { text: source.to_owned() })
    }
}
