//! Doubts and how they end: the order is looked up by its client id, later and later, until the venue shows it or its complete
//! list has lacked it long enough. Silence ends nothing.

use exuvia_model::{OrderIntent, OrderStatus, Quantity, Time};

use super::absorb::seconds;
use super::watch::Watch;
use super::{DeskManager, Event, ManageError, Missing, PreTrade, Revived};
use crate::{Broker, Link, Order, Step, Unreachable, VenueOrder};

impl<B: Broker, P: PreTrade> DeskManager<B, P> {
    /// Asks for the orders whose turn it is, as far as the budget goes.
    pub(super) fn work_doubts(&mut self) -> Result<(), ManageError> {
        while self.budget > 0 {
            let Some(client_id) = self.watches.due(self.clock.steady()) else { break };
            self.look(&client_id)?;
        }
        Ok(())
    }

    fn look(&mut self, client_id: &str) -> Result<(), ManageError> {
        let order = self.desk().find(client_id)?.clone();
        let Some(watch) = self.watches.get(client_id).copied() else { return Ok(()) };
        self.watches.later(client_id, &self.clock, &self.settings);
        if watch.unsent > 0 && order.status() == OrderStatus::PendingNew {
            return self.send_again(client_id);
        }
        let since = order.intent().decided.min(watch.earliest);
        let since = Time(since.0.saturating_sub(self.settings.clock_skew));
        match self.ask(Some(client_id), |broker, now| broker.look_up(client_id, since, now)) {
            Err(unreachable) => self.unreachable(unreachable),
            Ok(Some(shown)) => {
                self.reachable();
                self.found(&order, &shown)?;
            }
            Ok(None) => {
                self.reachable();
                self.lacked(&order, watch)?;
            }
        }
        Ok(())
    }

    fn found(&mut self, order: &Order, shown: &VenueOrder) -> Result<(), ManageError> {
        let client_id = order.client_id();
        if let Some(watch) = self.watches.get_mut(client_id) {
            watch.lacked = 0;
        }
        self.watches.seen(client_id);
        self.absorb(client_id, shown)?;
        let gone = self.desk().find(client_id)?.status().is_terminal();
        if gone && !shown.status.is_terminal() && order.status().is_terminal() {
            self.revived(client_id, &shown.venue_id)?;
        } else {
            self.wishes.settled(client_id);
        }
        Ok(())
    }

    /// The venue works what ended here: seen twice, it is no old picture.
    fn revived(&mut self, client_id: &str, venue_id: &str) -> Result<(), ManageError> {
        let seen = self.wishes.revived(client_id);
        if seen >= 2 {
            let (id, venue) = (client_id.to_owned(), venue_id.to_owned());
            self.tell_once(Event::Revived { client_id: id, venue_id: venue });
            if self.settings.revived == Revived::Tell {
                return Ok(());
            }
            if seen > self.settings.tries.saturating_add(2) {
                let why = format!(
                    "the venue works it as {venue_id} although it ended here, and has not taken it back; it is asked again and again"
                );
                self.tell_once(Event::NotDone { client_id: client_id.to_owned(), what: "cancel", why });
            }
            // Whatever the answer, the next look says what became of it.
            let _ = self.ask(None, |broker, now| broker.cancel(venue_id, now));
        }
        self.watches.verify(client_id, self.settings.wait(seen), &self.clock);
        Ok(())
    }

    /// The venue's complete list lacks it.
    fn lacked(&mut self, order: &Order, before: Watch) -> Result<(), ManageError> {
        let client_id = order.client_id();
        let lacked = before.lacked.saturating_add(1);
        if order.status().is_terminal() {
            self.watches.seen(client_id);
            return Ok(());
        }
        let never_heard = matches!(order.status(), OrderStatus::Unknown | OrderStatus::PendingNew);
        let unseen =
            order.venue_id().is_none() && order.state().filled() == Quantity::ZERO && never_heard && !before.told;
        if !unseen {
            // It was there: that it is gone says nothing of how it ended.
            let words = "the venue had it, and its list lacks it now";
            if order.status() != OrderStatus::Unknown {
                self.step(client_id, Step::Lost(words.to_owned()))?;
            }
            if !before.told {
                self.events.push(Event::Vanished { client_id: client_id.to_owned() });
            }
        }
        if let Some(watch) = self.watches.get_mut(client_id) {
            (watch.lacked, watch.told) = (lacked, !unseen);
        }
        let age = self.clock.steady().saturating_sub(before.began);
        let believed = age >= self.settings.missing_after && lacked >= self.settings.missing_looks;
        if !believed || !unseen {
            return Ok(());
        }
        let words = format!(
            "the venue's complete list lacked it {lacked} times, last {} s after it was sent or found in doubt ({})",
            seconds(age),
            order.note()
        );
        self.step(client_id, Step::Refused(words))?;
        self.watches.seen(client_id);
        self.anew(order)
    }

    /// Wants the same again under a new id, where that is configured.
    fn anew(&mut self, order: &Order) -> Result<(), ManageError> {
        let Missing::PlaceAnew(times) = self.settings.missing else { return Ok(()) };
        let client_id = order.client_id();
        let single = self.desk().linked(client_id).is_ok_and(|(link, _)| link == Link::Single);
        let before = self.wishes.anew(client_id);
        if !single || before >= times || order.state().is_cancelling() {
            return Ok(());
        }
        let intent = OrderIntent { decided: self.clock.now(), ..order.intent().clone() };
        match self.enter(Link::Single, vec![intent]) {
            Ok(ids) => {
                for anew in ids {
                    self.wishes.follows(&anew, before.saturating_add(1));
                    self.events.push(Event::PlacedAnew { client_id: client_id.to_owned(), anew });
                }
                Ok(())
            }
            // It is on record with its reason.
            Err(ManageError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The venue does not answer: told once.
    pub(super) fn unreachable(&mut self, Unreachable(why): Unreachable) {
        if self.account.silent() {
            self.events.push(Event::Unreachable { why });
        }
    }

    /// It answers.
    pub(super) fn reachable(&mut self) {
        self.account.answered();
    }
}
