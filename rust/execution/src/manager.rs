//! The order manager: the book over a broker. It submits intents, asks for cancels and follows the
//! venue's activities; after a broker that panicked it sends nothing more.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use exuvia_model::OrderIntent;

use crate::{Activity, Admission, BookedFill, Gateway, Limits, Order, OrderBook, OrderError, PlaceAnswer};

/// Owns every order of a desk and the way to the venue.
#[derive(Debug)]
pub struct OrderManager<B> {
    book: OrderBook,
    broker: B,
    halted: Option<String>,
}

impl<B: Gateway> OrderManager<B> {
    /// A manager without orders.
    pub fn new(broker: B, limits: Limits, prefix: impl Into<String>) -> Self {
        Self { book: OrderBook::new(limits, prefix), broker, halted: None }
    }

    /// Checks an intent and, if it passes, sends it.
    ///
    /// # Errors
    /// What [`OrderBook::admit`] refuses; `Halted` after a broker's panic. A broker that panics leaves the
    /// order unknown, and the panic goes on.
    pub fn submit(&mut self, intent: OrderIntent) -> Result<&Order, OrderError> {
        if let Some(client_id) = &self.halted {
            return Err(OrderError::Halted { client_id: client_id.clone() });
        }
        let (client_id, outcome) = match self.book.admit(intent)? {
            Admission::Refused(order) => return self.found(order.client_id()),
            Admission::Send(checked) => {
                let outcome = catch_unwind(AssertUnwindSafe(|| self.broker.place(&checked)));
                (checked.order().client_id().to_owned(), outcome)
            }
        };
        match outcome {
            Ok(outcome) => self.book.settle(&client_id, &outcome),
            Err(panic) => {
                self.halted = Some(client_id.clone());
                let _ = self.book.settle(&client_id, &PlaceAnswer::Unknown("the broker panicked".to_owned()))?;
                resume_unwind(panic)
            }
        }
    }

    /// Asks the venue to take back the scenario's open order; it ends when an activity says so.
    ///
    /// # Errors
    /// `Step` if the order cannot be cancelled.
    pub fn cancel(&mut self, scenario: &str) -> Result<Option<&Order>, OrderError> {
        let Some(request) = self.book.begin_cancel(scenario)? else { return Ok(None) };
        let outcome = self.broker.cancel(&request.venue_id);
        self.book.settle_cancel(&request.client_id, &outcome).map(Some)
    }

    /// Takes what the venue says of an order; gives the fill if it is one.
    ///
    /// # Errors
    /// See [`OrderBook::on_activity`].
    pub fn on_activity(&mut self, activity: &Activity) -> Result<Option<BookedFill>, OrderError> {
        self.book.on_activity(activity)
    }

    /// The orders.
    pub const fn book(&self) -> &OrderBook {
        &self.book
    }

    /// The way to the venue.
    pub const fn broker(&mut self) -> &mut B {
        &mut self.broker
    }

    fn found(&self, client_id: &str) -> Result<&Order, OrderError> {
        self.book.find(client_id).ok_or_else(|| OrderError::NoSuchOrder { client_id: client_id.to_owned() })
    }
}
