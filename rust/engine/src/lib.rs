//! The scan of a trading system: scenarios, their strategies, the pure decision of one cycle, and the
//! state file. Quotes, closes and positions go in; intents come out. Nothing here knows a clock or a socket.

mod decide;
mod error;
mod rounding;
mod scanner;
mod scenario;
mod session;
mod state;
mod strategy;
pub mod tokens;
mod value;

pub use decide::{Action, Decision, Facts, Known, OpenOrder, Quote, Reason, Rule, View, act, is_tradable};
pub use error::{ScanError, StateError};
pub use rounding::round_decimals;
pub use scanner::{Intent, Ring, Scanner, decide};
pub use scenario::{OrderStyle, Rules, Scenario, number, positive};
pub use session::fx_is_open;
pub use state::{STATE_VERSION, load_state, save_state};
pub use strategy::{SmaCross, Strategy, ZScoreReversion};
pub use value::StateValue;
