//! The journal of a desk: an append-only file of its changes, one writer at a time. What was appended durably is there
//! after a power cut; what was broken off is cut away and told; what was changed afterwards is refused with file and offset.
//!
//! After a write or an fsync that failed nobody knows what is on the disk: the journal then takes nothing more until it is
//! opened anew, so nothing can be sent on the word of a record that may not be there.

mod format;

use std::path::{Path, PathBuf};

use exuvia_ports::{Create, FileLock, FileWriter, Files, FilesError};
use thiserror::Error;

pub use format::{Record, Torn};

use crate::Change;
use format::{Content, Unreadable, VERSION};

/// When a change is on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Before bytes to a venue leave, with all that came before; what a venue says can be asked for again. Live: the default.
    #[default]
    BeforeBytes,
    /// After each change.
    Always,
    /// When the system likes: research and paper only.
    Never,
}

/// Why a journal cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalError {
    /// A later exuvia wrote it.
    #[error(
        "order journal {} has format {found}, this exuvia reads up to {VERSION}: use the version that wrote it, or a later one", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A record in it is not what was written.
    #[error(
        "order journal {} is damaged at byte {offset}: {why}; nothing was changed: keep the file, restore it from a copy, or reconcile with the venue and begin a new journal", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins.
        offset: u64,
        /// What is wrong with it.
        why: String,
    },
    /// It belongs to another desk.
    #[error("order journal {} is of the desk {found:?}, not of {wanted:?}: two desks cannot share client ids", path.display())]
    OtherDesk {
        /// The file.
        path: PathBuf,
        /// The prefix in it.
        found: String,
        /// The prefix that was asked for.
        wanted: String,
    },
    /// An earlier write failed.
    #[error("order journal {} takes nothing more since a write failed ({first}): open it anew, which cuts what was left half written", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// The first failure.
        first: String,
    },
    /// The change cannot be written as text.
    #[error("order journal {} cannot hold this change: {why}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file system refused: locked by another process, full, no permission.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl JournalError {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Newer { .. } => "journal_newer",
            Self::Damaged { .. } => "journal_damaged",
            Self::OtherDesk { .. } => "journal_of_other_desk",
            Self::Failed { .. } => "journal_failed",
            Self::Unwritable { .. } => "journal_unwritable",
            Self::Files(FilesError::Locked { .. }) => "journal_locked",
            Self::Files(FilesError::Full { .. }) => "journal_full",
            Self::Files(_) => "journal_files",
        }
    }
}

/// A journal that is open for writing.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    writer: Box<dyn FileWriter>,
    /// Held until the journal is dropped.
    _lock: Box<dyn FileLock>,
    durability: Durability,
    records: u64,
    failed: Option<FilesError>,
}

impl Journal {
    /// Opens the journal at `path`, made if it is not there, and gives what is in it. A torn tail is cut away: the good
    /// part is written to `path.new`, which then takes the name. `holder` is what a second writer is told.
    ///
    /// ```
    /// use std::path::Path;
    /// use exuvia_execution::{Change, Durability, Journal};
    /// use exuvia_ports::SimFiles;
    /// let files = SimFiles::new();
    /// let open = || Journal::open(&files, Path::new("/orders.journal"), "desk 1", Durability::Always);
    /// let (mut journal, records, torn) = open()?;
    /// assert!(records.is_empty() && torn.is_none() && open().is_err(), "one writer at a time");
    /// journal.append(&Change::Opened { prefix: "EX".into(), counter: 0 })?;
    /// drop(journal);
    /// assert_eq!(open()?.1.len(), 1);
    /// # Ok::<(), exuvia_execution::JournalError>(())
    /// ```
    ///
    /// # Errors
    /// `Newer`, `Damaged`: the file is as it was; `Files`, of which `Locked` names the other writer.
    pub fn open(
        files: &dyn Files,
        path: &Path,
        holder: &str,
        durability: Durability,
    ) -> Result<(Self, Vec<Record>, Option<Torn>), JournalError> {
        let lock = files.lock(&beside(path, "lock"), holder)?;
        let bytes = match files.read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let Content { records, torn } = format::read(&bytes).map_err(|error| told(error, path))?;
        if let Some(torn) = torn {
            let kept = usize::try_from(torn.offset).ok().and_then(|end| bytes.get(..end)).unwrap_or_default();
            let kept = if kept.is_empty() { format::header() } else { kept.to_vec() };
            replace(files, path, &kept)?;
        }
        let mut writer = files.append(path)?;
        // What another life wrote and did not sync was read, and is built upon from here.
        writer.sync()?;
        let (path, count) = (path.to_path_buf(), records.len() as u64);
        let journal = Self { path, writer, _lock: lock, durability, records: count, failed: None };
        Ok((journal, records, torn.filter(|torn| torn.bytes > 0)))
    }

    /// Adds a change; durable on return if its kind and the journal's durability say so.
    ///
    /// # Errors
    /// `Files` if it could not be written: the change must be taken as not made. `Failed` from then on.
    pub fn append(&mut self, change: &Change) -> Result<(), JournalError> {
        if let Some(first) = &self.failed {
            return Err(JournalError::Failed { path: self.path.clone(), first: first.to_string() });
        }
        let line = format::line(self.records, change)
            .map_err(|why| JournalError::Unwritable { path: self.path.clone(), why })?;
        let sync = match self.durability {
            Durability::BeforeBytes => change.precedes_bytes(),
            Durability::Always => true,
            Durability::Never => false,
        };
        let written = self.writer.write(&line);
        let written = if sync { written.and_then(|()| self.writer.sync()) } else { written };
        if let Err(error) = written {
            self.failed = Some(error.clone());
            return Err(error.into());
        }
        self.records += 1;
        Ok(())
    }

    /// Makes everything durable that was appended: before a stop, or when the day ends.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if let Some(first) = &self.failed {
            return Err(JournalError::Failed { path: self.path.clone(), first: first.to_string() });
        }
        self.writer.sync().map_err(|error| {
            self.failed = Some(error.clone());
            error.into()
        })
    }

    /// How many records it has.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes a whole file and gives it the name in one step.
fn replace(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<(), FilesError> {
    let new = beside(path, "new");
    let mut writer = files.create(&new, Create::default())?;
    writer.write(bytes)?;
    writer.sync()?;
    files.rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| files.sync_dir(folder))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn told(error: Unreadable, path: &Path) -> JournalError {
    let path = path.to_path_buf();
    match error {
        Unreadable::Newer(found) => JournalError::Newer { path, found },
        Unreadable::Damaged { offset, why } => JournalError::Damaged { path, offset, why },
    }
}
