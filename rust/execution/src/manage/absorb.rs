//! An order as the venue shows it, on its way to the desk: id, what was executed, terms, end. It may be older than what was
//! heard by other ways, so it never takes anything back.

use exuvia_model::{OrderStatus, OrderType, Price};

use super::{DeskManager, Event, ManageError, PreTrade};
use crate::{Amendment, Broker, Change, Link, Order, Step, Total, VenueOrder, VenueStatus};

impl<B: Broker, P: PreTrade> DeskManager<B, P> {
    /// Takes what is new of it.
    pub(super) fn absorb(&mut self, client_id: &str, shown: &VenueOrder) -> Result<(), ManageError> {
        let order = self.desk().find(client_id)?;
        if let Some(why) = self.contradicts(order, shown)? {
            self.unusable(format!("order {} of the venue as {client_id}", shown.venue_id), why);
            return Ok(());
        }
        if let Some(ours) = order.venue_id().filter(|ours| *ours != shown.venue_id).map(str::to_owned) {
            self.doubled(client_id, &ours, &shown.venue_id);
            return Ok(());
        }
        let (status, unnamed) = (order.status(), order.venue_id().is_none());
        if !order.state().was_sent() {
            self.unusable(
                format!("order {} of the venue as {client_id}", shown.venue_id),
                "it was never sent".to_owned(),
            );
            return Ok(());
        }
        self.know(&shown.venue_id, client_id);
        if shown.status == VenueStatus::Unclear {
            return Ok(());
        }
        let doubt = matches!(status, OrderStatus::Unknown | OrderStatus::PendingNew);
        if !status.is_terminal() && shown.status != VenueStatus::Rejected && (unnamed || doubt) {
            self.heard_step(client_id, Step::Accepted(Some(shown.venue_id.clone())), shown.updated)?;
        }
        if self.absorb_fills(client_id, shown)? {
            self.absorb_end(client_id, shown)?;
        }
        Ok(())
    }

    /// Why it cannot be this order.
    fn contradicts(&self, order: &Order, shown: &VenueOrder) -> Result<Option<String>, ManageError> {
        let (intent, name) = (order.intent(), &self.desk().instrument(order.intent().symbol)?.name);
        if *name == shown.instrument && intent.side == shown.side {
            return Ok(None);
        }
        let (side, instrument) = (shown.side, &shown.instrument);
        Ok(Some(format!(
            "it is a {side} of {instrument} there and a {} of {name} here: ask the venue whose it is",
            intent.side
        )))
    }

    /// What was executed; false if that is not known yet.
    fn absorb_fills(&mut self, client_id: &str, shown: &VenueOrder) -> Result<bool, ManageError> {
        let state = self.desk().find(client_id)?.state();
        let beyond = shown.filled > state.ceiling();
        if beyond {
            // The venue confirms it: what was in dispute is counted.
            for change in self.disputed.remove(client_id).unwrap_or_default() {
                let confirmed = match change {
                    Change::Executed(execution) => Change::Executed(crate::Execution { beyond, ..execution }),
                    Change::Totalled(total) => Change::Totalled(Total { beyond, ..total }),
                    other => other,
                };
                self.heard(&confirmed)?;
            }
        }
        let known = self.desk().find(client_id)?.state().filled();
        if shown.filled <= known {
            if shown.filled < known && shown.status.is_terminal() {
                let why = format!(
                    "it ended there with {} executed, {known} were reported: a trade may have been taken back",
                    shown.filled
                );
                self.tell_once(Event::Unusable { what: format!("order {client_id}"), why });
            }
            return Ok(true);
        }
        let Some(average) = shown.average else {
            let why = format!(
                "it shows {} executed, {known} are known, and it says no price; its executions are asked for",
                shown.filled
            );
            self.tell_once(Event::Unusable { what: format!("order {client_id}"), why });
            self.account.due(self.clock.steady().saturating_add(self.settings.answer_within));
            return Ok(false);
        };
        let (client_id, filled, time) = (client_id.to_owned(), shown.filled, shown.updated);
        let last = shown.status == VenueStatus::Filled;
        self.heard(&Change::Totalled(Total { client_id, filled, average, last, beyond, time }))?;
        Ok(true)
    }

    /// Its terms and its end.
    fn absorb_end(&mut self, client_id: &str, shown: &VenueOrder) -> Result<(), ManageError> {
        let order = self.desk().find(client_id)?.clone();
        if order.status().is_terminal() {
            return Ok(());
        }
        let words = |otherwise: &str| if shown.words.is_empty() { otherwise.to_owned() } else { shown.words.clone() };
        let step = match shown.status {
            VenueStatus::Working | VenueStatus::Held | VenueStatus::Unclear => return self.absorb_terms(&order, shown),
            VenueStatus::Filled if order.asked().is_some() => Step::Replaced,
            VenueStatus::Filled => Step::Cancelled(format!(
                "the venue calls it filled with {} of {}",
                shown.filled,
                order.state().quantity()
            )),
            VenueStatus::Cancelled => Step::Cancelled(words("cancelled at the venue")),
            VenueStatus::Rejected => Step::Refused(words("rejected by the venue")),
            VenueStatus::Expired => Step::Expired,
        };
        self.heard_step(client_id, step, shown.updated)?;
        // This was the look at what is left of it.
        self.watches.seen(client_id);
        Ok(())
    }

    /// What a working order shows of the requests that have no answer.
    fn absorb_terms(&mut self, order: &Order, shown: &VenueOrder) -> Result<(), ManageError> {
        let client_id = order.client_id();
        let since = self.watches.get(client_id).map_or(0, |watch| self.clock.steady().saturating_sub(watch.began));
        if let Some(asked) = order.asked() {
            if shows(shown, &asked) {
                self.heard_step(client_id, Step::Replaced, shown.updated)?;
            } else if since >= self.settings.settle_after {
                let words =
                    format!("the venue still has the old terms, {} s after the change was sent", seconds(since));
                self.heard_step(client_id, Step::ReplaceRefused(words), shown.updated)?;
            }
        } else if self.absorb_difference(order, shown) {
            return self.set_right(order, shown);
        }
        if order.state().is_cancelling() && since >= self.settings.settle_after {
            let words = format!("the venue still works it, {} s after the cancel was sent", seconds(since));
            self.heard_step(client_id, Step::CancelRefused(words), shown.updated)?;
        }
        let trails = order.intent().order_type == OrderType::TrailingStop;
        if let Some(stop) = shown.stop.filter(|stop| trails && order.stop() != Some(*stop)) {
            self.heard(&Change::Trailed { client_id: client_id.to_owned(), stop, time: shown.updated })?;
        }
        Ok(())
    }

    /// Terms that somebody else changed, or a change of ours that came later than we waited, once they were seen twice; whether
    /// they are to be set right.
    fn absorb_difference(&mut self, order: &Order, shown: &VenueOrder) -> bool {
        let differs =
            |ours: Option<Price>, theirs: Option<Price>| matches!((ours, theirs), (Some(a), Some(b)) if a != b);
        let mut what = Vec::new();
        if shown.quantity != order.state().quantity() {
            what.push(format!("amount {} there, {} here", shown.quantity, order.state().quantity()));
        }
        let trails = order.intent().order_type == OrderType::TrailingStop;
        for (name, ours, theirs) in [("limit", order.limit(), shown.limit), ("stop", order.stop(), shown.stop)] {
            if let (Some(ours), Some(theirs), true) = (ours, theirs, differs(ours, theirs) && !trails) {
                what.push(format!("{name} {theirs} there, {ours} here"));
            }
        }
        let (client_id, what) = (order.client_id().to_owned(), what.join(", "));
        if what.is_empty() {
            self.differs.remove(&client_id);
            return false;
        }
        if self.differs.insert(client_id.clone(), what.clone()).as_ref() != Some(&what) {
            self.watches.verify(&client_id, self.settings.first_wait, &self.clock);
            return false;
        }
        self.tell_once(Event::TermsDiffer { client_id, what });
        !order.state().is_cancelling()
    }

    /// What hangs together must have the amounts that the others leave: the venue is asked for ours. Of a single order the
    /// venue's terms are taken over, for it executes those.
    fn set_right(&mut self, order: &Order, shown: &VenueOrder) -> Result<(), ManageError> {
        let client_id = order.client_id();
        if self.desk().linked(client_id)?.0 != Link::Single {
            let terms = Amendment { quantity: order.state().quantity(), limit: None, stop: None };
            if shown.quantity != terms.quantity && self.broker.capabilities().replaces {
                self.send_replace(client_id, terms)?;
            }
            return Ok(());
        }
        let kept = |ours: Option<Price>, theirs: Option<Price>| ours.and(theirs);
        let (limit, stop) = (kept(order.limit(), shown.limit), kept(order.stop(), shown.stop));
        let terms = Amendment { quantity: shown.quantity, limit, stop };
        if self.heard_step(client_id, Step::ReplaceSent(terms), shown.updated)? {
            self.heard_step(client_id, Step::Replaced, shown.updated)?;
        }
        Ok(())
    }

    pub(super) fn tell_once(&mut self, event: Event) {
        if !self.account.told(&event) {
            self.events.push(event);
        }
    }
}

/// Whether the venue has these terms.
fn shows(shown: &VenueOrder, asked: &Amendment) -> bool {
    let has = |asked: Option<Price>, theirs: Option<Price>| asked.is_none() || asked == theirs;
    shown.quantity == asked.quantity && has(asked.limit, shown.limit) && has(asked.stop, shown.stop)
}

/// Nanoseconds as whole seconds.
pub(super) const fn seconds(nanoseconds: i64) -> i64 {
    nanoseconds / exuvia_model::SECOND
}
