//! A desk whose changes are in its journal before they are part of it, and which is the same again after a crash.

use std::path::Path;

use exuvia_model::{OrderIntent, Time};
use exuvia_ports::Files;

use crate::{Change, Desk, Durability, Journal, JournalError, Link, OrderError, Outcome, Step, Torn};

/// How a desk is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// With what client ids begin; that of the journal, if there is one.
    pub prefix: String,
    /// Who opens it: what a second process is told.
    pub holder: String,
    /// When changes are on the disk.
    pub durability: Durability,
    /// When it is opened: the time of the doubts that a restart brings.
    pub now: Time,
}

/// What was found at the opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// How many changes were read.
    pub records: usize,
    /// What was cut away at the end.
    pub torn: Option<Torn>,
    /// Orders whose last request had no answer: they are unknown now, and to be looked up at the venue by their client id.
    /// They are never sent again first.
    pub in_doubt: Vec<String>,
}

/// A desk and its journal.
#[derive(Debug)]
pub struct DurableDesk {
    desk: Desk,
    journal: Journal,
}

impl DurableDesk {
    /// Opens the desk that the journal at `path` holds, or a new one. Every request without an answer becomes a doubt, and that
    /// is in the journal before this returns.
    ///
    /// ```
    /// use std::path::Path;
    /// use exuvia_execution::{Durability, DurableDesk, Opening};
    /// use exuvia_model::Time;
    /// use exuvia_ports::SimFiles;
    /// let opening = Opening { prefix: "EX".into(), holder: "desk 1".into(), durability: Durability::default(), now: Time(0) };
    /// let (desk, recovery) = DurableDesk::open(&SimFiles::new(), Path::new("/orders.journal"), &opening)?;
    /// assert_eq!((desk.desk().prefix(), recovery.records, recovery.in_doubt.len()), (Some("EX"), 0, 0));
    /// # Ok::<(), exuvia_execution::OrderError>(())
    /// ```
    ///
    /// # Errors
    /// `Journal`: it cannot be read or written, is of another desk, or another process has it.
    pub fn open(files: &dyn Files, path: &Path, opening: &Opening) -> Result<(Self, Recovery), OrderError> {
        let (journal, records, torn) = Journal::open(files, path, &opening.holder, opening.durability)?;
        let mut desk = Desk::default();
        for record in &records {
            desk.apply(&record.change).map_err(|error| JournalError::Damaged {
                path: path.to_path_buf(),
                offset: record.offset,
                why: format!("its change cannot follow: {error}"),
            })?;
        }
        let wanted = &opening.prefix;
        if let Some(found) = desk.prefix().filter(|found| found != wanted) {
            let (path, found, wanted) = (path.to_path_buf(), found.to_owned(), wanted.clone());
            return Err(JournalError::OtherDesk { path, found, wanted }.into());
        }
        let in_doubt: Vec<String> = desk.in_flight().map(|order| order.client_id().to_owned()).collect();
        let mut durable = Self { desk, journal };
        if records.is_empty() {
            durable.apply(&Change::Opened { prefix: wanted.clone(), counter: 0 })?;
        }
        for client_id in &in_doubt {
            let step = Step::Lost("the process ended before the venue answered".to_owned());
            durable.apply(&Change::Stepped { client_id: client_id.clone(), step, time: opening.now })?;
        }
        durable.journal.sync()?;
        Ok((durable, Recovery { records: records.len(), torn, in_doubt }))
    }

    /// Takes a change: checked first, then written, then made. What changes nothing is not written.
    ///
    /// # Errors
    /// What is wrong with it, or `Journal` if it could not be written; the desk is as before then. After a `Sent`,
    /// `CancelSent` or `ReplaceSent` that returned no error, and only then, its bytes may leave.
    pub fn apply(&mut self, change: &Change) -> Result<Outcome, OrderError> {
        let plan = self.desk.plan(change)?;
        if plan.changes() {
            self.journal.append(change)?;
        }
        Ok(self.desk.commit(plan))
    }

    /// Wants orders, all of them or none, and gives their ids.
    ///
    /// # Errors
    /// As [`Self::apply`] and [`Desk::intend`].
    pub fn intend(&mut self, link: Link, intents: Vec<OrderIntent>) -> Result<Vec<String>, OrderError> {
        let change = self.desk.intend(link, intents)?;
        self.apply(&change)?;
        let Change::Intended { orders, .. } = change else { return Ok(Vec::new()) };
        Ok(orders.into_iter().map(|order| order.client_id).collect())
    }

    /// Takes one step of an order at a time.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn step(&mut self, client_id: &str, step: Step, time: Time) -> Result<Outcome, OrderError> {
        self.apply(&Change::Stepped { client_id: client_id.to_owned(), step, time })
    }

    /// The desk as it is.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Its journal.
    #[must_use]
    pub const fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }
}
