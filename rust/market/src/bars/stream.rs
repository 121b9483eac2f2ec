//! One tick at a time: a builder keeps the bar that is open and hands it out when a tick of a later
//! interval closes it. What happens to a tick that comes too late is a parameter.

use std::str::FromStr;

use exuvia_model::{Bar, Ohlc, QuoteBar, Time};

use super::{BarError, Fixed, Interval, Number};

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
}

impl FromStr for Late {
    type Err = BarError;

    fn from_str(text: &str) -> Result<Self, BarError> {
        match text {
            "into_current" => Ok(Self::IntoCurrent),
            "drop" => Ok(Self::Drop),
            "reject" => Ok(Self::Reject),
            _ => Err(BarError::BadPolicy(text.to_owned())),
        }
    }
}

/// What a builder does with a tick once its values are known to be numbers.
enum Step {
    Into,
    Skip,
    Open { start: i64 },
}

/// The interval that is open, the policy and the count of late ticks.
#[derive(Debug, Clone)]
struct Clockwork {
    grid: Fixed,
    policy: Late,
    late: u64,
    disordered: u64,
    bounds: Option<(i64, i64)>,
    /// The newest tick of the open bar.
    newest: i64,
}

impl Clockwork {
    fn new(every: Interval, offset: i64, policy: Late) -> Self {
        Self { grid: Fixed::new(every, offset), policy, late: 0, disordered: 0, bounds: None, newest: i64::MIN }
    }

    #[inline]
    fn step(&mut self, time: Time) -> Result<Step, BarError> {
        match self.bounds {
            Some((_, end)) if self.newest <= time.0 && time.0 < end => {
                self.newest = time.0;
                Ok(Step::Into)
            }
            Some((start, end)) if start <= time.0 && time.0 < end => {
                self.disordered += 1;
                match self.policy {
                    Late::IntoCurrent => Ok(Step::Into),
                    Late::Drop => Ok(Step::Skip),
                    Late::Reject => Err(BarError::OutOfOrder { time, newest: Time(self.newest) }),
                }
            }
            Some((start, _)) if time.0 < start => {
                self.late += 1;
                match self.policy {
                    Late::IntoCurrent => Ok(Step::Into),
                    Late::Drop => Ok(Step::Skip),
                    Late::Reject => Err(BarError::TooLate { time, current: Time(start) }),
                }
            }
            _ => {
                let (start, end) = self.grid.bounds(time.0)?;
                self.bounds = Some((start, end));
                self.newest = time.0;
                Ok(Step::Open { start })
            }
        }
    }
}

fn check<N: Number>(what: &'static str, value: N, time: Time) -> Result<(), BarError> {
    if value.is_finite() { Ok(()) } else { Err(BarError::BadTick { what, time, value: value.to_float() }) }
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
pub struct QuoteBarBuilder<N> {
    clockwork: Clockwork,
    open: Option<QuoteBar<N>>,
}

impl<N: Number> QuoteBarBuilder<N> {
    /// A builder without an open bar; intervals are counted from 1970-01-01 plus `offset` nanoseconds.
    #[must_use]
    pub fn new(every: Interval, offset: i64, late: Late) -> Self {
        Self { clockwork: Clockwork::new(every, offset, late), open: None }
    }

    /// Takes a quote; returns the bar that it closed.
    ///
    /// # Errors
    /// `BadTick` for NaN or infinity, `TooLate` and `OutOfOrder` where the policy is `Reject`, `TimeRange`; the open bar
    /// stays as it was.
    #[inline]
    pub fn push(&mut self, time: Time, bid: N, ask: N) -> Result<Option<QuoteBar<N>>, BarError> {
        check("bid", bid, time)?;
        check("ask", ask, time)?;
        match (self.clockwork.step(time)?, &mut self.open) {
            (Step::Skip, _) | (Step::Into, None) => Ok(None),
            (Step::Into, Some(bar)) => {
                bar.bid.push(bid);
                bar.ask.push(ask);
                bar.ticks += 1;
                Ok(None)
            }
            (Step::Open { start }, open) => {
                let bar = QuoteBar { start: Time(start), bid: Ohlc::new(bid), ask: Ohlc::new(ask), ticks: 1 };
                Ok(open.replace(bar))
            }
        }
    }

    /// Closes the open bar and hands it out.
    pub fn flush(&mut self) -> Option<QuoteBar<N>> {
        self.clockwork.bounds = None;
        self.open.take()
    }

    /// How many ticks came after their interval had ended, whatever became of them.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.clockwork.late
    }

    /// How many ticks came after a newer one of the same interval, whatever became of them.
    #[must_use]
    pub const fn disordered(&self) -> u64 {
        self.clockwork.disordered
    }
}

/// Makes bars of price and volume from trades, for one instrument.
#[derive(Debug, Clone)]
pub struct TradeBarBuilder<N> {
    clockwork: Clockwork,
    open: Option<Bar<N>>,
}

impl<N: Number> TradeBarBuilder<N> {
    /// A builder without an open bar; intervals are counted from 1970-01-01 plus `offset` nanoseconds.
    #[must_use]
    pub fn new(every: Interval, offset: i64, late: Late) -> Self {
        Self { clockwork: Clockwork::new(every, offset, late), open: None }
    }

    /// Takes a trade; returns the bar that it closed.
    ///
    /// # Errors
    /// As [`QuoteBarBuilder::push`]; `NegativeSize`, and `VolumeOverflow`.
    #[inline]
    pub fn push(&mut self, time: Time, price: N, size: N) -> Result<Option<Bar<N>>, BarError> {
        check("price", price, time)?;
        check("size", size, time)?;
        if size < N::ZERO {
            return Err(BarError::NegativeSize { time, value: size.to_float() });
        }
        let newest = self.clockwork.newest;
        match (self.clockwork.step(time)?, &mut self.open) {
            (Step::Skip, _) | (Step::Into, None) => Ok(None),
            (Step::Into, Some(bar)) => {
                let Some(volume) = bar.volume.add(size).filter(|sum| sum.is_finite()) else {
                    self.clockwork.newest = newest;
                    return Err(BarError::VolumeOverflow { time, value: size.to_float() });
                };
                bar.volume = volume;
                bar.ohlc.push(price);
                bar.ticks += 1;
                Ok(None)
            }
            (Step::Open { start }, open) => {
                // Zero plus the size, as a sum over rows begins: it turns -0.0 into 0.0.
                let volume = N::ZERO.add(size).unwrap_or(size);
                let bar = Bar { start: Time(start), ohlc: Ohlc::new(price), volume, ticks: 1 };
                Ok(open.replace(bar))
            }
        }
    }

    /// Closes the open bar and hands it out.
    pub fn flush(&mut self) -> Option<Bar<N>> {
        self.clockwork.bounds = None;
        self.open.take()
    }

    /// How many ticks came after their interval had ended, whatever became of them.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.clockwork.late
    }

    /// How many ticks came after a newer one of the same interval, whatever became of them.
    #[must_use]
    pub const fn disordered(&self) -> u64 {
        self.clockwork.disordered
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
