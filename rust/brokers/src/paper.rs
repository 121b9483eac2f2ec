//! A broker over the paper exchange: orders in, their ids out; quotes in, fills out. No venue, no socket:
//! an order fills at the first quote after its decision. That is the demo's broker; [`PaperVenue`] is a desk's, over the
//! exchange with all its rules.

mod venue;

use std::collections::{BTreeMap, VecDeque};

use exuvia_execution::matching::{Execution, Matched, Matching, NewOrder, Refusal, Terms, WorkingOrder};
use exuvia_execution::{
    Activity, ActivityStatus, CancelAnswer, CheckedOrder, Decimal, Gateway, PlaceAnswer, SubStatus,
};
use exuvia_model::{Fill, Money, Position, Quote, Symbol, Time};
use thiserror::Error;

pub use venue::PaperVenue;

/// What the order ids start with.
const PREFIX: &str = "P-";
/// Most activities that wait to be taken.
const KEPT: usize = 10_000;

/// Why the paper broker refused an order; nothing was sent then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PaperError {
    /// The reference named an order before.
    #[error(
        "client id {reference:?} is already that of order {earlier}: nothing was sent; look up what became of that order, or take a new id for another one"
    )]
    Repeated {
        /// The client's id.
        reference: String,
        /// The order that had it first.
        earlier: String,
    },
    /// The exchange refused.
    #[error(transparent)]
    Exchange(#[from] Refusal),
}

/// A paper account with its working orders.
///
/// ```
/// use exuvia_brokers::paper::PaperBroker;
/// use exuvia_execution::matching::{NewOrder, Terms};
/// use exuvia_model::{Money, Quantity, Quote, Side, Symbol, Time};
///
/// let mut broker = PaperBroker::new(Terms { cash: Money::from_whole(100_000)?, leverage: Some(30), negative_prices: false });
/// let id = broker.place(NewOrder {
///     reference: "LB-trend-000001".into(), symbol: Symbol(21), side: Side::Sell,
///     quantity: Quantity::from_whole(10_000)?, limit: None, decided: Time(5),
/// })?;
/// assert_eq!(id, "P-000001");
/// let fills = broker.on_quote(&Quote {
///     symbol: Symbol(21), time: Time(6), bid: "1.39286".parse()?, ask: "1.39298".parse()?,
///     bid_size: Quantity::ZERO, ask_size: Quantity::ZERO,
/// })?;
/// assert_eq!((fills[0].venue_order_id.as_str(), fills[0].price.to_string()), ("P-000001", "1.39286".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PaperBroker {
    exchange: Matching,
    activities: VecDeque<Activity>,
    sequence: u64,
    /// Time of the newest quote.
    now: Time,
    /// The order of each reference, also of orders that ended.
    references: BTreeMap<String, u64>,
    /// Time of the newest quote of each instrument.
    newest: BTreeMap<Symbol, Time>,
    late: u64,
}

impl PaperBroker {
    /// A broker with cash and nothing else.
    #[must_use]
    pub const fn new(terms: Terms) -> Self {
        Self {
            exchange: Matching::new(terms),
            activities: VecDeque::new(),
            sequence: 0,
            now: Time(0),
            references: BTreeMap::new(),
            newest: BTreeMap::new(),
            late: 0,
        }
    }

    /// Places an order and gives its id. A reference names one order for ever: a repeated one sends nothing.
    /// The reference of an order that was refused may be used again.
    ///
    /// # Errors
    /// `Repeated`, and what the exchange refuses; the account is as before then.
    pub fn place(&mut self, order: NewOrder) -> Result<String, PaperError> {
        if let Some(earlier) = self.references.get(&order.reference) {
            return Err(PaperError::Repeated { reference: order.reference, earlier: order_id(*earlier) });
        }
        let working = self.exchange.place(order)?;
        self.references.insert(working.order.reference.clone(), working.id);
        self.tell(&working, ActivityStatus::Placed, working.order.decided, None);
        Ok(order_id(working.id))
    }

    /// Takes a working order back.
    ///
    /// # Errors
    /// `Refusal::NotWorking` for an order that was filled, cancelled or never placed.
    pub fn cancel(&mut self, order_id: &str) -> Result<(), Refusal> {
        let id = order_id.strip_prefix(PREFIX).and_then(|id| id.parse().ok()).unwrap_or(0);
        let working = self.exchange.cancel(id)?;
        self.tell(&working, ActivityStatus::Cancelled, self.now.max(working.order.decided), None);
        Ok(())
    }

    /// Takes a quote and fills what it fills, in order of arrival. A quote older than the newest one of its
    /// instrument changes nothing and is counted in `late`. An order that cannot be booked at its price is
    /// rejected, which is one of the activities.
    ///
    /// # Errors
    /// `Refusal::Crossed`, `Refusal::NotPositive`: nothing was filled.
    pub fn on_quote(&mut self, quote: &Quote) -> Result<Vec<Fill>, Refusal> {
        if self.newest.get(&quote.symbol).is_some_and(|newest| quote.time < *newest) {
            self.late += 1;
            return Ok(Vec::new());
        }
        let Matched { fills, rejected } = self.exchange.on_quote(quote)?;
        self.newest.insert(quote.symbol, quote.time);
        self.now = self.now.max(quote.time);
        for execution in &fills {
            self.tell(&execution.order, ActivityStatus::FinalFill, execution.time, Some(execution));
        }
        for (order, _) in &rejected {
            self.tell(order, ActivityStatus::Cancelled, quote.time, None);
        }
        Ok(fills.into_iter().map(fill).collect())
    }

    /// As [`Self::on_quote`], after it opened or closed the instrument's market; a quote that is late or refused does not.
    ///
    /// # Errors
    /// As `on_quote`.
    pub fn on_quote_while(&mut self, open: bool, quote: &Quote) -> Result<Vec<Fill>, Refusal> {
        let late = self.newest.get(&quote.symbol).is_some_and(|newest| quote.time < *newest);
        if !late && self.exchange.check_quote(quote).is_ok() {
            self.set_open(quote.symbol, open);
        }
        self.on_quote(quote)
    }

    /// How many quotes were older than the newest one of their instrument.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// Takes what became of the orders since the last call, oldest first, as an order manager wants to hear it.
    /// The last 10,000 are kept for who does not ask.
    pub fn take_activities(&mut self) -> Vec<Activity> {
        self.activities.drain(..).collect()
    }

    /// Opens or closes the market of an instrument; it starts open.
    pub fn set_open(&mut self, symbol: Symbol, open: bool) {
        self.exchange.set_open(symbol, open);
    }

    /// What is held of an instrument.
    #[must_use]
    pub fn position(&self, symbol: Symbol) -> Position {
        self.exchange.position(symbol)
    }

    /// Cash at the start plus all that was realised.
    #[must_use]
    pub const fn cash(&self) -> Money {
        self.exchange.cash()
    }

    /// The ids of the working orders in order of arrival.
    #[must_use]
    pub fn working(&self) -> Vec<String> {
        self.exchange.working().map(|order| order_id(order.id)).collect()
    }

    fn tell(&mut self, working: &WorkingOrder, status: ActivityStatus, time: Time, execution: Option<&Execution>) {
        self.sequence += 1;
        if self.activities.len() == KEPT {
            self.activities.pop_front();
        }
        self.activities.push_back(Activity {
            reference: Some(working.order.reference.clone()),
            sequence: Some(self.sequence.to_string()),
            venue_id: Some(order_id(working.id)),
            symbol: Some(working.order.symbol),
            side: Some(working.order.side),
            status,
            sub_status: SubStatus::Confirmed,
            fill_quantity: execution.map(|_| working.order.quantity),
            // The text of a price is always a decimal.
            execution_price: execution.and_then(|execution| execution.price.to_string().parse::<Decimal>().ok()),
            time: Some(time),
        });
    }
}

/// An order manager over paper: give it what `take_activities` has after each quote.
impl Gateway for PaperBroker {
    fn place(&mut self, order: &CheckedOrder) -> PlaceAnswer {
        let (client_id, intent) = (order.order().client_id(), order.order().intent());
        if intent.order_type.is_stop() {
            let text = format!("the paper exchange has no {} orders: send a Market or a Limit", intent.order_type);
            return PlaceAnswer::Rejected(text);
        }
        let placed = Self::place(
            self,
            NewOrder {
                reference: client_id.to_owned(),
                symbol: intent.symbol,
                side: intent.side,
                quantity: intent.quantity,
                limit: intent.limit,
                decided: intent.decided,
            },
        );
        placed.map_or_else(|refusal| PlaceAnswer::Rejected(refusal.to_string()), PlaceAnswer::Accepted)
    }

    fn cancel(&mut self, venue_id: &str) -> CancelAnswer {
        match Self::cancel(self, venue_id) {
            Ok(()) => CancelAnswer::Requested,
            Err(refusal) => CancelAnswer::Refused(refusal.to_string()),
        }
    }
}

fn order_id(id: u64) -> String {
    format!("{PREFIX}{id:06}")
}

fn fill(execution: Execution) -> Fill {
    let NewOrder { reference, symbol, side, quantity, .. } = execution.order.order;
    Fill {
        client_order_id: reference,
        venue_order_id: order_id(execution.order.id),
        symbol,
        side,
        quantity,
        price: execution.price,
        time: execution.time,
    }
}
