//! The three doors as a manager asks for them: pre-trade checks, kill switch, trading mode. What the market and the account
//! know comes from [`Facts`]; what the desk knows is filled in here.

use exuvia_model::{Quantity, Time};

use crate::kill_switch::{KillSwitch, Wish};
use crate::precheck::{Checks, Context, Past};
use crate::trading_mode::{Digest, Route};
use crate::{Asked, Desk, Order, PreTrade, Refused};

/// What the market, the account and the venue know.
pub trait Facts {
    /// Of an order's instrument, now. What the desk knows itself (the terms, what is held, the orders) need not be in it.
    fn known(&self, order: &Order, now: Time) -> Context<'_>;
}

/// Checks, kill switch and trading mode of one account.
///
/// The switch is read for each order, each change, and again before bytes leave; the mode answers before bytes leave, so that
/// research decides and records as the others do.
#[derive(Debug)]
pub struct Guard<F> {
    /// The checks.
    pub checks: Checks,
    /// The kill switch.
    pub kill_switch: KillSwitch,
    /// Whether there is a way out; the brokers themselves are the manager's.
    pub route: Route<(), ()>,
    /// Which account.
    pub account: String,
    /// The digest of the configuration as it is now; whoever reads it anew sets it.
    pub configuration: Digest,
    /// What is known beside the desk.
    pub facts: F,
}

impl<F: Facts> PreTrade for Guard<F> {
    fn check(&mut self, desk: &Desk, asked: Asked<'_>, now: Time) -> Result<(), Refused> {
        let order = asked.order();
        let (link, group) = desk.linked(order.client_id()).map_err(|error| refused(error.code(), &error))?;
        let known = Context::of_desk(desk, Past::all(desk.orders()), group, now);
        let Context { instrument, held, open, orders, .. } = known;
        let context = Context { instrument, held, open, orders, now, ..self.facts.known(order, now) };
        let left = match asked {
            Asked::Change(order, terms) => terms.quantity.raw().saturating_sub(order.state().filled().raw()),
            Asked::Order(order) | Asked::Send(order) => order.state().open().raw(),
        };
        let opens = context.opening(order.intent().side, Quantity::from_raw(left)) > 0;
        // What hangs on another order waits for it, and closes what that opens.
        let hangs = group.first().is_some_and(|first| first.client_id() != order.client_id());
        let closes = !opens || (hangs && group.first().is_some_and(|first| first.intent().side != order.intent().side));
        let wish = if closes { Wish::Exit } else { Wish::Entry };
        self.kill_switch.before_send(wish).map_err(|killed| refused(killed.code(), &killed))?;
        match asked {
            Asked::Order(_) => {
                let passed = self.checks.check_linked(link, group, &context);
                passed.map(|_| ()).map_err(|error| Refused { code: error.code(), words: error.note() })
            }
            Asked::Change(order, terms) => {
                let passed = self.checks.check_change(order, terms, &context);
                passed.map(|_| ()).map_err(|error| Refused { code: error.code(), words: error.note() })
            }
            Asked::Send(_) => {
                let way = self.route.way(&self.account, self.configuration, now);
                way.map(|_| ()).map_err(|closed| refused(closed.code(), &closed))
            }
        }
    }
}

fn refused(code: &'static str, error: &dyn std::fmt::Display) -> Refused {
    Refused { code, words: error.to_string() }
}
