//! The disk: `std::fs` with the syncs that make data and names durable.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use exuvia_ports::{Create, FileWriter, Files, FilesError};

/// The file system of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError> {
        fs::read(path).map_err(|error| FilesError::from_io("read", path, &error))
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
