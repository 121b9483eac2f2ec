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
    #[error("late={0:?} is unknown: use \"into_current\", \"drop\", \"reject\" or \"revise\"")]
    BadPolicy(String),
    /// Not an end of an interval.
    #[error("{0:?} is no side: use \"left\" or \"right\"")]
    BadSide(String),
    /// Not a policy for gaps.
    #[error("gaps={0:?} is unknown: use \"skip\", \"fill\" (the close before) or \"null\"")]
    BadGaps(String),
    /// Not an origin.
    #[error(
        "origin={0:?} is unknown: use \"epoch\", \"start\", \"start_day\", \"end\", \"end_day\", nanoseconds, or an instant such as \"2026-02-03T14:30:00Z\""
    )]
    BadOrigin(String),
    /// An origin that needs the last stamp, in a stream.
    #[error("origin \"end\" or \"end_day\" needs the last stamp, which a stream does not know: use it with columns")]
    OriginOfStream,
    /// An origin that goes with a clock's length only.
    #[error(
        "origin \"end\" or \"end_day\" goes with lengths of the clock, such as \"24h\", not with days of a zone or months"
    )]
    OriginOfCalendar,
    /// An origin, an offset or a zone together with sessions.
    #[error("origin, offset or zone with a calendar: its sessions say where bars start, leave them out")]
    OriginOfSessions,
    /// A size of bar that is no amount.
    #[error("{what}={value} is no size of a bar: use a positive {what}")]
    BadSize {
        /// Which argument.
        what: &'static str,
        /// What was given.
        value: f64,
    },
    /// Bars of volume or value from a feed without sizes.
    #[error("bars of {0} need the size of each tick: pass a column 'size'")]
    NoSizes(&'static str),
    /// Bars of volume or value from bars or from two prices.
    #[error("bars of {0} are made of ticks with one price: pass trades, or a side")]
    NoTrades(&'static str),
    /// A policy for late ticks that needs intervals.
    #[error(
        "late=\"revise\" with bars of ticks, volume or value: such a bar has no interval that a late tick could go back to"
    )]
    ReviseOfCount,
    /// Gaps between bars that have no intervals.
    #[error("gaps with bars of ticks, volume or value: there is nothing between them, leave gaps out")]
    GapsOfCount,
    /// More bars for gaps than anyone wants.
    #[error(
        "the gap after {after} would be filled with more than {most} bars: drop the stray stamp, use longer bars or gaps=\"skip\"; a builder can be flushed first"
    )]
    TooManyGaps {
        /// Stamp of the bar before the gap.
        after: Time,
        /// How many are made at most.
        most: usize,
    },
    /// Stamps of one symbol that go back.
    #[error("row {row} of {symbol} is at {time} ({}), before row {before_row} of it at {before} ({}): sort by time first", .time.0, .before.0)]
    UnsortedSymbol {
        /// Which symbol.
        symbol: String,
        /// Row, counted from 0.
        row: usize,
        /// Its stamp.
        time: Time,
        /// The row of the same symbol before.
        before_row: usize,
        /// Its stamp.
        before: Time,
    },
    /// What is wrong with a row of a batch; the rows before it were taken.
    #[error("row {row}: {error}; the rows before it were taken")]
    InRow {
        /// Row, counted from 0.
        row: usize,
        /// What is wrong with it.
        error: Box<BarError>,
    },
    /// A bar whose high is below its low.
    #[error("row {row} has a high of {high} below its low of {low}: the columns may be mixed up")]
    HighBelowLow {
        /// Row, counted from 0.
        row: usize,
        /// The high.
        high: f64,
        /// The low.
        low: f64,
    },
    /// Saved state that cannot be read.
    #[error("{0}")]
    BadState(String),
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
    /// The price of a single tick is below zero, where bars are of a value.
    #[error("price {value} of the tick at {time} is negative: it has no value to count, use bars of ticks or volume")]
    NegativePrice {
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
    /// A tick that goes back in time, where bars have no intervals and the policy refuses it.
    #[error("tick at {time} is late: there was one at {latest}; late=\"into_current\" or \"drop\" would take it")]
    Backwards {
        /// Time of the tick.
        time: Time,
        /// Time of the latest tick.
        latest: Time,
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

impl BarError {
    /// The same error with rows counted elsewhere: where columns were put into another order before.
    #[must_use]
    pub(super) fn at_row(self, of: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::NotFinite { column, row, value } => Self::NotFinite { column, row: of(row), value },
            Self::Negative { column, row, value } => Self::Negative { column, row: of(row), value },
            Self::Overflow { column, row } => Self::Overflow { column, row: of(row) },
            Self::Straddles { row, time, length, how, end } => Self::Straddles { row: of(row), time, length, how, end },
            other => other,
        }
    }
}
