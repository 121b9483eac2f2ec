//! Many symbols interleaved, rows in order of time: one pass over the rows. All symbols share the grid, so the rows of
//! an interval are one run whatever their symbols; within it each symbol has a slot, found by its number.
//!
//! Threads take runs of whole intervals, so no bar is made by two of them and the sums have the order of the rows.

use exuvia_model::Ohlc;

use super::feed::{Feed, Prices, Symbols};
use super::pool::spread;
use super::runs::{Run, runs};
use super::{BarError, Bars, Grid, Number, OhlcSlices, Place, TimeGrid};

mod columns;

use columns::{Pass, Slot};

/// A row's prices: values, or shorter bars.
trait Piece<N, const K: usize>: Copy {
    fn first(self) -> [Ohlc<N>; K];
    fn more(self, bars: &mut [Ohlc<N>; K]);
    fn is_fine(&self) -> bool;
}

impl<N: Number, const K: usize> Piece<N, K> for [N; K] {
    #[inline(always)]
    fn first(self) -> [Ohlc<N>; K] {
        self.map(Ohlc::new)
    }

    #[inline(always)]
    fn more(self, bars: &mut [Ohlc<N>; K]) {
        for (bar, value) in bars.iter_mut().zip(self) {
            // Both are written every time: no branch that has to be foreseen.
            bar.high = if value > bar.high { value } else { bar.high };
            bar.low = if value < bar.low { value } else { bar.low };
            bar.close = value;
        }
    }

    #[inline(always)]
    fn is_fine(&self) -> bool {
        self.iter().fold(true, |fine, value| fine & value.is_finite())
    }
}

impl<N: Number, const K: usize> Piece<N, K> for [Ohlc<N>; K] {
    #[inline(always)]
    fn first(self) -> [Ohlc<N>; K] {
        self
    }

    #[inline(always)]
    fn more(self, bars: &mut [Ohlc<N>; K]) {
        for (bar, next) in bars.iter_mut().zip(self) {
            bar.high = if next.high > bar.high { next.high } else { bar.high };
            bar.low = if next.low < bar.low { next.low } else { bar.low };
            bar.close = next.close;
        }
    }

    #[inline(always)]
    fn is_fine(&self) -> bool {
        let of =
            |bar: &Ohlc<N>| bar.open.is_finite() & bar.high.is_finite() & bar.low.is_finite() & bar.close.is_finite();
        self.iter().fold(true, |fine, bar| fine & of(bar))
    }
}

/// Bars of all symbols, in order of `symbols` and time; `None` if a row is wrong, which another walk names.
pub(super) fn make<N: Number>(
    feed: &Feed<'_, N>,
    symbols: Symbols<'_>,
    grid: &TimeGrid,
    threads: usize,
) -> Result<Option<Bars<N>>, BarError> {
    let rows = feed.ts.len();
    let sizes = feed.volume.map(|(_, sizes)| sizes);
    let whole = Whole { ts: feed.ts, symbols, grid, threads, volume: sizes.is_some() };
    let sizes = |at: usize| sizes.and_then(|sizes| sizes.get(at..)).unwrap_or_default();
    macro_rules! with_sizes {
        ($k:literal, $pieces:expr, $ticks:expr) => {
            if feed.volume.is_some() {
                whole.run::<N, _, _, $k>(|from, to| {
                    $pieces(from, to).zip(sizes(from).iter().copied()).zip($ticks(from)).map(|((p, s), t)| (p, s, t))
                })
            } else {
                whole.run::<N, _, _, $k>(|from, to| $pieces(from, to).zip($ticks(from)).map(|(p, t)| (p, N::ZERO, t)))
            }
        };
    }
    let ones = |_: usize| std::iter::repeat_n(1_i64, rows);
    let given = |at: usize| {
        let ticks = feed.ticks.and_then(|ticks| ticks.get(at..)).unwrap_or_default();
        ticks.iter().copied().chain(std::iter::repeat_n(0, if feed.ticks.is_none() { rows } else { 0 }))
    };
    let made = match &feed.prices {
        Prices::Ticks(series) => match series.as_slice() {
            [(_, one)] => with_sizes!(1, |from, to| part(one, from, to).iter().map(|value| [*value]), ones),
            [(_, one), (_, two)] => {
                with_sizes!(
                    2,
                    |from, to| part(one, from, to).iter().zip(part(two, from, to)).map(|(a, b)| [*a, *b]),
                    ones
                )
            }
            _ => Ok(None),
        },
        Prices::Bars(series) => match series.as_slice() {
            [(_, one)] => with_sizes!(1, |from, to| rows_of(*one, from, to).map(|bar| [bar]), given),
            [(_, one), (_, two)] => with_sizes!(
                2,
                |from, to| rows_of(*one, from, to).zip(rows_of(*two, from, to)).map(|(a, b)| [a, b]),
                given
            ),
            _ => Ok(None),
        },
    };
    let keeps_ticks = matches!(feed.prices, Prices::Ticks(_)) || feed.ticks.is_some();
    made.map(|bars| {
        bars.map(|mut bars| {
            if !keeps_ticks {
                bars.ticks = None;
            }
            bars
        })
    })
}

/// The rows `from..to` of shorter bars.
#[inline(always)]
fn rows_of<'a, N: Number>(bars: OhlcSlices<'a, N>, from: usize, to: usize) -> impl Iterator<Item = Ohlc<N>> + 'a {
    let (open, high) = (part(bars.open, from, to), part(bars.high, from, to));
    let (low, close) = (part(bars.low, from, to), part(bars.close, from, to));
    let columns = open.iter().zip(high).zip(low).zip(close);
    columns.map(|(((open, high), low), close)| Ohlc { open: *open, high: *high, low: *low, close: *close })
}

fn part<T>(values: &[T], from: usize, to: usize) -> &[T] {
    values.get(from..to).unwrap_or_default()
}

/// What all parts of the rows share.
struct Whole<'a> {
    ts: &'a [i64],
    symbols: Symbols<'a>,
    grid: &'a TimeGrid,
    threads: usize,
    volume: bool,
}

impl Whole<'_> {
    fn run<N: Number, P: Piece<N, K>, I: Iterator<Item = (P, N, i64)>, const K: usize>(
        &self,
        rows: impl Fn(usize, usize) -> I + Sync,
    ) -> Result<Option<Bars<N>>, BarError> {
        let parts = self.parts()?;
        let passes = spread(self.threads, parts.len(), |at| {
            let (from, to) = parts.get(at).copied().unwrap_or_default();
            self.pass::<N, P, I, K>(from, to, &rows)
        });
        let passes = passes.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(passes.iter().all(|pass| pass.fine).then(|| columns::join(passes, self.threads)))
    }

    /// Ranges of rows, one for each thread, that end where an interval does.
    fn parts(&self) -> Result<Vec<(usize, usize)>, BarError> {
        let rows = self.ts.len();
        let threads = self.threads.clamp(1, 64);
        let mut grid = self.grid.clone();
        let (mut parts, mut from) = (Vec::with_capacity(threads), 0);
        for part in 1..threads {
            let Some(time) = self.ts.get(rows * part / threads) else { break };
            let (Place::In { end, .. } | Place::Out { until: end }) = grid.place(*time)?;
            let to = self.ts.partition_point(|time| *time < end);
            if from < to && to < rows {
                parts.push((from, to));
                from = to;
            }
        }
        parts.push((from, rows));
        Ok(parts)
    }

    fn pass<N: Number, P: Piece<N, K>, I: Iterator<Item = (P, N, i64)>, const K: usize>(
        &self,
        from: usize,
        to: usize,
        rows: &impl Fn(usize, usize) -> I,
    ) -> Result<Pass<N, K>, BarError> {
        let part = self.ts.get(from..to).unwrap_or_default();
        let (found, outside) = runs(part, &mut self.grid.clone())?;
        let ids = |run: &Run| self.symbols.ids.get(from + run.from..from + run.to).unwrap_or_default();
        let counts = self.count(found.iter().map(ids));
        let mut pass = Pass::new(counts, self.symbols.order, self.volume);
        pass.outside = outside;
        // The slot of each symbol in the block, counted from 1; one of an interval before is no more than `before`.
        let mut slot_of = vec![0_usize; self.symbols.count];
        let block = BLOCK.max(self.symbols.count);
        let mut slots: Vec<Slot<N, K>> = Vec::with_capacity(BLOCK);
        let mut fine = true;
        for run in &found {
            if slots.len() >= block {
                pass.write(&slots);
                slots.clear();
                slot_of.fill(0);
            }
            let before = slots.len();
            for (symbol, (piece, size, ticks)) in ids(run).iter().zip(rows(from + run.from, from + run.to)) {
                fine &= piece.is_fine() & (size >= N::ZERO) & (ticks >= 0);
                let Some(at) = slot_of.get_mut(*symbol as usize) else { continue };
                if *at > before
                    && let Some(slot) = slots.get_mut(*at - 1)
                {
                    piece.more(&mut slot.series);
                    slot.ticks = slot.ticks.wrapping_add(ticks);
                    fine &= slot.ticks >= 0;
                    match slot.volume.add(size) {
                        Some(volume) => slot.volume = volume,
                        None => fine = false,
                    }
                } else {
                    let volume = N::ZERO.add(size).unwrap_or(size);
                    slots.push(Slot { label: run.label, symbol: *symbol, ticks, series: piece.first(), volume });
                    *at = slots.len();
                }
            }
        }
        pass.write(&slots);
        pass.fine &= fine;
        Ok(pass)
    }

    /// How many bars each symbol has: one for each run that it is in.
    fn count<'a>(&self, runs: impl Iterator<Item = &'a [u32]>) -> Vec<usize> {
        let (mut counts, mut seen) = (vec![0; self.symbols.count], vec![0_u32; self.symbols.count]);
        for (run, ids) in (1_u32..).zip(runs) {
            for symbol in ids {
                let at = *symbol as usize;
                if let (Some(seen), Some(count)) = (seen.get_mut(at), counts.get_mut(at)) {
                    // No branch: whether a symbol was seen in this run before is hard to foresee.
                    *count += usize::from(*seen != run);
                    *seen = run;
                }
            }
        }
        counts
    }
}

/// Bars that are written at a time: they stay in the cache, and those of a symbol fill whole lines of the columns.
const BLOCK: usize = 12_288;

/// The rows of each symbol in their order: starts for `count + 1` symbols, and the rows.
pub(super) fn rows_by_symbol(ids: &[u32], count: usize) -> (Vec<u32>, Vec<u32>) {
    columns::sort(ids.iter().copied(), ids.len(), count)
}
