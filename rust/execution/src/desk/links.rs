//! Orders that hang together: which may be linked, and what each of them should be for what the others have executed.
//! It is worked out from the states alone, never from a message, so a process that starts again knows what is still to be done.

use exuvia_model::{OrderIntent, OrderStatus, OrderType, Price, Quantity};

use super::Link;
use crate::instrument::is_tighter;
use crate::{Order, OrderError};

/// What a linked order needs done; the desk does nothing by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send it, with this amount: `Sized` first if it differs.
    Send {
        /// Which order.
        client_id: String,
        /// How much.
        quantity: Quantity,
    },
    /// Give it up: it was never sent and never will be.
    Withdraw {
        /// Which order.
        client_id: String,
    },
    /// Change its total amount.
    Replace {
        /// Which order.
        client_id: String,
        /// The new total, with what was executed.
        quantity: Quantity,
    },
    /// Take it back.
    Cancel {
        /// Which order.
        client_id: String,
    },
}

/// A run of orders that were wanted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) link: Link,
    pub(super) first: usize,
    pub(super) count: usize,
}

/// Refuses orders that cannot hang together.
pub(super) fn check(link: Link, orders: &[&OrderIntent]) -> Result<(), OrderError> {
    let scenario = orders.first().map(|order| order.scenario.clone()).unwrap_or_default();
    let bad = |why: String| Err(OrderError::BadLink { link: link.as_str(), scenario: scenario.clone(), why });
    let (least, most) = match link {
        Link::Single => (1, 1),
        Link::Oco | Link::IfDone => (2, usize::MAX),
        Link::Bracket => (3, usize::MAX),
    };
    if !(least..=most).contains(&orders.len()) {
        return bad(format!("it has {} orders, at least {least} were expected", orders.len()));
    }
    let [first, rest @ ..] = orders else { return Ok(()) };
    if let Some(other) = rest.iter().find(|order| (order.symbol, &order.scenario) != (first.symbol, &first.scenario)) {
        return bad(format!(
            "one order is of {:?} and scenario {:?}: all must be of one instrument and scenario",
            other.symbol, other.scenario
        ));
    }
    match link {
        Link::Single => Ok(()),
        Link::Oco => check_oco(orders).or_else(bad),
        Link::IfDone => match rest.iter().find(|order| order.quantity > first.quantity) {
            Some(order) => {
                bad(format!("a child of {} is larger than its parent of {}", order.quantity, first.quantity))
            }
            None => Ok(()),
        },
        Link::Bracket => check_bracket(first, rest).or_else(bad),
    }
}

fn check_oco(legs: &[&OrderIntent]) -> Result<(), String> {
    for (at, leg) in legs.iter().enumerate() {
        for other in legs.get(at + 1..).unwrap_or_default() {
            if leg.quantity != other.quantity {
                return Err(format!(
                    "the legs are of {} and {}: they must be of one amount",
                    leg.quantity, other.quantity
                ));
            }
            if let (Some(limit), Some(stop)) =
                (pick(leg, other, OrderType::is_stop, false), pick(leg, other, OrderType::is_stop, true))
                && leg.side == other.side
                && !is_tighter(leg.side, limit, stop)
            {
                return Err(format!("the limit {limit} is on the wrong side of the stop {stop} for a {}", leg.side));
            }
        }
    }
    match legs.iter().find(|leg| leg.order_type == OrderType::Market) {
        Some(_) => Err("a Market order cannot be a leg: it would execute at once".to_owned()),
        None => Ok(()),
    }
}

/// The price of the one of two legs that is, or is not, a stop.
fn pick(one: &OrderIntent, two: &OrderIntent, is_stop: fn(OrderType) -> bool, wanted: bool) -> Option<Price> {
    let leg = [one, two].into_iter().find(|leg| is_stop(leg.order_type) == wanted)?;
    if wanted { leg.stop } else { leg.limit }
}

fn check_bracket(entry: &OrderIntent, exits: &[&OrderIntent]) -> Result<(), String> {
    if let Some(exit) = exits.iter().find(|exit| exit.side == entry.side) {
        return Err(format!("an exit is a {} like the entry: it would add to the position", exit.side));
    }
    let (stops, targets): (Vec<&OrderIntent>, Vec<&OrderIntent>) =
        exits.iter().copied().partition(|exit| exit.order_type.is_stop());
    let [stop] = stops.as_slice() else { return Err(format!("it has {} stops, one is needed", stops.len())) };
    if targets.iter().any(|target| target.order_type != OrderType::Limit) {
        return Err("profit is taken by Limit orders only".to_owned());
    }
    let sum: i128 = targets.iter().map(|target| i128::from(target.quantity.raw())).sum();
    for (what, raw) in [("stop", i128::from(stop.quantity.raw())), ("take-profits together", sum)] {
        if raw != i128::from(entry.quantity.raw()) {
            let amount = exuvia_model::Money::from_raw(raw);
            return Err(format!("{what} of {amount} must be the {} of the entry", entry.quantity));
        }
    }
    let entered = entry.stop.or(entry.limit).map(|price| ("entry", price));
    let beside = [entered, stop.stop.map(|price| ("stop", price))];
    for target in targets.iter().filter_map(|target| target.limit) {
        // A target of a sell lies above the entry and above the stop, one of a buy below both.
        if let Some((what, price)) =
            beside.into_iter().flatten().find(|(_, price)| !is_tighter(stop.side, target, *price))
        {
            return Err(format!(
                "the take-profit {target} is on the wrong side of the {what} {price} for a {}",
                entry.side
            ));
        }
    }
    match (stop.stop, entered) {
        (Some(stop_at), Some((_, price))) if !is_tighter(stop.side, price, stop_at) => {
            Err(format!("the stop {stop_at} is on the wrong side of the entry {price} for a {}", entry.side))
        }
        _ => Ok(()),
    }
}

impl Group {
    /// How much of the group's amount its exits executed that was never there to be closed.
    pub(super) fn excess(self, orders: &[Order]) -> i128 {
        let all = filled(orders);
        match (self.link, orders) {
            (Link::Bracket, [entry, exits @ ..]) => filled(exits) - filled(std::slice::from_ref(entry)),
            (Link::Oco, [leg, ..]) => all - i128::from(leg.intent().quantity.raw()),
            _ => 0,
        }
        .max(0)
    }

    /// What a bracket holds that its exits have not closed, if its stop works no longer.
    pub(super) fn unprotected(self, orders: &[Order]) -> Option<(&str, i128)> {
        let (Link::Bracket, [entry, exits @ ..]) = (self.link, orders) else { return None };
        let held = filled(std::slice::from_ref(entry)) - filled(exits);
        let gone = exits.iter().any(|exit| exit.intent().order_type.is_stop() && exit.status().is_terminal());
        (gone && held > 0).then(|| (entry.client_id(), held))
    }

    /// What the orders of this group need done now.
    pub(super) fn wanted(self, orders: &[Order]) -> Vec<Action> {
        let [first, rest @ ..] = orders else { return Vec::new() };
        let dead = first.status().is_terminal();
        match self.link {
            Link::Single => Vec::new(),
            Link::Oco => {
                let left = (i128::from(first.intent().quantity.raw()) - filled(orders)).max(0);
                orders.iter().filter_map(|leg| action(leg, done(leg) + left, left == 0)).collect()
            }
            Link::IfDone => {
                let entered = done(first);
                let amount = |child: &Order| entered.min(i128::from(child.intent().quantity.raw()));
                rest.iter().filter_map(|child| action(child, amount(child), dead)).collect()
            }
            Link::Bracket => {
                let mut left = (done(first) - filled(rest)).max(0);
                let held = left;
                let mut actions = Vec::new();
                // Once an exit was executed the idea is over: what is left of the entry enters no more.
                if filled(rest) > 0 {
                    actions.extend(action(first, done(first), false));
                }
                let over = dead && held == 0;
                for exit in rest {
                    let amount = if exit.intent().order_type.is_stop() {
                        held
                    } else {
                        // The first take-profits are served first.
                        let open = (i128::from(exit.intent().quantity.raw()) - done(exit)).clamp(0, left);
                        left -= open;
                        open
                    };
                    actions.extend(action(exit, done(exit) + amount, over));
                }
                actions
            }
        }
    }
}

fn done(order: &Order) -> i128 {
    i128::from(order.state().filled().raw())
}

fn filled(orders: &[Order]) -> i128 {
    orders.iter().map(done).sum()
}

/// What brings an order to a total amount; `never` if it will not be needed any more.
fn action(order: &Order, total: i128, never: bool) -> Option<Action> {
    use OrderStatus as S;
    let state = order.state();
    let client_id = order.client_id().to_owned();
    let quantity = i64::try_from(total).map(Quantity::from_raw).unwrap_or(state.quantity());
    let nothing = quantity <= state.filled();
    match state.status() {
        S::Intent | S::Checked if never => Some(Action::Withdraw { client_id }),
        S::Checked if !nothing => Some(Action::Send { client_id, quantity }),
        S::Working | S::PartiallyFilled | S::PendingReplace if nothing => Some(Action::Cancel { client_id }),
        S::Working | S::PartiallyFilled if quantity != state.quantity() => {
            Some(Action::Replace { client_id, quantity })
        }
        // Nothing is asked of an order in doubt or under way before the answer is there.
        _ => None,
    }
}
