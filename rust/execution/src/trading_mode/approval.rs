//! The recorded approval of live trading: who, for which account, until when, for which configuration.

use std::path::{Path, PathBuf};

use exuvia_model::Time;
use exuvia_ports::{Create, Files, FilesError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Digest, Mode, Modes};
use crate::text;

/// The version that this writes; it reads this one and older.
const FORMAT: u32 = 1;

/// What somebody approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Version of the file.
    pub format: u32,
    /// Which account may trade live.
    pub account: String,
    /// Who says so.
    pub person: String,
    /// Since when.
    #[serde(with = "text")]
    pub approved: Time,
    /// Until when, this instant not included.
    #[serde(with = "text")]
    pub expires: Time,
    /// With which configuration, as SHA-256.
    #[serde(with = "text")]
    pub configuration: Digest,
}

/// Why an account may not trade live.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotLive {
    /// The configuration does not say live.
    #[error("account {account:?} is configured for {mode}: set it to live, then have that configuration approved")]
    NotConfigured {
        /// Which account.
        account: String,
        /// What the configuration says.
        mode: Mode,
    },
    /// The flag was not given.
    #[error("account {account:?} is configured for live, but --live was not given: nothing goes live by accident")]
    NoFlag {
        /// Which account.
        account: String,
    },
    /// There is no approval that can be read.
    #[error("account {account:?} has no approval: {why}; have {} recorded", path.display())]
    NoApproval {
        /// Which account.
        account: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The approval is of another account.
    #[error("the approval by {person} is of account {approved:?}, not of {account:?}: each account needs its own")]
    OtherAccount {
        /// Which account.
        account: String,
        /// Whose it is.
        approved: String,
        /// Who gave it.
        person: String,
    },
    /// It holds only from a later time, or not any more.
    #[error(
        "the approval of account {account:?} holds from {approved} until {expires}, now is {now}: have it approved anew, or set the clock"
    )]
    OutOfTime {
        /// Which account.
        account: String,
        /// Its first instant.
        approved: Time,
        /// The first instant after it.
        expires: Time,
        /// Now.
        now: Time,
    },
    /// The configuration is not the one that was approved.
    #[error(
        "account {account:?} was approved with configuration {approved}, it is {found} now: have the change approved"
    )]
    OtherConfiguration {
        /// Which account.
        account: String,
        /// The digest that was approved.
        approved: Digest,
        /// The digest now.
        found: Digest,
    },
}

impl NotLive {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured { .. } => "not_configured_live",
            Self::NoFlag { .. } => "no_live_flag",
            Self::NoApproval { .. } => "no_approval",
            Self::OtherAccount { .. } => "approval_of_other_account",
            Self::OutOfTime { .. } => "approval_out_of_time",
            Self::OtherConfiguration { .. } => "approval_of_other_configuration",
        }
    }
}

/// An approval that cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApprovalError {
    /// A field that says nothing, or a time that has passed before it began.
    #[error("an approval needs {0}")]
    Incomplete(&'static str),
    /// The disk.
    #[error("the approval could not be recorded: {0}")]
    Files(#[from] FilesError),
}

impl Approval {
    /// Records it: whole, durable, readable by its owner alone.
    ///
    /// # Errors
    /// `Incomplete`, `Files`.
    pub fn record(&self, files: &dyn Files, path: &Path) -> Result<(), ApprovalError> {
        if self.account.trim().is_empty() || self.person.trim().is_empty() {
            return Err(ApprovalError::Incomplete("an account and the name of a person"));
        }
        if self.expires <= self.approved {
            return Err(ApprovalError::Incomplete("an end after its beginning"));
        }
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        let mut new = path.to_path_buf().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        let mut writer = files.create(&new, Create::default().private())?;
        writer.write(text.as_bytes())?;
        writer.sync()?;
        files.rename(&new, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(files.sync_dir(folder)?)
    }

    fn read(files: &dyn Files, path: &Path, account: &str) -> Result<Self, NotLive> {
        let none = |why| NotLive::NoApproval { account: account.to_owned(), path: path.to_path_buf(), why };
        let bytes = files.read(path).map_err(|error| none(error.to_string()))?;
        let found: Self = serde_json::from_slice(&bytes).map_err(|error| none(error.to_string()))?;
        if found.format > FORMAT {
            return Err(none(format!("it has format {}, this version reads up to {FORMAT}", found.format)));
        }
        Ok(found)
    }
}

/// Everything that live needs beside the approval.
#[derive(Debug, Clone, Copy)]
pub struct LiveRequest<'a> {
    /// Which account.
    pub account: &'a str,
    /// What the configuration says of the accounts.
    pub modes: &'a Modes,
    /// Whether `--live` was given.
    pub flag: bool,
    /// The configuration's digest.
    pub configuration: Digest,
    /// What time it is.
    pub now: Time,
}

/// What permits live trading. Only [`LivePermit::verify`] makes one, and it cannot be copied.
#[derive(Debug)]
pub struct LivePermit {
    approval: Approval,
}

impl LivePermit {
    /// Holds configuration, flag and the recorded approval against one another.
    ///
    /// # Errors
    /// `NotLive` with what is missing, and what to do.
    pub fn verify(files: &dyn Files, path: &Path, request: &LiveRequest<'_>) -> Result<Self, NotLive> {
        let account = request.account.to_owned();
        let mode = request.modes.of(&account);
        if mode != Mode::Live {
            return Err(NotLive::NotConfigured { account, mode });
        }
        if !request.flag {
            return Err(NotLive::NoFlag { account });
        }
        let permit = Self { approval: Approval::read(files, path, &account)? };
        permit.holds(&account, request.configuration, request.now)?;
        Ok(permit)
    }

    /// Whether it still holds.
    ///
    /// # Errors
    /// `OtherAccount`, `OutOfTime`, `OtherConfiguration`.
    pub fn holds(&self, account: &str, configuration: Digest, now: Time) -> Result<(), NotLive> {
        let Approval { approved, expires, configuration: wanted, .. } = self.approval;
        let account = account.to_owned();
        if self.approval.account != account {
            let (approved, person) = (self.approval.account.clone(), self.approval.person.clone());
            return Err(NotLive::OtherAccount { account, approved, person });
        }
        if now < approved || expires <= now {
            return Err(NotLive::OutOfTime { account, approved, expires, now });
        }
        if configuration != wanted {
            return Err(NotLive::OtherConfiguration { account, approved: wanted, found: configuration });
        }
        Ok(())
    }

    /// Who approved it.
    #[must_use]
    pub fn person(&self) -> &str {
        &self.approval.person
    }

    /// Until when.
    #[must_use]
    pub const fn expires(&self) -> Time {
        self.approval.expires
    }

    /// Which account may trade live.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.approval.account
    }
}
