//! Bars for the intervals between two bars that have no tick: with the close before, or without prices.

use exuvia_model::Time;

use super::{BarError, Bars, Gaps, Grid, Number, OhlcColumns, Place, TimeGrid};

/// So many bars are made for gaps in one call at most: more come from a stray stamp, not from a market.
pub const MOST_GAPS: usize = 50_000_000;

/// The stamps of the intervals between two stamps of bars, in order.
pub(super) struct Between<'a> {
    grid: &'a mut TimeGrid,
    next: i64,
    until: i64,
}

impl<'a> Between<'a> {
    pub(super) fn new(grid: &'a mut TimeGrid, before: i64, after: i64) -> Result<Self, BarError> {
        let next = match grid.place(grid.within(before))? {
            Place::In { end, .. } => end,
            Place::Out { until } => until,
        };
        let until = grid.within(after);
        Ok(Self { grid, next, until })
    }

    pub(super) fn next(&mut self) -> Result<Option<i64>, BarError> {
        while self.next <= self.until {
            match self.grid.place(self.next)? {
                Place::In { end, .. } if self.until < end => return Ok(None),
                Place::In { end, label, .. } => {
                    self.next = end;
                    return Ok(Some(label));
                }
                Place::Out { until } => self.next = until.max(self.next.saturating_add(1)),
            }
        }
        Ok(None)
    }
}

/// The bars with those for gaps between them, symbol by symbol.
pub(super) fn fill<N: Number>(bars: Bars<N>, grid: &mut TimeGrid, gaps: Gaps) -> Result<Bars<N>, BarError> {
    if gaps == Gaps::Skip {
        return Ok(bars);
    }
    let Places { labels, sources } = places(&bars, grid)?;
    let of = |at: usize| sources.get(at).copied().unwrap_or_default();
    let empty = (0..labels.len()).map(|at| gaps == Gaps::Null && of(at).1);
    let mut filled = Bars {
        symbol: bars
            .symbol
            .as_ref()
            .map(|symbols| sources.iter().filter_map(|(row, _)| symbols.get(*row).copied()).collect()),
        series: bars.series.iter().map(|series| spread(series, &sources)).collect(),
        volume: bars.volume.as_ref().map(|volume| amounts(volume, N::ZERO, &sources)),
        ticks: bars.ticks.as_ref().map(|ticks| amounts(ticks, 0, &sources)),
        empty: empty.collect(),
        ts: Vec::new(),
        counts: bars.counts,
    };
    if !filled.empty.contains(&true) {
        filled.empty.clear();
    }
    filled.ts = labels;
    Ok(filled)
}

struct Places {
    labels: Vec<i64>,
    /// The bar that each comes from, and whether it is a gap after it.
    sources: Vec<(usize, bool)>,
}

fn places<N: Number>(bars: &Bars<N>, grid: &mut TimeGrid) -> Result<Places, BarError> {
    let mut found = Places { labels: Vec::with_capacity(bars.ts.len()), sources: Vec::with_capacity(bars.ts.len()) };
    let symbol = |row: usize| bars.symbol.as_ref().and_then(|symbols| symbols.get(row));
    let mut gaps = 0;
    for (row, label) in bars.ts.iter().enumerate() {
        if let Some(before) = row.checked_sub(1)
            && symbol(before) == symbol(row)
            && let Some(last) = bars.ts.get(before)
        {
            let mut between = Between::new(grid, *last, *label)?;
            while let Some(gap) = between.next()? {
                gaps += 1;
                if gaps > MOST_GAPS {
                    return Err(BarError::TooManyGaps { after: Time(*last), most: MOST_GAPS });
                }
                found.labels.push(gap);
                found.sources.push((before, true));
            }
        }
        found.labels.push(*label);
        found.sources.push((row, false));
    }
    Ok(found)
}

fn spread<N: Number>(series: &OhlcColumns<N>, sources: &[(usize, bool)]) -> OhlcColumns<N> {
    let column = |own: &[N]| {
        let value = |(row, gap): &(usize, bool)| if *gap { series.close.get(*row) } else { own.get(*row) };
        sources.iter().filter_map(|source| value(source).copied()).collect()
    };
    OhlcColumns {
        open: column(&series.open),
        high: column(&series.high),
        low: column(&series.low),
        close: column(&series.close),
    }
}

fn amounts<T: Copy>(values: &[T], none: T, sources: &[(usize, bool)]) -> Vec<T> {
    sources.iter().filter_map(|(row, gap)| if *gap { Some(none) } else { values.get(*row).copied() }).collect()
}
