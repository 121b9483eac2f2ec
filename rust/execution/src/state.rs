//! The order state machine, pure: a state and an event go in, the next state or an error that names
//! both states comes out. It knows how much is filled and never loses or invents a fill.
//!
//! Requests that wait for an answer are part of the state, for an order may be filled while its cancel or its
//! replacement is under way: `PendingCancel` comes before `PendingReplace`, and any doubt before both. The same crossings
//! are told apart by FIX 4.4, volume 4, appendix D (order state changes, cases B to D), <https://www.fixtrading.org/standards/>.
//! The diagram is in `docs/orders.md`.

use exuvia_model::{OrderStatus, Quantity};
use thiserror::Error;

/// What can happen to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderEvent {
    /// It passed the pre-trade checks.
    Passed,
    /// The checks or the venue refused it.
    Refused,
    /// It is given up before it was ever sent.
    Withdrawn,
    /// Its amount is set before it is sent: that of an exit follows what was entered.
    Sized {
        /// The amount, positive.
        quantity: Quantity,
    },
    /// Its bytes are about to leave.
    Sent,
    /// The venue has it.
    Accepted,
    /// A doubt: time-out, 5xx, reset connection, 202, or a process that ended before the answer.
    Lost,
    /// Some of it was executed; `last` when that was all of it.
    Executed {
        /// How much this time, positive.
        quantity: Quantity,
        /// Whether nothing more is to come: the venue says so, or the sum does.
        last: bool,
    },
    /// More was executed than was ordered, and it is counted all the same: the position has it.
    Overexecuted {
        /// How much this time, positive.
        quantity: Quantity,
    },
    /// A cancel is about to be sent.
    CancelSent,
    /// The venue did not take the cancel: the order works on.
    CancelRefused,
    /// The venue took it back.
    Cancelled,
    /// A change of its terms is about to be sent.
    ReplaceSent {
        /// The new total amount, with what was executed.
        quantity: Quantity,
    },
    /// The venue changed it.
    Replaced,
    /// The venue did not change it.
    ReplaceRefused,
    /// Its time ran out at the venue.
    Expired,
}

/// A step that the machine does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StepError {
    /// The event would lead to a state that cannot follow.
    #[error("an order cannot go from {from} to {to}: {why}")]
    Forbidden {
        /// Where the order stands.
        from: OrderStatus,
        /// Where the event would lead.
        to: OrderStatus,
        /// The rule.
        why: &'static str,
    },
    /// More was executed than was ordered.
    #[error("an order in state {from} cannot go to {to}: fill of {fill} after {filled} is more than its {quantity}")]
    Overfilled {
        /// Where the order stands.
        from: OrderStatus,
        /// Where the event would lead.
        to: OrderStatus,
        /// This execution.
        fill: Quantity,
        /// What was executed before.
        filled: Quantity,
        /// What was ordered, or asked for if that is more.
        quantity: Quantity,
    },
    /// An execution or an amount of nothing, or less.
    #[error("an order in state {from} cannot go to {to}: a fill of {fill} is not positive")]
    EmptyFill {
        /// Where the order stands.
        from: OrderStatus,
        /// Where the event would lead.
        to: OrderStatus,
        /// The execution as it came.
        fill: Quantity,
    },
    /// A new amount that leaves nothing to execute.
    #[error(
        "an order in state {from} cannot go to {to}: a total of {quantity} is not more than the {filled} already executed; cancel it instead"
    )]
    NothingLeft {
        /// Where the order stands.
        from: OrderStatus,
        /// Where the event would lead.
        to: OrderStatus,
        /// The total that was asked for.
        quantity: Quantity,
        /// What was executed.
        filled: Quantity,
    },
}

impl StepError {
    /// A word for programs; it stays the same when the sentence changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Forbidden { .. } => "forbidden_step",
            Self::Overfilled { .. } => "overfilled",
            Self::EmptyFill { .. } => "empty_fill",
            Self::NothingLeft { .. } => "nothing_left",
        }
    }
}

/// Where an order stands, how much of it was executed, and which requests have no answer yet.
///
/// ```
/// use exuvia_execution::{OrderEvent, OrderState};
/// use exuvia_model::{OrderStatus, Quantity};
/// let fresh = OrderState::new(Quantity::from_whole(1_000)?);
/// assert!(fresh.after(OrderEvent::Sent).is_err(), "an unchecked order cannot be sent");
/// let sent = fresh.after(OrderEvent::Passed)?.after(OrderEvent::Sent)?;
/// assert_eq!(sent.after(OrderEvent::Lost)?.status(), OrderStatus::Unknown);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrderState {
    status: OrderStatus,
    quantity: Quantity,
    filled: Quantity,
    late: Quantity,
    sent: bool,
    cancelling: bool,
    asked: Option<Quantity>,
}

impl OrderState {
    /// An intent for `quantity`: nothing was checked.
    #[must_use]
    pub const fn new(quantity: Quantity) -> Self {
        Self {
            status: OrderStatus::Intent,
            quantity,
            filled: Quantity::ZERO,
            late: Quantity::ZERO,
            sent: false,
            cancelling: false,
            asked: None,
        }
    }

    /// Where the order stands.
    #[must_use]
    pub const fn status(self) -> OrderStatus {
        self.status
    }

    /// How much was executed, with what came late.
    #[must_use]
    pub const fn filled(self) -> Quantity {
        self.filled
    }

    /// How much of that came after the order had ended.
    #[must_use]
    pub const fn late(self) -> Quantity {
        self.late
    }

    /// How much is ordered now.
    #[must_use]
    pub const fn quantity(self) -> Quantity {
        self.quantity
    }

    /// Whether its bytes may ever have left.
    #[must_use]
    pub const fn was_sent(self) -> bool {
        self.sent
    }

    /// Whether a cancel has no answer yet.
    #[must_use]
    pub const fn is_cancelling(self) -> bool {
        self.cancelling
    }

    /// The total amount of a replacement that has no answer yet.
    #[must_use]
    pub const fn asked(self) -> Option<Quantity> {
        self.asked
    }

    /// The most that may be executed in all: what is ordered, or asked for if that is more.
    #[must_use]
    pub fn ceiling(self) -> Quantity {
        self.asked.map_or(self.quantity, |asked| asked.max(self.quantity))
    }

    /// How much may still be executed; nothing once the order is terminal.
    #[must_use]
    pub fn open(self) -> Quantity {
        let left = self.ceiling().raw().saturating_sub(self.filled.raw());
        if self.status.is_terminal() { Quantity::ZERO } else { Quantity::from_raw(left.max(0)) }
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// `Forbidden` for a step that the machine does not have; `Overfilled`, `EmptyFill`, `NothingLeft` for amounts that cannot be.
    pub fn after(self, event: OrderEvent) -> Result<Self, StepError> {
        let next = self.taken(event);
        let (from, to) = (self.status, next.status);
        if let Some(why) = self.forbids(event) {
            return Err(StepError::Forbidden { from, to, why });
        }
        match event {
            OrderEvent::Executed { quantity, .. } | OrderEvent::Overexecuted { quantity } => {
                self.executed(quantity, matches!(event, OrderEvent::Overexecuted { .. }), next)
            }
            OrderEvent::ReplaceSent { quantity } | OrderEvent::Sized { quantity } if quantity <= self.filled => {
                Err(StepError::NothingLeft { from, to, quantity, filled: self.filled })
            }
            _ => Ok(next),
        }
    }

    /// The rule against `event` in this state, if there is one.
    fn forbids(self, event: OrderEvent) -> Option<&'static str> {
        use OrderEvent as E;
        use OrderStatus as S;
        let status = self.status;
        let fill = matches!(event, E::Executed { .. } | E::Overexecuted { .. });
        if status.is_terminal() && !(fill && self.sent) {
            return Some("nothing follows a terminal state");
        }
        let (allowed, why) = match event {
            E::Passed => (status == S::Intent, "only an intent is checked"),
            E::Withdrawn => (!self.sent, "what was sent is cancelled, not withdrawn"),
            E::Sized { .. } => (status == S::Checked, "the amount is set between the checks and the sending"),
            E::Sent => (status == S::Checked, "an order is sent once, after it passed the checks"),
            E::Refused => (
                status != S::Checked && self.filled == Quantity::ZERO,
                "what passed the checks or was executed cannot be refused any more",
            ),
            E::CancelSent => (
                matches!(status, S::Working | S::PartiallyFilled | S::PendingReplace | S::Unknown),
                "only an order that the venue may have is cancelled, and once at a time",
            ),
            E::CancelRefused => (self.cancelling, "no cancel was sent"),
            E::ReplaceSent { .. } => (
                matches!(status, S::Working | S::PartiallyFilled),
                "only an order that works is changed, and once at a time",
            ),
            E::Replaced => (self.asked.is_some(), "no change was sent"),
            E::ReplaceRefused if self.asked.is_some() => {
                (self.filled <= self.quantity, "more was executed than the old amount: the change was taken")
            }
            E::ReplaceRefused => (false, "no change was sent"),
            E::Accepted | E::Lost | E::Executed { .. } | E::Overexecuted { .. } | E::Cancelled | E::Expired => {
                (self.sent, "it was never sent")
            }
        };
        (!allowed).then_some(why)
    }

    /// Where `event` leads, allowed or not; what was executed is added later.
    fn taken(self, event: OrderEvent) -> Self {
        use OrderEvent as E;
        use OrderStatus as S;
        let to = |status| Self { status, ..self };
        match event {
            E::Passed => to(S::Checked),
            E::Refused => to(S::Rejected),
            E::Withdrawn | E::Cancelled => to(S::Cancelled),
            E::Expired => to(S::Expired),
            E::Sized { quantity } => Self { quantity, ..to(S::Checked) },
            E::Sent => Self { sent: true, ..to(S::PendingNew) },
            E::Lost => to(S::Unknown),
            // A late answer does not take back a request that is under way.
            E::Accepted => self.standing(),
            E::CancelSent => Self { cancelling: true, ..self }.standing(),
            E::CancelRefused => Self { cancelling: false, ..self }.standing(),
            E::ReplaceSent { quantity } => Self { asked: Some(quantity), ..self }.standing(),
            // What crossed the change cannot be undone by it.
            E::Replaced => {
                let quantity = self.asked.unwrap_or(self.quantity).max(self.filled);
                Self { quantity, asked: None, ..self }.ended_if_full()
            }
            E::ReplaceRefused => Self { asked: None, ..self }.ended_if_full(),
            // An end is an end, also for what comes late.
            E::Executed { .. } | E::Overexecuted { .. } if self.status.is_terminal() => self,
            E::Executed { last: true, .. } | E::Overexecuted { .. } => to(S::Filled),
            E::Executed { quantity, .. } => {
                let filled = Quantity::from_raw(self.filled.raw().saturating_add(quantity.raw().max(1)));
                Self { filled, ..self }.standing()
            }
        }
    }

    /// The state of an order that the venue has, by the requests that are under way.
    fn standing(self) -> Self {
        let status = if self.cancelling {
            OrderStatus::PendingCancel
        } else if self.asked.is_some() {
            OrderStatus::PendingReplace
        } else if self.filled > Quantity::ZERO {
            OrderStatus::PartiallyFilled
        } else {
            OrderStatus::Working
        };
        Self { status, ..self }
    }

    fn ended_if_full(self) -> Self {
        if self.filled >= self.quantity { Self { status: OrderStatus::Filled, ..self } } else { self.standing() }
    }

    /// `next` with the execution added to what was executed before.
    fn executed(self, fill: Quantity, beyond: bool, next: Self) -> Result<Self, StepError> {
        let (from, to) = (self.status, next.status);
        if fill <= Quantity::ZERO {
            return Err(StepError::EmptyFill { from, to, fill });
        }
        let quantity = self.ceiling();
        let overfilled = StepError::Overfilled { from, to, fill, filled: self.filled, quantity };
        let Ok(filled) = self.filled.checked_add(fill) else { return Err(overfilled) };
        match (filled > quantity, beyond) {
            (true, false) => Err(overfilled),
            (false, true) => Err(StepError::Forbidden { from, to, why: "no more was executed than was ordered" }),
            _ => {
                let late =
                    if from.is_terminal() { self.late.raw().saturating_add(fill.raw()) } else { self.late.raw() };
                Ok(Self { filled, late: Quantity::from_raw(late), ..next })
            }
        }
    }
}
