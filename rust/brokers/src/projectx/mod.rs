//! ProjectX gateways (TopstepX and other firms): checked orders in, what the venue answers and reports out. REST over a
//! [`Http`](exuvia_ports::Http), the user hub as frames that anybody may carry; no socket, no clock, no thread here.
//!
//! [`ProjectX`] is the gateway with everything it can be asked, [`ProjectXBroker`] the [`Broker`](exuvia_execution::Broker)
//! over it. `docs/projectx.md` says what each answer becomes and which open points have a switch.

mod auth;
mod bars;
mod broker;
mod codes;
mod config;
mod contracts;
mod error;
mod gateway;
mod http;
mod json;
mod limits;
mod line;
mod orders;
mod outcome;
mod parse;
mod secret;
mod stream;
mod tags;
mod ticks;

pub use bars::{BarUnit, BarsWanted, MAX_BARS};
pub use broker::ProjectXBroker;
pub use codes::{Meaning, Table};
pub use config::{AccountChoice, BracketSign, Config, ORDER_LIMIT_TICKS, Place, TrailPrice};
pub use contracts::{Contract, ContractId, front_month};
pub use error::{ProjectXError, Refusal};
pub use gateway::ProjectX;
pub use limits::{Pace, Window};
pub use orders::{Bracket, ExitKind, ModifyOrder, OrderKind, PlaceOrder};
pub use parse::{Account, OrderRow, PositionRow, RowStatus, TradeRow};
pub use secret::Secret;
pub use stream::{HubNews, HubState, UserEvent, UserHub};
pub use tags::{BOT_PREFIX, BotTag, TagError};
pub use ticks::{Rounding, align};
