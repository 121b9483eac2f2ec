//! A small venue in memory, and the way to it: it answers as told by a script, or as badly as a seed makes it. It outlives the
//! manager, and it is what the manager is measured by.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use exuvia_execution::{
    Amendment, Broker, Capabilities, ChangeOutcome, CheckedOrder, Heard, Instrument, Order, PlaceOutcome, Report,
    Snapshot, Step, Unreachable, VenueOrder, VenuePosition, VenueStatus,
};
use exuvia_model::{Money, OrderType, Price, Quantity, SECOND, Side, Time};

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It arrives and is answered.
    Fine,
    /// It arrives, the answer does not.
    NoAnswer,
    /// It never arrives, and nobody knows.
    Lost,
    /// It arrives so much later, after the time-out.
    Late(i64),
    /// It never left, provably.
    NotSent,
    /// The venue refuses it.
    Refused(&'static str),
    /// The venue takes it and says what became of it later.
    Requested,
    /// The adapter breaks.
    Panic,
}

/// A generator of numbers; the same seed gives the same.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `most`.
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// An order at the venue.
#[derive(Debug, Clone)]
pub struct Row {
    pub shown: VenueOrder,
    value: i128,
}

enum Request {
    Place(Box<Order>, String),
    Cancel(String),
    Replace(String, Amendment),
}

/// What the venue has.
#[derive(Default)]
pub struct Venue {
    pub now: Time,
    pub rows: BTreeMap<String, Row>,
    pub executions: Vec<Report>,
    pub positions: BTreeMap<String, i64>,
    pub stream: Vec<(Time, Report)>,
    late: Vec<(Time, Request)>,
    /// What happens to the next requests; `Fine` when it is empty.
    pub script: VecDeque<Fate>,
    /// Faults by seed.
    pub dice: Option<Dice>,
    /// It shows open orders and positions only: no executions, nothing that ended.
    pub terse: bool,
    /// It says nothing by itself.
    pub silent: bool,
    /// It changes no order in place.
    pub rigid: bool,
    /// What it answers to the next order instead of its own id.
    pub named: Option<String>,
    /// The adapter takes every doubt for "never left".
    pub careless: bool,
    /// The adapter gives each delivery of an execution a new id.
    pub renames: bool,
    pub unreachable: bool,
    pub looks: usize,
    pub snapshots: usize,
    pub cash: Money,
}

pub type Shared = Rc<RefCell<Venue>>;

impl Venue {
    pub fn shared() -> Shared {
        Rc::new(RefCell::new(Self::default()))
    }

    /// Lets time pass: what was under way arrives.
    pub fn advance(&mut self, now: Time) {
        self.now = now;
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = later;
        for (_, request) in due {
            self.arrive(request);
        }
    }

    /// The row of a client id.
    pub fn of(&self, client_id: &str) -> Option<&Row> {
        self.rows.values().find(|row| row.shown.client_id.as_deref() == Some(client_id))
    }

    fn arrive(&mut self, request: Request) -> Option<ChangeOutcome> {
        match request {
            Request::Place(order, instrument) => {
                self.accept(&order, &instrument);
                None
            }
            Request::Cancel(venue_id) => Some(self.end(&venue_id, VenueStatus::Cancelled)),
            Request::Replace(venue_id, terms) => Some(self.change(&venue_id, &terms)),
        }
    }

    fn accept(&mut self, order: &Order, instrument: &str) -> String {
        let venue_id = format!("V{:04}", self.rows.len() + 1);
        let intent = order.intent();
        let shown = VenueOrder {
            client_id: Some(order.client_id().to_owned()),
            venue_id: venue_id.clone(),
            instrument: instrument.to_owned(),
            side: intent.side,
            order_type: Some(intent.order_type),
            quantity: order.state().quantity(),
            filled: Quantity::ZERO,
            average: None,
            limit: order.limit(),
            stop: order.stop(),
            status: VenueStatus::Working,
            words: String::new(),
            parent: None,
            updated: self.now,
        };
        self.rows.insert(venue_id.clone(), Row { shown, value: 0 });
        self.say(&venue_id, Heard::Step(Step::Accepted(Some(venue_id.clone()))));
        if intent.order_type == OrderType::Market {
            self.fill(&venue_id, order.state().quantity(), "6000".parse().unwrap());
        }
        venue_id
    }

    /// Somebody places an order by hand.
    pub fn by_hand(&mut self, instrument: &str, side: Side, quantity: Quantity) -> String {
        let venue_id = format!("V{:04}", self.rows.len() + 1);
        let shown = VenueOrder {
            client_id: None,
            venue_id: venue_id.clone(),
            instrument: instrument.to_owned(),
            side,
            order_type: None,
            quantity,
            filled: Quantity::ZERO,
            average: None,
            limit: None,
            stop: None,
            status: VenueStatus::Working,
            words: String::new(),
            parent: None,
            updated: self.now,
        };
        self.rows.insert(venue_id.clone(), Row { shown, value: 0 });
        venue_id
    }

    /// Executes some of an order, if it is open.
    pub fn fill(&mut self, venue_id: &str, quantity: Quantity, price: Price) {
        let Some(row) = self.rows.get_mut(venue_id).filter(|row| !row.shown.status.is_terminal()) else { return };
        let open = row.shown.quantity.raw() - row.shown.filled.raw();
        let quantity = Quantity::from_raw(quantity.raw().min(open));
        if quantity <= Quantity::ZERO {
            return;
        }
        row.value += i128::from(quantity.raw()) * i128::from(price.raw());
        row.shown.filled = Quantity::from_raw(row.shown.filled.raw() + quantity.raw());
        row.shown.average = i64::try_from(row.value / i128::from(row.shown.filled.raw())).ok().map(Price::from_raw);
        row.shown.updated = self.now;
        let last = row.shown.filled == row.shown.quantity;
        if last {
            row.shown.status = VenueStatus::Filled;
        }
        let signed = quantity.raw() * row.shown.side.sign();
        *self.positions.entry(row.shown.instrument.clone()).or_default() += signed;
        let id = format!("E{:04}", self.executions.len() + 1);
        let heard = Heard::Execution { id, quantity, price, fee: None, last };
        let report = self.report(venue_id, heard.clone());
        self.executions.push(report);
        self.say(venue_id, heard);
    }

    /// Ends an order, if it is open.
    pub fn end(&mut self, venue_id: &str, status: VenueStatus) -> ChangeOutcome {
        let now = self.now;
        let open = self.rows.get_mut(venue_id).filter(|row| !row.shown.status.is_terminal());
        let Some(row) = open else { return ChangeOutcome::Refused("it is not open".into()) };
        (row.shown.status, row.shown.updated) = (status, now);
        let step = match status {
            VenueStatus::Expired => Step::Expired,
            VenueStatus::Rejected => Step::Refused("margin".into()),
            _ => Step::Cancelled("at the venue".into()),
        };
        self.say(venue_id, Heard::Step(step));
        ChangeOutcome::Done
    }

    fn change(&mut self, venue_id: &str, terms: &Amendment) -> ChangeOutcome {
        let now = self.now;
        let open = self.rows.get_mut(venue_id).filter(|row| !row.shown.status.is_terminal());
        let Some(row) = open.filter(|row| row.shown.filled < terms.quantity) else {
            return ChangeOutcome::Refused("it is not open for that".into());
        };
        row.shown.quantity = terms.quantity;
        (row.shown.limit, row.shown.stop) = (terms.limit.or(row.shown.limit), terms.stop.or(row.shown.stop));
        row.shown.updated = now;
        self.say(venue_id, Heard::Step(Step::Replaced));
        ChangeOutcome::Done
    }

    fn report(&self, venue_id: &str, what: Heard) -> Report {
        let client_id = self.rows.get(venue_id).and_then(|row| row.shown.client_id.clone());
        Report { client_id, venue_id: Some(venue_id.to_owned()), what, time: self.now }
    }

    /// Puts a report on the stream: once, or as the seed has it never, twice, later, or without our id.
    fn say(&mut self, venue_id: &str, what: Heard) {
        let mut report = self.report(venue_id, what);
        if self.silent {
            return;
        }
        let Some(dice) = &mut self.dice else {
            self.stream.push((self.now, report));
            return;
        };
        let mut times = 1;
        match dice.below(10) {
            0 => times = 0,
            1 => times = 2,
            2 => report.client_id = None,
            _ => {}
        }
        for _ in 0..times {
            let delay = if dice.below(4) == 0 { i64::try_from(dice.below(20)).unwrap() * SECOND } else { 0 };
            self.stream.push((Time(self.now.0 + delay), report.clone()));
        }
    }

    fn fate(&mut self) -> Fate {
        if let Some(fate) = self.script.pop_front() {
            return fate;
        }
        let Some(dice) = &mut self.dice else { return Fate::Fine };
        match dice.below(14) {
            0 => Fate::NoAnswer,
            1 => Fate::Lost,
            2 => Fate::Late(SECOND * i64::try_from(1 + dice.below(25)).unwrap()),
            3 => Fate::NotSent,
            4 => Fate::Refused("busy"),
            5 => Fate::Requested,
            _ => Fate::Fine,
        }
    }

    /// What becomes of a request: `Ok` if it arrives now and is answered.
    fn send(&mut self, request: Request) -> Result<Option<ChangeOutcome>, Fate> {
        match self.fate() {
            Fate::Fine => Ok(self.arrive(request)),
            fate @ (Fate::NoAnswer | Fate::Requested) => {
                self.arrive(request);
                Err(fate)
            }
            Fate::Late(by) => {
                self.late.push((Time(self.now.0 + by), request));
                Err(Fate::Lost)
            }
            Fate::Panic => panic!("the line went dead"),
            fate => Err(fate),
        }
    }

    fn answers(&mut self) -> Result<(), Unreachable> {
        let fails = self.unreachable || self.dice.as_mut().is_some_and(|dice| dice.below(8) == 0);
        if fails { Err(Unreachable("connection refused".into())) } else { Ok(()) }
    }
}

/// The way to the venue.
pub struct Way(pub Shared);

fn changed(answer: Result<Option<ChangeOutcome>, Fate>) -> ChangeOutcome {
    match answer {
        Ok(outcome) => outcome.unwrap_or(ChangeOutcome::Done),
        Err(Fate::NotSent) => ChangeOutcome::NotSent("no connection".into()),
        Err(Fate::Refused(words)) => ChangeOutcome::Refused(words.into()),
        Err(Fate::Requested) => ChangeOutcome::Requested,
        Err(_) => ChangeOutcome::Unknown("time-out".into()),
    }
}

impl Broker for Way {
    fn capabilities(&self) -> Capabilities {
        use OrderType as T;
        let order_types = &[T::Market, T::Limit, T::Stop, T::StopLimit];
        Capabilities { order_types, replaces: !self.0.borrow().rigid, brackets: false }
    }

    fn place(&mut self, order: &CheckedOrder, instrument: &Instrument, _: Time) -> PlaceOutcome {
        let mut venue = self.0.borrow_mut();
        let (order, name) = (order.order().clone(), instrument.name.clone());
        let client_id = order.client_id().to_owned();
        match venue.send(Request::Place(Box::new(order), name)) {
            Ok(_) if venue.named.is_some() => PlaceOutcome::Accepted(venue.named.take().unwrap_or_default()),
            Ok(_) => {
                let rows = venue.rows.values().rev();
                let mut placed = rows.filter(|row| row.shown.client_id.as_ref() == Some(&client_id));
                placed
                    .next()
                    .map_or(PlaceOutcome::Unknown("?".into()), |row| PlaceOutcome::Accepted(row.shown.venue_id.clone()))
            }
            Err(Fate::NotSent) => PlaceOutcome::NotSent("no connection".into()),
            Err(Fate::Refused(words)) => PlaceOutcome::Rejected(words.into()),
            Err(_) if venue.careless => PlaceOutcome::NotSent("time-out".into()),
            Err(_) => PlaceOutcome::Unknown("time-out".into()),
        }
    }

    fn replace(&mut self, venue_id: &str, _: &Order, terms: &Amendment, _: &Instrument, _: Time) -> ChangeOutcome {
        changed(self.0.borrow_mut().send(Request::Replace(venue_id.to_owned(), *terms)))
    }

    fn cancel(&mut self, venue_id: &str, _: Time) -> ChangeOutcome {
        changed(self.0.borrow_mut().send(Request::Cancel(venue_id.to_owned())))
    }

    fn look_up(&mut self, client_id: &str, since: Time, _: Time) -> Result<Option<VenueOrder>, Unreachable> {
        let mut venue = self.0.borrow_mut();
        venue.looks += 1;
        venue.answers()?;
        let found = venue.of(client_id).map(|row| row.shown.clone());
        Ok(found.filter(|shown| shown.updated >= since || !shown.status.is_terminal()))
    }

    fn snapshot(&mut self, now: Time) -> Result<Snapshot, Unreachable> {
        let mut venue = self.0.borrow_mut();
        venue.snapshots += 1;
        venue.answers()?;
        let rows = venue.rows.values().filter(|row| !venue.terse || !row.shown.status.is_terminal());
        let orders = rows.map(|row| row.shown.clone()).collect();
        let executions = if venue.terse { Vec::new() } else { venue.executions.clone() };
        let held = venue.positions.iter().filter(|(_, raw)| **raw != 0);
        let position = |(name, raw): (&String, &i64)| VenuePosition {
            instrument: name.clone(),
            quantity: Quantity::from_raw(*raw),
            average: None,
        };
        let cash = vec![("USD".parse().unwrap(), venue.cash)];
        Ok(Snapshot { orders, executions, positions: held.map(position).collect(), cash, taken: now })
    }

    fn poll(&mut self, now: Time) -> Vec<Report> {
        let mut venue = self.0.borrow_mut();
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut venue.stream).into_iter().partition(|(at, _)| *at <= now);
        venue.stream = later;
        due.sort_by_key(|(at, _)| *at);
        let mut due: Vec<Report> = due.into_iter().map(|(_, report)| report).collect();
        if venue.renames {
            for (number, report) in due.iter_mut().enumerate() {
                if let Heard::Execution { id, .. } = &mut report.what {
                    id.push_str(&format!("-{}-{number}", now.0));
                }
            }
        }
        due
    }
}
