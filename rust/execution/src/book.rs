//! The book of a desk's own orders: it checks intents, gives out client ids, follows each order through
//! its states and keeps three views: pending, active, terminal. It calls nobody: an order to send and a
//! cancel to ask for are handed out, their answers are handed back.

use std::collections::{HashMap, HashSet};

use exuvia_model::{ModelError, Money, OrderIntent, OrderStatus, OrderType, Quantity, SECOND, Side, Symbol};

use crate::activity::Meaning;
use crate::{
    Activity, BookedFill, CancelAnswer, CheckedOrder, Decimal, Limits, Order, OrderError, OrderEvent, PlaceAnswer,
    checks,
};

/// In which view an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shelf {
    /// Sent, and nothing that can be trusted has come back.
    Pending,
    /// The venue has it.
    Active,
    /// Filled, cancelled, rejected or expired.
    Terminal,
}

/// What became of an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// A check refused it; it is terminal and its note says why.
    Refused(Order),
    /// It passed and waits for the broker's answer: send it, then [`OrderBook::settle`].
    Send(CheckedOrder),
}

/// A cancel to ask the broker for; then [`OrderBook::settle_cancel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRequest {
    /// Our own id.
    pub client_id: String,
    /// The venue's id.
    pub venue_id: String,
}

/// What makes two orders the same to the duplicate check.
type Content = (String, Symbol, Side, OrderType, Quantity);

/// All orders of one desk.
#[derive(Debug)]
pub struct OrderBook {
    limits: Limits,
    prefix: String,
    orders: Vec<Order>,
    by_id: HashMap<String, usize>,
    pending: Vec<usize>,
    active: Vec<usize>,
    terminal: Vec<usize>,
    same: HashMap<Content, Vec<usize>>,
    positions: HashMap<String, i128>,
    seen: HashSet<String>,
    ignored: u64,
}

impl OrderBook {
    /// An empty book; client ids begin with `prefix`.
    #[must_use]
    pub fn new(limits: Limits, prefix: impl Into<String>) -> Self {
        Self {
            limits,
            prefix: prefix.into(),
            orders: Vec::new(),
            by_id: HashMap::new(),
            pending: Vec::new(),
            active: Vec::new(),
            terminal: Vec::new(),
            same: HashMap::new(),
            positions: HashMap::new(),
            seen: HashSet::new(),
            ignored: 0,
        }
    }

    /// Checks an intent and gives it its client id, `PREFIX-scenario-NNNNNN`.
    ///
    /// # Errors
    /// `BadAmount`, `BadLimit` for an intent that is no order at all: no id is used for it.
    pub fn admit(&mut self, intent: OrderIntent) -> Result<Admission, OrderError> {
        checks::well_formed(&intent)?;
        let refusal = checks::refusal(
            &self.limits,
            &intent,
            || self.exposure(&intent.scenario),
            || self.duplicate_of(&intent).map(|order| order.client_id().to_owned()),
        );
        let at = self.orders.len();
        let client_id = format!("{}-{}-{:06}", self.prefix, intent.scenario, at + 1);
        // A refused repeat is not remembered: it must not extend the window in which repeats are refused.
        if !matches!(refusal, Some(checks::Refusal::Duplicate { .. })) {
            self.same.entry(content(&intent)).or_default().push(at);
        }
        self.by_id.insert(client_id.clone(), at);
        let mut order = Order::new(client_id, intent);
        let admission = if let Some(refusal) = refusal {
            apply(&mut order, OrderEvent::Refused)?;
            order.remember(refusal.to_string());
            self.terminal.push(at);
            Admission::Refused(order.clone())
        } else {
            apply(&mut order, OrderEvent::Passed)?;
            apply(&mut order, OrderEvent::Sent)?;
            self.pending.push(at);
            Admission::Send(CheckedOrder::new(order.clone()))
        };
        self.orders.push(order);
        Ok(admission)
    }

    /// Takes the broker's answer to an order. If an activity was faster than the answer, the activity holds.
    ///
    /// # Errors
    /// `NoSuchOrder`; `Step` if the order cannot take this answer.
    pub fn settle(&mut self, client_id: &str, outcome: &PlaceAnswer) -> Result<&Order, OrderError> {
        let at = self.at(client_id)?;
        let from = self.orders.get(at).map_or(Shelf::Pending, Self::shelf);
        if let Some(order) = self.orders.get_mut(at).filter(|order| order.status() == OrderStatus::PendingNew) {
            match outcome {
                PlaceAnswer::Accepted(venue_id) => {
                    apply(order, OrderEvent::Accepted)?;
                    let decided = order.intent().decided;
                    order.accepted_at(venue_id.as_str(), decided);
                }
                PlaceAnswer::Rejected(text) => {
                    apply(order, OrderEvent::Refused)?;
                    order.remember(text.as_str());
                }
                PlaceAnswer::Unknown(text) => {
                    apply(order, OrderEvent::Lost)?;
                    order.remember(text.as_str());
                }
            }
        }
        self.file(at, from);
        self.get(client_id)
    }

    /// The cancel to ask for: of the scenario's open order, if the venue has given it an id and no cancel is under way.
    ///
    /// # Errors
    /// `Step` if the order cannot be cancelled.
    pub fn begin_cancel(&mut self, scenario: &str) -> Result<Option<CancelRequest>, OrderError> {
        let Some(order) = self.open_order(scenario).filter(|order| order.status() != OrderStatus::PendingCancel) else {
            return Ok(None);
        };
        let Some(venue_id) = order.venue_id().map(str::to_owned) else { return Ok(None) };
        let client_id = order.client_id().to_owned();
        let at = self.at(&client_id)?;
        self.orders.get_mut(at).map_or(Ok(()), |order| apply(order, OrderEvent::CancelSent))?;
        Ok(Some(CancelRequest { client_id, venue_id }))
    }

    /// Takes the broker's answer to a cancel: only a refusal lets the order work on.
    ///
    /// # Errors
    /// `NoSuchOrder`.
    pub fn settle_cancel(&mut self, client_id: &str, outcome: &CancelAnswer) -> Result<&Order, OrderError> {
        let at = self.at(client_id)?;
        if let (Some(order), CancelAnswer::Refused(_)) = (self.orders.get_mut(at), outcome)
            && order.status() == OrderStatus::PendingCancel
        {
            apply(order, OrderEvent::CancelRefused)?;
        }
        self.get(client_id)
    }

    /// Whether an activity with this reference and sequence id says something new of a live order; if not, it is counted as ignored.
    pub fn screen(&mut self, reference: Option<&str>, sequence: Option<&str>) -> bool {
        let live = reference.and_then(|id| self.find(id)).is_some_and(|order| !order.status().is_terminal());
        let fresh = live && !sequence.is_some_and(|id| self.seen.contains(id));
        self.ignored += u64::from(!fresh);
        fresh
    }

    /// Takes what the venue says of an order; gives the fill if it is one. Repeated activities and those of unknown or
    /// ended orders are counted in `ignored`.
    ///
    /// # Errors
    /// `Contradiction` if it is of another instrument or side than the order; `Incomplete`, `BadPrice` for a fill that cannot be booked; `Step` for a step that the order cannot take. The order
    /// is then as it was, and the activity may be given again.
    pub fn on_activity(&mut self, activity: &Activity) -> Result<Option<BookedFill>, OrderError> {
        if !self.screen(activity.reference.as_deref(), activity.sequence.as_deref()) {
            return Ok(None);
        }
        let client_id = activity.reference.as_deref().unwrap_or_default();
        let at = self.at(client_id)?;
        let Some(order) = self.orders.get_mut(at) else { return Ok(None) };
        agrees(order, activity)?;
        let from = Self::shelf(order);
        let waiting = from == Shelf::Pending;
        let fill = match activity.meaning() {
            Meaning::Execution { last } => Some(execution(order, activity, last)?),
            // The venue had it before: its id is known, nothing changes.
            Meaning::Step(OrderEvent::Accepted) if !waiting => None,
            Meaning::Step(OrderEvent::CancelRefused) if order.status() != OrderStatus::PendingCancel => None,
            Meaning::Step(event) => {
                apply(order, event)?;
                if event == OrderEvent::Refused {
                    order.remember("rejected by the venue");
                }
                None
            }
            Meaning::News => None,
        };
        if waiting
            && matches!(order.status(), OrderStatus::Working | OrderStatus::PartiallyFilled | OrderStatus::Filled)
            && let Some(venue_id) = &activity.venue_id
        {
            let time = if fill.is_some() { order.placed() } else { activity.time };
            order.accepted_at(venue_id.as_str(), time.unwrap_or(order.intent().decided));
        }
        if let Some(fill) = &fill {
            let change = i128::from(fill.quantity.raw()) * i128::from(fill.side.sign());
            *self.positions.entry(fill.scenario.clone()).or_default() += change;
        }
        if let Some(sequence) = &activity.sequence {
            self.seen.insert(sequence.clone());
        }
        self.file(at, from);
        Ok(fill)
    }

    /// The order of the scenario that has not ended: pending before active, older before newer.
    #[must_use]
    pub fn open_order(&self, scenario: &str) -> Option<&Order> {
        self.view(Shelf::Pending).chain(self.view(Shelf::Active)).find(|order| order.intent().scenario == scenario)
    }

    /// The order with this client id, wherever it is.
    #[must_use]
    pub fn find(&self, client_id: &str) -> Option<&Order> {
        self.by_id.get(client_id).and_then(|at| self.orders.get(*at))
    }

    /// The orders of one view, in the order in which they came there.
    pub fn view(&self, shelf: Shelf) -> impl Iterator<Item = &Order> {
        let list = match shelf {
            Shelf::Pending => &self.pending,
            Shelf::Active => &self.active,
            Shelf::Terminal => &self.terminal,
        };
        list.iter().filter_map(|at| self.orders.get(*at))
    }

    /// All orders, in the order of their client ids' numbers.
    #[must_use]
    pub fn orders(&self) -> &[Order] {
        &self.orders
    }

    /// In which view the order is.
    #[must_use]
    pub const fn shelf(order: &Order) -> Shelf {
        match order.status() {
            OrderStatus::Filled | OrderStatus::Cancelled | OrderStatus::Rejected | OrderStatus::Expired => {
                Shelf::Terminal
            }
            OrderStatus::Working
            | OrderStatus::PartiallyFilled
            | OrderStatus::PendingCancel
            | OrderStatus::PendingReplace => Shelf::Active,
            OrderStatus::Intent | OrderStatus::Checked | OrderStatus::PendingNew | OrderStatus::Unknown => {
                Shelf::Pending
            }
        }
    }

    /// Signed position of each scenario from its fills, scaled by 10⁹.
    #[must_use]
    pub const fn positions(&self) -> &HashMap<String, i128> {
        &self.positions
    }

    /// How many activities were ignored.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    /// How many client ids were given out.
    #[must_use]
    pub fn counter(&self) -> usize {
        self.orders.len()
    }

    fn at(&self, client_id: &str) -> Result<usize, OrderError> {
        let at = self.by_id.get(client_id).copied();
        at.ok_or_else(|| OrderError::NoSuchOrder { client_id: client_id.to_owned() })
    }

    fn get(&self, client_id: &str) -> Result<&Order, OrderError> {
        self.find(client_id).ok_or_else(|| OrderError::NoSuchOrder { client_id: client_id.to_owned() })
    }

    /// Moves an order to the view of its state; one that stays keeps its place.
    fn file(&mut self, at: usize, from: Shelf) {
        let Some(to) = self.orders.get(at).map(Self::shelf).filter(|to| *to != from) else { return };
        self.list(from).retain(|other| *other != at);
        self.list(to).push(at);
    }

    const fn list(&mut self, shelf: Shelf) -> &mut Vec<usize> {
        match shelf {
            Shelf::Pending => &mut self.pending,
            Shelf::Active => &mut self.active,
            Shelf::Terminal => &mut self.terminal,
        }
    }

    /// Signed position of the scenario once all that is open is filled, scaled by 10⁹.
    fn exposure(&self, scenario: &str) -> i128 {
        let open = self.view(Shelf::Pending).chain(self.view(Shelf::Active));
        let open = open.filter(|order| order.intent().scenario == scenario).map(Order::signed_open);
        self.positions.get(scenario).copied().unwrap_or_default() + open.sum::<i128>()
    }

    /// The first equal order decided within the window that is open or was rejected.
    fn duplicate_of(&self, intent: &OrderIntent) -> Option<&Order> {
        let same = self.same.get(&content(intent))?;
        same.iter().filter_map(|at| self.orders.get(*at)).find(|order| {
            let age = i128::from(intent.decided.0) - i128::from(order.intent().decided.0);
            age < i128::from(self.limits.duplicate_window)
                && !matches!(order.status(), OrderStatus::Filled | OrderStatus::Cancelled | OrderStatus::Expired)
        })
    }
}

impl Limits {
    /// Limits in whole units and seconds.
    ///
    /// # Errors
    /// `OutOfRange` when a value does not fit.
    pub fn whole(max_amount: i64, max_position: i64, duplicate_window_s: i64) -> Result<Self, OrderError> {
        Ok(Self {
            max_amount: Quantity::from_whole(max_amount)?,
            max_position: Quantity::from_whole(max_position)?,
            duplicate_window: duplicate_window_s.saturating_mul(SECOND),
        })
    }
}

fn content(intent: &OrderIntent) -> Content {
    (intent.scenario.clone(), intent.symbol, intent.side, intent.order_type, intent.quantity)
}

fn apply(order: &mut Order, event: OrderEvent) -> Result<(), OrderError> {
    order.step(event).map_err(|source| OrderError::Step { client_id: order.client_id().to_owned(), source })
}

/// Refuses what names our order and contradicts it: another instrument, the other side.
fn agrees(order: &Order, activity: &Activity) -> Result<(), OrderError> {
    let intent = order.intent();
    let refuse = |field, said: String, ours: String| OrderError::Contradiction {
        client_id: order.client_id().to_owned(),
        sequence: activity.sequence.clone().unwrap_or_default(),
        field,
        said,
        ours,
    };
    if let Some(symbol) = activity.symbol.filter(|symbol| *symbol != intent.symbol) {
        return Err(refuse("Uic", symbol.0.to_string(), intent.symbol.0.to_string()));
    }
    match activity.side.filter(|side| *side != intent.side) {
        Some(side) => Err(refuse("BuySell", side.as_str().to_owned(), intent.side.as_str().to_owned())),
        None => Ok(()),
    }
}

fn execution(order: &mut Order, activity: &Activity, last: bool) -> Result<BookedFill, OrderError> {
    let missing = |field| OrderError::Incomplete {
        client_id: order.client_id().to_owned(),
        sequence: activity.sequence.clone().unwrap_or_default(),
        status: activity.status.as_str(),
        field,
    };
    let quantity = activity.fill_quantity.ok_or_else(|| missing("FillAmount"))?;
    let price = activity.execution_price.ok_or_else(|| missing("ExecutionPrice"))?;
    let time = activity.time.ok_or_else(|| missing("ActivityTime"))?;
    if price.is_negative() || price.is_zero() {
        return Err(OrderError::BadPrice { client_id: order.client_id().to_owned(), price });
    }
    apply(order, OrderEvent::Executed { quantity, last })?;
    Ok(BookedFill {
        client_id: order.client_id().to_owned(),
        scenario: order.intent().scenario.clone(),
        symbol: order.intent().symbol,
        side: order.intent().side,
        quantity,
        price,
        time,
    })
}

/// Signed whole-or-fractional amount of a raw position.
pub(crate) fn signed(raw: i128) -> Result<Decimal, OrderError> {
    Ok(Decimal::from(fitting("position", raw)?))
}

/// A raw sum of amounts as one amount; the error says it in units.
pub(crate) fn fitting(what: &'static str, raw: i128) -> Result<Quantity, OrderError> {
    let out_of_range = |_| ModelError::OutOfRange { what, text: Money::from_raw(raw).to_string() };
    Ok(Quantity::from_raw(i64::try_from(raw).map_err(out_of_range)?))
}
