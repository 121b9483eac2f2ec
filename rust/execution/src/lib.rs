//! Orders from intent to end: the state machine, the pre-trade checks, the book of pending, active and
//! terminal orders, the manager over a broker, and the ledger of positions and closed trades; the desk, whose every
//! change is a record, and its journal. Pure: no clock, no socket, and files only through `ports`; what comes in are
//! intents and what venues say, what goes out are orders and fills.

mod activity;
mod book;
mod broker;
mod checks;
mod decimal;
mod desk;
mod durable;
mod error;
pub mod exchange;
mod gateway;
mod guard;
mod holding;
mod instrument;
mod journal;
pub mod kill_switch;
mod ledger;
mod manage;
mod manager;
pub mod matching;
mod order;
pub mod precheck;
mod state;
mod text;
pub mod trading_mode;

pub use activity::{Activity, ActivityStatus, BookedFill, SubStatus};
pub use book::{Admission, CancelRequest, OrderBook, Shelf};
pub use broker::{
    Broker, Capabilities, ChangeOutcome, Heard, PlaceOutcome, Report, Snapshot, Unreachable, VenueOrder, VenuePosition,
    VenueStatus,
};
pub use checks::{Limits, Refusal};
pub use decimal::{Decimal, DecimalError};
pub use desk::{Action, Change, Desk, Execution, Fee, Link, NewOrder, Notice, Outcome, Step, Total};
pub use durable::{DurableDesk, Opening, Recovery};
pub use error::OrderError;
pub use gateway::{CancelAnswer, Gateway, PlaceAnswer};
pub use guard::{Facts, Guard};
pub use holding::{Holding, Rate};
pub use instrument::{Currency, Instrument};
pub use journal::{Durability, Journal, JournalError, Record, Torn};
pub use ledger::{Account, ClosedTrade, Ledger};
pub use manage::{
    Asked, DeskManager, Event, ManageError, Missing, NewTerms, NotSent, PreTrade, Pricing, Pumped, Refused, Revived,
    Scope, Settings, Ticket,
};
pub use manager::OrderManager;
pub use order::{Amendment, CheckedOrder, Order};
pub use state::{OrderEvent, OrderState, StepError};
