//! A desk's broker over the paper exchange: an account there, with everything that the exchange has (partial fills, queues, stops,
//! sessions, messages that take time). Several accounts may share one exchange.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exuvia_execution::exchange::{Event, Exchange, PaperOrder, Placement, Report as Told};
use exuvia_execution::{
    Amendment, Broker, Capabilities, ChangeOutcome, CheckedOrder, Heard, Instrument, Order, PlaceOutcome, Report,
    Snapshot, Step, Unreachable, VenueOrder, VenuePosition, VenueStatus,
};
use exuvia_model::{OrderIntent, OrderStatus, OrderType, Quantity, Time};

/// What the order ids start with.
const PREFIX: &str = "X-";

/// An account at a paper exchange, as a broker.
///
/// ```
/// use exuvia_brokers::paper::PaperVenue;
/// use exuvia_execution::exchange::{AccountTerms, Config, Exchange, Listing, Power};
/// use exuvia_execution::{Broker, Instrument};
/// use exuvia_model::{Symbol, Time};
/// let mes = Instrument::new("MESZ6", "0.25".parse()?, "5".parse()?, "USD".parse()?)?;
/// let account = AccountTerms { id: 1, cash: vec![("USD".parse()?, "10000".parse()?)], power: Power::Unchecked };
/// let config = Config { listings: vec![Listing::new(Symbol(0), mes)], accounts: vec![account], ..Config::default() };
/// let mut venue = PaperVenue::new(Exchange::new(config, 7)?, 1);
/// let snapshot = venue.snapshot(Time(0))?;
/// assert_eq!((snapshot.orders.len(), snapshot.cash[0].1), (0, "10000".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PaperVenue {
    exchange: Arc<Mutex<Exchange>>,
    account: u32,
    /// How many executions the snapshots have told, and when the last one was taken.
    told: usize,
    taken: Time,
}

impl PaperVenue {
    /// An account at an exchange of its own.
    #[must_use]
    pub fn new(exchange: Exchange, account: u32) -> Self {
        Self { exchange: Arc::new(Mutex::new(exchange)), account, told: 0, taken: Time(i64::MIN) }
    }

    /// Another account at the same exchange; or this one again, as a program has it that was started anew.
    #[must_use]
    pub fn beside(&self, account: u32) -> Self {
        Self { exchange: Arc::clone(&self.exchange), account, told: 0, taken: Time(i64::MIN) }
    }

    /// The exchange: market data go in here.
    pub fn exchange(&self) -> MutexGuard<'_, Exchange> {
        // What it keeps is valid after each step.
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broker for PaperVenue {
    fn capabilities(&self) -> Capabilities {
        use OrderType as T;
        let order_types = &[T::Market, T::Limit, T::Stop, T::StopLimit, T::TrailingStop];
        Capabilities { order_types, replaces: true, brackets: false }
    }

    /// Accepted as soon as it is on its way; what the exchange refuses later is reported. Rejected if that takes no time.
    fn place(&mut self, order: &CheckedOrder, instrument: &Instrument, now: Time) -> PlaceOutcome {
        let account = self.account;
        let mut exchange = self.exchange();
        let listed = exchange.listings().find(|listing| listing.instrument.name == instrument.name);
        let symbol = match listed {
            Some(listing) if listing.instrument == *instrument => listing.symbol,
            Some(listing) => {
                let text = format!(
                    "{} is listed with other terms, {:?}: list it as the desk has it",
                    instrument.name, listing.instrument
                );
                return PlaceOutcome::Rejected(text);
            }
            None => return PlaceOutcome::Rejected(format!("{} is not listed at the paper exchange", instrument.name)),
        };
        let order = order.order();
        let (quantity, limit, stop) = (order.state().quantity(), order.limit(), order.stop());
        let intent = OrderIntent { symbol, quantity, limit, stop, ..order.intent().clone() };
        let placement = Placement { account, client_id: order.client_id().to_owned(), intent, legs: 1 };
        match exchange.place(now, placement) {
            Err(error) => PlaceOutcome::NotSent(error.to_string()),
            Ok(id) => match exchange.order(id) {
                Some(order) if order.status == OrderStatus::Rejected => PlaceOutcome::Rejected(order.words.clone()),
                _ => PlaceOutcome::Accepted(venue_id(id)),
            },
        }
    }

    fn replace(&mut self, venue_id: &str, _: &Order, terms: &Amendment, _: &Instrument, now: Time) -> ChangeOutcome {
        let account = self.account;
        asked(venue_id, |id| self.exchange().replace(now, account, id, *terms))
    }

    fn cancel(&mut self, venue_id: &str, now: Time) -> ChangeOutcome {
        let account = self.account;
        asked(venue_id, |id| self.exchange().cancel(now, account, id))
    }

    fn look_up(&mut self, client_id: &str, _: Time, now: Time) -> Result<Option<VenueOrder>, Unreachable> {
        let mut exchange = self.exchange();
        exchange.advance(now).map_err(unreachable)?;
        // One that is still on its way is there too: otherwise it would be sent a second time.
        let own =
            |order: &&PaperOrder| order.placement.account == self.account && order.placement.client_id == client_id;
        let found = exchange.find(self.account, client_id).or_else(|| exchange.orders().iter().find(own));
        Ok(found.and_then(|order| shown(&exchange, order)))
    }

    fn snapshot(&mut self, now: Time) -> Result<Snapshot, Unreachable> {
        let mut exchange = self.exchange();
        exchange.advance(now).map_err(unreachable)?;
        let own = exchange.orders().iter().filter(|order| order.placement.account == self.account);
        let told = own.filter(|order| !order.status.is_terminal() || order.updated >= self.taken);
        let orders = told.filter_map(|order| shown(&exchange, order)).collect();
        let new = exchange.executions().iter().skip(self.told).filter(|told| told.account == self.account);
        let executions = new.filter_map(heard).collect();
        let account = exchange.account(self.account).map_err(unreachable)?;
        let held = account.holdings().iter().filter(|(_, holding)| holding.quantity() != Quantity::ZERO);
        let positions = held.filter_map(|(symbol, holding)| {
            let listing = exchange.listings().find(|listing| listing.symbol == *symbol)?;
            let (instrument, quantity, average) =
                (listing.instrument.name.clone(), holding.quantity(), holding.average_price());
            Some(VenuePosition { instrument, quantity, average })
        });
        let snapshot = Snapshot {
            orders,
            executions,
            positions: positions.collect(),
            cash: account.currencies().collect(),
            taken: now,
        };
        let told = exchange.executions().len();
        drop(exchange);
        (self.told, self.taken) = (told, now);
        Ok(snapshot)
    }

    fn poll(&mut self, now: Time) -> Vec<Report> {
        let mut exchange = self.exchange();
        // A clock that goes back hears nothing new.
        if exchange.advance(now).is_err() {
            return Vec::new();
        }
        exchange.take_reports_of(self.account, now).iter().filter_map(heard).collect()
    }
}

fn venue_id(id: u64) -> String {
    format!("{PREFIX}{id:06}")
}

fn unreachable(error: impl ToString) -> Unreachable {
    Unreachable(error.to_string())
}

/// Sends a request about an order; what becomes of it is reported.
fn asked<E: ToString>(venue_id: &str, send: impl FnOnce(u64) -> Result<(), E>) -> ChangeOutcome {
    let Some(id) = venue_id.strip_prefix(PREFIX).and_then(|id| id.parse().ok()) else {
        return ChangeOutcome::Refused(format!("{venue_id:?} is no order id of the paper exchange"));
    };
    send(id).map_or_else(|error| ChangeOutcome::NotSent(error.to_string()), |()| ChangeOutcome::Requested)
}

/// An order as a broker shows it.
fn shown(exchange: &Exchange, order: &PaperOrder) -> Option<VenueOrder> {
    let intent = &order.placement.intent;
    let listing = exchange.listings().find(|listing| listing.symbol == intent.symbol)?;
    Some(VenueOrder {
        client_id: Some(order.placement.client_id.clone()),
        venue_id: venue_id(order.id),
        instrument: listing.instrument.name.clone(),
        side: intent.side,
        order_type: Some(intent.order_type),
        quantity: order.quantity,
        filled: order.filled,
        average: order.average(),
        limit: order.limit,
        stop: order.stop,
        status: match order.status {
            OrderStatus::Working | OrderStatus::PartiallyFilled => VenueStatus::Working,
            OrderStatus::Filled => VenueStatus::Filled,
            OrderStatus::Cancelled => VenueStatus::Cancelled,
            OrderStatus::Rejected => VenueStatus::Rejected,
            OrderStatus::Expired => VenueStatus::Expired,
            // On its way.
            _ => VenueStatus::Held,
        },
        words: order.words.clone(),
        parent: None,
        updated: order.updated,
    })
}

/// What the exchange told, as a broker tells it; that a stop was set off changes nothing for a desk.
fn heard(told: &Told) -> Option<Report> {
    let what = match &told.event {
        Event::SetOff => return None,
        Event::Accepted => Heard::Step(Step::Accepted(Some(venue_id(told.order)))),
        Event::Refused(refusal) => Heard::Step(Step::Refused(refusal.to_string())),
        Event::Trailed(stop) => Heard::Trailed(*stop),
        Event::Executed { number, quantity, price, fee, last, .. } => Heard::Execution {
            id: format!("E-{number:06}"),
            quantity: *quantity,
            price: *price,
            fee: Some(*fee),
            last: *last,
        },
        Event::Replaced(_) => Heard::Step(Step::Replaced),
        Event::ReplaceRefused(refusal) => Heard::Step(Step::ReplaceRefused(refusal.to_string())),
        Event::Cancelled(why) => Heard::Step(Step::Cancelled(why.to_string())),
        Event::CancelRefused(refusal) => Heard::Step(Step::CancelRefused(refusal.to_string())),
        Event::Expired => Heard::Step(Step::Expired),
    };
    let client_id = Some(told.client_id.clone()).filter(|client_id| !client_id.is_empty());
    Some(Report { client_id, venue_id: Some(venue_id(told.order)), what, time: told.happened })
}
