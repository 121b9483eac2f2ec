//! One order under the eyes of the checks: what is looked at, what is known, and what was found so far.

use exuvia_model::{OrderIntent, Price, Quantity};

use super::context::{Open, Past, Seen, opening};
use super::{Check, CheckSet, Checks, Context, Objection, OnMissing, Profile};
use crate::Order;

pub(super) struct Look<'a> {
    pub(super) checks: &'a Checks,
    pub(super) context: &'a Context<'a>,
    /// What is wanted; of a change, the order as it would be, with its total amount.
    pub(super) intent: &'a OrderIntent,
    /// How much of it may still be executed.
    pub(super) quantity: Quantity,
    /// The order as it works, if this is a change of it.
    pub(super) changed: Option<Changed>,
    /// What is held when it comes to be executed, scaled by 10⁹.
    pub(super) held: Option<i128>,
    /// Itself and what was wanted with it: no order stands in its own way.
    pub(super) own: &'a [Order],
    pub(super) found: Vec<Objection>,
    pub(super) unknown: CheckSet,
    pub(super) bypassed: CheckSet,
}

/// What a change starts from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changed {
    /// How much of the order could still be executed.
    pub(super) quantity: Quantity,
    /// Its limit.
    pub(super) limit: Option<Price>,
    /// Its stop.
    pub(super) stop: Option<Price>,
    /// Whether it becomes larger.
    pub(super) enlarges: bool,
    /// Whether a price becomes another.
    pub(super) reprices: bool,
}

impl<'a> Look<'a> {
    pub(super) const fn new(
        checks: &'a Checks,
        context: &'a Context<'a>,
        intent: &'a OrderIntent,
        own: &'a [Order],
    ) -> Self {
        Self {
            checks,
            context,
            intent,
            quantity: intent.quantity,
            changed: None,
            held: match context.held {
                Some(held) => Some(held.raw() as i128),
                None => None,
            },
            own,
            found: Vec::new(),
            unknown: CheckSet::EMPTY,
            bypassed: CheckSet::EMPTY,
        }
    }

    pub(super) const fn profile(&self) -> &'a Profile {
        self.checks.profile()
    }

    pub(super) fn refuse(
        &mut self,
        check: Check,
        code: &'static str,
        value: String,
        limit: String,
        remedy: &'static str,
    ) {
        if check.can_be_bypassed() && self.context.bypass.is_some_and(|bypass| bypass.is_signed()) {
            self.bypassed.insert(check);
        } else {
            self.found.push(Objection { check, code, value, limit, remedy });
        }
    }

    /// The data of a check are missing.
    pub(super) fn missing(&mut self, check: Check, code: &'static str, rule: OnMissing, what: &'static str) {
        match rule {
            OnMissing::Open => self.unknown.insert(check),
            OnMissing::Closed => {
                let remedy = "bring it, or declare on_missing = \"open\" for this check";
                self.refuse(check, code, format!("{what} not known"), "known".to_owned(), remedy);
            }
        }
    }

    /// How much of it makes the position larger or turns it.
    pub(super) fn opening(&self) -> i128 {
        opening(self.intent.side, self.quantity, self.held, self.context.open)
    }

    /// Whether nothing of it grew: a change that makes an order smaller.
    pub(super) fn is_no_larger(&self) -> bool {
        self.changed.is_some_and(|changed| !changed.enlarges)
    }

    /// The other orders of the desk.
    pub(super) fn others(&self) -> Option<impl Iterator<Item = &'a Order> + use<'a>> {
        let own = self.own;
        let is_own = move |order: &Order| own.iter().any(|own| own.client_id() == order.client_id());
        self.context.orders.map(Past::iter).map(|orders| orders.filter(move |order| !is_own(order)))
    }

    /// The other orders of the desk, and what the venue shows beside them.
    pub(super) fn everywhere(&self) -> Option<(impl Iterator<Item = &'a Order> + use<'a>, &'a [Seen])> {
        self.others().zip(self.context.elsewhere)
    }

    pub(super) fn open(&self) -> Option<Open> {
        self.context.open
    }
}
