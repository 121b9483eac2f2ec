//! The manager of a desk: it checks and sends what callers want, works linked orders off, hears the venue, looks up what is in
//! doubt and compares everything with what the venue has. Commands and [`DeskManager::pump`] go in; what happened comes out
//! as [`Event`]s and in the views.
//!
//! It has no thread and no clock: each call brings the time, and does a bounded amount of work. Nothing is sent that is not on
//! record; no order is sent a second time because an answer is missing. A broker that panics, or a journal that fails, halts it.

mod absorb;
mod clock;
mod commands;
mod doubt;
mod error;
mod event;
mod hear;
mod pretrade;
mod reconcile;
mod send;
mod settings;
mod ticket;
mod watch;
mod work;

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use exuvia_model::{Money, OrderStatus, Quantity, Time};

pub use error::ManageError;
pub use event::Event;
pub use pretrade::{Asked, PreTrade, Refused};
pub use settings::{Missing, NotSent, Revived, Settings};
pub use ticket::{NewTerms, Pricing, Scope, Ticket};

use crate::{
    Broker, Change, Currency, Desk, DurableDesk, Order, OrderBook, OrderError, Report, Shelf, Step, VenueOrder,
};
use clock::Clock;
use event::Events;
use reconcile::Account;
use watch::Watches;
use work::Wishes;

/// What one call of [`DeskManager::pump`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pumped {
    /// How many reports were worked off.
    pub reports: usize,
    /// How many wait for the next call.
    pub waiting: usize,
    /// How many requests the venue got.
    pub requests: usize,
}

/// Owns a desk and the way to its venue.
///
/// ```
/// # use std::path::Path;
/// # use exuvia_execution::{Amendment, Asked, Broker, Capabilities, ChangeOutcome, CheckedOrder, Desk, Order, PlaceOutcome};
/// # use exuvia_execution::{PreTrade, Refused, Report, Snapshot, Unreachable, VenueOrder};
/// use exuvia_execution::{DeskManager, Durability, DurableDesk, Instrument, Opening, Settings, Ticket};
/// use exuvia_model::{OrderStatus, OrderType, Quantity, Side, Time, TimeInForce};
/// use exuvia_ports::SimFiles;
/// # struct Venue;
/// # impl Broker for Venue {
/// #     fn capabilities(&self) -> Capabilities { Capabilities { order_types: &[OrderType::Market], replaces: false, brackets: false } }
/// #     fn place(&mut self, _: &CheckedOrder, _: &Instrument, _: Time) -> PlaceOutcome { PlaceOutcome::Unknown("time-out".into()) }
/// #     fn replace(&mut self, _: &str, _: &Order, _: &Amendment, _: &Instrument, _: Time) -> ChangeOutcome { ChangeOutcome::Done }
/// #     fn cancel(&mut self, _: &str, _: Time) -> ChangeOutcome { ChangeOutcome::Done }
/// #     fn look_up(&mut self, _: &str, _: Time, _: Time) -> Result<Option<VenueOrder>, Unreachable> { Ok(None) }
/// #     fn snapshot(&mut self, now: Time) -> Result<Snapshot, Unreachable> {
/// #         Ok(Snapshot { orders: vec![], executions: vec![], positions: vec![], cash: vec![], taken: now })
/// #     }
/// #     fn poll(&mut self, _: Time) -> Vec<Report> { Vec::new() }
/// # }
/// # struct Checks;
/// # impl PreTrade for Checks { fn check(&mut self, _: &Desk, _: Asked<'_>, _: Time) -> Result<(), Refused> { Ok(()) } }
/// let opening = Opening { prefix: "EX".into(), holder: "desk 1".into(), durability: Durability::default(), now: Time(0) };
/// let (desk, _) = DurableDesk::open(&SimFiles::new(), Path::new("/orders.journal"), &opening)?;
/// let mut manager = DeskManager::start(desk, Venue, Checks, Settings::default(), Time(0))?;
/// manager.list(Instrument::new("MESZ6", "0.25".parse()?, "5".parse()?, "USD".parse()?)?)?;
/// manager.reconcile(Time(1))?;
/// let ticket = Ticket {
///     scenario: "trend".into(), instrument: "MESZ6".into(), side: Side::Buy, quantity: Quantity::from_whole(2)?,
///     duration: TimeInForce::Day, reason: "entry".into(),
/// };
/// let client_id = manager.place_market_order(&ticket, Time(2))?;
/// assert_eq!(manager.desk().find(&client_id)?.status(), OrderStatus::Unknown, "a time-out is no rejection");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DeskManager<B, P> {
    desk: DurableDesk,
    broker: B,
    checks: P,
    settings: Settings,
    clock: Clock,
    halted: Option<String>,
    /// How many requests this call may still make.
    budget: usize,
    requests: usize,
    events: Events,
    inbox: VecDeque<Report>,
    /// Reports of orders whose venue id is not known yet.
    orphans: VecDeque<Report>,
    /// Whether a venue id became known since the orphans were looked at.
    claimed: bool,
    watches: Watches,
    venue_ids: BTreeMap<String, String>,
    /// Executions beyond an order's amount, until the venue was asked.
    disputed: BTreeMap<String, Vec<Change>>,
    /// Terms at the venue that are not ours, as they were seen last.
    differs: BTreeMap<String, String>,
    wishes: Wishes,
    account: Account,
}

impl<B: Broker, P: PreTrade> DeskManager<B, P> {
    /// A manager over a desk that was opened. What the process before left unsent is withdrawn, what it left without an answer
    /// is looked up, and nothing new is taken before [`Self::reconcile`], or a [`Self::pump`], has seen the venue.
    ///
    /// # Errors
    /// `Order` if the journal fails.
    pub fn start(desk: DurableDesk, broker: B, checks: P, settings: Settings, now: Time) -> Result<Self, ManageError> {
        let mut manager = Self {
            desk,
            broker,
            checks,
            settings,
            clock: Clock::new(now),
            halted: None,
            budget: 0,
            requests: 0,
            events: Events::new(settings.notices),
            inbox: VecDeque::new(),
            orphans: VecDeque::new(),
            claimed: false,
            watches: Watches::default(),
            venue_ids: BTreeMap::new(),
            disputed: BTreeMap::new(),
            differs: BTreeMap::new(),
            wishes: Wishes::default(),
            account: Account::default(),
        };
        manager.resume()?;
        Ok(manager)
    }

    /// Lists an instrument.
    ///
    /// # Errors
    /// See [`Desk::apply`].
    pub fn list(&mut self, instrument: crate::Instrument) -> Result<(), ManageError> {
        self.take(&Change::Listed(instrument))?;
        Ok(())
    }

    /// The desk: orders, holdings, instruments.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        self.desk.desk()
    }

    /// The broker.
    #[must_use]
    pub const fn broker(&self) -> &B {
        &self.broker
    }

    /// The broker, to set it up; what is placed past the manager is foreign to it.
    #[must_use]
    pub const fn broker_mut(&mut self) -> &mut B {
        &mut self.broker
    }

    /// The checks, to set them up.
    #[must_use]
    pub const fn checks_mut(&mut self) -> &mut P {
        &mut self.checks
    }

    /// The orders of one view, oldest first.
    pub fn view(&self, shelf: Shelf) -> impl Iterator<Item = &Order> {
        self.desk().orders().iter().filter(move |order| OrderBook::shelf(order) == shelf)
    }

    /// The client ids of orders whose state is not known.
    pub fn in_doubt(&self) -> impl Iterator<Item = &str> {
        let unknown = |id: &&str| self.desk().find(id).is_ok_and(|order| order.status() == OrderStatus::Unknown);
        self.watches.ids().filter(unknown)
    }

    /// Open orders at the venue that were not placed here, by the venue's id.
    #[must_use]
    pub const fn foreign_orders(&self) -> &BTreeMap<String, VenueOrder> {
        &self.account.foreign
    }

    /// What the venue holds beyond what was executed for this desk, by the instrument's name, signed.
    #[must_use]
    pub const fn foreign_positions(&self) -> &BTreeMap<String, Quantity> {
        &self.account.differences
    }

    /// Cash by currency, as the venue said last.
    #[must_use]
    pub const fn cash(&self) -> &BTreeMap<Currency, Money> {
        &self.account.cash
    }

    /// When the venue's snapshot was last taken; none before the first.
    #[must_use]
    pub const fn reconciled(&self) -> Option<Time> {
        self.account.taken
    }

    /// Why nothing more is sent, if so.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.halted.as_deref()
    }

    /// What happened since this was last called.
    pub fn events(&mut self) -> Vec<Event> {
        self.events.take()
    }

    /// How many events were dropped because nobody took them.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.events.dropped()
    }

    /// Ends the manager and gives the desk back, with its journal.
    #[must_use]
    pub fn into_desk(self) -> DurableDesk {
        self.desk
    }

    /// Takes up what the process before has left.
    fn resume(&mut self) -> Result<(), ManageError> {
        let mut unsent = Vec::new();
        let mut known = Vec::new();
        for order in self.desk().orders() {
            let (id, status) = (order.client_id().to_owned(), order.status());
            // An exit whose entry was sent stays: what the entry executes is still to be protected.
            let first_was_sent =
                self.desk().linked(&id).is_ok_and(|(_, linked)| linked.iter().any(|one| one.state().was_sent()));
            if !status.is_terminal() && !order.state().was_sent() && (!first_was_sent || status == OrderStatus::Intent)
            {
                unsent.push(id.clone());
            }
            if order.state().was_sent() {
                known.push((id, order.state().is_cancelling() && !status.is_terminal()));
            }
        }
        for (id, cancelling) in known {
            self.follow(&id);
            if cancelling {
                self.wishes.cancel(&id);
            }
        }
        for id in unsent {
            self.step(&id, Step::Withdrawn("the process ended before it was sent".to_owned()))?;
        }
        Ok(())
    }

    /// Begins a call: takes the time, and refuses if halted.
    fn begin(&mut self, now: Time) -> Result<(), ManageError> {
        if let Some(by) = self.clock.tick(now) {
            self.watches.earlier(now);
            self.events.push(Event::ClockBack { by });
        }
        (self.budget, self.requests) = (self.settings.requests, 0);
        match &self.halted {
            Some(why) => Err(ManageError::Halted { why: why.clone() }),
            None => Ok(()),
        }
    }

    /// Asks the venue, which counts as a request.
    fn ask<T>(&mut self, about: Option<&str>, call: impl FnOnce(&mut B, Time) -> T) -> T {
        self.budget = self.budget.saturating_sub(1);
        self.requests += 1;
        self.guard(about, call)
    }

    /// Calls the broker. If it panics nothing more is sent, the order is in doubt, and the panic goes on.
    fn guard<T>(&mut self, about: Option<&str>, call: impl FnOnce(&mut B, Time) -> T) -> T {
        let now = self.clock.now();
        match catch_unwind(AssertUnwindSafe(|| call(&mut self.broker, now))) {
            Ok(answer) => answer,
            Err(panic) => {
                let during = about.map(|client_id| format!(" over {client_id}")).unwrap_or_default();
                self.halted = Some(format!("the broker panicked{during}"));
                if let Some(client_id) = about {
                    let _ = self.step(client_id, Step::Lost("the broker panicked".to_owned()));
                }
                resume_unwind(panic)
            }
        }
    }

    /// Takes a change into desk and journal, and follows it; whether it changed anything.
    fn take(&mut self, change: &Change) -> Result<bool, OrderError> {
        let client_id = match change {
            Change::Stepped { client_id, .. } | Change::Trailed { client_id, .. } => client_id.as_str(),
            Change::Executed(execution) => &execution.client_id,
            Change::Totalled(total) => &total.client_id,
            Change::Opened { .. } | Change::Listed(_) | Change::Intended { .. } => "",
        };
        let from = self.desk().find(client_id).map(Order::status);
        let outcome = self.desk.apply(change).inspect_err(|error| {
            if let OrderError::Journal(error) = error {
                self.halted = Some(error.to_string());
            }
        })?;
        for notice in outcome.notices {
            self.events.push(Event::Told(notice));
        }
        if let (true, Ok(from)) = (outcome.changed, from) {
            let client_id = client_id.to_owned();
            let mut last_look = false;
            if let Ok(order) = self.desk.desk().find(&client_id) {
                let (to, note, filled) = (order.status(), order.note().to_owned(), order.state().filled());
                // It ended with less than its amount: an execution may have been missed, so it is looked at once more.
                let short =
                    filled < order.state().quantity() && order.venue_id().is_some() && to != OrderStatus::Rejected;
                last_look = short && to.is_terminal() && !from.is_terminal();
                if outcome.booked > Quantity::ZERO {
                    let (client_id, quantity) = (client_id.clone(), outcome.booked);
                    self.events.push(Event::Filled { client_id, quantity, filled });
                }
                if from != to {
                    self.events.push(Event::Status { client_id: client_id.clone(), from, to, note });
                }
            }
            self.follow(&client_id);
            if last_look {
                self.watches.verify(&client_id, self.settings.first_wait, &self.clock);
            }
        }
        Ok(outcome.changed)
    }

    /// A step of ours, now.
    fn step(&mut self, client_id: &str, step: Step) -> Result<bool, OrderError> {
        self.take(&Change::Stepped { client_id: client_id.to_owned(), step, time: self.clock.now() })
    }

    /// Remembers whose id of the venue this is; reports that waited for it are heard then.
    fn know(&mut self, venue_id: &str, client_id: &str) {
        if !self.venue_ids.contains_key(venue_id) {
            self.venue_ids.insert(venue_id.to_owned(), client_id.to_owned());
            self.claimed = true;
        }
    }

    /// Keeps what is derived from an order's state in step with it.
    fn follow(&mut self, client_id: &str) {
        let Ok(order) = self.desk.desk().find(client_id) else { return };
        let (status, sent) = (order.status(), order.state().was_sent());
        if let Some(venue_id) = order.venue_id().map(str::to_owned) {
            self.know(&venue_id, client_id);
        }
        self.watches.follow(client_id, status, &self.clock, &self.settings);
        if status.is_terminal() {
            self.wishes.ended(client_id);
            self.differs.remove(client_id);
            if sent {
                self.account.ended(client_id, self.settings.recent);
            }
        }
    }
}
