//! The words of the domain: fixed-point price, quantity and money, nanosecond time, interned
//! symbols, quotes, trades, bars, orders and fills. No I/O and no clock; every other crate speaks
//! in these types.

mod error;
mod fixed;
mod market;
mod order;
mod symbol;
mod time;

pub use error::ModelError;
pub use fixed::{Money, NANO, Price, Quantity};
pub use market::{Bar, Ohlc, Quote, QuoteBar, Trade};
pub use order::{Fill, OrderIntent, OrderStatus, OrderType, Position, Side, TimeInForce, Trail};
pub use symbol::{Symbol, SymbolTable};
pub use time::{DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND, Time};
