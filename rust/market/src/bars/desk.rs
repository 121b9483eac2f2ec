//! Streams of any number of instruments side by side, one tick at a time or a batch of rows.

use std::collections::BTreeMap;

use super::candle::Candle;
use super::feed::Rule;
use super::line::{Line, Settings, Tally, Tick};
use super::{BarError, Number, TimeGrid};

/// Instruments with a number below this are found without a search.
const DENSE: usize = 1 << 16;

/// The streams of all instruments: `K` is 1 for trades, 2 for bid and ask.
///
/// ```
/// use exuvia_market::bars::{Desk, Rule, Settings, TimeRule};
/// let mut desk = Desk::<f64, 1>::new(Settings::new(Rule::Time(TimeRule::every("1m".parse()?))))?;
/// let mut closed = Vec::new();
/// for second in [0, 30, 90] {
///     desk.push(21, second * 1_000_000_000, [1.5], 2.0, &mut |_, bar| closed.push(bar))?;
/// }
/// assert_eq!((closed.len(), closed[0].volume, closed[0].ticks), (1, 4.0, 2));
/// let mut resumed = Desk::<f64, 1>::restore(&desk.save())?;
/// resumed.flush(&mut |_, bar| closed.push(bar));
/// assert_eq!(closed[1].label, 60_000_000_000);
/// # Ok::<(), exuvia_market::bars::BarError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Desk<N: Number, const K: usize> {
    pub(super) settings: Settings<N>,
    /// The first stamp of all, from which an origin may count.
    pub(super) first: Option<i64>,
    grid: Option<TimeGrid>,
    pub(super) lines: Vec<(i64, Line<N, K>)>,
    pub(super) tally: Tally,
    dense: Vec<u32>,
    sparse: BTreeMap<i64, usize>,
}

impl<N: Number, const K: usize> Desk<N, K> {
    /// A desk without instruments: each is there as soon as its first tick comes.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn new(settings: Settings<N>) -> Result<Self, BarError> {
        settings.check()?;
        match settings.rule {
            Rule::Volume(_) if K != 1 => return Err(BarError::NoTrades("volume")),
            Rule::Value(_) if K != 1 => return Err(BarError::NoTrades("value")),
            _ => {}
        }
        let (lines, dense, sparse) = (Vec::new(), Vec::new(), BTreeMap::new());
        Ok(Self { settings, first: None, grid: None, lines, tally: Tally::default(), dense, sparse })
    }

    /// What it was made for.
    #[must_use]
    pub const fn settings(&self) -> &Settings<N> {
        &self.settings
    }

    /// What went otherwise than into an open bar.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Takes a tick; `sink` gets the bars that it closed or changed.
    ///
    /// # Errors
    /// `BadTick`, `NegativeSize`, `NegativePrice` for bars of value, `TooLate` where the policy is `Reject`,
    /// `Overflow`, `TimeRange`, `TooManyGaps`, and those of a calendar; the open bars stay as they were.
    #[inline]
    pub fn push(
        &mut self,
        instrument: i64,
        time: i64,
        prices: [N; K],
        size: N,
        sink: &mut impl FnMut(i64, Candle<N, K>),
    ) -> Result<(), BarError> {
        let tick = Tick { time, prices, size };
        tick.check()?;
        self.resolve(time)?;
        let at = self.line(instrument);
        let Self { settings, grid, lines, tally, .. } = self;
        let Some((_, line)) = lines.get_mut(at) else { return Ok(()) };
        let mut sink = |candle| sink(instrument, candle);
        match grid {
            Some(grid) => line.push_time(tick, settings, grid, tally, &mut sink),
            None => line.push_count(tick, settings, tally, &mut sink),
        }
    }

    /// Takes rows in order, each with the number of its instrument.
    ///
    /// # Errors
    /// `InRow` with what [`Self::push`] would say; the rows before that one were taken.
    pub fn push_rows(
        &mut self,
        rows: impl Iterator<Item = (i64, i64, [N; K], N)>,
        sink: &mut impl FnMut(i64, Candle<N, K>),
    ) -> Result<(), BarError> {
        for (row, (instrument, time, prices, size)) in rows.enumerate() {
            self.push(instrument, time, prices, size, sink)
                .map_err(|error| BarError::InRow { row, error: Box::new(error) })?;
        }
        Ok(())
    }

    /// Closes all open bars and hands them out in order of instrument.
    pub fn flush(&mut self, sink: &mut impl FnMut(i64, Candle<N, K>)) {
        let mut order: Vec<(i64, usize)> = self.lines.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
        order.sort_unstable();
        for (instrument, at) in order {
            if let Some((_, line)) = self.lines.get_mut(at)
                && let Some(candle) = line.flush(&self.settings)
            {
                sink(instrument, candle);
            }
        }
    }

    /// The grid is known with the first stamp.
    #[inline]
    fn resolve(&mut self, time: i64) -> Result<(), BarError> {
        if self.first.is_none() {
            self.grid = match &self.settings.rule {
                Rule::Time(rule) => Some(rule.grid(time, None)?),
                _ => None,
            };
            self.first = Some(time);
        }
        Ok(())
    }

    /// The place of an instrument's line, which is made if it is new.
    #[inline]
    fn line(&mut self, instrument: i64) -> usize {
        let dense = usize::try_from(instrument).ok().filter(|number| *number < DENSE);
        if let Some(at) = dense.and_then(|number| self.dense.get(number)).filter(|at| **at != u32::MAX) {
            return *at as usize;
        }
        self.line_of(instrument, dense)
    }

    fn line_of(&mut self, instrument: i64, dense: Option<usize>) -> usize {
        let next = self.lines.len();
        if let Some(number) = dense {
            if self.dense.len() <= number {
                self.dense.resize(number + 1, u32::MAX);
            }
            if let Some(place) = self.dense.get_mut(number) {
                *place = u32::try_from(next).unwrap_or(u32::MAX);
            }
        } else {
            let at = *self.sparse.entry(instrument).or_insert(next);
            if at != next {
                return at;
            }
        }
        self.lines.push((instrument, Line::default()));
        next
    }

    /// A desk as it was saved.
    pub(super) fn resumed(
        settings: Settings<N>,
        first: Option<i64>,
        tally: Tally,
        lines: Vec<(i64, Line<N, K>)>,
    ) -> Result<Self, BarError> {
        let mut desk = Self::new(settings)?;
        if let Some(first) = first {
            desk.resolve(first)?;
        }
        desk.tally = tally;
        for (instrument, line) in lines {
            let at = desk.line(instrument);
            if let Some(place) = desk.lines.get_mut(at) {
                *place = (instrument, line);
            }
        }
        Ok(desk)
    }
}
