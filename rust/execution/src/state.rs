//! The order state machine, pure: a state and an event go in, the next state or an error that names
//! both states comes out. It knows how much is filled and never loses or invents a fill.

use exuvia_model::{OrderStatus, Quantity};
use thiserror::Error;

/// What can happen to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderEvent {
    /// It passed the pre-trade checks.
    Passed,
    /// The checks or the venue refused it.
    Refused,
    /// Its bytes are about to leave.
    Sent,
    /// The venue has it.
    Accepted,
    /// No answer, or one that does not say whether the order lives: time-out, 5xx, reset, 202.
    Lost,
    /// Some of it was executed; `last` when the venue says that this was the final fill.
    Executed {
        /// How much this time, positive.
        quantity: Quantity,
        /// Whether the venue calls the order filled.
        last: bool,
    },
    /// A cancel is about to be sent.
    CancelSent,
    /// The venue did not take the cancel: the order works on.
    CancelRefused,
    /// The venue took it back.
    Cancelled,
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
        /// What was ordered.
        quantity: Quantity,
    },
    /// An execution of nothing, or less.
    #[error("an order in state {from} cannot go to {to}: a fill of {fill} is not positive")]
    EmptyFill {
        /// Where the order stands.
        from: OrderStatus,
        /// Where the event would lead.
        to: OrderStatus,
        /// The execution as it came.
        fill: Quantity,
    },
}

/// Where an order stands and how much of it was executed.
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
}

impl OrderState {
    /// An intent for `quantity`: nothing was checked.
    #[must_use]
    pub const fn new(quantity: Quantity) -> Self {
        Self { status: OrderStatus::Intent, quantity, filled: Quantity::ZERO }
    }

    /// Where the order stands.
    #[must_use]
    pub const fn status(self) -> OrderStatus {
        self.status
    }

    /// How much was executed.
    #[must_use]
    pub const fn filled(self) -> Quantity {
        self.filled
    }

    /// How much was ordered.
    #[must_use]
    pub const fn quantity(self) -> Quantity {
        self.quantity
    }

    /// How much may still be executed; nothing once the order is terminal.
    #[must_use]
    pub const fn open(self) -> Quantity {
        if self.status.is_terminal() {
            Quantity::ZERO
        } else {
            Quantity::from_raw(self.quantity.raw().saturating_sub(self.filled.raw()))
        }
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// `Forbidden` for a step that the machine does not have, `Overfilled` and `EmptyFill` for executions that cannot be.
    pub fn after(self, event: OrderEvent) -> Result<Self, StepError> {
        use OrderStatus as S;
        let to = self.target(event);
        let forbidden = |why| StepError::Forbidden { from: self.status, to, why };
        if self.status.is_terminal() {
            return Err(forbidden("nothing follows a terminal state"));
        }
        let sent = !matches!(self.status, S::Intent | S::Checked);
        let allowed = match event {
            OrderEvent::Passed => self.status == S::Intent,
            OrderEvent::Sent => self.status == S::Checked,
            OrderEvent::Refused => self.status != S::Checked && self.filled == Quantity::ZERO,
            OrderEvent::Lost => self.status == S::PendingNew,
            OrderEvent::CancelRefused => self.status == S::PendingCancel,
            OrderEvent::CancelSent => matches!(self.status, S::Working | S::PartiallyFilled | S::Unknown),
            OrderEvent::Accepted | OrderEvent::Executed { .. } | OrderEvent::Cancelled | OrderEvent::Expired => sent,
        };
        if !allowed {
            return Err(forbidden(match event {
                OrderEvent::Passed => "only an intent is checked",
                OrderEvent::Sent => "an order is sent once, after it passed the checks",
                OrderEvent::Refused => "what passed the checks or was executed cannot be refused any more",
                OrderEvent::Lost => "only an order whose answer is awaited can lose it",
                OrderEvent::CancelSent => "only an order that the venue may have is cancelled, and once at a time",
                OrderEvent::CancelRefused => "no cancel was sent",
                _ => "it was never sent",
            }));
        }
        let filled = match event {
            OrderEvent::Executed { quantity, .. } => self.executed(quantity, to)?,
            _ => self.filled,
        };
        Ok(Self { status: to, filled, ..self })
    }

    /// Where `event` leads, allowed or not.
    fn target(self, event: OrderEvent) -> OrderStatus {
        use OrderStatus as S;
        let working = if self.filled > Quantity::ZERO { S::PartiallyFilled } else { S::Working };
        match event {
            OrderEvent::Passed => S::Checked,
            OrderEvent::Refused => S::Rejected,
            OrderEvent::Sent => S::PendingNew,
            // A late answer does not take back a cancel that is under way.
            OrderEvent::Accepted if self.status == S::PendingCancel => S::PendingCancel,
            OrderEvent::Accepted | OrderEvent::CancelRefused => working,
            OrderEvent::Lost => S::Unknown,
            OrderEvent::Executed { last: true, .. } => S::Filled,
            OrderEvent::Executed { .. } if self.status == S::PendingCancel => S::PendingCancel,
            OrderEvent::Executed { .. } => S::PartiallyFilled,
            OrderEvent::CancelSent => S::PendingCancel,
            OrderEvent::Cancelled => S::Cancelled,
            OrderEvent::Expired => S::Expired,
        }
    }

    fn executed(self, fill: Quantity, to: OrderStatus) -> Result<Quantity, StepError> {
        let from = self.status;
        if fill <= Quantity::ZERO {
            return Err(StepError::EmptyFill { from, to, fill });
        }
        match self.filled.checked_add(fill) {
            Ok(total) if total <= self.quantity => Ok(total),
            _ => Err(StepError::Overfilled { from, to, fill, filled: self.filled, quantity: self.quantity }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use OrderEvent as E;

    fn walk(events: &[OrderEvent]) -> Result<OrderState, StepError> {
        events.iter().try_fold(OrderState::new(Quantity::from_raw(10)), |state, event| state.after(*event))
    }

    fn fill(raw: i64, last: bool) -> OrderEvent {
        E::Executed { quantity: Quantity::from_raw(raw), last }
    }

    #[test]
    fn the_usual_lives_end_where_they_should() {
        for (events, status, filled) in [
            (vec![E::Refused], OrderStatus::Rejected, 0),
            (vec![E::Passed, E::Sent, E::Refused], OrderStatus::Rejected, 0),
            (vec![E::Passed, E::Sent, E::Accepted, fill(10, true)], OrderStatus::Filled, 10),
            (vec![E::Passed, E::Sent, E::Lost, fill(3, false)], OrderStatus::PartiallyFilled, 3),
            (
                vec![E::Passed, E::Sent, E::Accepted, E::CancelSent, fill(3, false), E::Cancelled],
                OrderStatus::Cancelled,
                3,
            ),
            (
                vec![E::Passed, E::Sent, E::Accepted, fill(3, false), E::CancelSent, E::CancelRefused],
                OrderStatus::PartiallyFilled,
                3,
            ),
            (vec![E::Passed, E::Sent, E::Lost, E::Accepted, E::Expired], OrderStatus::Expired, 0),
        ] {
            let state = walk(&events).unwrap();
            assert_eq!((state.status(), state.filled().raw()), (status, filled), "{events:?}");
        }
    }

    #[test]
    fn a_step_that_is_not_there_names_both_states() {
        let error = walk(&[E::Passed, E::Sent, E::Accepted, E::Cancelled, fill(1, true)]).unwrap_err();
        assert_eq!(error.to_string(), "an order cannot go from cancelled to filled: nothing follows a terminal state");
        assert!(matches!(walk(&[E::Passed, E::Sent, fill(11, true)]), Err(StepError::Overfilled { .. })));
        assert!(matches!(walk(&[E::Passed, E::Sent, fill(0, false)]), Err(StepError::EmptyFill { .. })));
        assert!(walk(&[E::Sent]).is_err() && walk(&[E::Passed, E::Sent, E::Sent]).is_err());
        assert!(walk(&[E::Passed, E::Sent, fill(1, false), E::Refused]).is_err());
    }

    #[test]
    fn what_was_ordered_is_what_was_filled_and_what_is_open() {
        let mut state = walk(&[E::Passed, E::Sent, E::Accepted]).unwrap();
        for filled in 1..=10 {
            state = state.after(fill(1, filled == 10)).unwrap();
            assert_eq!(state.quantity(), Quantity::from_raw(10));
            assert_eq!(state.filled().raw() + state.open().raw(), state.quantity().raw());
        }
        assert_eq!(state.status(), OrderStatus::Filled);
    }
}
