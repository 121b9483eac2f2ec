//! What is still to be done without being asked again: cancels that were wanted, positions to be closed, and what linked
//! orders need. Wishes live in this process; what became of them is in the journal.

use std::collections::BTreeMap;

use exuvia_model::{OrderIntent, OrderStatus, Quantity, Side, Symbol, TimeInForce};

use super::send::Gone;
use super::{DeskManager, Event, ManageError, PreTrade, Pricing, Ticket};
use crate::desk::Action;
use crate::{Amendment, Broker, Link, Step};

/// Something that is tried again.
#[derive(Debug, Clone, Copy, Default)]
struct Again {
    tries: u32,
    next: i64,
}

/// A position that is to be closed.
#[derive(Debug, Clone, Default)]
pub(super) struct Flattening {
    tries: u32,
    own: Option<String>,
}

/// All that is wished.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    cancels: BTreeMap<String, Again>,
    flattening: BTreeMap<(String, Symbol), Flattening>,
    /// Steps of linked orders that were refused, until they are tried again.
    held: BTreeMap<String, Again>,
    /// How often an order that ended was seen working.
    revived: BTreeMap<String, u32>,
    /// How often what an order stands for was wanted anew.
    anew: BTreeMap<String, u32>,
    unprotected: BTreeMap<String, Quantity>,
}

impl Wishes {
    pub(super) fn cancel(&mut self, client_id: &str) {
        self.cancels.insert(client_id.to_owned(), Again { tries: 0, next: i64::MIN });
    }

    pub(super) fn flatten(&mut self, scenario: &str, symbol: Symbol) {
        self.flattening.insert((scenario.to_owned(), symbol), Flattening::default());
    }

    pub(super) fn ended(&mut self, client_id: &str) {
        self.cancels.remove(client_id);
        self.held.remove(client_id);
    }

    pub(super) fn revived(&mut self, client_id: &str) -> u32 {
        let seen = self.revived.entry(client_id.to_owned()).or_default();
        *seen = seen.saturating_add(1);
        *seen
    }

    /// What had ended here has ended there.
    pub(super) fn settled(&mut self, client_id: &str) {
        self.revived.remove(client_id);
    }

    pub(super) fn anew(&self, client_id: &str) -> u32 {
        self.anew.get(client_id).copied().unwrap_or_default()
    }

    pub(super) fn follows(&mut self, client_id: &str, times: u32) {
        self.anew.insert(client_id.to_owned(), times);
    }
}

impl<B: Broker, P: PreTrade> DeskManager<B, P> {
    /// Works off what can be done now.
    pub(super) fn work(&mut self) -> Result<(), ManageError> {
        self.work_cancels()?;
        self.work_flattening()?;
        self.work_linked()?;
        self.tell_unprotected();
        Ok(())
    }

    fn work_cancels(&mut self) -> Result<(), ManageError> {
        let steady = self.clock.steady();
        let due: Vec<String> =
            self.wishes.cancels.iter().filter(|(_, wish)| wish.next <= steady).map(|(id, _)| id.clone()).collect();
        for client_id in due {
            if self.budget == 0 {
                break;
            }
            self.try_cancel(&client_id)?;
        }
        Ok(())
    }

    /// Does the next thing for a cancel that is wished.
    pub(super) fn try_cancel(&mut self, client_id: &str) -> Result<(), ManageError> {
        use OrderStatus as S;
        let order = self.desk().find(client_id)?;
        let unsent = self.watches.get(client_id).is_some_and(|watch| watch.unsent > 0);
        match order.status() {
            S::Intent | S::Checked => {
                self.step(client_id, Step::Withdrawn("cancelled before it was sent".to_owned()))?;
            }
            S::PendingNew if unsent => {
                self.step(client_id, Step::Refused("cancelled before it was sent".to_owned()))?;
            }
            S::Working | S::PartiallyFilled | S::PendingReplace | S::Unknown if order.venue_id().is_some() => {
                let tries = self.wishes.cancels.get(client_id).map_or(0, |wish| wish.tries);
                if tries >= self.settings.tries {
                    self.wishes.cancels.remove(client_id);
                    self.not_done(client_id, "cancel", format!("it was asked for {tries} times in vain"));
                    return Ok(());
                }
                let gone = self.send_cancel(client_id)?;
                let next = self.clock.steady().saturating_add(self.settings.wait(tries));
                if let Gone::Refused(why) = gone {
                    self.wishes.cancels.remove(client_id);
                    self.not_done(client_id, "cancel", why);
                } else if let Some(wish) = self.wishes.cancels.get_mut(client_id) {
                    (wish.tries, wish.next) = (tries.saturating_add(1), next);
                }
            }
            // It waits for an answer, or for the venue's id: then it is its turn again.
            _ => {}
        }
        Ok(())
    }

    /// Closes what is to be closed, once nothing else can change it.
    fn work_flattening(&mut self) -> Result<(), ManageError> {
        let wanted: Vec<((String, Symbol), Flattening)> =
            self.wishes.flattening.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        for ((scenario, symbol), flattening) in wanted {
            let mut open = false;
            for client_id in self.open_in(&scenario, symbol) {
                open = true;
                if flattening.own.as_deref() != Some(&client_id) && !self.wishes.cancels.contains_key(&client_id) {
                    self.wishes.cancel(&client_id);
                }
            }
            if open {
                continue;
            }
            let held = self.desk().holding(&scenario, symbol).quantity();
            let instrument = self.desk().instrument(symbol)?.name.clone();
            if held == Quantity::ZERO {
                self.wishes.flattening.remove(&(scenario, symbol));
                continue;
            }
            if flattening.tries >= self.settings.tries {
                self.wishes.flattening.remove(&(scenario.clone(), symbol));
                let why = format!("{held} of scenario {scenario:?} are still held after {} orders", flattening.tries);
                self.not_done(&instrument, "flatten", why);
                continue;
            }
            if self.budget == 0 {
                break;
            }
            let side = if held > Quantity::ZERO { Side::Sell } else { Side::Buy };
            let quantity = Quantity::from_raw(held.raw().saturating_abs());
            let (duration, reason) = (TimeInForce::Day, "flatten".to_owned());
            let ticket =
                Ticket { scenario: scenario.clone(), instrument: instrument.clone(), side, quantity, duration, reason };
            let intent: OrderIntent = ticket.intent(symbol, Pricing::Market, self.clock.now());
            let own = match self.enter(Link::Single, vec![intent]) {
                Ok(ids) => ids.into_iter().next(),
                Err(ManageError::Order(crate::OrderError::Journal(error))) => {
                    return Err(ManageError::Order(error.into()));
                }
                Err(error) => {
                    self.wishes.flattening.remove(&(scenario, symbol));
                    self.not_done(&instrument, "flatten", error.to_string());
                    continue;
                }
            };
            let tries = flattening.tries.saturating_add(1);
            self.wishes.flattening.insert((scenario, symbol), Flattening { tries, own });
        }
        Ok(())
    }

    /// The orders of a scenario in an instrument that have not ended.
    fn open_in(&self, scenario: &str, symbol: Symbol) -> Vec<String> {
        let open = self.desk().orders().iter().filter(|order| !order.status().is_terminal());
        let of = open.filter(|order| order.intent().symbol == symbol && order.intent().scenario == scenario);
        of.map(|order| order.client_id().to_owned()).collect()
    }

    /// What linked orders need.
    pub(super) fn work_linked(&mut self) -> Result<(), ManageError> {
        for action in self.desk().wanted() {
            let (Action::Send { client_id, .. }
            | Action::Withdraw { client_id }
            | Action::Replace { client_id, .. }
            | Action::Cancel { client_id }) = &action;
            let client_id = client_id.clone();
            let cancelling = self.wishes.cancels.contains_key(&client_id) && !matches!(action, Action::Withdraw { .. });
            let held = self.wishes.held.get(&client_id).is_some_and(|held| held.next > self.clock.steady());
            if cancelling || held || (self.budget == 0 && !matches!(action, Action::Withdraw { .. })) {
                continue;
            }
            let gone = match action {
                Action::Withdraw { .. } => {
                    self.step(&client_id, Step::Withdrawn("what it hangs on has ended".to_owned()))?;
                    continue;
                }
                Action::Send { quantity, .. } => {
                    if self.desk().find(&client_id)?.state().quantity() != quantity {
                        self.step(&client_id, Step::Sized(quantity))?;
                    }
                    match self.send(&client_id) {
                        Ok(()) | Err(ManageError::Refused { .. }) => continue,
                        Err(error) => return Err(error),
                    }
                }
                Action::Replace { quantity, .. } => {
                    self.send_replace(&client_id, Amendment { quantity, limit: None, stop: None })
                }
                Action::Cancel { .. } => self.send_cancel(&client_id),
            };
            match gone {
                Ok(Gone::Left) => {
                    self.wishes.held.remove(&client_id);
                }
                Ok(Gone::Refused(why) | Gone::Kept(why)) => self.hold(&client_id, why),
                Err(error @ (ManageError::NoReplace { .. } | ManageError::NotAtVenue { .. })) => {
                    self.hold(&client_id, error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tries a step of a linked order again later, and tells it if it is in vain too often.
    fn hold(&mut self, client_id: &str, why: String) {
        let steady = self.clock.steady();
        let held = self.wishes.held.entry(client_id.to_owned()).or_default();
        held.next = steady.saturating_add(self.settings.wait(held.tries));
        held.tries = held.tries.saturating_add(1);
        if held.tries == self.settings.tries {
            self.not_done(client_id, "linked change", why);
        }
    }

    /// Tells positions that have lost their stop, once for each amount.
    fn tell_unprotected(&mut self) {
        let now: BTreeMap<String, Quantity> =
            self.desk().unprotected().into_iter().map(|(id, quantity)| (id.to_owned(), quantity)).collect();
        for (client_id, quantity) in &now {
            if self.wishes.unprotected.get(client_id) != Some(quantity) {
                self.events.push(Event::Unprotected { client_id: client_id.clone(), quantity: *quantity });
            }
        }
        self.wishes.unprotected = now;
    }
}
