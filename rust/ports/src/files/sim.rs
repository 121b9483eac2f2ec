//! A file system in memory that can lose power, fill up, go read-only and fail at the nth operation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

pub use super::disk::Survives;
use super::disk::{Disk, Entry};
use super::{Create, FileLock, FileReader, FileWriter, Files, FilesError, Stamp};
use crate::locked;

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimFault {
    /// This operation fails, the next works.
    Error,
    /// No space from here on; a write leaves its first half.
    Full,
    /// The machine goes off: a write leaves its first half, everything after it fails until
    /// [`SimFiles::power_on`].
    PowerCut,
}

/// A simulated file system. Clones share one disk.
///
/// ```
/// use std::path::Path;
/// use exuvia_ports::{Create, Files, SimFiles, Survives};
/// let files = SimFiles::new();
/// let mut writer = files.create(Path::new("/a"), Create::default())?;
/// writer.write(b"hello")?;
/// writer.sync()?;
/// files.power_on(Survives::Nothing);
/// assert!(!files.exists(Path::new("/a")), "the data were synced, the name was not");
/// # Ok::<(), exuvia_ports::FilesError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SimFiles {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    disk: Disk,
    operations: u64,
    fault: Option<(u64, SimFault)>,
    off: bool,
    read_only: bool,
    capacity: Option<usize>,
    /// Counts starts of the machine: writers of an earlier life are dead.
    life: u64,
    /// Who holds which lock.
    locks: BTreeMap<PathBuf, String>,
}

impl SimFiles {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many changing operations there were: create, append, write, sync, rename, sync_dir, remove, create_dir_all.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets `fault` happen at changing operation number `at`, counted from 0 since the disk was made.
    pub fn fault_at(&self, at: u64, fault: SimFault) {
        self.state().fault = Some((at, fault));
    }

    /// Bounds the sum of all files.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.state().capacity = bytes;
    }

    /// Refuses every change.
    pub fn set_read_only(&self, read_only: bool) {
        self.state().read_only = read_only;
    }

    /// The machine loses power, if it has not yet, and starts again; `survives` says what is left of changes
    /// that were not synced. Faults are forgotten.
    pub fn power_on(&self, survives: Survives) {
        let mut state = self.state();
        state.disk = std::mem::take(&mut state.disk).after_power_cut(survives);
        state.off = false;
        state.fault = None;
        state.locks.clear();
        state.life += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    fn writer(&self, state: &State, path: &Path, file: usize) -> Box<dyn FileWriter> {
        Box::new(SimWriter { state: Arc::clone(&self.state), path: path.to_path_buf(), file, life: state.life })
    }
}

impl State {
    fn check_power(&self, operation: &'static str, path: &Path) -> Result<(), FilesError> {
        if self.off { Err(FilesError::PowerLost { operation, path: path.to_path_buf() }) } else { Ok(()) }
    }

    /// Counts a changing operation and fails it if its turn has come.
    fn begin(&mut self, operation: &'static str, path: &Path) -> Result<(), FilesError> {
        self.check_power(operation, path)?;
        let path = path.to_path_buf();
        if self.read_only {
            return Err(FilesError::Denied { operation, path });
        }
        let number = self.operations;
        self.operations += 1;
        match self.fault {
            Some((at, SimFault::Error)) if at == number => {
                Err(FilesError::Other { operation, path, reason: "input/output error (simulated)".to_owned() })
            }
            Some((at, SimFault::PowerCut)) if at == number => {
                self.off = true;
                Err(FilesError::PowerLost { operation, path })
            }
            Some((at, SimFault::Full)) if at <= number && !matches!(operation, "remove" | "sync" | "sync folder") => {
                Err(FilesError::Full { operation, path })
            }
            _ => Ok(()),
        }
    }

    fn file(&self, operation: &'static str, path: &Path) -> Result<usize, FilesError> {
        match self.disk.entry(path) {
            Some(Entry::File(file)) => Ok(file),
            Some(Entry::Folder) => {
                Err(FilesError::Other { operation, path: path.to_path_buf(), reason: "it is a folder".to_owned() })
            }
            None => Err(FilesError::NotFound { operation, path: path.to_path_buf() }),
        }
    }

    fn folder(&self, operation: &'static str, path: &Path) -> Result<(), FilesError> {
        match self.disk.entry(path) {
            Some(Entry::Folder) => Ok(()),
            Some(Entry::File(_)) => Err(FilesError::Other {
                operation,
                path: path.to_path_buf(),
                reason: "it is a file, not a folder".to_owned(),
            }),
            None => Err(FilesError::NotFound { operation, path: path.to_path_buf() }),
        }
    }

    fn parent(&self, operation: &'static str, path: &Path) -> Result<(), FilesError> {
        path.parent().map_or(Ok(()), |parent| self.folder(operation, parent))
    }

    fn write(&mut self, path: &Path, file: usize, bytes: &[u8]) -> Result<(), FilesError> {
        self.check_power("write", path)?;
        if let Err(error) = self.begin("write", path) {
            if !matches!(error, FilesError::Denied { .. }) {
                self.disk.write(file, bytes.get(..bytes.len() / 2).unwrap_or_default());
            }
            return Err(error);
        }
        let space = self.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(self.disk.used()));
        self.disk.write(file, bytes.get(..space).unwrap_or(bytes));
        if space < bytes.len() {
            return Err(FilesError::Full { operation: "write", path: path.to_path_buf() });
        }
        Ok(())
    }
}

impl Files for SimFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError> {
        let state = self.state();
        state.check_power("read", path)?;
        Ok(state.disk.content(state.file("read", path)?))
    }

    fn open(&self, path: &Path) -> Result<Box<dyn FileReader>, FilesError> {
        let state = self.state();
        state.check_power("open", path)?;
        let file = state.file("open", path)?;
        Ok(Box::new(SimReader { state: Arc::clone(&self.state), path: path.to_path_buf(), file, life: state.life }))
    }

    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn FileLock>, FilesError> {
        let mut state = self.state();
        state.begin("lock", path)?;
        state.parent("lock", path)?;
        if let Some(holder) = state.locks.get(path) {
            return Err(FilesError::Locked { path: path.to_path_buf(), holder: holder.clone() });
        }
        if state.disk.entry(path).is_none() {
            state.disk.new_file(path);
        }
        state.locks.insert(path.to_path_buf(), holder.to_owned());
        Ok(Box::new(SimLock { state: Arc::clone(&self.state), path: path.to_path_buf(), life: state.life }))
    }

    fn create(&self, path: &Path, how: Create) -> Result<Box<dyn FileWriter>, FilesError> {
        let mut state = self.state();
        state.begin("create", path)?;
        state.parent("create", path)?;
        let file = match state.disk.entry(path) {
            None => state.disk.new_file(path),
            Some(_) if how.exclusive => {
                return Err(FilesError::Exists { operation: "create", path: path.to_path_buf() });
            }
            Some(_) => {
                let file = state.file("create", path)?;
                state.disk.truncate(file);
                file
            }
        };
        // As the system does: an old file's mode is tightened, and stays as it is where none is asked for.
        if how.private {
            state.disk.set_private(file, true);
        }
        Ok(self.writer(&state, path, file))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn FileWriter>, FilesError> {
        let mut state = self.state();
        state.begin("append to", path)?;
        state.parent("append to", path)?;
        let file = match state.disk.entry(path) {
            None => state.disk.new_file(path),
            Some(_) => state.file("append to", path)?,
        };
        Ok(self.writer(&state, path, file))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FilesError> {
        let mut state = self.state();
        state.begin("rename", from)?;
        let file = state.file("rename", from)?;
        state.parent("rename", to)?;
        if state.disk.entry(to) == Some(Entry::Folder) {
            let reason = "it is a folder".to_owned();
            return Err(FilesError::Other { operation: "rename to", path: to.to_path_buf(), reason });
        }
        if from != to {
            // The new name first: in one folder a prefix of the changes never has neither.
            state.disk.change(to, Some(Entry::File(file)));
            state.disk.change(from, None);
        }
        Ok(())
    }

    fn sync_dir(&self, folder: &Path) -> Result<(), FilesError> {
        let mut state = self.state();
        state.begin("sync folder", folder)?;
        state.folder("sync folder", folder)?;
        state.disk.sync_dir(folder);
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), FilesError> {
        let mut state = self.state();
        state.begin("remove", path)?;
        state.file("remove", path)?;
        state.disk.change(path, None);
        Ok(())
    }

    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, FilesError> {
        let state = self.state();
        state.check_power("list", folder)?;
        state.folder("list", folder)?;
        Ok(state.disk.children(folder).into_iter().map(|name| folder.join(name)).collect())
    }

    fn stamp(&self, path: &Path) -> Result<Stamp, FilesError> {
        let state = self.state();
        state.check_power("look at", path)?;
        Ok(state.disk.stamp(state.file("look at", path)?))
    }

    fn exists(&self, path: &Path) -> bool {
        self.state().disk.entry(path).is_some()
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.state().disk.entry(path) == Some(Entry::Folder)
    }

    fn create_dir_all(&self, folder: &Path) -> Result<(), FilesError> {
        let mut state = self.state();
        state.begin("create folder", folder)?;
        let mut above: Vec<&Path> = folder.ancestors().collect();
        above.reverse();
        for path in above {
            match state.disk.entry(path) {
                None => state.disk.change(path, Some(Entry::Folder)),
                Some(Entry::File(_)) if path == folder => {
                    return Err(FilesError::Exists { operation: "create folder", path: path.to_path_buf() });
                }
                Some(_) => state.folder("create folder", path)?,
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct SimReader {
    state: Arc<Mutex<State>>,
    path: PathBuf,
    file: usize,
    life: u64,
}

impl SimReader {
    fn content(&self) -> Result<Vec<u8>, FilesError> {
        let state = locked(&self.state);
        state.check_power("read", &self.path)?;
        if state.life != self.life {
            return Err(FilesError::PowerLost { operation: "read", path: self.path.clone() });
        }
        Ok(state.disk.content(self.file))
    }
}

impl FileReader for SimReader {
    fn length(&self) -> Result<u64, FilesError> {
        Ok(self.content()?.len() as u64)
    }

    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, FilesError> {
        let content = self.content()?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        let to = from.saturating_add(length).min(content.len());
        Ok(content.get(from..to).unwrap_or_default().to_vec())
    }
}

#[derive(Debug)]
struct SimLock {
    state: Arc<Mutex<State>>,
    path: PathBuf,
    life: u64,
}

impl FileLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = locked(&self.state);
        if state.life == self.life {
            state.locks.remove(&self.path);
        }
    }
}

#[derive(Debug)]
struct SimWriter {
    state: Arc<Mutex<State>>,
    path: PathBuf,
    file: usize,
    life: u64,
}

impl SimWriter {
    fn alive(&self, state: &State, operation: &'static str) -> Result<(), FilesError> {
        if state.life == self.life {
            return Ok(());
        }
        Err(FilesError::PowerLost { operation, path: self.path.clone() })
    }
}

impl FileWriter for SimWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        let mut state = locked(&self.state);
        self.alive(&state, "write")?;
        state.write(&self.path, self.file, bytes)
    }

    fn sync(&mut self) -> Result<(), FilesError> {
        let mut state = locked(&self.state);
        self.alive(&state, "sync")?;
        state.begin("sync", &self.path)?;
        state.disk.sync(self.file);
        Ok(())
    }
}
