//! One tick at a time for one instrument: a builder keeps the bar that is open and hands it out when a tick of a
//! later interval closes it. For many instruments and all settings there is a [`Desk`](super::Desk).

use std::str::FromStr;

use exuvia_model::{Bar, QuoteBar, Time};

use super::candle::Candle;
use super::feed::Rule;
use super::line::{Line, Settings, Tally, Tick};
use super::{BarError, Fixed, Interval, Number, Span, TimeGrid, TimeRule};

/// What becomes of a tick that comes too late: its interval ended before the current bar, or the current bar has a
/// newer one already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Late {
    /// It goes into the current bar, as a bot does that only looks at the newest bar.
    #[default]
    IntoCurrent,
    /// It is left out and counted.
    Drop,
    /// It is an error, and counted.
    Reject,
    /// It goes where its time belongs: into the bar of its own interval, which is handed out again.
    Revise,
}

impl FromStr for Late {
    type Err = BarError;

    fn from_str(text: &str) -> Result<Self, BarError> {
        match text {
            "into_current" => Ok(Self::IntoCurrent),
            "drop" => Ok(Self::Drop),
            "reject" => Ok(Self::Reject),
            "revise" => Ok(Self::Revise),
            _ => Err(BarError::BadPolicy(text.to_owned())),
        }
    }
}

/// What both builders are: one line, its settings and its grid.
#[derive(Debug, Clone)]
struct Stream<N: Number, const K: usize> {
    settings: Settings<N>,
    grid: TimeGrid,
    line: Line<N, K>,
    tally: Tally,
}

impl<N: Number, const K: usize> Stream<N, K> {
    fn new(every: Interval, offset: i64, late: Late) -> Self {
        let rule = TimeRule { offset, ..TimeRule::every(Span::Fixed(every)) };
        let settings = Settings { late, ..Settings::new(Rule::Time(rule)) };
        Self { settings, grid: Fixed::new(every, offset).into(), line: Line::default(), tally: Tally::default() }
    }

    /// One bar at most: there are none for gaps.
    #[inline]
    fn push(&mut self, tick: Tick<N, K>) -> Result<Option<Candle<N, K>>, BarError> {
        tick.check()?;
        let mut closed = None;
        let Self { settings, grid, line, tally } = self;
        line.push_time(tick, settings, grid, tally, &mut |candle| closed = Some(candle))?;
        Ok(closed)
    }
}

/// Makes bars of bid and ask from quotes, for one instrument.
///
/// ```
/// use exuvia_market::bars::{Late, QuoteBarBuilder};
/// use exuvia_model::{MINUTE, Time};
/// let mut builder = QuoteBarBuilder::new("1m".parse()?, 0, Late::IntoCurrent);
/// assert_eq!(builder.push(Time(1), 1.0, 1.1)?, None);
/// let bar = builder.push(Time(MINUTE), 1.2, 1.3)?;
/// assert_eq!(bar.map(|bar| (bar.bid.close, bar.ticks)), Some((1.0, 1)));
/// # Ok::<(), exuvia_market::bars::BarError>(())
/// ```
#[derive(Debug, Clone)]
pub struct QuoteBarBuilder<N: Number>(Stream<N, 2>);

impl<N: Number> QuoteBarBuilder<N> {
    /// A builder without an open bar; intervals are counted from 1970-01-01 plus `offset` nanoseconds.
    #[must_use]
    pub fn new(every: Interval, offset: i64, late: Late) -> Self {
        Self(Stream::new(every, offset, late))
    }

    /// Takes a quote; returns the bar that it closed, or that it changed where the policy is to revise.
    ///
    /// # Errors
    /// `BadTick` for NaN or infinity, `TooLate` and `OutOfOrder` where the policy is `Reject`, `TimeRange`; the open bar
    /// stays as it was.
    #[inline]
    pub fn push(&mut self, time: Time, bid: N, ask: N) -> Result<Option<QuoteBar<N>>, BarError> {
        Ok(self.0.push(Tick { time: time.0, prices: [bid, ask], size: N::ZERO })?.map(QuoteBar::from))
    }

    /// Closes the open bar and hands it out.
    pub fn flush(&mut self) -> Option<QuoteBar<N>> {
        self.0.line.flush(&self.0.settings).map(QuoteBar::from)
    }

    /// How many ticks came after their interval had ended, whatever became of them.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.0.tally.late
    }

    /// How many ticks came after a newer one of the same interval, whatever became of them.
    #[must_use]
    pub const fn disordered(&self) -> u64 {
        self.0.tally.disordered
    }
}

/// Makes bars of price and volume from trades, for one instrument.
#[derive(Debug, Clone)]
pub struct TradeBarBuilder<N: Number>(Stream<N, 1>);

impl<N: Number> TradeBarBuilder<N> {
    /// A builder without an open bar; intervals are counted from 1970-01-01 plus `offset` nanoseconds.
    #[must_use]
    pub fn new(every: Interval, offset: i64, late: Late) -> Self {
        Self(Stream::new(every, offset, late))
    }

    /// Takes a trade; returns the bar that it closed, or that it changed where the policy is to revise.
    ///
    /// # Errors
    /// As [`QuoteBarBuilder::push`]; `NegativeSize`, and `VolumeOverflow`.
    #[inline]
    pub fn push(&mut self, time: Time, price: N, size: N) -> Result<Option<Bar<N>>, BarError> {
        Ok(self.0.push(Tick { time: time.0, prices: [price], size })?.map(Bar::from))
    }

    /// Closes the open bar and hands it out.
    pub fn flush(&mut self) -> Option<Bar<N>> {
        self.0.line.flush(&self.0.settings).map(Bar::from)
    }

    /// How many ticks came after their interval had ended, whatever became of them.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.0.tally.late
    }

    /// How many ticks came after a newer one of the same interval, whatever became of them.
    #[must_use]
    pub const fn disordered(&self) -> u64 {
        self.0.tally.disordered
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
