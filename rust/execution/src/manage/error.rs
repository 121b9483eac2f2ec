//! Why a manager did not do what was asked.

use exuvia_model::{OrderStatus, OrderType};
use thiserror::Error;

use crate::{OrderError, Unreachable};

/// A command that was not carried out. Unless it says otherwise, nothing was sent.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ManageError {
    /// The pre-trade checks refused it.
    #[error("order {client_id} was refused before it was sent, by {code}: {words}")]
    Refused {
        /// Which order.
        client_id: String,
        /// Which check.
        code: &'static str,
        /// Which value and which limit.
        words: String,
    },
    /// The manager sends nothing more.
    #[error(
        "orders are halted: {why}; reconcile with the venue, then open the journal with a new manager: what was under way is looked up"
    )]
    Halted {
        /// Why.
        why: String,
    },
    /// The venue was not asked yet what it has.
    #[error(
        "the desk was not reconciled with the venue since it started: call reconcile, or pump until it has; a new order would be sent blindly"
    )]
    NotReconciled,
    /// The venue does not take this type.
    #[error("the venue takes no {order_type} orders: use one of {known}")]
    Unsupported {
        /// The type.
        order_type: OrderType,
        /// Those that it takes.
        known: String,
    },
    /// The venue does not change orders in place.
    #[error("order {client_id} cannot be changed at this venue: cancel it and place another")]
    NoReplace {
        /// Which order.
        client_id: String,
    },
    /// There is no id of the venue to name the order by.
    #[error("order {client_id} is {status} and the venue's id of it is not known yet: it is looked up, try again then")]
    NotAtVenue {
        /// Which order.
        client_id: String,
        /// Where it stands.
        status: OrderStatus,
    },
    /// The amount of an order that others hang on.
    #[error(
        "order {client_id} hangs together with others, and its amount follows theirs: change its prices only, or cancel them all"
    )]
    Linked {
        /// Which order.
        client_id: String,
    },
    /// An order that was not placed here, and that is not there.
    #[error(
        "no order {venue_id:?} of another hand is open at the venue: see foreign_orders after the next reconciliation"
    )]
    NoSuchForeign {
        /// The venue's id as it came.
        venue_id: String,
    },
    /// The venue did not answer.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// What is wrong with the order, or with the journal. After a journal's failure the manager is halted, and what was under way is
    /// in doubt.
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl ManageError {
    /// A word for programs; it stays the same when the sentence changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Halted { .. } => "halted",
            Self::NotReconciled => "not_reconciled",
            Self::Unsupported { .. } => "unsupported",
            Self::NoReplace { .. } => "no_replace",
            Self::NotAtVenue { .. } => "not_at_venue",
            Self::Linked { .. } => "linked",
            Self::NoSuchForeign { .. } => "no_such_foreign",
            Self::Unreachable(error) => error.code(),
            Self::Order(error) => error.code(),
        }
    }
}
