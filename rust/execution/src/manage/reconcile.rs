//! What the venue has beside what we have: orders, executions, positions, cash. What differs is asked for again before it is
//! believed; what is not ours is shown and not touched.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use exuvia_model::{Money, OrderStatus, Quantity, Symbol, Time};

use super::hear::Whose;
use super::{DeskManager, Event, ManageError, PreTrade};
use crate::{Broker, Currency, VenueOrder, VenuePosition};

/// Most events that are remembered so that they are not told twice.
const TOLD: usize = 256;

/// What the venue said last.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) foreign: BTreeMap<String, VenueOrder>,
    pub(super) differences: BTreeMap<String, Quantity>,
    /// Differences that were seen once.
    candidates: BTreeMap<String, Quantity>,
    pub(super) cash: BTreeMap<Currency, Money>,
    pub(super) taken: Option<Time>,
    /// When everything is compared next; at once after a start.
    due: i64,
    started: bool,
    failures: u32,
    /// How often in a row a position differed.
    suspicions: u32,
    silent: bool,
    recent: VecDeque<String>,
    told: VecDeque<Event>,
}

impl Account {
    /// Wants a comparison at the latest then.
    pub(super) fn due(&mut self, at: i64) {
        self.due = self.due.min(at);
    }

    pub(super) const fn is_due(&self, steady: i64) -> bool {
        !self.started || self.due <= steady
    }

    /// An order ended.
    pub(super) fn ended(&mut self, client_id: &str, most: usize) {
        if !self.recent.iter().any(|other| other == client_id) {
            self.recent.push_back(client_id.to_owned());
            while self.recent.len() > most {
                self.recent.pop_front();
            }
        }
    }

    /// The venue does not answer; true if that is news.
    pub(super) fn silent(&mut self) -> bool {
        !std::mem::replace(&mut self.silent, true)
    }

    pub(super) fn answered(&mut self) {
        self.silent = false;
    }

    /// Whether this was told already; it is remembered.
    pub(super) fn told(&mut self, event: &Event) -> bool {
        if self.told.contains(event) {
            return true;
        }
        self.told.push_back(event.clone());
        if self.told.len() > TOLD {
            self.told.pop_front();
        }
        false
    }
}

impl<B: Broker, P: PreTrade> DeskManager<B, P> {
    /// Takes a snapshot and compares.
    pub(super) fn compare(&mut self) -> Result<(), ManageError> {
        let (steady, settings) = (self.clock.steady(), self.settings);
        let snapshot = match self.ask(None, |broker, now| broker.snapshot(now)) {
            Ok(snapshot) => snapshot,
            Err(unreachable) => {
                (self.account.started, self.account.due) =
                    (true, steady.saturating_add(settings.wait(self.account.failures)));
                self.account.failures = self.account.failures.saturating_add(1);
                self.unreachable(unreachable.clone());
                return Err(unreachable.into());
            }
        };
        self.reachable();
        self.account.failures = 0;
        self.account.started = true;
        self.account.due = steady.saturating_add(settings.reconcile_every);
        // Executions first: they have the exact prices. Those of orders whose venue id is not known yet wait for the orders.
        for report in snapshot.executions {
            self.hear(report)?;
        }
        self.compare_orders(&snapshot.orders)?;
        self.hear_orphans()?;
        self.compare_positions(&snapshot.positions)?;
        self.account.cash = snapshot.cash.into_iter().collect();
        self.account.taken = Some(snapshot.taken);
        self.forget_orphans();
        Ok(())
    }

    fn compare_orders(&mut self, shown: &[VenueOrder]) -> Result<(), ManageError> {
        let mut seen = BTreeSet::new();
        let before = std::mem::take(&mut self.account.foreign);
        for order in shown {
            let open = !order.status.is_terminal();
            match self.whose(order.client_id.as_deref(), Some(&order.venue_id)) {
                Whose::Ours(client_id) => {
                    let ours = self.desk().find(&client_id)?;
                    if ours.status().is_terminal() && open {
                        self.watches.verify(&client_id, 0, &self.clock);
                    }
                    self.absorb(&client_id, order)?;
                    seen.insert(client_id);
                }
                Whose::Nobodys(why) => {
                    self.unusable(format!("order {} of the venue", order.venue_id), why);
                    self.keep_foreign(order, &before, open);
                }
                Whose::Foreign | Whose::Unclear => self.keep_foreign(order, &before, open),
            }
        }
        let works = |status| matches!(status, OrderStatus::Working | OrderStatus::PartiallyFilled);
        let ours = self.desk().orders().iter().filter(|order| works(order.status()));
        let missing: Vec<String> =
            ours.map(|order| order.client_id().to_owned()).filter(|id| !seen.contains(id)).collect();
        for client_id in missing {
            self.watches.verify(&client_id, 0, &self.clock);
        }
        Ok(())
    }

    /// An order of another hand that the venue reported by itself.
    pub(super) fn foreign(&mut self, order: VenueOrder) {
        if order.status.is_terminal() {
            self.account.foreign.remove(&order.venue_id);
            return;
        }
        let before = self.account.foreign.clone();
        self.keep_foreign(&order, &before, true);
    }

    fn keep_foreign(&mut self, order: &VenueOrder, before: &BTreeMap<String, VenueOrder>, open: bool) {
        if !open {
            return;
        }
        if before.get(&order.venue_id) != Some(order) {
            self.events.push(Event::ForeignOrder(Box::new(order.clone())));
        }
        self.account.foreign.insert(order.venue_id.clone(), order.clone());
    }

    /// What the venue holds less what was executed for us, once it was the same twice and none of our orders may explain it.
    fn compare_positions(&mut self, shown: &[VenuePosition]) -> Result<(), ManageError> {
        let mut differences: BTreeMap<String, i64> = BTreeMap::new();
        for position in shown {
            let sum = differences.entry(position.instrument.clone()).or_default();
            *sum = sum.saturating_add(position.quantity.raw());
        }
        for ((_, symbol), holding) in self.desk().holdings() {
            let name = self.desk().instrument(*symbol)?.name.clone();
            let sum = differences.entry(name).or_default();
            *sum = sum.saturating_sub(holding.quantity().raw());
        }
        for name in self.account.differences.keys() {
            differences.entry(name.clone()).or_default();
        }
        let soon = self.clock.steady().saturating_add(self.settings.wait(self.account.suspicions));
        let mut suspicious = false;
        for (name, raw) in differences {
            let difference = Quantity::from_raw(raw);
            if self.account.differences.get(&name).copied().unwrap_or_default() == difference {
                self.account.candidates.remove(&name);
                continue;
            }
            suspicious = true;
            self.account.due(soon);
            let symbol = self.desk().symbol(&name).ok();
            if symbol.is_some_and(|symbol| self.is_open_to_doubt(symbol)) {
                continue;
            }
            if self.account.candidates.insert(name.clone(), difference) != Some(difference) {
                // An execution may have been missed: the orders that ended last are asked for, and those that work.
                if let Some(symbol) = symbol {
                    self.verify_all(symbol);
                }
                continue;
            }
            self.account.candidates.remove(&name);
            self.account.differences.insert(name.clone(), difference);
            if difference == Quantity::ZERO {
                self.account.differences.remove(&name);
            }
            self.events.push(Event::ForeignPosition { instrument: name, quantity: difference });
        }
        self.account.suspicions = if suspicious { self.account.suspicions.saturating_add(1) } else { 0 };
        Ok(())
    }

    /// Whether an order in this instrument waits to be seen.
    fn is_open_to_doubt(&self, symbol: Symbol) -> bool {
        self.watches.ids().any(|id| self.desk().find(id).is_ok_and(|order| order.intent().symbol == symbol))
    }

    fn verify_all(&mut self, symbol: Symbol) {
        let works =
            self.desk().orders().iter().filter(|order| !order.status().is_terminal() && order.state().was_sent());
        let ids: Vec<String> =
            works.map(|order| order.client_id().to_owned()).chain(self.account.recent.iter().cloned()).collect();
        for client_id in ids {
            if self.desk().find(&client_id).is_ok_and(|order| order.intent().symbol == symbol) {
                self.watches.verify(&client_id, 0, &self.clock);
            }
        }
    }

    /// Reports of unknown orders are of another hand, once each of ours has its venue id.
    fn forget_orphans(&mut self) {
        let mut open =
            self.desk().orders().iter().filter(|order| !order.status().is_terminal() && order.state().was_sent());
        if open.all(|order| order.venue_id().is_some()) {
            self.orphans.clear();
        }
    }
}
