//! The stream of one instrument: the bar that is open, and those that late ticks may still change.

use std::collections::VecDeque;

use exuvia_model::Time;

use super::candle::Candle;
use super::feed::Rule;
use super::gaps::Between;
use super::{BarError, Gaps, Grid, Late, Number, Place, Side, TimeGrid};

/// What a stream of ticks is made into.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings<N> {
    /// When a bar ends.
    pub rule: Rule<N>,
    /// With which of its ticks a bar of ticks, volume or value is stamped.
    pub label: Side,
    /// What becomes of late ticks.
    pub late: Late,
    /// What stands for intervals without ticks.
    pub gaps: Gaps,
    /// How many closed bars of an instrument late ticks may still change, where the policy is to revise.
    pub keep: usize,
}

/// So many bars are made for one gap of a stream at most.
const MOST_IN_A_GAP: usize = 1_000_000;

impl<N: Number> Settings<N> {
    /// Bars of a rule, late ticks into the current one, no bars for gaps.
    #[must_use]
    pub const fn new(rule: Rule<N>) -> Self {
        Self { rule, label: Side::Left, late: Late::IntoCurrent, gaps: Gaps::Skip, keep: 64 }
    }

    /// Refuses settings that do not go together.
    ///
    /// # Errors
    /// `BadSize`, `ReviseOfCount`, `GapsOfCount`, and what the rule's grid refuses.
    pub fn check(&self) -> Result<(), BarError> {
        self.rule.check()?;
        match &self.rule {
            Rule::Time(rule) => rule.grid(0, None).map(|_| ()),
            _ if self.late == Late::Revise => Err(BarError::ReviseOfCount),
            _ if self.gaps != Gaps::Skip => Err(BarError::GapsOfCount),
            _ => Ok(()),
        }
    }
}

/// What went otherwise than into the bar that was open, of all instruments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Ticks that came after their interval had ended, whatever became of them.
    pub late: u64,
    /// Ticks that came after a newer one of the same interval, whatever became of them.
    pub disordered: u64,
    /// Ticks of both kinds that went into no bar: by policy, or because their bar is no longer kept.
    pub dropped: u64,
    /// Late ticks that changed a closed bar, or made one.
    pub revised: u64,
    /// Ticks outside of all sessions.
    pub outside: u64,
}

/// A bar with the interval that it is of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Held<N, const K: usize> {
    pub start: i64,
    pub end: i64,
    pub candle: Candle<N, K>,
}

/// The bars of one instrument that may still change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line<N: Number, const K: usize> {
    pub open: Option<Held<N, K>>,
    /// Price times size of the open bar, where bars are of a value.
    pub worth: N::Value,
    /// Closed bars in order, where late ticks revise them.
    pub recent: VecDeque<Held<N, K>>,
    /// The newest tick of the open bar; of all where bars are of ticks, volume or value.
    pub latest: i64,
}

impl<N: Number, const K: usize> Default for Line<N, K> {
    fn default() -> Self {
        Self { open: None, worth: N::Value::default(), recent: VecDeque::new(), latest: i64::MIN }
    }
}

/// A tick on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tick<N, const K: usize> {
    pub time: i64,
    pub prices: [N; K],
    pub size: N,
}

impl<N: Number, const K: usize> Tick<N, K> {
    #[inline]
    pub(super) fn check(&self) -> Result<(), BarError> {
        if self.prices.iter().all(|price| price.is_finite()) && self.size.is_finite() && self.size >= N::ZERO {
            return Ok(());
        }
        Err(self.wrong())
    }

    #[cold]
    fn wrong(&self) -> BarError {
        let time = Time(self.time);
        let names: &[&'static str] = if K == 2 { &["bid", "ask"] } else { &["price"] };
        for (what, value) in names.iter().zip(&self.prices) {
            if !value.is_finite() {
                return BarError::BadTick { what, time, value: value.to_float() };
            }
        }
        let value = self.size.to_float();
        if value.is_finite() {
            BarError::NegativeSize { time, value }
        } else {
            BarError::BadTick { what: "size", time, value }
        }
    }
}

impl<N: Number, const K: usize> Line<N, K> {
    /// Takes a tick that was checked, for bars of time; `sink` gets the bars that it closed or changed, in order.
    /// After an error everything is as it was.
    #[inline]
    pub(super) fn push_time(
        &mut self,
        tick: Tick<N, K>,
        settings: &Settings<N>,
        grid: &mut TimeGrid,
        tally: &mut Tally,
        sink: &mut impl FnMut(Candle<N, K>),
    ) -> Result<(), BarError> {
        let time = tick.time;
        if let Some(open) = &mut self.open {
            if self.latest <= time && time < open.end {
                open.candle.push(time, tick.prices, tick.size)?;
                self.latest = time;
                return Ok(());
            }
            if open.start <= time && time < open.end {
                return self.push_disordered(tick, settings, tally);
            }
            if time < open.start {
                return self.push_late(tick, settings, grid, tally, sink);
            }
        } else if self.recent.back().is_some_and(|closed| time < closed.end) {
            return self.push_late(tick, settings, grid, tally, sink);
        }
        self.open_next(tick, settings, grid, tally, sink)
    }

    fn open_next(
        &mut self,
        tick: Tick<N, K>,
        settings: &Settings<N>,
        grid: &mut TimeGrid,
        tally: &mut Tally,
        sink: &mut impl FnMut(Candle<N, K>),
    ) -> Result<(), BarError> {
        let (start, end, label) = match grid.place(tick.time)? {
            Place::In { start, end, label } => (start, end, label),
            Place::Out { .. } => {
                tally.outside += 1;
                return Ok(());
            }
        };
        let candle = Candle::new(label, tick.time, tick.prices, tick.size);
        let gaps = match &self.open {
            Some(open) if settings.gaps != Gaps::Skip => gaps_after(&open.candle, label, settings.gaps, grid)?,
            _ => Vec::new(),
        };
        if let Some(closed) = self.open.replace(Held { start, end, candle }) {
            sink(closed.candle);
            self.keep(closed, settings);
        }
        self.latest = tick.time;
        gaps.into_iter().for_each(sink);
        Ok(())
    }

    fn keep(&mut self, closed: Held<N, K>, settings: &Settings<N>) {
        if settings.late == Late::Revise {
            self.recent.push_back(closed);
            while self.recent.len() > settings.keep.max(1) {
                self.recent.pop_front();
            }
        }
    }

    /// Takes a tick of the open bar that has a newer one already.
    #[cold]
    fn push_disordered(&mut self, tick: Tick<N, K>, settings: &Settings<N>, tally: &mut Tally) -> Result<(), BarError> {
        let Tick { time, prices, size } = tick;
        let Some(open) = &mut self.open else { return Ok(()) };
        match settings.late {
            Late::IntoCurrent => open.candle.push(time, prices, size)?,
            Late::Revise => open.candle.insert(time, prices, size)?,
            Late::Drop => tally.dropped += 1,
            Late::Reject => {
                tally.disordered += 1;
                return Err(BarError::OutOfOrder { time: Time(time), newest: Time(self.latest) });
            }
        }
        tally.disordered += 1;
        Ok(())
    }

    #[cold]
    fn push_late(
        &mut self,
        tick: Tick<N, K>,
        settings: &Settings<N>,
        grid: &mut TimeGrid,
        tally: &mut Tally,
        sink: &mut impl FnMut(Candle<N, K>),
    ) -> Result<(), BarError> {
        let time = tick.time;
        match settings.late {
            Late::IntoCurrent => {
                if let Some(open) = &mut self.open {
                    open.candle.push(time, tick.prices, tick.size)?;
                }
            }
            Late::Drop => tally.dropped += 1,
            Late::Reject => {
                tally.late += 1;
                let current = Time(self.open.as_ref().map_or(time, |open| open.start));
                return Err(BarError::TooLate { time: Time(time), current });
            }
            Late::Revise => {
                let changed = self.revise(tick, settings, grid, tally)?;
                if let Some(candle) = changed {
                    tally.revised += 1;
                    sink(candle);
                }
            }
        }
        tally.late += 1;
        Ok(())
    }

    /// Puts a late tick into the closed bar of its interval, or makes one where there was none.
    fn revise(
        &mut self,
        tick: Tick<N, K>,
        settings: &Settings<N>,
        grid: &mut TimeGrid,
        tally: &mut Tally,
    ) -> Result<Option<Candle<N, K>>, BarError> {
        let at = self.recent.partition_point(|closed| closed.end <= tick.time);
        if let Some(closed) = self.recent.get_mut(at).filter(|closed| closed.start <= tick.time) {
            closed.candle.insert(tick.time, tick.prices, tick.size)?;
            closed.candle.revised = true;
            return Ok(Some(closed.candle));
        }
        if at == 0 && self.recent.len() >= settings.keep.max(1) {
            tally.dropped += 1;
            return Ok(None);
        }
        let Place::In { start, end, label } = grid.place(tick.time)? else {
            tally.outside += 1;
            return Ok(None);
        };
        let mut candle = Candle::new(label, tick.time, tick.prices, tick.size);
        candle.revised = true;
        self.recent.insert(at, Held { start, end, candle });
        if self.recent.len() > settings.keep.max(1) {
            self.recent.pop_front();
        }
        Ok(Some(candle))
    }

    /// Takes a tick that was checked, for bars of ticks, volume or value.
    pub(super) fn push_count(
        &mut self,
        tick: Tick<N, K>,
        settings: &Settings<N>,
        tally: &mut Tally,
        sink: &mut impl FnMut(Candle<N, K>),
    ) -> Result<(), BarError> {
        let Tick { time, prices, size } = tick;
        let late = time < self.latest;
        if late && settings.late != Late::IntoCurrent {
            tally.late += 1;
            if settings.late == Late::Drop {
                tally.dropped += 1;
                return Ok(());
            }
            return Err(BarError::Backwards { time: Time(time), latest: Time(self.latest) });
        }
        let mut next = match &self.open {
            Some(open) => {
                let mut candle = open.candle;
                candle.push(time, prices, size)?;
                candle
            }
            None => Candle::new(time, time, prices, size),
        };
        if settings.label == Side::Right {
            next.label = time;
        }
        let full = match &settings.rule {
            Rule::Ticks(count) => next.ticks >= *count,
            Rule::Volume(amount) => next.volume >= *amount,
            Rule::Value(amount) => {
                let [price, ..] = prices.as_slice() else { return Ok(()) };
                if *price < N::ZERO {
                    return Err(BarError::NegativePrice { time: Time(time), value: price.to_float() });
                }
                let so_far = if self.open.is_some() { self.worth } else { N::Value::default() };
                let row = usize::try_from(next.ticks).unwrap_or(usize::MAX);
                self.worth = price.worth(size, so_far).ok_or(BarError::Overflow { column: "size", row })?;
                amount.is_reached(self.worth)
            }
            Rule::Time(_) => false,
        };
        tally.late += u64::from(late);
        self.latest = self.latest.max(time);
        if full {
            self.open = None;
            sink(next);
        } else {
            // Such a bar has no interval.
            self.open = Some(Held { start: i64::MIN, end: i64::MAX, candle: next });
        }
        Ok(())
    }

    /// Closes the open bar and hands it out.
    pub(super) fn flush(&mut self, settings: &Settings<N>) -> Option<Candle<N, K>> {
        let closed = self.open.take()?;
        if matches!(settings.rule, Rule::Time(_)) {
            self.keep(closed, settings);
        }
        Some(closed.candle)
    }
}

fn gaps_after<N: Number, const K: usize>(
    closed: &Candle<N, K>,
    next: i64,
    gaps: Gaps,
    grid: &mut TimeGrid,
) -> Result<Vec<Candle<N, K>>, BarError> {
    let mut made = Vec::new();
    let mut between = Between::new(grid, closed.label, next)?;
    while let Some(label) = between.next()? {
        if made.len() >= MOST_IN_A_GAP {
            return Err(BarError::TooManyGaps { after: Time(closed.label), most: MOST_IN_A_GAP });
        }
        made.push(closed.gap(label, gaps == Gaps::Null));
    }
    Ok(made)
}
