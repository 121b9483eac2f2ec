//! Files as a trait that says what is durable and what is not: data after `sync` of the writer, names
//! (create, rename, remove) after `sync_dir` of their folder.

mod disk;
mod sim;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use sim::{SimFault, SimFiles, Survives};

/// Why a file could not be used; each names the operation and the path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilesError {
    /// There is no such file or folder.
    #[error("cannot {operation} {}: there is no such file or folder", path.display())]
    NotFound {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// It is there already, and was to be made new.
    #[error("cannot {operation} {}: it exists already", path.display())]
    Exists {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// Permission, or a read-only file system.
    #[error("cannot {operation} {}: permission denied or read-only file system; check owner, mode and mount", path.display())]
    Denied {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// No space, or a quota or size limit.
    #[error("cannot {operation} {}: the disk is full or a size limit is reached; free space and try again", path.display())]
    Full {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// Another process has the lock.
    #[error("cannot lock {}: {holder} holds it; end that one, or wait until it has ended", path.display())]
    Locked {
        /// The lock's file.
        path: PathBuf,
        /// What the holder says of itself.
        holder: String,
    },
    /// Anything else that the system says.
    #[error("cannot {operation} {}: {reason}", path.display())]
    Other {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The simulated machine is off.
    #[error("cannot {operation} {}: the simulated machine has lost power", path.display())]
    PowerLost {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
    },
}

impl FilesError {
    /// The same error, told of what the caller wanted: who writes a file does not know the temporary one.
    #[must_use]
    pub fn told_of(self, operation: &'static str, path: &Path) -> Self {
        let path = path.to_path_buf();
        match self {
            Self::NotFound { .. } => Self::NotFound { operation, path },
            Self::Exists { .. } => Self::Exists { operation, path },
            Self::Denied { .. } => Self::Denied { operation, path },
            Self::Full { .. } => Self::Full { operation, path },
            Self::Other { reason, .. } => Self::Other { operation, path, reason },
            Self::PowerLost { .. } => Self::PowerLost { operation, path },
            Self::Locked { holder, .. } => Self::Locked { path, holder },
        }
    }

    /// The error that an operating system call gave.
    #[must_use]
    pub fn from_io(operation: &'static str, path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound { operation, path },
            io::ErrorKind::AlreadyExists => Self::Exists { operation, path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Denied { operation, path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { operation, path }
            }
            _ => Self::Other { operation, path, reason: error.to_string() },
        }
    }

    /// Whether the file or folder is simply not there.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

/// How a file is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Create {
    /// Fail if it exists; otherwise it is emptied.
    pub exclusive: bool,
    /// Only the owner may read and write it (mode 0600), from its first instant: tokens, keys.
    pub private: bool,
}

impl Create {
    /// Fail if the file exists.
    #[must_use]
    pub const fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }

    /// Mode 0600.
    #[must_use]
    pub const fn private(mut self) -> Self {
        self.private = true;
        self
    }
}

/// What the system says of a file without reading it: cheap, and another one once the file was written or replaced.
///
/// ```
/// use std::path::Path;
/// use exuvia_ports::{Create, Files, SimFiles};
/// let (files, path) = (SimFiles::new(), Path::new("/key"));
/// files.create(path, Create::default().private())?.write(b"secret")?;
/// let before = files.stamp(path)?;
/// assert!((before.length, before.is_private()) == (6, true));
/// files.create(path, Create::default().private())?.write(b"SECRET")?;
/// assert_ne!(files.stamp(path)?, before);
/// # Ok::<(), exuvia_ports::FilesError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Which file it is: its inode, or 0 where the system has none.
    pub identity: u64,
    /// Bytes.
    pub length: u64,
    /// When it was last written, by the file system's clock, in nanoseconds; of a simulated disk, a count of writes.
    pub modified: i64,
    /// Permission bits; `None` where the system has none.
    pub mode: Option<u32>,
}

impl Stamp {
    /// Whether none but the owner may read or write it; true where the system has no permission bits.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        match self.mode {
            Some(mode) => mode & 0o077 == 0,
            None => true,
        }
    }
}

/// An open file that is written from front to back.
pub trait FileWriter: fmt::Debug + Send {
    /// Writes all of `bytes`. After an error an unknown part of them is in the file.
    ///
    /// # Errors
    /// [`FilesError`]; [`FilesError::Full`] if there is no space.
    fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError>;

    /// Makes what was written durable (fsync). After an error the file must not be trusted.
    ///
    /// # Errors
    /// [`FilesError`].
    fn sync(&mut self) -> Result<(), FilesError>;
}

/// An open file that is read anywhere; it stays whole though its name may be given to another file or removed.
pub trait FileReader: fmt::Debug + Send + Sync {
    /// How many bytes it has now.
    ///
    /// # Errors
    /// [`FilesError`].
    fn length(&self) -> Result<u64, FilesError>;

    /// `length` bytes from `offset`; fewer only where the file ends.
    ///
    /// # Errors
    /// [`FilesError`].
    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, FilesError>;
}

/// A lock that is held until it is dropped or its process ends, however it ends.
pub trait FileLock: fmt::Debug + Send {}

/// A file system.
pub trait Files: fmt::Debug + Send + Sync {
    /// The whole content.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] and others.
    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError>;

    /// The file opened to be read in parts.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] and others.
    fn open(&self, path: &Path) -> Result<Box<dyn FileReader>, FilesError>;

    /// Takes the lock whose file is `path`, made if it is not there, and writes into it who `holder` is.
    ///
    /// # Errors
    /// [`FilesError::Locked`] with the name of the one that has it.
    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn FileLock>, FilesError>;

    /// A new, empty file; an old one of that name is emptied unless `how` is exclusive.
    ///
    /// # Errors
    /// [`FilesError::Exists`] if exclusive; [`FilesError::NotFound`] if the folder is not there.
    fn create(&self, path: &Path, how: Create) -> Result<Box<dyn FileWriter>, FilesError>;

    /// The file opened to write at its end; made if it is not there (a journal).
    ///
    /// # Errors
    /// [`FilesError`].
    fn append(&self, path: &Path) -> Result<Box<dyn FileWriter>, FilesError>;

    /// Gives the file another name and replaces what had it, in one step.
    ///
    /// # Errors
    /// [`FilesError`].
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FilesError>;

    /// Makes the names in a folder durable: what was created, renamed and removed in it.
    ///
    /// # Errors
    /// [`FilesError`].
    fn sync_dir(&self, folder: &Path) -> Result<(), FilesError>;

    /// Removes a file.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] and others.
    fn remove(&self, path: &Path) -> Result<(), FilesError>;

    /// The paths of files and folders in `folder`, in order of name.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] and others.
    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, FilesError>;

    /// What the system says of the file, without reading it.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] and others.
    fn stamp(&self, path: &Path) -> Result<Stamp, FilesError>;

    /// Whether there is a file or folder of this name.
    fn exists(&self, path: &Path) -> bool;

    /// Whether this is a folder.
    fn is_dir(&self, path: &Path) -> bool;

    /// Makes the folder and the ones above it that are missing.
    ///
    /// # Errors
    /// [`FilesError`].
    fn create_dir_all(&self, folder: &Path) -> Result<(), FilesError>;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_error_of_the_system_keeps_its_kind_and_names_the_operation_and_the_path() {
        use io::ErrorKind as Kind;
        let of = |kind: Kind| FilesError::from_io("write", Path::new("day.parquet"), &io::Error::from(kind));
        assert!(of(Kind::NotFound).is_not_found() && !of(Kind::PermissionDenied).is_not_found());
        assert!(matches!(of(Kind::AlreadyExists), FilesError::Exists { .. }));
        for kind in [Kind::PermissionDenied, Kind::ReadOnlyFilesystem] {
            assert!(matches!(of(kind), FilesError::Denied { .. }), "{kind}");
        }
        for kind in [Kind::StorageFull, Kind::QuotaExceeded, Kind::FileTooLarge] {
            assert!(matches!(of(kind), FilesError::Full { .. }), "{kind}");
        }
        assert!(matches!(of(Kind::Interrupted), FilesError::Other { .. }));
        for kind in [Kind::NotFound, Kind::AlreadyExists, Kind::PermissionDenied, Kind::StorageFull, Kind::TimedOut] {
            let text = of(kind).to_string();
            assert!(text.contains("write") && text.contains("day.parquet"), "{text}");
        }
    }

    #[test]
    fn a_file_is_made_as_asked_in_any_order() {
        let both = Create { exclusive: true, private: true };
        assert_eq!((Create::default().exclusive().private(), Create::default().private().exclusive()), (both, both));
        assert_eq!(Create::default(), Create { exclusive: false, private: false }, "asked for nothing");
    }
}
