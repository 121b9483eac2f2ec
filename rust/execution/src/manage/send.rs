//! The only place from which orders, changes and cancels go to the broker. Each is on record before, and its answer after.
//!
//! Whoever adds a condition on what may leave (trading mode, kill switch) does it in [`PreTrade`]: [`Asked::Send`] is asked
//! here, before the record and the bytes of each new order.

use super::{Asked, DeskManager, Event, ManageError, NotSent, PreTrade};
use crate::{Amendment, Broker, ChangeOutcome, PlaceOutcome, Step};

/// What became of a cancel or a change, for whoever wanted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gone {
    /// It is done or under way, or in doubt.
    Left,
    /// The venue refused it.
    Refused(String),
    /// It never left.
    Kept(String),
}

impl<B: Broker, P: PreTrade> DeskManager<B, P> {
    /// Sends a checked order that was not sent yet.
    pub(super) fn send(&mut self, client_id: &str) -> Result<(), ManageError> {
        if let Err(refused) = self.may_leave(client_id)? {
            self.step(client_id, Step::Withdrawn(format!("{}: {}", refused.code, refused.words)))?;
            let (client_id, code, words) = (client_id.to_owned(), refused.code, refused.words);
            return Err(ManageError::Refused { client_id, code, words });
        }
        self.step(client_id, Step::Sent)?;
        self.give(client_id)
    }

    /// Sends an order again whose bytes never left; it is on record as sent already.
    pub(super) fn send_again(&mut self, client_id: &str) -> Result<(), ManageError> {
        if let Err(refused) = self.may_leave(client_id)? {
            self.step(client_id, Step::Refused(format!("not sent; {}: {}", refused.code, refused.words)))?;
            return Ok(());
        }
        self.give(client_id)
    }

    fn may_leave(&mut self, client_id: &str) -> Result<Result<(), super::Refused>, ManageError> {
        let (desk, now) = (self.desk.desk(), self.clock.now());
        let order = desk.find(client_id)?;
        Ok(self.checks.check(desk, Asked::Send(order), now))
    }

    /// Hands the order over, and takes the answer.
    fn give(&mut self, client_id: &str) -> Result<(), ManageError> {
        let Some(checked) = self.desk().to_send(client_id) else { return Ok(()) };
        let instrument = self.desk().instrument(checked.order().intent().symbol)?.clone();
        self.watches.sent(client_id, &self.clock, &self.settings);
        let outcome = self.ask(Some(client_id), |broker, now| broker.place(&checked, &instrument, now));
        let step = match outcome {
            PlaceOutcome::Accepted(venue_id) => match self.venue_ids.get(&venue_id) {
                Some(other) if other != client_id => {
                    Step::Lost(format!("the venue accepted it as {venue_id}, which is {other}"))
                }
                _ if venue_id.is_empty() => Step::Lost("the venue accepted it without an id".to_owned()),
                _ => Step::Accepted(Some(venue_id)),
            },
            PlaceOutcome::Rejected(words) => Step::Refused(words),
            PlaceOutcome::Unknown(words) => Step::Lost(words),
            PlaceOutcome::NotSent(_) if self.not_sent(client_id) => return Ok(()),
            PlaceOutcome::NotSent(words) => Step::Refused(format!("not sent: {words}")),
        };
        self.step(client_id, step)?;
        Ok(())
    }

    /// Whether an order that never left waits to be sent again.
    fn not_sent(&mut self, client_id: &str) -> bool {
        let (NotSent::Again(times), Some(watch)) = (self.settings.not_sent, self.watches.get_mut(client_id)) else {
            return false;
        };
        if watch.unsent >= times {
            return false;
        }
        watch.unsent += 1;
        self.watches.later(client_id, &self.clock, &self.settings);
        true
    }

    /// Asks the venue to take an order back.
    pub(super) fn send_cancel(&mut self, client_id: &str) -> Result<Gone, ManageError> {
        let venue_id = self.venue_id(client_id)?;
        self.step(client_id, Step::CancelSent)?;
        self.watches.sent(client_id, &self.clock, &self.settings);
        let outcome = self.ask(Some(client_id), |broker, now| broker.cancel(&venue_id, now));
        self.answered(client_id, outcome, Step::Cancelled(String::new()), Step::CancelRefused)
    }

    /// Asks the venue for new terms.
    pub(super) fn send_replace(&mut self, client_id: &str, terms: Amendment) -> Result<Gone, ManageError> {
        if !self.broker.capabilities().replaces {
            return Err(ManageError::NoReplace { client_id: client_id.to_owned() });
        }
        let venue_id = self.venue_id(client_id)?;
        let before = self.desk().find(client_id)?.clone();
        let instrument = self.desk().instrument(before.intent().symbol)?.clone();
        self.step(client_id, Step::ReplaceSent(terms))?;
        self.watches.sent(client_id, &self.clock, &self.settings);
        let outcome =
            self.ask(Some(client_id), |broker, now| broker.replace(&venue_id, &before, &terms, &instrument, now));
        self.answered(client_id, outcome, Step::Replaced, Step::ReplaceRefused)
    }

    fn answered(
        &mut self,
        client_id: &str,
        outcome: ChangeOutcome,
        done: Step,
        refused: fn(String) -> Step,
    ) -> Result<Gone, ManageError> {
        let (step, gone) = match outcome {
            ChangeOutcome::Requested => return Ok(Gone::Left),
            ChangeOutcome::Done => (done, Gone::Left),
            ChangeOutcome::Unknown(words) => (Step::Lost(words), Gone::Left),
            ChangeOutcome::Refused(words) => (refused(words.clone()), Gone::Refused(words)),
            ChangeOutcome::NotSent(words) => (refused(format!("not sent: {words}")), Gone::Kept(words)),
        };
        self.step(client_id, step)?;
        if let Gone::Refused(_) = gone {
            // The order may have ended meanwhile: that is why it was refused, perhaps.
            self.watches.verify(client_id, 0, &self.clock);
        }
        Ok(gone)
    }

    /// The venue's id of an order that it has.
    pub(super) fn venue_id(&self, client_id: &str) -> Result<String, ManageError> {
        let order = self.desk().find(client_id)?;
        let not_there = || ManageError::NotAtVenue { client_id: client_id.to_owned(), status: order.status() };
        order.venue_id().map(str::to_owned).ok_or_else(not_there)
    }

    pub(super) fn not_done(&mut self, client_id: &str, what: &'static str, why: String) {
        self.events.push(Event::NotDone { client_id: client_id.to_owned(), what, why });
    }
}
