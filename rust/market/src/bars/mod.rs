//! Bars: ticks go in, one at a time ([`QuoteBarBuilder`], [`TradeBarBuilder`]) or as columns
//! ([`quote_bars`], [`trade_bars`]), and open, high, low, close for each interval come out; [`resample_trades`]
//! and [`resample_quotes`] make longer bars from shorter ones.
//!
//! Everything is generic over `f64` and over `i64` at 10⁻⁹. An interval without ticks has no bar; the
//! stamp of a bar is the start of its interval. All ways to make a bar agree in every bit.

mod columns;
mod error;
mod extremes;
mod grid;
mod interval;
mod number;
mod runs;
mod stream;
mod whole;

pub use columns::{
    OhlcColumns, OhlcSlices, Outside, QuoteColumns, TradeColumns, quote_bars, resample_quotes, resample_trades,
    trade_bars,
};
pub use error::BarError;
pub use extremes::cpu_path;
pub use grid::{Fixed, Grid, Place};
pub use interval::Interval;
pub use number::Number;
pub use stream::{Late, QuoteBarBuilder, TradeBarBuilder};
pub use whole::{check_whole, length_of_bars};
