//! What changes a desk: one value for everything that is decided here or heard from a venue. The journal is a
//! list of these, and nothing else leads from one state of a desk to the next.

use exuvia_model::{Money, OrderIntent, OrderType, Price, Quantity, Side, Symbol, Time, TimeInForce, Trail};
use serde::{Deserialize, Serialize};

use crate::{Amendment, Currency, Instrument, OrderEvent, text};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// The first one: with what client ids begin, and after which number they go on.
    Opened {
        /// With what client ids begin.
        prefix: String,
        /// How many ids were given out before this journal.
        counter: u64,
    },
    /// An instrument may be traded from now on; its symbol is the number of those before it.
    Listed(Instrument),
    /// Orders are wanted, all of them or none.
    Intended {
        /// How they hang together.
        link: Link,
        /// The orders with their ids; the first is the entry where there is one.
        orders: Vec<NewOrder>,
    },
    /// A step of one order.
    Stepped {
        /// Which order.
        client_id: String,
        /// What happened.
        step: Step,
        /// When.
        #[serde(with = "text")]
        time: Time,
    },
    /// An execution that the venue names.
    Executed(Execution),
    /// How much the venue says was executed so far.
    Totalled(Total),
    /// The stop of a trailing order moved.
    Trailed {
        /// Which order.
        client_id: String,
        /// Where it is now.
        #[serde(with = "text")]
        stop: Price,
        /// When.
        #[serde(with = "text")]
        time: Time,
    },
}

impl Change {
    /// Whether bytes to a venue follow it, so that it must be durable first.
    #[must_use]
    pub const fn precedes_bytes(&self) -> bool {
        matches!(self, Self::Stepped { step: Step::Sent | Step::CancelSent | Step::ReplaceSent(_), .. })
    }
}

/// How orders hang together. What follows from it, [`Desk::wanted`](crate::Desk::wanted) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// One order.
    Single,
    /// Two or more of one amount: what one executes, the others are reduced by.
    Oco,
    /// The first is the parent; the others go out as it is executed, each up to its amount.
    IfDone,
    /// The first is the entry, one of the others its stop, the rest limits at which profit is taken; all exits
    /// together close what was entered.
    Bracket,
}

impl Link {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single order",
            Self::Oco => "OCO",
            Self::IfDone => "if-done order",
            Self::Bracket => "bracket",
        }
    }
}

/// An order that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOrder {
    /// Its id, as [`Desk::intend`](crate::Desk::intend) gives it.
    pub client_id: String,
    /// What is wanted.
    #[serde(with = "IntentRecord")]
    pub intent: OrderIntent,
}

/// A step of an order: what we do, and what the venue says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It passed the pre-trade checks.
    Passed,
    /// The checks or the venue refused it, with these words.
    Refused(String),
    /// It is given up before it was sent, for this reason.
    Withdrawn(String),
    /// Its amount is set before it is sent.
    Sized(#[serde(with = "text")] Quantity),
    /// Its bytes are about to leave.
    Sent,
    /// The venue has it, under this id if it gave one.
    Accepted(Option<String>),
    /// A doubt, in words.
    Lost(String),
    /// A cancel is about to be sent.
    CancelSent,
    /// The venue did not take the cancel, with these words.
    CancelRefused(String),
    /// The venue took it back, with these words.
    Cancelled(String),
    /// A change of its terms is about to be sent.
    ReplaceSent(Amendment),
    /// The venue changed it.
    Replaced,
    /// The venue did not change it, with these words.
    ReplaceRefused(String),
    /// Its time ran out.
    Expired,
}

impl Step {
    pub(crate) const fn event(&self) -> OrderEvent {
        match self {
            Self::Passed => OrderEvent::Passed,
            Self::Refused(_) => OrderEvent::Refused,
            Self::Withdrawn(_) => OrderEvent::Withdrawn,
            Self::Sized(quantity) => OrderEvent::Sized { quantity: *quantity },
            Self::Sent => OrderEvent::Sent,
            Self::Accepted(_) => OrderEvent::Accepted,
            Self::Lost(_) => OrderEvent::Lost,
            Self::CancelSent => OrderEvent::CancelSent,
            Self::CancelRefused(_) => OrderEvent::CancelRefused,
            Self::Cancelled(_) => OrderEvent::Cancelled,
            Self::ReplaceSent(terms) => OrderEvent::ReplaceSent { quantity: terms.quantity },
            Self::Replaced => OrderEvent::Replaced,
            Self::ReplaceRefused(_) => OrderEvent::ReplaceRefused,
            Self::Expired => OrderEvent::Expired,
        }
    }

    /// Whether the venue said it: it may be late, repeated or out of order, and is then told and not raised.
    pub(crate) const fn is_heard(&self) -> bool {
        !matches!(
            self,
            Self::Passed | Self::Withdrawn(_) | Self::Sized(_) | Self::Sent | Self::CancelSent | Self::ReplaceSent(_)
        )
    }

    pub(crate) fn note(&self) -> &str {
        match self {
            Self::Refused(note)
            | Self::Withdrawn(note)
            | Self::Lost(note)
            | Self::CancelRefused(note)
            | Self::Cancelled(note)
            | Self::ReplaceRefused(note) => note,
            _ => "",
        }
    }
}

/// An execution as a venue with ids reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Our own order id.
    pub client_id: String,
    /// The venue's id of this execution; the same id of the same order is the same execution.
    pub execution_id: String,
    /// How much this time, positive.
    #[serde(with = "text")]
    pub quantity: Quantity,
    /// At what price.
    #[serde(with = "text")]
    pub price: Price,
    /// What it cost, where the venue says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Fee>,
    /// Whether the venue calls it the last one of the order.
    pub last: bool,
    /// Whether to count it even if more was executed than was ordered; without it that is an error.
    pub beyond: bool,
    /// When.
    #[serde(with = "text")]
    pub time: Time,
}

/// A fee and its currency; negative is a rebate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// How much.
    #[serde(with = "text")]
    pub amount: Money,
    /// In which currency.
    #[serde(with = "text")]
    pub currency: Currency,
}

/// What was executed of an order in all, as a venue without ids of executions reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// Our own order id.
    pub client_id: String,
    /// How much so far. Not more than what is known already: a repeated or an old report, which changes nothing.
    #[serde(with = "text")]
    pub filled: Quantity,
    /// The average price of all of it.
    #[serde(with = "text")]
    pub average: Price,
    /// Whether the venue calls the order filled.
    pub last: bool,
    /// As with an execution.
    pub beyond: bool,
    /// When.
    #[serde(with = "text")]
    pub time: Time,
}

/// How an intent is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "OrderIntent")]
struct IntentRecord {
    scenario: String,
    #[serde(with = "SymbolRecord")]
    symbol: Symbol,
    #[serde(with = "text")]
    side: Side,
    #[serde(with = "text")]
    quantity: Quantity,
    #[serde(with = "text")]
    order_type: OrderType,
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    limit: Option<Price>,
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    stop: Option<Price>,
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    trail: Option<Trail>,
    #[serde(with = "text")]
    duration: TimeInForce,
    #[serde(with = "text")]
    decided: Time,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Symbol")]
struct SymbolRecord(u32);
