//! A bar in the making, of one price series or two.

use exuvia_model::{Bar, Ohlc, QuoteBar, Time};

use super::{BarError, Number};

/// A bar as a stream makes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candle<N, const K: usize> {
    /// Its stamp.
    pub label: i64,
    /// Open, high, low and close of each price series.
    pub series: [Ohlc<N>; K],
    /// Sum of the sizes.
    pub volume: N,
    /// How many ticks went in.
    pub ticks: u64,
    /// Time of the tick that opened it.
    pub first: i64,
    /// Time of the tick that closes it so far.
    pub last: i64,
    /// Whether it stands for an interval without prices.
    pub empty: bool,
    /// Whether it was handed out before, without its late ticks.
    pub revised: bool,
}

impl<N: Number, const K: usize> Candle<N, K> {
    pub(super) fn new(label: i64, time: i64, prices: [N; K], size: N) -> Self {
        // Zero plus the size, as a sum over rows begins: it turns -0.0 into 0.0.
        let volume = N::ZERO.add(size).unwrap_or(size);
        let series = prices.map(Ohlc::new);
        Self { label, series, volume, ticks: 1, first: time, last: time, empty: false, revised: false }
    }

    /// A bar for an interval without ticks after this one.
    pub(super) fn gap(&self, label: i64, empty: bool) -> Self {
        let series = self.series.map(|ohlc| Ohlc::new(ohlc.close));
        Self { label, series, volume: N::ZERO, ticks: 0, first: label, last: label, empty, revised: false }
    }

    /// Takes a tick in the order of arrival.
    #[inline]
    pub(super) fn push(&mut self, time: i64, prices: [N; K], size: N) -> Result<(), BarError> {
        self.volume = self.more(time, size)?;
        for (ohlc, price) in self.series.iter_mut().zip(prices) {
            ohlc.push(price);
        }
        self.last = time;
        self.ticks += 1;
        Ok(())
    }

    /// Takes a tick where its time belongs: before the first it is the open, not before the last it is the close.
    pub(super) fn insert(&mut self, time: i64, prices: [N; K], size: N) -> Result<(), BarError> {
        self.volume = self.more(time, size)?;
        for (ohlc, price) in self.series.iter_mut().zip(prices) {
            let close = ohlc.close;
            ohlc.push(price);
            if time < self.last {
                ohlc.close = close;
            }
            if time < self.first {
                ohlc.open = price;
            }
        }
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.ticks += 1;
        Ok(())
    }

    fn more(&self, time: i64, size: N) -> Result<N, BarError> {
        let volume = self.volume.add(size).filter(|sum| sum.is_finite());
        volume.ok_or_else(|| BarError::VolumeOverflow { time: Time(time), value: size.to_float() })
    }
}

impl<N: Number> From<Candle<N, 1>> for Bar<N> {
    fn from(candle: Candle<N, 1>) -> Self {
        let [ohlc] = candle.series;
        Self { start: Time(candle.label), ohlc, volume: candle.volume, ticks: candle.ticks }
    }
}

impl<N: Number> From<Candle<N, 2>> for QuoteBar<N> {
    fn from(candle: Candle<N, 2>) -> Self {
        let [bid, ask] = candle.series;
        Self { start: Time(candle.label), bid, ask, ticks: candle.ticks }
    }
}
