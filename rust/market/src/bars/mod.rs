//! Bars: ticks go in, one at a time or a batch of rows ([`Desk`]; [`QuoteBarBuilder`], [`TradeBarBuilder`] for one
//! instrument) or as columns ([`make_bars`] by any rule, for many symbols; [`quote_bars`], [`trade_bars`] on a plain
//! grid), and open, high, low, close of each bar come out; shorter bars become longer ones the same way.
//!
//! Everything is generic over `f64` and over `i64` at 10⁻⁹. Unless a [`TimeRule`] says otherwise an interval without
//! ticks has no bar and the stamp of a bar is the start of its interval. All ways to make a bar agree in every bit.

mod arena;
mod candle;
mod columns;
mod count;
mod desk;
mod error;
mod extremes;
mod feed;
mod gaps;
mod grid;
mod interval;
mod late;
mod line;
mod local;
mod made;
mod many;
mod number;
mod pool;
mod rule;
mod runs;
mod saved;
mod side;
mod single;
mod span;
mod stream;
mod whole;

pub use candle::Candle;
pub use columns::{
    OhlcColumns, OhlcSlices, Outside, QuoteColumns, TradeColumns, quote_bars, resample_quotes, resample_trades,
    trade_bars,
};
pub use desk::Desk;
pub use error::BarError;
pub use extremes::cpu_path;
pub use feed::{Counts, Feed, Plan, Prices, Rule, Symbols};
pub use grid::{Fixed, Grid, Place};
pub use interval::Interval;
pub use line::{Settings, Tally};
pub use made::Bars;
pub use many::make_bars;
pub use number::Number;
pub use pool::threads_of_the_machine;
pub use rule::{Origin, TimeGrid, TimeRule};
pub use saved::STATE_VERSION;
pub use side::{Gaps, Side};
pub use span::Span;
pub use stream::{Late, QuoteBarBuilder, TradeBarBuilder};
pub use whole::{check_whole, length_of_bars};
