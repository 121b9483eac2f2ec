//! The desk: all orders, what they hang on, and what is held, as the sum of its changes. [`Desk::apply`] takes one
//! change or refuses it and stays as it was; the same changes in the same order lead to the same desk, so a journal of
//! them is the desk.
//!
//! What we want and cannot be is an error. What a venue says and cannot be (late, repeated, out of order) is told as a
//! [`Notice`] and changes nothing; an execution is counted whenever it comes, also after the order's end.

mod change;
mod fills;
mod links;
mod notice;

use std::collections::{BTreeMap, HashMap};

use exuvia_model::{OrderIntent, OrderStatus, OrderType, Price, Quantity, Symbol};

pub use change::{Change, Execution, Fee, Link, NewOrder, Step, Total};
pub use links::Action;
pub use notice::{Notice, Outcome};

use crate::instrument::is_tighter;
use crate::{CheckedOrder, Holding, Instrument, Order, OrderError, checks};
use links::Group;

/// Longest client id: Saxo's `ExternalReference` has 50 characters.
const LONGEST_ID: usize = 50;

/// All orders of one desk, and what is held.
///
/// ```
/// use exuvia_execution::{Change, Desk, Instrument, Link, Step};
/// use exuvia_model::{OrderIntent, OrderStatus, OrderType, Quantity, Side, Symbol, Time, TimeInForce};
/// let mut desk = Desk::default();
/// desk.apply(&Change::Opened { prefix: "EX".into(), counter: 0 })?;
/// desk.apply(&Change::Listed(Instrument::new("MESZ6", "0.25".parse()?, "5".parse()?, "USD".parse()?)?))?;
/// let wanted = desk.intend(Link::Single, vec![OrderIntent {
///     scenario: "trend".into(), symbol: Symbol(0), side: Side::Buy, quantity: Quantity::from_whole(2)?,
///     order_type: OrderType::Market, limit: None, stop: None, trail: None, duration: TimeInForce::Day,
///     decided: Time(0), reason: "entry".into(),
/// }])?;
/// desk.apply(&wanted)?;
/// for step in [Step::Passed, Step::Sent, Step::Lost("time-out".into())] {
///     desk.apply(&Change::Stepped { client_id: "EX-trend-000001".into(), step, time: Time(1) })?;
/// }
/// assert_eq!(desk.find("EX-trend-000001")?.status(), OrderStatus::Unknown);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desk {
    prefix: Option<String>,
    before: u64,
    instruments: Vec<Instrument>,
    orders: Vec<Order>,
    by_id: HashMap<String, usize>,
    groups: Vec<Group>,
    group_of: Vec<usize>,
    holdings: BTreeMap<(String, Symbol), Holding>,
    executions: HashMap<(usize, String), (Quantity, Price)>,
}

/// What a change would do, worked out before anything is touched.
#[derive(Debug)]
pub(crate) struct Plan {
    outcome: Outcome,
    edit: Edit,
}

#[derive(Debug)]
enum Edit {
    Nothing,
    Open { prefix: String, before: u64 },
    List(Instrument),
    Add { link: Link, orders: Vec<Order> },
    Put { at: usize, order: Box<Order>, holding: Option<Holding>, execution: Option<(String, Quantity, Price)> },
}

impl Plan {
    fn of(edit: Edit) -> Self {
        Self { outcome: Outcome { changed: true, ..Outcome::default() }, edit }
    }

    fn told(notice: Notice) -> Self {
        Self { outcome: Outcome { notices: vec![notice], ..Outcome::default() }, edit: Edit::Nothing }
    }

    pub(crate) const fn changes(&self) -> bool {
        self.outcome.changed
    }
}

impl Desk {
    /// Takes a change.
    ///
    /// # Errors
    /// Whatever is wrong with it; the desk is as before then.
    pub fn apply(&mut self, change: &Change) -> Result<Outcome, OrderError> {
        let plan = self.plan(change)?;
        Ok(self.commit(plan))
    }

    /// The change that wants these orders, with the ids that are next. It is not applied.
    ///
    /// # Errors
    /// `Opening` before the desk was opened; what is wrong with the orders.
    pub fn intend(&self, link: Link, intents: Vec<OrderIntent>) -> Result<Change, OrderError> {
        let mut orders = Vec::with_capacity(intents.len());
        for (number, intent) in (self.counter()..).zip(intents) {
            orders.push(NewOrder { client_id: self.id(number, &intent.scenario)?, intent });
        }
        let change = Change::Intended { link, orders };
        self.plan(&change)?;
        Ok(change)
    }

    /// How many client ids were given out, those before this journal among them.
    #[must_use]
    pub fn counter(&self) -> u64 {
        self.before.saturating_add(self.orders.len() as u64)
    }

    /// With what client ids begin; none before the desk was opened.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    /// The order of this id.
    ///
    /// # Errors
    /// `NoSuchOrder`.
    pub fn find(&self, client_id: &str) -> Result<&Order, OrderError> {
        self.at(client_id).map(|(_, order)| order)
    }

    /// All orders in the order in which they were wanted.
    #[must_use]
    pub fn orders(&self) -> &[Order] {
        &self.orders
    }

    /// The order to hand to a broker: only once its `Sent` is part of this desk, and only before an answer came.
    #[must_use]
    pub fn to_send(&self, client_id: &str) -> Option<CheckedOrder> {
        let order = self.find(client_id).ok()?;
        (order.status() == OrderStatus::PendingNew).then(|| CheckedOrder::new(order.clone()))
    }

    /// The orders that are linked with this one, itself among them.
    ///
    /// # Errors
    /// `NoSuchOrder`.
    pub fn linked(&self, client_id: &str) -> Result<(Link, &[Order]), OrderError> {
        let (at, _) = self.at(client_id)?;
        let group = self.group(at);
        Ok((group.link, self.members(group)))
    }

    /// What linked orders need done now. It is worked out from the states, so it is the same after a restart, and it is
    /// asked again after each change; an order that waits for an answer is left alone.
    #[must_use]
    pub fn wanted(&self) -> Vec<Action> {
        self.groups.iter().flat_map(|group| group.wanted(self.members(*group))).collect()
    }

    /// Entries of brackets whose position has no stop that works, and how much of it: the stop was refused, cancelled or has
    /// expired. What to do about it is a human's or a strategy's to say.
    #[must_use]
    pub fn unprotected(&self) -> Vec<(&str, Quantity)> {
        let open = self.groups.iter().filter_map(|group| group.unprotected(self.members(*group)));
        open.filter_map(|(client_id, raw)| Some((client_id, Quantity::from_raw(i64::try_from(raw).ok()?)))).collect()
    }

    /// The orders whose last request has no answer: after a restart each of them is in doubt.
    pub fn in_flight(&self) -> impl Iterator<Item = &Order> {
        use OrderStatus as S;
        self.orders
            .iter()
            .filter(|order| matches!(order.status(), S::PendingNew | S::PendingCancel | S::PendingReplace))
    }

    /// The instruments, by the number of their symbol.
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// The symbol of an instrument.
    ///
    /// # Errors
    /// `Unlisted`.
    pub fn symbol(&self, name: &str) -> Result<Symbol, OrderError> {
        let at = self.instruments.iter().position(|instrument| instrument.name == name);
        let symbol = at.and_then(|at| u32::try_from(at).ok()).map(Symbol);
        symbol.ok_or_else(|| OrderError::Unlisted {
            name: name.to_owned(),
            why: "is not listed: list it before it is traded",
        })
    }

    /// The terms of an instrument.
    ///
    /// # Errors
    /// `Unlisted`.
    pub fn instrument(&self, symbol: Symbol) -> Result<&Instrument, OrderError> {
        let found = self.instruments.get(symbol.0 as usize);
        found.ok_or_else(|| OrderError::Unlisted {
            name: symbol.0.to_string(),
            why: "is not listed: list it before it is traded",
        })
    }

    /// What a scenario holds of an instrument.
    #[must_use]
    pub fn holding(&self, scenario: &str, symbol: Symbol) -> Holding {
        self.holdings.get(&(scenario.to_owned(), symbol)).cloned().unwrap_or_default()
    }

    /// What all scenarios hold, by scenario and instrument.
    #[must_use]
    pub const fn holdings(&self) -> &BTreeMap<(String, Symbol), Holding> {
        &self.holdings
    }

    /// What a change would do.
    pub(crate) fn plan(&self, change: &Change) -> Result<Plan, OrderError> {
        if self.prefix.is_none() && !matches!(change, Change::Opened { .. }) {
            return Err(OrderError::Opening("was not opened yet"));
        }
        match change {
            Change::Opened { .. } if self.prefix.is_some() => Err(OrderError::Opening("is open already")),
            Change::Opened { prefix, counter } => Ok(Plan::of(Edit::Open { prefix: prefix.clone(), before: *counter })),
            Change::Listed(instrument) => self.list(instrument),
            Change::Intended { link, orders } => self.add(*link, orders),
            Change::Stepped { client_id, step, time } => {
                let (at, order) = self.at(client_id)?;
                one_venue_id(order, step)?;
                let mut next = order.clone();
                if let Err(why) = next.step(step.event()) {
                    if step.is_heard() && order.state().was_sent() {
                        return Ok(Plan::told(Notice::Stale { client_id: client_id.clone(), why }));
                    }
                    return Err(OrderError::Step { client_id: client_id.clone(), source: why });
                }
                self.check_terms(&next, step)?;
                next.follow(step, *time);
                Ok(self.put(at, next))
            }
            Change::Executed(execution) => self.execute(execution),
            Change::Totalled(total) => self.total(total),
            Change::Trailed { client_id, stop, .. } => self.trail(client_id, *stop),
        }
    }

    /// Does what was planned.
    pub(crate) fn commit(&mut self, plan: Plan) -> Outcome {
        match plan.edit {
            Edit::Nothing => {}
            Edit::Open { prefix, before } => (self.prefix, self.before) = (Some(prefix), before),
            Edit::List(instrument) => self.instruments.push(instrument),
            Edit::Add { link, orders } => {
                let group = Group { link, first: self.orders.len(), count: orders.len() };
                for order in orders {
                    self.by_id.insert(order.client_id().to_owned(), self.orders.len());
                    self.group_of.push(self.groups.len());
                    self.orders.push(order);
                }
                self.groups.push(group);
            }
            Edit::Put { at, order, holding, execution } => {
                if let Some(holding) = holding {
                    self.holdings.insert((order.intent().scenario.clone(), order.intent().symbol), holding);
                }
                if let Some((id, quantity, price)) = execution {
                    self.executions.insert((at, id), (quantity, price));
                }
                if let Some(place) = self.orders.get_mut(at) {
                    *place = *order;
                }
            }
        }
        plan.outcome
    }

    fn list(&self, instrument: &Instrument) -> Result<Plan, OrderError> {
        let sound = instrument.clone().sound()?;
        match self.instruments.iter().find(|listed| listed.name == sound.name) {
            None => Ok(Plan::of(Edit::List(sound))),
            Some(listed) if *listed == sound => Ok(Plan { outcome: Outcome::default(), edit: Edit::Nothing }),
            Some(_) => {
                let why = "is listed with other terms: positions in it are reckoned by those; give it another name";
                Err(OrderError::Unlisted { name: sound.name, why })
            }
        }
    }

    fn add(&self, link: Link, wanted: &[NewOrder]) -> Result<Plan, OrderError> {
        let mut orders = Vec::with_capacity(wanted.len());
        for (number, NewOrder { client_id, intent }) in (self.counter()..).zip(wanted) {
            let expected = self.id(number, &intent.scenario)?;
            if *client_id != expected {
                let why = format!("is not the next one, {expected:?}");
                return Err(OrderError::BadId { client_id: client_id.clone(), why });
            }
            let instrument = self.instrument(intent.symbol)?;
            checks::complete(intent)?;
            instrument.on_lot(intent.quantity)?;
            for price in [intent.limit, intent.stop].into_iter().flatten() {
                instrument.on_tick(price)?;
            }
            orders.push(Order::new(expected, intent.clone()));
        }
        links::check(link, &wanted.iter().map(|order| &order.intent).collect::<Vec<_>>())?;
        Ok(Plan::of(Edit::Add { link, orders }))
    }

    /// Refuses new terms that the instrument or the order's type does not have.
    fn check_terms(&self, order: &Order, step: &Step) -> Result<(), OrderError> {
        let instrument = self.instrument(order.intent().symbol)?;
        match step {
            Step::Sized(quantity) => instrument.on_lot(*quantity).map(|_| ()),
            Step::ReplaceSent(terms) => {
                instrument.on_lot(terms.quantity)?;
                for price in [terms.limit, terms.stop].into_iter().flatten() {
                    instrument.on_tick(price)?;
                }
                let (limit, stop) = (terms.limit.or(order.limit), terms.stop.or(order.stop));
                checks::complete(&OrderIntent { limit, stop, ..order.intent().clone() })
            }
            _ => Ok(()),
        }
    }

    fn trail(&self, client_id: &str, stop: Price) -> Result<Plan, OrderError> {
        let (at, order) = self.at(client_id)?;
        let order_type = order.intent().order_type;
        if order_type != OrderType::TrailingStop {
            return Err(OrderError::NotTrailing { client_id: client_id.to_owned(), order_type });
        }
        match order.stop {
            Some(ours) if !is_tighter(order.intent().side, stop, ours) => {
                Ok(Plan::told(Notice::StopBack { client_id: client_id.to_owned(), said: stop, ours }))
            }
            _ => {
                let mut next = order.clone();
                next.stop = Some(stop);
                Ok(self.put(at, next))
            }
        }
    }

    fn put(&self, at: usize, order: Order) -> Plan {
        if self.orders.get(at) == Some(&order) {
            return Plan { outcome: Outcome::default(), edit: Edit::Nothing };
        }
        Plan::of(Edit::Put { at, order: Box::new(order), holding: None, execution: None })
    }

    fn id(&self, number: u64, scenario: &str) -> Result<String, OrderError> {
        let prefix = self.prefix.as_deref().ok_or(OrderError::Opening("was not opened yet"))?;
        let client_id = format!("{prefix}-{scenario}-{:06}", number.saturating_add(1));
        if client_id.len() > LONGEST_ID {
            let why =
                format!("has {} characters: venues take {LONGEST_ID}; shorten prefix or scenario", client_id.len());
            return Err(OrderError::BadId { client_id, why });
        }
        Ok(client_id)
    }

    fn at(&self, client_id: &str) -> Result<(usize, &Order), OrderError> {
        let at = self.by_id.get(client_id).copied();
        let found = at.and_then(|at| Some((at, self.orders.get(at)?)));
        found.ok_or_else(|| OrderError::NoSuchOrder { client_id: client_id.to_owned() })
    }

    /// The group of the order at this place; every order has one.
    fn group(&self, at: usize) -> Group {
        let group = self.group_of.get(at).and_then(|group| self.groups.get(*group));
        group.copied().unwrap_or(Group { link: Link::Single, first: at, count: 1 })
    }

    fn members(&self, group: Group) -> &[Order] {
        self.orders.get(group.first..group.first + group.count).unwrap_or_default()
    }
}

/// Refuses a second id of the venue for one order: it may have been placed twice.
fn one_venue_id(order: &Order, step: &Step) -> Result<(), OrderError> {
    match (step, order.venue_id()) {
        (Step::Accepted(Some(said)), Some(ours)) if said != ours => Err(OrderError::Contradiction {
            client_id: order.client_id().to_owned(),
            sequence: String::new(),
            field: "venue id",
            said: said.clone(),
            ours: ours.to_owned(),
        }),
        _ => Ok(()),
    }
}
