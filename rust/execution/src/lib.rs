//! Orders from intent to end: the state machine, the pre-trade checks, the book of pending, active and
//! terminal orders, the manager over a broker, and the ledger of positions and closed trades. Pure:
//! no clock, no socket, no file; what comes in are intents and activities, what goes out are orders and fills.

mod activity;
mod book;
mod broker;
mod checks;
mod decimal;
mod error;
mod ledger;
mod manager;
pub mod matching;
mod order;
mod state;

pub use activity::{Activity, ActivityStatus, BookedFill, SubStatus};
pub use book::{Admission, CancelRequest, OrderBook, Shelf};
pub use broker::{Broker, CancelOutcome, PlaceOutcome};
pub use checks::{Limits, Refusal};
pub use decimal::{Decimal, DecimalError};
pub use error::OrderError;
pub use ledger::{Account, ClosedTrade, Ledger};
pub use manager::OrderManager;
pub use order::{CheckedOrder, Order};
pub use state::{OrderEvent, OrderState, StepError};
