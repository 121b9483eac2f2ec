//! An order through its types: an [`OrderIntent`] that nothing has checked, a [`CheckedOrder`] that
//! only the checks can make and only which a broker takes, and the [`Order`] that the book keeps.

use exuvia_model::{OrderIntent, OrderStatus, Price, Quantity, Time};
use serde::{Deserialize, Serialize};

use crate::holding::{Value, half_even};
use crate::{OrderEvent, OrderState, Step, StepError, text};

/// New terms for an order that works; what is `None` stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// The new total amount, with what was executed.
    #[serde(with = "text")]
    pub quantity: Quantity,
    /// The new limit.
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Price>,
    /// The new stop.
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Price>,
}

/// An order as the book keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    client_id: String,
    intent: OrderIntent,
    state: OrderState,
    venue_id: Option<String>,
    placed: Option<Time>,
    note: String,
    pub(crate) limit: Option<Price>,
    pub(crate) stop: Option<Price>,
    pub(crate) asked: Option<Amendment>,
    /// Price × amount of what was executed.
    pub(crate) value: Value,
    /// What was counted from a total and may still be told as executions.
    pub(crate) unattributed: Quantity,
    /// Price × amount of that.
    pub(crate) unattributed_value: Value,
}

impl Order {
    pub(crate) fn new(client_id: String, intent: OrderIntent) -> Self {
        let state = OrderState::new(intent.quantity);
        let (limit, stop) = (intent.limit, intent.stop);
        Self {
            client_id,
            intent,
            state,
            venue_id: None,
            placed: None,
            note: String::new(),
            limit,
            stop,
            asked: None,
            value: 0,
            unattributed: Quantity::ZERO,
            unattributed_value: 0,
        }
    }

    /// Our own id: `PREFIX-scenario-NNNNNN`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What was wanted at first; amount and prices may have been changed since.
    #[must_use]
    pub const fn intent(&self) -> &OrderIntent {
        &self.intent
    }

    /// Status and filled amount.
    #[must_use]
    pub const fn state(&self) -> OrderState {
        self.state
    }

    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> OrderStatus {
        self.state.status()
    }

    /// The venue's id, once it answered.
    #[must_use]
    pub fn venue_id(&self) -> Option<&str> {
        self.venue_id.as_deref()
    }

    /// When the venue took it: the decision time if it answered at once, else the time of its activity.
    #[must_use]
    pub const fn placed(&self) -> Option<Time> {
        self.placed
    }

    /// Why it was refused, or why its state is unknown; empty otherwise.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Amount that may still be executed, signed by side.
    #[must_use]
    pub fn signed_open(&self) -> i128 {
        i128::from(self.state.open().raw()) * i128::from(self.intent.side.sign())
    }

    /// The limit as it is now.
    #[must_use]
    pub const fn limit(&self) -> Option<Price> {
        self.limit
    }

    /// The stop as it is now; a trailing one moves.
    #[must_use]
    pub const fn stop(&self) -> Option<Price> {
        self.stop
    }

    /// The new terms that the venue has not answered yet.
    #[must_use]
    pub const fn asked(&self) -> Option<Amendment> {
        self.asked
    }

    /// The average price of what a [`Desk`](crate::Desk) was told was executed, to the nearest 10⁻⁹.
    #[must_use]
    pub fn average_price(&self) -> Option<Price> {
        let filled = i128::from(self.state.filled().raw());
        let price = (self.value != 0).then(|| half_even(0, self.value, filled.max(1)))?;
        i64::try_from(price).ok().map(Price::from_raw)
    }

    pub(crate) fn step(&mut self, event: OrderEvent) -> Result<(), StepError> {
        self.state = self.state.after(event)?;
        Ok(())
    }

    /// What a step of the desk leaves on the order, beside its state.
    pub(crate) fn follow(&mut self, step: &Step, time: Time) {
        match step {
            Step::Accepted(Some(venue_id)) if self.venue_id.is_none() => self.accepted_at(venue_id.as_str(), time),
            Step::ReplaceSent(terms) => self.asked = Some(*terms),
            Step::ReplaceRefused(_) => self.asked = None,
            Step::Replaced => {
                if let Some(terms) = self.asked.take() {
                    (self.limit, self.stop) = (terms.limit.or(self.limit), terms.stop.or(self.stop));
                }
            }
            _ => {}
        }
        if !step.note().is_empty() {
            self.remember(step.note());
        }
    }

    pub(crate) fn remember(&mut self, note: impl Into<String>) {
        self.note = note.into();
    }

    pub(crate) fn accepted_at(&mut self, venue_id: impl Into<String>, time: Time) {
        self.venue_id = Some(venue_id.into());
        self.placed = Some(time);
    }
}

/// An order that passed the pre-trade checks; there is no other way to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedOrder(Order);

impl CheckedOrder {
    pub(crate) const fn new(order: Order) -> Self {
        Self(order)
    }

    /// The order to send.
    #[must_use]
    pub const fn order(&self) -> &Order {
        &self.0
    }
}
