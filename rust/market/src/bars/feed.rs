//! What bars are made of: columns of ticks or of shorter bars, for one symbol or for many interleaved ones.

use super::columns::OhlcSlices;
use super::{BarError, Gaps, Interval, Late, Number, TimeRule};

/// The prices of a feed: one price series, or bid and ask.
#[derive(Debug, Clone)]
pub enum Prices<'a, N> {
    /// One value a row in each series, and its name for messages.
    Ticks(Vec<(&'static str, &'a [N])>),
    /// Open, high, low and close a row in each series.
    Bars(Vec<([&'static str; 4], OhlcSlices<'a, N>)>),
}

/// Columns of equal length.
#[derive(Debug, Clone)]
pub struct Feed<'a, N> {
    /// UTC nanoseconds.
    pub ts: &'a [i64],
    /// Prices.
    pub prices: Prices<'a, N>,
    /// Amounts and their name.
    pub volume: Option<(&'static str, &'a [N])>,
    /// How many ticks each row stands for; one if left out of a feed of ticks.
    pub ticks: Option<&'a [i64]>,
    /// Number of each row's symbol.
    pub symbols: Option<Symbols<'a>>,
}

/// Which symbol each row is of.
#[derive(Clone, Copy)]
pub struct Symbols<'a> {
    /// Numbers below `count`.
    pub ids: &'a [u32],
    /// What each number stands for, in messages.
    pub names: &'a (dyn Fn(u32) -> String + Sync),
    /// How many numbers there are.
    pub count: usize,
    /// The numbers in the order in which their bars come out; as they are if empty.
    pub order: &'a [u32],
}

impl std::fmt::Debug for Symbols<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Symbols").field("rows", &self.ids.len()).field("count", &self.count).finish_non_exhaustive()
    }
}

/// When a bar ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule<N> {
    /// With its interval.
    Time(TimeRule),
    /// With so many ticks.
    Ticks(u64),
    /// With the tick that brings the sum of the sizes to this amount or above.
    Volume(N),
    /// With the tick that brings the sum of price times size to this amount or above.
    Value(N),
}

impl<N: Number> Rule<N> {
    /// Refuses a bar of nothing.
    ///
    /// # Errors
    /// `BadSize`.
    pub fn check(&self) -> Result<(), BarError> {
        let bad = |what, value| Err(BarError::BadSize { what, value });
        match self {
            Self::Ticks(0) => bad("ticks", 0.0),
            Self::Volume(size) if !(*size > N::ZERO && size.is_finite()) => bad("volume", size.to_float()),
            Self::Value(size) if !(*size > N::ZERO && size.is_finite()) => bad("value", size.to_float()),
            _ => Ok(()),
        }
    }
}

/// How bars are made of a feed.
#[derive(Debug, Clone)]
pub struct Plan<N> {
    /// When a bar ends.
    pub rule: Rule<N>,
    /// With which end of it a bar of ticks, volume or value is stamped: the time of its first or of its last tick.
    pub label: super::Side,
    /// What stands for intervals without ticks.
    pub gaps: Gaps,
    /// What becomes of rows that go back in time.
    pub late: Late,
    /// How long the bars of a feed of bars are; read from their stamps if left out. A bar that lies in two intervals is
    /// refused, where intervals are closed left.
    pub of: Option<Interval>,
    /// How many threads may work; the bars do not depend on it.
    pub threads: usize,
}

impl<N: Number> Plan<N> {
    /// Bars of a rule as they come: no gaps, rows in order, one thread.
    #[must_use]
    pub const fn new(rule: Rule<N>) -> Self {
        Self { rule, label: super::Side::Left, gaps: Gaps::Skip, late: Late::Reject, of: None, threads: 1 }
    }
}

/// What went into no bar, or came late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows outside of all sessions.
    pub outside: usize,
    /// Rows that came after their interval had ended, whatever became of them.
    pub late: usize,
    /// Rows that came after a newer one of the same interval, whatever became of them.
    pub disordered: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.outside += other.outside;
        self.late += other.late;
        self.disordered += other.disordered;
    }
}

impl<'a, N: Number> Feed<'a, N> {
    /// How many price series there are.
    pub(super) const fn series(&self) -> usize {
        match &self.prices {
            Prices::Ticks(series) => series.len(),
            Prices::Bars(series) => series.len(),
        }
    }

    pub(super) fn check_lengths(&self) -> Result<(), BarError> {
        let want = self.ts.len();
        let same = |column: &'static str, got: usize| {
            if got == want { Ok(()) } else { Err(BarError::Length { column, got, want }) }
        };
        if let Some((name, volume)) = self.volume {
            same(name, volume.len())?;
        }
        if let Some(ticks) = self.ticks {
            same("ticks", ticks.len())?;
        }
        if let Some(symbols) = self.symbols {
            same("by", symbols.ids.len())?;
        }
        match &self.prices {
            Prices::Ticks(series) => series.iter().try_for_each(|(name, values)| same(name, values.len())),
            Prices::Bars(series) => series.iter().try_for_each(|(names, bars)| {
                let columns = [bars.open, bars.high, bars.low, bars.close];
                names.iter().zip(columns).try_for_each(|(name, values)| same(name, values.len()))
            }),
        }
    }

    /// The rows `from..to` as a feed of one symbol.
    pub(super) fn slice(&self, from: usize, to: usize) -> Self {
        fn part<T>(values: &[T], from: usize, to: usize) -> &[T] {
            values.get(from..to).unwrap_or_default()
        }
        let prices = match &self.prices {
            Prices::Ticks(series) => {
                Prices::Ticks(series.iter().map(|(name, values)| (*name, part(values, from, to))).collect())
            }
            Prices::Bars(series) => {
                let bars = |bars: &OhlcSlices<'a, N>| OhlcSlices {
                    open: part(bars.open, from, to),
                    high: part(bars.high, from, to),
                    low: part(bars.low, from, to),
                    close: part(bars.close, from, to),
                };
                Prices::Bars(series.iter().map(|(names, columns)| (*names, bars(columns))).collect())
            }
        };
        Self {
            ts: part(self.ts, from, to),
            prices,
            volume: self.volume.map(|(name, values)| (name, part(values, from, to))),
            ticks: self.ticks.map(|values| part(values, from, to)),
            symbols: None,
        }
    }
}

/// Columns of a feed in another order, which own their memory.
pub(super) struct Gathered<N> {
    ts: Vec<i64>,
    ticks_series: Vec<(&'static str, Vec<N>)>,
    bars_series: Vec<([&'static str; 4], [Vec<N>; 4])>,
    volume: Option<(&'static str, Vec<N>)>,
    ticks: Option<Vec<i64>>,
}

impl<N: Number> Gathered<N> {
    /// The rows of `feed` that `rows` lists, in that order.
    pub(super) fn new(feed: &Feed<'_, N>, rows: &[u32]) -> Self {
        fn pick<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().filter_map(|row| values.get(*row as usize).copied()).collect()
        }
        let (mut ticks_series, mut bars_series) = (Vec::new(), Vec::new());
        match &feed.prices {
            Prices::Ticks(series) => {
                ticks_series = series.iter().map(|(name, values)| (*name, pick(values, rows))).collect();
            }
            Prices::Bars(series) => {
                let four = |bars: &OhlcSlices<'_, N>| {
                    [bars.open, bars.high, bars.low, bars.close].map(|values| pick(values, rows))
                };
                bars_series = series.iter().map(|(names, bars)| (*names, four(bars))).collect();
            }
        }
        Self {
            ts: pick(feed.ts, rows),
            ticks_series,
            bars_series,
            volume: feed.volume.map(|(name, values)| (name, pick(values, rows))),
            ticks: feed.ticks.map(|values| pick(values, rows)),
        }
    }

    /// The gathered rows as a feed of one symbol.
    pub(super) fn feed(&self) -> Feed<'_, N> {
        let prices = if self.bars_series.is_empty() {
            Prices::Ticks(self.ticks_series.iter().map(|(name, values)| (*name, values.as_slice())).collect())
        } else {
            let mut series = Vec::with_capacity(self.bars_series.len());
            for (names, [open, high, low, close]) in &self.bars_series {
                series.push((*names, OhlcSlices { open, high, low, close }));
            }
            Prices::Bars(series)
        };
        Feed {
            ts: &self.ts,
            prices,
            volume: self.volume.as_ref().map(|(name, values)| (*name, values.as_slice())),
            ticks: self.ticks.as_deref(),
            symbols: None,
        }
    }
}
