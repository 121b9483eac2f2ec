//! What keeps a tick or a bar out of a bar; each message names the place, the value and what to do.

use exuvia_model::Time;
use thiserror::Error;

use super::Interval;
use crate::sessions::CalendarError;

/// A tick, column or interval that no bar can be made of.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BarError {
    /// Not an interval.
    #[error(
        "interval {0:?} is not valid: use a positive number of nanoseconds, or text such as \"1s\", \"5m\", \"1h\", \"1d\""
    )]
    BadInterval(String),
    /// A bare number that is more likely meant as seconds than as nanoseconds.
    #[error(
        "interval {0} would be {0} nanoseconds: write \"{0}s\" for seconds, \"{0}m\" for minutes, or \"{0}ns\" if nanoseconds are meant"
    )]
    BareInterval(i64),
    /// Not a lateness policy.
    #[error("late={0:?} is unknown: use \"into_current\", \"drop\" or \"reject\"")]
    BadPolicy(String),
    /// NaN or infinite, in a column.
    #[error("column '{column}' has {value} in row {row}: drop the rows without a price before making bars")]
    NotFinite {
        /// Which column.
        column: &'static str,
        /// Row, counted from 0.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// NaN or infinite, in a single tick.
    #[error("{what} {value} of the tick at {time} is not finite: skip ticks without a price before pushing them")]
    BadTick {
        /// Which field.
        what: &'static str,
        /// Time of the tick.
        time: Time,
        /// What stands there.
        value: f64,
    },
    /// A volume or tick count below zero.
    #[error("column '{column}' has {value} in row {row}: amounts cannot be negative")]
    Negative {
        /// Which column.
        column: &'static str,
        /// Row, counted from 0.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// The size of a single tick is below zero.
    #[error("size {value} of the tick at {time} is negative: amounts cannot be negative")]
    NegativeSize {
        /// Time of the tick.
        time: Time,
        /// What stands there.
        value: f64,
    },
    /// Stamps that go back.
    #[error("row {row} is at {time} ({}), before row {} at {before} ({}): sort by time first", .time.0, .row - 1, .before.0)]
    Unsorted {
        /// Row, counted from 0.
        row: usize,
        /// Its stamp.
        time: Time,
        /// The stamp of the row before.
        before: Time,
    },
    /// Columns of different lengths.
    #[error("column '{column}' has {got} rows, but 'ts' has {want}: pass columns of equal length")]
    Length {
        /// Which column.
        column: &'static str,
        /// Its rows.
        got: usize,
        /// Rows of the time column.
        want: usize,
    },
    /// A late tick where the policy refuses it.
    #[error(
        "tick at {time} is late: its interval ended before the current bar, which starts at {current}; late=\"into_current\" or \"drop\" would take it"
    )]
    TooLate {
        /// Time of the tick.
        time: Time,
        /// Start of the bar that is open.
        current: Time,
    },
    /// A tick before one that its bar has already, where the policy refuses it.
    #[error(
        "tick at {time} is out of order: the open bar has a tick at {newest} already; late=\"into_current\" or \"drop\" would take it"
    )]
    OutOfOrder {
        /// Time of the tick.
        time: Time,
        /// The newest tick of the open bar.
        newest: Time,
    },
    /// A bar of the input that lies in two intervals.
    #[error(
        "row {row} at {time} is a bar of {length} ({how}), and its interval ends at {end}, before the bar does: a bar cannot be split; choose every and offset so that bars of {length} fill them whole, or say of=… if they are shorter"
    )]
    Straddles {
        /// Row, counted from 0.
        row: usize,
        /// Start of the bar.
        time: Time,
        /// Its length.
        length: Interval,
        /// From where that is known.
        how: &'static str,
        /// End of the interval that it starts in.
        end: Time,
    },
    /// The volume of an open bar does not fit.
    #[error("the volume of the bar overflows with size {value} of the tick at {time}: use floats, or smaller units")]
    VolumeOverflow {
        /// Time of the tick.
        time: Time,
        /// Its size.
        value: f64,
    },
    /// The interval around a stamp does not fit into 64 bits of nanoseconds.
    #[error("the interval around {0} does not fit between 1677 and 2262: check the unit, stamps are nanoseconds")]
    TimeRange(Time),
    /// More than a day within the sessions of a calendar.
    #[error("interval of {0} ns is longer than a day: with a calendar a bar is at most one session, \"1d\"")]
    LongerThanSession(i64),
    /// The calendar has no answer.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// The sum of amounts does not fit.
    #[error("the sum of '{column}' overflows in row {row}: use float columns, or smaller units")]
    Overflow {
        /// Which column.
        column: &'static str,
        /// Row, counted from 0.
        row: usize,
    },
}
