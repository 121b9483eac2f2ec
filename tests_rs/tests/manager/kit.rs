//! A manager over the venue, and short words for what happens on it.

use std::path::{Path, PathBuf};

use exuvia_execution::{
    Asked, Desk, DeskManager, Durability, DurableDesk, Event, Instrument, Opening, Order, PreTrade, Recovery, Refused,
    Settings, Ticket,
};
use exuvia_model::{OrderStatus, Price, Quantity, SECOND, Side, Time, TimeInForce};
use exuvia_ports::SimFiles;

use crate::venue::{Shared, Venue, Way};

pub type Manager<B = Way> = DeskManager<B, Checks>;

/// Checks that refuse what is larger than a bound, and what they are told to; they remember what passed.
#[derive(Debug, Default)]
pub struct Checks {
    pub passed: Vec<String>,
    /// Which question is refused, if one is.
    pub closed: Option<&'static str>,
}

impl PreTrade for Checks {
    fn check(&mut self, desk: &Desk, asked: Asked<'_>, _: Time) -> Result<(), Refused> {
        let order = asked.order();
        assert!(desk.find(order.client_id()).is_ok(), "what is checked is on record");
        let (what, quantity) = match asked {
            Asked::Order(order) => ("order", order.intent().quantity),
            Asked::Change(_, terms) => ("change", terms.quantity),
            Asked::Send(order) => ("send", order.state().quantity()),
        };
        if self.closed == Some(what) {
            return Err(Refused { code: "closed", words: format!("no {what} of {quantity} today") });
        }
        if quantity > q(100) {
            return Err(Refused { code: "size", words: format!("{quantity} > 100") });
        }
        if what == "order" {
            self.passed.push(order.client_id().to_owned());
        }
        Ok(())
    }
}

pub fn p(text: &str) -> Price {
    text.parse().unwrap()
}

pub fn q(whole: i64) -> Quantity {
    Quantity::from_whole(whole).unwrap()
}

pub fn path() -> PathBuf {
    Path::new("/orders.journal").to_path_buf()
}

pub fn opening(now: Time) -> Opening {
    Opening { prefix: "EX".into(), holder: "desk 1".into(), durability: Durability::BeforeBytes, now }
}

pub fn mes() -> Instrument {
    Instrument::new("MESZ6", p("0.25"), q(5), "USD".parse().unwrap()).unwrap()
}

pub fn buy(amount: i64) -> Ticket {
    Ticket {
        scenario: "trend".into(),
        instrument: "MESZ6".into(),
        side: Side::Buy,
        quantity: q(amount),
        duration: TimeInForce::Day,
        reason: "entry".into(),
    }
}

/// A manager, its venue, its disk and a clock.
pub struct Table {
    pub manager: Option<Manager>,
    pub venue: Shared,
    pub files: SimFiles,
    pub settings: Settings,
    pub now: Time,
}

impl Table {
    /// A manager that has seen its venue.
    pub fn new(settings: Settings) -> Self {
        let (venue, files) = (Venue::shared(), SimFiles::new());
        let mut table = Self { manager: None, venue, files, settings, now: Time(1_000 * SECOND) };
        table.venue.borrow_mut().now = table.now;
        table.start();
        table.manager().list(mes()).unwrap();
        let now = table.now;
        table.manager().reconcile(now).unwrap();
        table.manager().events();
        table
    }

    pub fn start(&mut self) -> Recovery {
        let (desk, recovery) = DurableDesk::open(&self.files, &path(), &opening(self.now)).unwrap();
        let way = Way(self.venue.clone());
        self.manager = Some(Manager::start(desk, way, Checks::default(), self.settings, self.now).unwrap());
        recovery
    }

    /// The process ends without a word, and starts again.
    pub fn crash(&mut self) -> Recovery {
        self.manager = None;
        self.start()
    }

    pub fn manager(&mut self) -> &mut Manager {
        self.manager.as_mut().unwrap()
    }

    /// Lets seconds pass and pumps once.
    pub fn pump(&mut self, seconds: i64) {
        self.now = Time(self.now.0 + seconds * SECOND);
        self.venue.borrow_mut().advance(self.now);
        let now = self.now;
        self.manager().pump(now).unwrap();
    }

    /// Pumps once a second.
    pub fn run(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.pump(1);
        }
    }

    pub fn order(&self, client_id: &str) -> Order {
        self.manager.as_ref().unwrap().desk().find(client_id).unwrap().clone()
    }

    pub fn status(&self, client_id: &str) -> OrderStatus {
        self.order(client_id).status()
    }

    pub fn limit(&mut self, amount: i64) -> String {
        let now = self.now;
        self.manager().place_limit_order(&buy(amount), p("5990"), now).unwrap()
    }

    pub fn fill(&mut self, client_id: &str, amount: i64, price: &str) {
        let mut venue = self.venue.borrow_mut();
        let venue_id = venue.of(client_id).unwrap().shown.venue_id.clone();
        venue.fill(&venue_id, q(amount), p(price));
    }

    pub fn held(&self) -> Quantity {
        let manager = self.manager.as_ref().unwrap();
        manager.desk().holdings().values().map(|holding| holding.quantity().raw()).sum::<i64>().pipe(Quantity::from_raw)
    }

    /// The codes of what was told since.
    pub fn codes(&mut self) -> Vec<&'static str> {
        self.manager().events().iter().map(Event::code).collect()
    }

    pub fn told(&mut self, code: &str) -> Vec<Event> {
        self.manager().events().into_iter().filter(|event| event.code() == code).collect()
    }
}

/// A value into a function, in reading order.
pub trait Pipe: Sized {
    fn pipe<T>(self, into: impl FnOnce(Self) -> T) -> T {
        into(self)
    }
}

impl<T> Pipe for T {}
