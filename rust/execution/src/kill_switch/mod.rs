//! The kill switch: a file that any process, or `touch`, can make. While it is there nothing new is opened; what closes a
//! position still goes, unless the file says `all`, and cancels always go. It is read before each send. What cannot be read counts as set.

mod mark;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use exuvia_model::Time;
use exuvia_ports::{Create, Files, FilesError};
use thiserror::Error;

pub use mark::{Level, Mark};

/// What is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wish {
    /// An order, or a change of one, that opens or enlarges a position, or may.
    Entry,
    /// One that only closes what is held.
    Exit,
    /// A cancel.
    Cancel,
}

/// The switch is set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("orders are stopped: {mark}; {} says so, clear it with a name and a reason", path.display())]
pub struct Killed {
    /// The file.
    pub path: PathBuf,
    /// Who, when, why, and what it stops.
    pub mark: Mark,
}

impl Killed {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "killed"
    }
}

/// A switch that was not moved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KillError {
    /// Who moves it must say who and why.
    #[error("the kill switch is moved with a name and a reason: {0} is empty")]
    Anonymous(&'static str),
    /// It is not set.
    #[error("{} is not set: there is nothing to clear", .0.display())]
    NotSet(PathBuf),
    /// Somebody set it again meanwhile.
    #[error("{} was set again meanwhile: {mark}; read it, then clear it anew", path.display())]
    SetAgain {
        /// The file.
        path: PathBuf,
        /// What it says now.
        mark: Mark,
    },
    /// The disk took only an empty file: new orders are stopped, and who, why and `all` are not on record.
    #[error("{} is set, but empty, so it stops what opens a position and nothing else: {source}", path.display())]
    OnlyEmpty {
        /// The file.
        path: PathBuf,
        /// Why.
        source: FilesError,
    },
    /// The disk.
    #[error("the kill switch could not be moved: {0}")]
    Files(#[from] FilesError),
}

impl KillError {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Anonymous(_) => "anonymous",
            Self::NotSet(_) => "not_set",
            Self::SetAgain { .. } => "set_again",
            Self::OnlyEmpty { .. } => "only_empty",
            Self::Files(_) => "files",
        }
    }
}

/// The switch of a desk.
///
/// ```
/// use std::path::Path;
/// use std::sync::Arc;
/// use exuvia_execution::kill_switch::{KillSwitch, Level, Wish};
/// use exuvia_model::Time;
/// use exuvia_ports::SimFiles;
/// let mut switch = KillSwitch::new(Arc::new(SimFiles::new()), Path::new("/kill"));
/// assert!(switch.before_send(Wish::Entry).is_ok());
/// switch.set(Level::Entries, "Ada", "quotes look wrong", Time(0))?;
/// assert!(switch.before_send(Wish::Exit).is_ok());
/// let killed = switch.before_send(Wish::Entry).unwrap_err();
/// assert!(killed.to_string().contains("Ada") && killed.to_string().contains("quotes look wrong"), "{killed}");
/// # Ok::<(), exuvia_execution::kill_switch::KillError>(())
/// ```
#[derive(Debug)]
pub struct KillSwitch {
    files: Arc<dyn Files>,
    path: PathBuf,
    seen: Option<(i64, Option<Mark>)>,
}

impl KillSwitch {
    /// How long what a loop has read holds, in nanoseconds.
    pub const LOOP_NANOS: i64 = 250_000_000;

    /// The switch whose file is `path`. Its folder must be there: without it the switch counts as set.
    #[must_use]
    pub fn new(files: Arc<dyn Files>, path: &Path) -> Self {
        Self { files, path: path.to_path_buf(), seen: None }
    }

    /// What the file says now; none if it is not set.
    #[must_use]
    pub fn read(&self) -> Option<Mark> {
        match self.files.read(&self.path) {
            Ok(bytes) => Some(Mark::parse(&bytes)),
            // A folder that is gone, such as one that is not mounted, says nothing of the file.
            Err(error) if error.is_not_found() && self.files.is_dir(self.folder()) => None,
            Err(error) => Some(Mark::doubt(&error.to_string())),
        }
    }

    /// Whether this may be sent. The file is read each time.
    ///
    /// # Errors
    /// `Killed`.
    pub fn before_send(&mut self, wish: Wish) -> Result<(), Killed> {
        match self.read() {
            Some(mark) if !mark.allows(wish) => Err(Killed { path: self.path.clone(), mark }),
            _ => Ok(()),
        }
    }

    /// What the file says, for a loop: read at most once in [`Self::LOOP_NANOS`] of a monotonic clock.
    pub fn in_loop(&mut self, monotonic: i64) -> Option<&Mark> {
        let old = self.seen.as_ref().is_none_or(|(at, _)| monotonic.saturating_sub(*at) >= Self::LOOP_NANOS);
        if old {
            self.seen = Some((monotonic, self.read()));
        }
        self.seen.as_ref().and_then(|(_, mark)| mark.as_ref())
    }

    /// Sets it. A switch that stops more already stays as it is; that is on record too.
    ///
    /// # Errors
    /// `Anonymous`, `Files`; `OnlyEmpty` if it is set but says less than it should.
    pub fn set(&self, level: Level, by: &str, why: &str, now: Time) -> Result<(), KillError> {
        let mark = Mark::signed(level, by, why, now)?;
        if self.read().is_none_or(|set| set.level < level) {
            self.write(&mark)?;
        }
        self.record("set", &mark)
    }

    /// Clears it and gives what it said. The record is durable before the file goes, so a switch that is clear was cleared by somebody.
    ///
    /// # Errors
    /// `Anonymous`, `NotSet`, `SetAgain`, `Files`; the switch is as before then.
    pub fn clear(&self, by: &str, why: &str, now: Time) -> Result<Mark, KillError> {
        let found = self.read().ok_or_else(|| KillError::NotSet(self.path.clone()))?;
        let cleared = Mark::signed(found.level, by, why, now)?;
        self.record("found", &found)?;
        self.record("cleared", &cleared)?;
        match self.read() {
            Some(mark) if mark != found => return Err(KillError::SetAgain { path: self.path.clone(), mark }),
            _ => self.files.remove(&self.path)?,
        }
        self.files.sync_dir(self.folder())?;
        Ok(found)
    }

    /// Where it is on record who set and cleared it.
    #[must_use]
    pub fn record_path(&self) -> PathBuf {
        self.beside(".log")
    }

    fn write(&self, mark: &Mark) -> Result<(), KillError> {
        let new = self.beside(".new");
        let whole = || {
            let mut writer = self.files.create(&new, Create::default())?;
            writer.write(mark.line("set").as_bytes())?;
            writer.sync()?;
            self.files.rename(&new, &self.path)?;
            self.files.sync_dir(self.folder())
        };
        whole().or_else(|source: FilesError| {
            // An empty file needs no space.
            self.files.append(&self.path)?;
            Err(KillError::OnlyEmpty { path: self.path.clone(), source })
        })
    }

    fn record(&self, what: &str, mark: &Mark) -> Result<(), KillError> {
        let mut writer = self.files.append(&self.record_path())?;
        writer.write(mark.line(what).as_bytes())?;
        writer.sync()?;
        Ok(self.files.sync_dir(self.folder())?)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    fn folder(&self) -> &Path {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
    }
}
