//! What is told of a change beside whether it was taken.

use exuvia_model::{OrderStatus, Price, Quantity};

use crate::StepError;

/// Something that whoever runs the desk should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An execution came after the order had ended; it was counted.
    LateFill {
        /// Which order.
        client_id: String,
        /// How much.
        quantity: Quantity,
        /// How it had ended.
        status: OrderStatus,
    },
    /// More was executed than was ordered; it was counted.
    Overfill {
        /// Which order.
        client_id: String,
        /// How much too much.
        by: Quantity,
    },
    /// Linked orders executed more than they should have together: the position has turned or grown.
    Excess {
        /// The order whose execution did it.
        client_id: String,
        /// How much too much, all of the link.
        by: Quantity,
    },
    /// An execution or a total that was known already; nothing changed.
    Repeated {
        /// Which order.
        client_id: String,
        /// The execution's id, or the total.
        what: String,
    },
    /// An execution that had been counted from a total; only its id is new.
    Attributed {
        /// Which order.
        client_id: String,
        /// The execution's id.
        execution_id: String,
    },
    /// What the venue said cannot follow, or not any more; nothing changed.
    Stale {
        /// Which order.
        client_id: String,
        /// The step.
        why: StepError,
    },
    /// An older place of a trailing stop; nothing changed.
    StopBack {
        /// Which order.
        client_id: String,
        /// Where the venue says it is.
        said: Price,
        /// Where it was last.
        ours: Price,
    },
}

impl Notice {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LateFill { .. } => "late_fill",
            Self::Overfill { .. } => "overfill",
            Self::Excess { .. } => "excess",
            Self::Repeated { .. } => "repeated",
            Self::Attributed { .. } => "attributed",
            Self::Stale { .. } => "stale",
            Self::StopBack { .. } => "stop_back",
        }
    }
}

/// What a change did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the desk is another one now; if not, the change need not be kept.
    pub changed: bool,
    /// How much it added to the position, positive.
    pub booked: Quantity,
    /// What is to be told.
    pub notices: Vec<Notice>,
}
