//! From slots to columns in order of symbol and time: a block of slots at a time, each at the place that a count of the
//! bars has found for it before.

use exuvia_model::Ohlc;

use crate::bars::feed::Counts;
use crate::bars::pool::spread;
use crate::bars::{Bars, Number, OhlcColumns};

/// A bar in the making.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot<N, const K: usize> {
    pub label: i64,
    pub symbol: u32,
    pub ticks: i64,
    pub series: [Ohlc<N>; K],
    pub volume: N,
}

/// The bars of a part of the rows, symbol by symbol.
pub(super) struct Pass<N, const K: usize> {
    /// The symbols in the order in which their bars come, each with its first row and the row after its last.
    ranges: Vec<(u32, usize, usize)>,
    /// Where the next bar of each symbol goes.
    next: Vec<usize>,
    ts: Vec<i64>,
    series: [OhlcColumns<N>; K],
    volume: Option<Vec<N>>,
    ticks: Vec<i64>,
    pub outside: usize,
    pub fine: bool,
}

impl<N: Number, const K: usize> Pass<N, K> {
    /// Columns for so many bars of each symbol; symbols come in `order`, or as they are if it is empty.
    pub fn new(counts: Vec<usize>, order: &[u32], with_volume: bool) -> Self {
        let natural: Vec<u32>;
        let order = if order.is_empty() {
            natural = (0_u32..).take(counts.len()).collect();
            &natural
        } else {
            order
        };
        let (mut ranges, mut next, mut total) = (Vec::with_capacity(order.len()), counts, 0);
        for symbol in order {
            if let Some(place) = next.get_mut(*symbol as usize) {
                let from = total;
                total += std::mem::replace(place, from);
                ranges.push((*symbol, from, total));
            }
        }
        let column = || vec![N::ZERO; total];
        let series =
            std::array::from_fn(|_| OhlcColumns { open: column(), high: column(), low: column(), close: column() });
        let (ts, ticks, volume) = (vec![0; total], vec![0; total], with_volume.then(column));
        Self { ranges, next, ts, series, volume, ticks, outside: 0, fine: true }
    }

    /// Writes the bars of a block; those of a symbol one after the other, so that lines of memory are written whole.
    pub fn write(&mut self, slots: &[Slot<N, K>]) {
        let (_, rows) = sort(slots.iter().map(|slot| slot.symbol), slots.len(), self.next.len());
        for slot in rows.iter().filter_map(|row| slots.get(*row as usize)) {
            let Some(next) = self.next.get_mut(slot.symbol as usize) else { continue };
            let row = *next;
            *next += 1;
            put(&mut self.ts, row, slot.label);
            for (columns, bar) in self.series.iter_mut().zip(&slot.series) {
                put(&mut columns.open, row, bar.open);
                put(&mut columns.high, row, bar.high);
                put(&mut columns.low, row, bar.low);
                put(&mut columns.close, row, bar.close);
            }
            put(&mut self.ticks, row, slot.ticks);
            if let Some(volume) = &mut self.volume {
                put(volume, row, slot.volume);
                self.fine &= slot.volume.is_finite();
            }
        }
    }

    fn symbols(&self) -> Vec<u32> {
        let mut symbols = Vec::with_capacity(self.ts.len());
        for (symbol, from, to) in &self.ranges {
            symbols.resize(symbols.len() + to - from, *symbol);
        }
        symbols
    }
}

/// Columns that are joined at once.
enum Group<N> {
    Prices(OhlcColumns<N>),
    Others { symbol: Vec<u32>, ts: Vec<i64>, volume: Option<Vec<N>>, ticks: Vec<i64> },
}

/// The bars of all parts, whose rows follow one another in time.
pub(super) fn join<N: Number, const K: usize>(mut passes: Vec<Pass<N, K>>, threads: usize) -> Bars<N> {
    let counts = Counts { outside: passes.iter().map(|pass| pass.outside).sum(), ..Counts::default() };
    if passes.len() == 1
        && let Some(only) = passes.pop()
    {
        let symbol = Some(only.symbols());
        let Pass { ts, series, volume, ticks, .. } = only;
        let series = series.into_iter().collect();
        return Bars { symbol, ts, series, volume, ticks: Some(ticks), empty: Vec::new(), counts };
    }
    let groups = spread(threads, K + 1, |at| if at < K { prices(&passes, at) } else { others(&passes) });
    let mut bars = Bars { counts, ..Bars::default() };
    for group in groups {
        match group {
            Group::Prices(columns) => bars.series.push(columns),
            Group::Others { symbol, ts, volume, ticks } => {
                (bars.symbol, bars.ts, bars.volume, bars.ticks) = (Some(symbol), ts, volume, Some(ticks));
            }
        }
    }
    bars
}

fn prices<N: Number, const K: usize>(passes: &[Pass<N, K>], at: usize) -> Group<N> {
    let column = |of: fn(&OhlcColumns<N>) -> &[N]| woven(passes, |pass| pass.series.get(at).map_or(&[], of));
    Group::Prices(OhlcColumns {
        open: column(|columns| &columns.open),
        high: column(|columns| &columns.high),
        low: column(|columns| &columns.low),
        close: column(|columns| &columns.close),
    })
}

fn others<N: Number, const K: usize>(passes: &[Pass<N, K>]) -> Group<N> {
    let with_volume = passes.iter().any(|pass| pass.volume.is_some());
    let volume = with_volume.then(|| woven(passes, |pass| pass.volume.as_deref().unwrap_or_default()));
    let (ts, ticks) = (woven(passes, |pass| &pass.ts), woven(passes, |pass| &pass.ticks));
    let mut symbol = Vec::with_capacity(ts.len());
    each_range(passes, |pass, at| {
        if let Some((name, from, to)) = pass.ranges.get(at) {
            symbol.resize(symbol.len() + to - from, *name);
        }
    });
    Group::Others { symbol, ts, volume, ticks }
}

/// A column of all parts: of each symbol first what the first part has.
fn woven<'a, N, T: Copy + 'a, const K: usize>(
    passes: &'a [Pass<N, K>],
    column: impl Fn(&'a Pass<N, K>) -> &'a [T],
) -> Vec<T> {
    let mut all = Vec::with_capacity(passes.iter().map(|pass| pass.ts.len()).sum());
    each_range(passes, |pass, at| {
        if let Some((_, from, to)) = pass.ranges.get(at) {
            all.extend_from_slice(column(pass).get(*from..*to).unwrap_or_default());
        }
    });
    all
}

fn each_range<'a, N, const K: usize>(passes: &'a [Pass<N, K>], mut take: impl FnMut(&'a Pass<N, K>, usize)) {
    for at in 0..passes.first().map_or(0, |pass| pass.ranges.len()) {
        passes.iter().for_each(|pass| take(pass, at));
    }
}

#[inline(always)]
fn put<T>(column: &mut [T], row: usize, value: T) {
    if let Some(place) = column.get_mut(row) {
        *place = value;
    }
}

/// Rows grouped by a number below `count`, in order of it and of the rows, and where each group starts: a counting sort.
pub(super) fn sort(of: impl Iterator<Item = u32> + Clone, length: usize, count: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; count + 1];
    for symbol in of.clone() {
        if let Some(start) = starts.get_mut(symbol as usize + 1) {
            *start += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut next = starts.clone();
    let mut rows = vec![0_u32; length];
    for (row, symbol) in (0_u32..).zip(of) {
        if let Some(next) = next.get_mut(symbol as usize) {
            put(&mut rows, *next as usize, row);
            *next += 1;
        }
    }
    (starts, rows)
}
