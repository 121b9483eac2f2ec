//! An order through its types: an [`OrderIntent`] that nothing has checked, a [`CheckedOrder`] that
//! only the checks can make and only which a broker takes, and the [`Order`] that the book keeps.

use exuvia_model::{OrderIntent, OrderStatus, Time};

use crate::{OrderEvent, OrderState, StepError};

/// An order as the book keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    client_id: String,
    intent: OrderIntent,
    state: OrderState,
    venue_id: Option<String>,
    placed: Option<Time>,
    note: String,
}

impl Order {
    pub(crate) fn new(client_id: String, intent: OrderIntent) -> Self {
        let state = OrderState::new(intent.quantity);
        Self { client_id, intent, state, venue_id: None, placed: None, note: String::new() }
    }

    /// Our own id: `PREFIX-scenario-NNNNNN`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What was wanted.
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

    pub(crate) fn step(&mut self, event: OrderEvent) -> Result<(), StepError> {
        self.state = self.state.after(event)?;
        Ok(())
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
