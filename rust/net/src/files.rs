//! The disk: `std::fs` with the syncs that make data and names durable.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use exuvia_ports::{Create, FileLock, FileReader, FileWriter, Files, FilesError, Stamp};

/// The file system of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError> {
        fs::read(path).map_err(|error| FilesError::from_io("read", path, &error))
    }

    fn open(&self, path: &Path) -> Result<Box<dyn FileReader>, FilesError> {
        let file = File::open(path).map_err(|error| FilesError::from_io("open", path, &error))?;
        Ok(Box::new(SystemReader { file, path: path.to_path_buf() }))
    }

    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn FileLock>, FilesError> {
        let failed = |error: io::Error| FilesError::from_io("lock", path, &error);
        let mut options = OpenOptions::new();
        // Not emptied: until the lock is had, what is in it is another's name.
        let opened = options.read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(failed)?;
        if !try_lock(&file).map_err(failed)? {
            let mut name = String::new();
            // Without its name the refusal is still one.
            let _ = file.read_to_string(&mut name);
            let holder = if name.is_empty() { "another process".to_owned() } else { name };
            return Err(FilesError::Locked { path: path.to_path_buf(), holder });
        }
        file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(failed)?;
        Ok(Box::new(SystemLock { _file: file }))
    }

    fn create(&self, path: &Path, how: Create) -> Result<Box<dyn FileWriter>, FilesError> {
        let mut options = OpenOptions::new();
        options.write(true);
        if how.exclusive {
            options.create_new(true);
        } else {
            options.create(true).truncate(true);
        }
        #[cfg(unix)]
        if how.private {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(path).map_err(|error| FilesError::from_io("create", path, &error))?;
        #[cfg(unix)]
        if how.private && !how.exclusive {
            // The mode above counts only for a file that is new.
            use std::os::unix::fs::PermissionsExt;
            let tight = file.set_permissions(fs::Permissions::from_mode(0o600));
            tight.map_err(|error| FilesError::from_io("make private", path, &error))?;
        }
        Ok(Box::new(SystemWriter { file, path: path.to_path_buf() }))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn FileWriter>, FilesError> {
        let file = OpenOptions::new().append(true).create(true).open(path);
        let file = file.map_err(|error| FilesError::from_io("append to", path, &error))?;
        Ok(Box::new(SystemWriter { file, path: path.to_path_buf() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FilesError> {
        fs::rename(from, to).map_err(|error| FilesError::from_io("rename", from, &error))
    }

    fn sync_dir(&self, folder: &Path) -> Result<(), FilesError> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let synced = if cfg!(windows) { Ok(()) } else { File::open(folder).and_then(|open| open.sync_all()) };
        match synced {
            // Some network and FUSE mounts cannot sync a folder and say so; their names are as durable as they get.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            other => other.map_err(|error| FilesError::from_io("sync folder", folder, &error)),
        }
    }

    fn remove(&self, path: &Path) -> Result<(), FilesError> {
        fs::remove_file(path).map_err(|error| FilesError::from_io("remove", path, &error))
    }

    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, FilesError> {
        let failed = |error: io::Error| FilesError::from_io("list", folder, &error);
        let mut paths = fs::read_dir(folder)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        paths.sort();
        Ok(paths)
    }

    fn stamp(&self, path: &Path) -> Result<Stamp, FilesError> {
        let about = fs::metadata(path).map_err(|error| FilesError::from_io("look at", path, &error))?;
        let since = about.modified().ok().and_then(|when| when.duration_since(UNIX_EPOCH).ok());
        let modified = since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        #[cfg(unix)]
        let (identity, mode) = {
            use std::os::unix::fs::MetadataExt;
            (about.ino(), Some(about.mode() & 0o7777))
        };
        #[cfg(not(unix))]
        let (identity, mode) = (0, None);
        Ok(Stamp { identity, length: about.len(), modified, mode })
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn create_dir_all(&self, folder: &Path) -> Result<(), FilesError> {
        fs::create_dir_all(folder).map_err(|error| FilesError::from_io("create folder", folder, &error))
    }
}

#[derive(Debug)]
struct SystemReader {
    file: File,
    path: PathBuf,
}

impl FileReader for SystemReader {
    fn length(&self) -> Result<u64, FilesError> {
        self.file.metadata().map(|of| of.len()).map_err(|error| FilesError::from_io("read", &self.path, &error))
    }

    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, FilesError> {
        let failed = |error: io::Error| FilesError::from_io("read", &self.path, &error);
        // What a damaged file claims must not be allocated before it is there.
        let there = self.length()?.saturating_sub(offset);
        let mut bytes = Vec::with_capacity(length.min(usize::try_from(there).unwrap_or(usize::MAX)));
        Part { file: &self.file, offset }.take(length as u64).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}

/// A file from a place on; where the file itself stands is left alone, since many may read it at once.
struct Part<'f> {
    file: &'f File,
    offset: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = read_part(self.file, into, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(unix)]
fn read_part(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, offset)
}

#[cfg(windows)]
fn read_part(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, offset)
}

/// The system lets the lock go when the file is closed, and when the process is killed.
#[derive(Debug)]
struct SystemLock {
    _file: File,
}

impl FileLock for SystemLock {}

/// Whether the file's lock is ours now; false if another open file has it, of this process or of another.
#[cfg(unix)]
fn try_lock(file: &File) -> io::Result<bool> {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open while `file` is borrowed, and flock touches no memory of ours.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    // It does not wait, so no signal interrupts it.
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::WouldBlock { Ok(false) } else { Err(error) }
}

#[cfg(not(unix))]
fn try_lock(_file: &File) -> io::Result<bool> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "locks of files are built for POSIX systems only"))
}

#[derive(Debug)]
struct SystemWriter {
    file: File,
    path: PathBuf,
}

impl FileWriter for SystemWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        self.file.write_all(bytes).map_err(|error| FilesError::from_io("write", &self.path, &error))
    }

    fn sync(&mut self) -> Result<(), FilesError> {
        self.file.sync_all().map_err(|error| FilesError::from_io("sync", &self.path, &error))
    }
}
