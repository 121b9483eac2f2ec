//! What the venue says by itself, on its way to the desk: whose it is, whether it can be, and what to ask where it cannot.

use exuvia_model::{OrderStatus, Time};

use super::{DeskManager, Event, ManageError, PreTrade};
use crate::{Broker, Change, Execution, Heard, OrderError, Report, Step, StepError, Total};

/// Most reports that are kept because their order is not known yet, and most executions that are kept in dispute.
const KEPT: usize = 1_000;

/// Whose a report is.
pub(super) enum Whose {
    /// Of this order.
    Ours(String),
    /// Its two ids are of two orders of ours.
    Nobodys(String),
    /// Its client id is not one of ours.
    Foreign,
    /// It has the venue's id only, and that is not known.
    Unclear,
}

impl<B: Broker, P: PreTrade> DeskManager<B, P> {
    /// Which order these ids name.
    pub(super) fn whose(&self, client_id: Option<&str>, venue_id: Option<&str>) -> Whose {
        let by_client = client_id.filter(|id| self.desk().find(id).is_ok());
        let by_venue = venue_id.and_then(|id| self.venue_ids.get(id)).map(String::as_str);
        match (by_client, by_venue) {
            (Some(one), Some(other)) if one != other => {
                Whose::Nobodys(format!("it names {one} with the venue id of {other}"))
            }
            (Some(id), _) => Whose::Ours(id.to_owned()),
            // The venue's id is ours and the client id is not: somebody changed the reference.
            (None, Some(other)) if client_id.is_some() => {
                Whose::Nobodys(format!("it has the venue id of {other} and another client id"))
            }
            (None, Some(id)) => Whose::Ours(id.to_owned()),
            (None, None) if client_id.is_some() => Whose::Foreign,
            (None, None) => Whose::Unclear,
        }
    }

    /// Works one report off.
    pub(super) fn hear(&mut self, mut report: Report) -> Result<(), ManageError> {
        if let Heard::Gap(why) = report.what {
            self.account.due(self.clock.steady());
            self.events.push(Event::Gap { why });
            return Ok(());
        }
        if let Heard::Order(shown) = &report.what {
            report.client_id = report.client_id.or_else(|| shown.client_id.clone());
            report.venue_id = Some(shown.venue_id.clone());
        }
        match self.whose(report.client_id.as_deref(), report.venue_id.as_deref()) {
            Whose::Ours(client_id) => self.hear_of(&client_id, report),
            Whose::Nobodys(why) => {
                self.unusable(format!("report {:?}", report.what), why);
                Ok(())
            }
            Whose::Foreign | Whose::Unclear => {
                match report.what {
                    Heard::Order(shown) => self.foreign(shown),
                    _ if report.client_id.is_none() && report.venue_id.is_some() => self.orphan(report),
                    // An execution of another hand's order: the position tells of it.
                    _ => {}
                }
                Ok(())
            }
        }
    }

    /// Hears the reports again whose order is known by now.
    pub(super) fn hear_orphans(&mut self) -> Result<(), ManageError> {
        if !std::mem::take(&mut self.claimed) {
            return Ok(());
        }
        for report in std::mem::take(&mut self.orphans) {
            if report.venue_id.as_ref().is_some_and(|id| self.venue_ids.contains_key(id)) {
                self.hear(report)?;
            } else {
                self.orphans.push_back(report);
            }
        }
        Ok(())
    }

    /// Takes what a venue said into the desk: what cannot be is told, and the order is looked up.
    pub(super) fn heard(&mut self, change: &Change) -> Result<bool, ManageError> {
        match self.take(change) {
            Ok(changed) => Ok(changed),
            Err(OrderError::Journal(error)) => Err(OrderError::Journal(error).into()),
            Err(error) => {
                if let Change::Stepped { client_id, .. } | Change::Trailed { client_id, .. } = change {
                    self.watches.verify(client_id, 0, &self.clock);
                }
                self.unusable(format!("report {change:?}"), error.to_string());
                Ok(false)
            }
        }
    }

    /// A step that the venue said.
    pub(super) fn heard_step(&mut self, client_id: &str, step: Step, time: Time) -> Result<bool, ManageError> {
        self.heard(&Change::Stepped { client_id: client_id.to_owned(), step, time })
    }

    /// Takes an execution or a total; one beyond the order's amount is kept until the venue was asked.
    pub(super) fn heard_fill(&mut self, client_id: &str, change: Change) -> Result<(), ManageError> {
        match self.take(&change) {
            Ok(_) => Ok(()),
            Err(OrderError::Journal(error)) => Err(OrderError::Journal(error).into()),
            Err(error) => {
                self.watches.verify(client_id, 0, &self.clock);
                self.unusable(format!("report {change:?}"), error.to_string());
                if let OrderError::Step { source: StepError::Overfilled { .. }, .. } = error {
                    let disputed = self.disputed.entry(client_id.to_owned()).or_default();
                    if disputed.len() < KEPT {
                        disputed.push(change);
                    }
                }
                Ok(())
            }
        }
    }

    pub(super) fn unusable(&mut self, what: String, why: String) {
        self.events.push(Event::Unusable { what, why });
    }

    fn hear_of(&mut self, client_id: &str, report: Report) -> Result<(), ManageError> {
        let Report { venue_id, what, time, .. } = report;
        let order = self.desk().find(client_id)?;
        let (status, filled, known) = (order.status(), order.state().filled(), order.venue_id().map(str::to_owned));
        let named = venue_id.clone();
        if let (Some(other), Some(ours)) = (&venue_id, &known)
            && other != ours
        {
            self.doubled(client_id, ours, other);
            return Ok(());
        }
        if let Some(venue_id) = venue_id.filter(|_| known.is_none() && order.state().was_sent()) {
            // Whatever the venue says of it by its own id, it has it.
            if !status.is_terminal() && !matches!(what, Heard::Step(_) | Heard::Order(_)) {
                self.heard_step(client_id, Step::Accepted(Some(venue_id.clone())), time)?;
            }
            self.know(&venue_id, client_id);
        }
        let lives = matches!(what, Heard::Step(Step::Accepted(_)));
        let client = client_id.to_owned();
        match what {
            Heard::Step(step) if !step.is_heard() => {
                self.unusable(format!("report {step:?} of order {client}"), "a venue does not say that".to_owned());
            }
            Heard::Step(step) => {
                let step = if step == Step::Accepted(None) { Step::Accepted(named) } else { step };
                let refused = matches!(step, Step::CancelRefused(_) | Step::ReplaceRefused(_));
                self.heard_step(client_id, step, time)?;
                if refused {
                    self.watches.verify(client_id, 0, &self.clock);
                }
            }
            Heard::Execution { id, quantity, price, fee, last } => {
                let (client_id, execution_id, beyond) = (client.clone(), id, false);
                let execution = Execution { client_id, execution_id, quantity, price, fee, last, beyond, time };
                self.heard_fill(&client, Change::Executed(execution))?;
            }
            Heard::Total { filled, average, last } => {
                let total = Total { client_id: client.clone(), filled, average, last, beyond: false, time };
                self.heard_fill(&client, Change::Totalled(total))?;
            }
            Heard::Trailed(stop) => {
                self.heard(&Change::Trailed { client_id: client.clone(), stop, time })?;
            }
            Heard::Order(shown) => self.absorb(&client, &shown)?,
            Heard::Gap(_) => {}
        }
        let news = lives || self.desk().find(&client)?.state().filled() != filled;
        if status == OrderStatus::Rejected && news {
            // We may have given it up too early.
            self.watches.verify(&client, self.settings.first_wait, &self.clock);
        }
        Ok(())
    }

    pub(super) fn doubled(&mut self, client_id: &str, ours: &str, other: &str) {
        let (client_id, ours, other) = (client_id.to_owned(), ours.to_owned(), other.to_owned());
        let event = Event::Doubled { client_id, ours, other };
        if !self.account.told(&event) {
            self.events.push(event);
        }
    }

    fn orphan(&mut self, report: Report) {
        self.orphans.push_back(report);
        if self.orphans.len() > KEPT {
            // The snapshot has what is lost here.
            self.orphans.pop_front();
            self.account.due(self.clock.steady());
        }
    }
}
