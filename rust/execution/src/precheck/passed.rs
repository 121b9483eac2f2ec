//! What shows that an order passed the checks. Only the checks make it, it is of one order with its terms, and it is
//! used up by its use.

use exuvia_model::{OrderIntent, OrderType, Price, Quantity, Side, Symbol, Time, TimeInForce, Trail};
use thiserror::Error;

use super::CheckSet;
use crate::{Amendment, Order, Step};

/// Longest client id: that of a desk.
const LONGEST_ID: usize = 50;

/// A client id without memory of its own, so that passing allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Id {
    bytes: [u8; LONGEST_ID],
    length: usize,
}

impl Id {
    fn of(client_id: &str) -> Option<Self> {
        let mut bytes = [0; LONGEST_ID];
        bytes.get_mut(..client_id.len())?.copy_from_slice(client_id.as_bytes());
        Some(Self { bytes, length: client_id.len() })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes.get(..self.length).unwrap_or_default()).into_owned()
    }
}

/// What of an order was checked. The scenario is in its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Terms {
    symbol: Symbol,
    side: Side,
    quantity: Quantity,
    order_type: OrderType,
    limit: Option<Price>,
    stop: Option<Price>,
    trail: Option<Trail>,
    duration: TimeInForce,
    decided: Time,
}

impl Terms {
    const fn of(intent: &OrderIntent) -> Self {
        let OrderIntent { symbol, side, quantity, order_type, limit, stop, trail, duration, decided, .. } = *intent;
        Self { symbol, side, quantity, order_type, limit, stop, trail, duration, decided }
    }
}

/// A pass that is of another order, or of this one with other terms.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the pass of order {checked} does not let {shown} go: it is of one order and its terms; check this one")]
pub struct WrongPass {
    /// The order that was checked.
    pub checked: String,
    /// The order that it was shown with.
    pub shown: String,
}

impl WrongPass {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "wrong_pass"
    }
}

/// An order's pass. Nothing but [`Checks::check`](super::Checks::check) makes one, and it lets one order go, once.
///
/// ```compile_fail
/// use exuvia_execution::precheck::Passed;
/// let forged = Passed { id: todo!(), terms: todo!(), unknown: todo!(), bypassed: todo!() };
/// ```
///
/// ```compile_fail
/// fn twice(pass: exuvia_execution::precheck::Passed, order: &exuvia_execution::Order) {
///     let _ = pass.step(order);
///     let _ = pass.step(order);
/// }
/// ```
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Passed {
    id: Id,
    terms: Terms,
    unknown: CheckSet,
    bypassed: CheckSet,
}

impl Passed {
    pub(super) fn new(order: &Order, unknown: CheckSet, bypassed: CheckSet) -> Option<Self> {
        Some(Self { id: Id::of(order.client_id())?, terms: Terms::of(order.intent()), unknown, bypassed })
    }

    /// Whether it is the pass of this order with these terms.
    #[must_use]
    pub fn is_for(&self, order: &Order) -> bool {
        Id::of(order.client_id()) == Some(self.id) && Terms::of(order.intent()) == self.terms
    }

    /// The step that the order takes.
    ///
    /// # Errors
    /// `WrongPass` if it is of another order.
    pub fn step(self, order: &Order) -> Result<Step, WrongPass> {
        if self.is_for(order) { Ok(Step::Passed) } else { Err(self.id.wrong(order)) }
    }

    /// The checks that lacked their data and are declared to pass then.
    #[must_use]
    pub const fn unknown(&self) -> CheckSet {
        self.unknown
    }

    /// The checks that refused and were passed by in an emergency.
    #[must_use]
    pub const fn bypassed(&self) -> CheckSet {
        self.bypassed
    }
}

/// The pass of new terms for a working order.
///
/// ```compile_fail
/// use exuvia_execution::precheck::PassedChange;
/// let forged = PassedChange { id: todo!(), terms: todo!(), unknown: todo!() };
/// ```
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct PassedChange {
    id: Id,
    terms: Amendment,
    unknown: CheckSet,
}

impl PassedChange {
    pub(super) fn new(order: &Order, terms: Amendment, unknown: CheckSet) -> Option<Self> {
        Some(Self { id: Id::of(order.client_id())?, terms, unknown })
    }

    /// The step that the order takes.
    ///
    /// # Errors
    /// `WrongPass` if it is of another order.
    pub fn step(self, order: &Order) -> Result<Step, WrongPass> {
        let own = Id::of(order.client_id()) == Some(self.id);
        if own { Ok(Step::ReplaceSent(self.terms)) } else { Err(self.id.wrong(order)) }
    }

    /// The checks that lacked their data and are declared to pass then.
    #[must_use]
    pub const fn unknown(&self) -> CheckSet {
        self.unknown
    }
}

impl Id {
    fn wrong(&self, order: &Order) -> WrongPass {
        WrongPass { checked: self.text(), shown: order.client_id().to_owned() }
    }
}
