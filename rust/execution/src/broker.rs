//! What a desk's manager asks of a broker and what a broker answers or reports. No answer is an answer too: only the venue's
//! own evidence rejects or ends an order, everything else is a doubt, and a doubt is looked up.
//!
//! An adapter blocks, and bounds each call in time itself; it has no clock of its own, `now` comes with the call. It never
//! sends twice for one call. Names of instruments are the venue's, as in [`Instrument::name`].

use exuvia_model::{Money, OrderType, Price, Quantity, Side, Time};
use thiserror::Error;

use crate::{Amendment, CheckedOrder, Currency, Fee, Instrument, Order, Step};

/// A way to a venue for a desk.
pub trait Broker {
    /// What the venue can do; the same at each call.
    fn capabilities(&self) -> Capabilities;

    /// Sends an order; only a checked one can be sent. Its client id goes with it (`customTag`, `ExternalReference`).
    fn place(&mut self, order: &CheckedOrder, instrument: &Instrument, now: Time) -> PlaceOutcome;

    /// Asks the venue to change the order that it knows by `venue_id`. `order` is as it was before; `terms.quantity` is the new
    /// total with what was executed, a price that is `None` stays.
    fn replace(
        &mut self,
        venue_id: &str,
        order: &Order,
        terms: &Amendment,
        instrument: &Instrument,
        now: Time,
    ) -> ChangeOutcome;

    /// Asks the venue to take back the order that it knows by `venue_id`.
    fn cancel(&mut self, venue_id: &str, now: Time) -> ChangeOutcome;

    /// The order with this client id, also if it has ended. `None` only if the venue's complete list of what was placed or
    /// alive at or after `since` lacks it.
    ///
    /// # Errors
    /// `Unreachable` if the venue did not answer, or not with all of it.
    fn look_up(&mut self, client_id: &str, since: Time, now: Time) -> Result<Option<VenueOrder>, Unreachable>;

    /// What the venue has: all or nothing.
    ///
    /// # Errors
    /// `Unreachable` if one part of it is missing.
    fn snapshot(&mut self, now: Time) -> Result<Snapshot, Unreachable>;

    /// What came by stream or by a list of events since the last call, in the order in which it came. It never blocks.
    fn poll(&mut self, now: Time) -> Vec<Report>;
}

/// What a venue can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Which types of orders it takes; another is refused before it is sent.
    pub order_types: &'static [OrderType],
    /// Whether it changes a working order in place.
    pub replaces: bool,
    /// Whether it works brackets itself. A manager works them unless it is told otherwise.
    pub brackets: bool,
}

/// The answer to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceOutcome {
    /// The venue has it, under this id.
    Accepted(String),
    /// The venue refused it, with these words.
    Rejected(String),
    /// It may be live: time-out, 5xx, reset connection, 202, an answer that cannot be read.
    Unknown(String),
    /// Its bytes provably never left: it may be sent again.
    NotSent(String),
}

/// The answer to a change or a cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// It is done, on the venue's word.
    Done,
    /// The venue took the request; what becomes of it is reported.
    Requested,
    /// The venue did not take it, with these words; the order is as it was, or has ended meanwhile.
    Refused(String),
    /// It may be under way.
    Unknown(String),
    /// Its bytes provably never left.
    NotSent(String),
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the venue could not be asked: {0}; nothing is concluded from that, it is asked again")]
pub struct Unreachable(pub String);

impl Unreachable {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "unreachable"
    }
}

/// Where a venue says an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VenueStatus {
    /// It works, executed in part or not.
    Working,
    /// The venue has it and does not work it yet: an exit that waits for its entry.
    Held,
    /// All of it was executed.
    Filled,
    /// It was taken back.
    Cancelled,
    /// The venue refused it.
    Rejected,
    /// Its time ran out.
    Expired,
    /// A word that the adapter does not know; nothing is concluded from it.
    Unclear,
}

impl VenueStatus {
    /// Whether nothing more can happen to the order.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled | Self::Rejected | Self::Expired)
    }
}

/// An order as the venue shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueOrder {
    /// Our own id, if it carries one; an order that was placed by hand has none or another.
    pub client_id: Option<String>,
    /// The venue's id.
    pub venue_id: String,
    /// The instrument by its name at the venue.
    pub instrument: String,
    /// Which way.
    pub side: Side,
    /// How it is priced; none for a type that this product does not have.
    pub order_type: Option<OrderType>,
    /// The total amount, with what was executed.
    pub quantity: Quantity,
    /// What was executed.
    pub filled: Quantity,
    /// The average price of that, where the venue says it.
    pub average: Option<Price>,
    /// Its limit.
    pub limit: Option<Price>,
    /// Its stop.
    pub stop: Option<Price>,
    /// Where it stands.
    pub status: VenueStatus,
    /// The venue's words, such as a reason; empty if it has none.
    pub words: String,
    /// The venue's id of the order that it hangs on.
    pub parent: Option<String>,
    /// When it changed last.
    pub updated: Time,
}

/// Something that the venue says by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Our own id, if it carries one.
    pub client_id: Option<String>,
    /// The venue's id of the order, if it carries one.
    pub venue_id: Option<String>,
    /// What it says.
    pub what: Heard,
    /// When it happened, by the venue's clock.
    pub time: Time,
}

/// What a venue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A step of an order: `Accepted`, `Refused`, `Cancelled`, `CancelRefused`, `Replaced`, `ReplaceRefused`, `Expired`, `Lost`. What
    /// we do ourselves is not heard and changes nothing.
    Step(Step),
    /// An execution with an id of its own.
    Execution {
        /// The venue's id of it; the same id of the same order is the same execution.
        id: String,
        /// How much this time, positive.
        quantity: Quantity,
        /// At what price.
        price: Price,
        /// What it cost, where the venue says so.
        fee: Option<Fee>,
        /// Whether the venue calls it the last one of the order.
        last: bool,
    },
    /// What was executed of an order so far, where executions have no ids.
    Total {
        /// How much in all.
        filled: Quantity,
        /// The average price of all of it.
        average: Price,
        /// Whether the venue calls the order filled.
        last: bool,
    },
    /// Where the stop of a trailing order is now.
    Trailed(Price),
    /// The order as it is.
    Order(VenueOrder),
    /// Reports may have been missed: the stream was reset, reconnected, or lost its place. Everything is asked for then. It
    /// is of no order.
    Gap(String),
}

/// A position as the venue shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenuePosition {
    /// The instrument by its name at the venue.
    pub instrument: String,
    /// Signed amount; short is negative.
    pub quantity: Quantity,
    /// What it was entered at on average, where the venue says so.
    pub average: Option<Price>,
}

/// What a venue has. Its parts may be of slightly different moments, none is older than the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// All open orders, and those that ended since the snapshot before, as far as the venue tells.
    pub orders: Vec<VenueOrder>,
    /// Executions since the snapshot before, as far as the venue lists them; those that were reported already may be among them.
    pub executions: Vec<Report>,
    /// All open positions, one for each instrument.
    pub positions: Vec<VenuePosition>,
    /// Cash by currency.
    pub cash: Vec<(Currency, Money)>,
    /// When it was taken, by the caller's clock.
    pub taken: Time,
}
