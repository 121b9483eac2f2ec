//! Pre-trade checks: an order, what is known, and a [`Profile`] go in; a [`Passed`], without which nothing is sent, or a
//! [`Refused`] with everything that speaks against it comes out. Pure, exact, and without memory of its own on the way of what passes.
//!
//! Orders of a strategy and orders by hand take this one road. `docs/checks.md` has the table.

mod always;
mod check;
mod context;
mod cost;
mod desk;
mod look;
mod market;
mod pace;
mod passed;
mod profile;
mod refused;
mod rules;
mod span;

use std::collections::BTreeMap;

use exuvia_market::sessions::Calendar;
use exuvia_model::{OrderIntent, Quantity};

pub use check::{Check, CheckSet, OnMissing};
pub use context::{Bypass, Context, Open, Past, Reference, Seen, Sum};
pub use passed::{Passed, PassedChange, WrongPass};
pub use profile::{Profile, ProfileError};
pub use refused::{Objection, Refused};
pub use rules::{
    Basis, CashRule, CollarRule, Commission, DuplicatesRule, FrequencyRule, HoursRule, InstrumentRule, MoneyRule,
    OpenOrdersRule, PendingRule, PositionRule, SanityRule, SizeRule, Variant, WaitRule,
};
pub use span::Span;

use crate::{Amendment, Link, Order};
use look::{Changed, Look};

/// A profile that is ready to check.
///
/// ```
/// use exuvia_execution::precheck::{Checks, Context, Open, Past, Profile, Sum};
/// use exuvia_execution::{Change, Desk, Instrument, Limits, Link};
/// use exuvia_model::{OrderIntent, OrderType, Quantity, Side, Symbol, Time, TimeInForce};
/// let checks = Checks::new(Profile::options_desk(Limits::whole(5, 10, 60)?))?;
/// let mut desk = Desk::default();
/// desk.apply(&Change::Opened { prefix: "EX".into(), counter: 0 })?;
/// desk.apply(&Change::Listed(Instrument::new("AAPL", "0.01".parse()?, "1".parse()?, "USD".parse()?)?))?;
/// let wanted = desk.intend(Link::Single, vec![OrderIntent {
///     scenario: "trend".into(), symbol: Symbol(0), side: Side::Buy, quantity: Quantity::from_whole(7)?,
///     order_type: OrderType::Limit, limit: Some("200".parse()?), stop: None, trail: None, duration: TimeInForce::Day,
///     decided: Time(0), reason: "entry".into(),
/// }])?;
/// desk.apply(&wanted)?;
/// let context = Context {
///     instrument: desk.instruments().first(), held: Some(Quantity::ZERO), open: Some(Open::default()),
///     orders: Some(Past::all(desk.orders())), cash: Some(Sum { amount: "1000".parse()?, currency: "USD".parse()? }),
///     ..Context::unknown(Time(0))
/// };
/// let refused = checks.check(desk.find("EX-trend-000001")?, &context).unwrap_err();
/// let codes: Vec<&str> = refused.objections().map(|objection| objection.code).collect();
/// assert_eq!(codes, ["size", "cash"]);
/// assert!(refused.to_string().contains("size: 7, limit 5: make it smaller"), "{refused}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What was not checked cannot be sent: a broker takes a checked order only.
///
/// ```compile_fail
/// fn send(order: &exuvia_execution::Order, checked: fn(&exuvia_execution::CheckedOrder)) {
///     checked(order);
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    profile: Profile,
    calendars: BTreeMap<String, Calendar>,
}

impl Checks {
    /// The checks of a profile.
    ///
    /// # Errors
    /// `BadLimit`, `BadCalendar`.
    pub fn new(profile: Profile) -> Result<Self, ProfileError> {
        let profile = profile.sound()?;
        let mut calendars = BTreeMap::new();
        for (exchange, name) in profile.hours.iter().flat_map(|hours| &hours.exchanges) {
            let calendar = Calendar::named(name).map_err(|error| ProfileError::BadCalendar {
                name: profile.name.clone(),
                exchange: exchange.clone(),
                calendar: name.clone(),
                why: error.to_string(),
            })?;
            calendars.insert(exchange.clone(), calendar);
        }
        Ok(Self { profile, calendars })
    }

    /// With the hours of one more exchange, such as one whose sessions are listed.
    #[must_use]
    pub fn with_calendar(mut self, exchange: impl Into<String>, calendar: Calendar) -> Self {
        self.calendars.insert(exchange.into(), calendar);
        self
    }

    /// The profile.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The calendar of an exchange.
    #[must_use]
    pub fn calendar(&self, exchange: &str) -> Option<&Calendar> {
        self.calendars.get(exchange)
    }

    /// Checks an order that stands alone.
    ///
    /// # Errors
    /// `Refused` with everything that speaks against it.
    pub fn check(&self, order: &Order, context: &Context<'_>) -> Result<Passed, Box<Refused>> {
        let own = std::slice::from_ref(order);
        self.look_at(order, order.intent(), own, context, context.held.map(|held| i128::from(held.raw())))
    }

    /// Checks orders that hang together, all of them or none: see [`Desk::linked`](crate::Desk::linked). What an order hangs on is held when it comes
    /// to be executed, so the exits of a bracket close what its entry opens.
    ///
    /// # Errors
    /// `Refused` of the first order that is.
    pub fn check_linked(
        &self,
        link: Link,
        orders: &[Order],
        context: &Context<'_>,
    ) -> Result<Vec<Passed>, Box<Refused>> {
        let before = context.held.map(|held| i128::from(held.raw()));
        let parent = orders.first().map_or(0, |order| order.intent().quantity.raw() * order.intent().side.sign());
        let hangs = matches!(link, Link::IfDone | Link::Bracket);
        let held = |at: usize| before.map(|held| if hangs && at > 0 { held + i128::from(parent) } else { held });
        let each = orders.iter().enumerate();
        each.map(|(at, order)| self.look_at(order, order.intent(), orders, context, held(at))).collect()
    }

    /// Checks new terms of an order that works. What makes it larger or gives it another price is checked as an order is, but for what
    /// only a new order can be: a duplicate, too soon, one too many.
    ///
    /// # Errors
    /// `Refused`.
    pub fn check_change(
        &self,
        order: &Order,
        terms: &Amendment,
        context: &Context<'_>,
    ) -> Result<PassedChange, Box<Refused>> {
        let state = order.state();
        let (limit, stop) = (terms.limit.or(order.limit()), terms.stop.or(order.stop()));
        let intent = OrderIntent { quantity: terms.quantity, limit, stop, ..order.intent().clone() };
        let own = std::slice::from_ref(order);
        let mut look = Look::new(self, context, &intent, own);
        let left = |total: Quantity| Quantity::from_raw(total.raw().saturating_sub(state.filled().raw()).max(0));
        look.quantity = left(terms.quantity);
        look.changed = Some(Changed {
            quantity: left(state.quantity()),
            limit: order.limit(),
            stop: order.stop(),
            enlarges: terms.quantity > state.quantity(),
            reprices: (limit, stop) != (order.limit(), order.stop()),
        });
        self.run(&mut look);
        let unknown = look.unknown;
        self.verdict(order.client_id(), look.found)?;
        PassedChange::new(order, *terms, unknown).ok_or_else(|| self.too_long(order))
    }

    /// All that would speak against an intent that is no order yet, in the order of the checks.
    #[must_use]
    pub fn objections(&self, intent: &OrderIntent, context: &Context<'_>) -> Vec<Objection> {
        let mut look = Look::new(self, context, intent, &[]);
        self.run(&mut look);
        look.found
    }

    fn look_at(
        &self,
        order: &Order,
        intent: &OrderIntent,
        own: &[Order],
        context: &Context<'_>,
        held: Option<i128>,
    ) -> Result<Passed, Box<Refused>> {
        let mut look = Look::new(self, context, intent, own);
        look.held = held;
        self.run(&mut look);
        let (unknown, bypassed) = (look.unknown, look.bypassed);
        self.verdict(order.client_id(), look.found)?;
        Passed::new(order, unknown, bypassed).ok_or_else(|| self.too_long(order))
    }

    fn run(&self, look: &mut Look<'_>) {
        always::sanity(look);
        always::instrument(look);
        always::size(look);
        always::position(look);
        always::duplicates(look);
        always::cash(look);
        pace::same_side(look);
        market::hours(look);
        pace::cooldown(look);
        pace::hold(look);
        pace::frequency(look);
        pace::pending(look);
        market::collar(look);
        market::notional(look);
        market::open_orders(look);
        market::daily_loss(look);
    }

    fn verdict(&self, client_id: &str, found: Vec<Objection>) -> Result<(), Box<Refused>> {
        let mut found = found.into_iter();
        let Some(first) = found.next() else { return Ok(()) };
        Err(Box::new(Refused {
            client_id: client_id.to_owned(),
            profile: self.profile.name.clone(),
            first,
            others: found.collect(),
        }))
    }

    fn too_long(&self, order: &Order) -> Box<Refused> {
        Box::new(Refused {
            client_id: order.client_id().to_owned(),
            profile: self.profile.name.clone(),
            first: Objection {
                check: Check::Sanity,
                code: "bad_id",
                value: format!("a client id of {} characters", order.client_id().len()),
                limit: "50".to_owned(),
                remedy: "shorten prefix or scenario",
            },
            others: Vec::new(),
        })
    }
}
