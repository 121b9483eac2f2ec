//! Bars as columns, whatever they were made of: one or two price series, one or many symbols.

use super::columns::OhlcColumns;
use super::{Counts, Number};

/// Bars in order of symbol and time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bars<N> {
    /// The symbol of each bar, where there are symbols.
    pub symbol: Option<Vec<u32>>,
    /// Stamp of each bar, UTC nanoseconds.
    pub ts: Vec<i64>,
    /// A set of columns for each price series.
    pub series: Vec<OhlcColumns<N>>,
    /// Sum of the sizes in order of rows, where there are sizes.
    pub volume: Option<Vec<N>>,
    /// Ticks in each bar, where they are known.
    pub ticks: Option<Vec<i64>>,
    /// Whether a bar stands for an interval without prices; empty if none does.
    pub empty: Vec<bool>,
    /// What went into no bar or came late.
    pub counts: Counts,
}

impl<N: Number> Bars<N> {
    /// Bars of several symbols, one after the other; what they have in common is what the first has.
    pub(super) fn join(parts: Vec<(Option<u32>, Self)>) -> Self {
        let length = parts.iter().map(|(_, part)| part.ts.len()).sum();
        let named = parts.iter().any(|(symbol, part)| symbol.is_some() || part.symbol.is_some());
        let mut parts = parts.into_iter();
        let Some((symbol, mut all)) = parts.next() else { return Self::default() };
        if named && all.symbol.is_none() {
            all.symbol = Some(vec![symbol.unwrap_or_default(); all.ts.len()]);
        }
        all.reserve(length);
        for (symbol, part) in parts {
            all.append(symbol, part);
        }
        all
    }

    fn reserve(&mut self, length: usize) {
        let more = length.saturating_sub(self.ts.len());
        self.ts.reserve(more);
        self.series.iter_mut().for_each(|series| series.reserve(more));
        if let Some(volume) = &mut self.volume {
            volume.reserve(more);
        }
        if let Some(ticks) = &mut self.ticks {
            ticks.reserve(more);
        }
        if let Some(symbols) = &mut self.symbol {
            symbols.reserve(more);
        }
    }

    fn append(&mut self, symbol: Option<u32>, mut part: Self) {
        let had = self.ts.len();
        if let Some(symbols) = &mut self.symbol {
            match &mut part.symbol {
                Some(more) => symbols.append(more),
                None => symbols.resize(had + part.ts.len(), symbol.unwrap_or_default()),
            }
        }
        self.ts.append(&mut part.ts);
        for (series, more) in self.series.iter_mut().zip(&mut part.series) {
            series.append(more);
        }
        if let (Some(volume), Some(more)) = (&mut self.volume, &mut part.volume) {
            volume.append(more);
        }
        if let (Some(ticks), Some(more)) = (&mut self.ticks, &mut part.ticks) {
            ticks.append(more);
        }
        if !self.empty.is_empty() || !part.empty.is_empty() {
            self.empty.resize(had, false);
            self.empty.append(&mut part.empty);
            self.empty.resize(self.ts.len(), false);
        }
        self.counts += part.counts;
    }
}

impl<N: Number> OhlcColumns<N> {
    fn reserve(&mut self, more: usize) {
        for column in [&mut self.open, &mut self.high, &mut self.low, &mut self.close] {
            column.reserve(more);
        }
    }

    fn append(&mut self, more: &mut Self) {
        self.open.append(&mut more.open);
        self.high.append(&mut more.high);
        self.low.append(&mut more.low);
        self.close.append(&mut more.close);
    }
}
