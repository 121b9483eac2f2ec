//! The real atomic write over real files, with a call-back before a chosen step. It is there so that a test
//! can kill a process between two system calls and look at what is left; nothing else calls it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use exuvia_lake::write_atomic;
use exuvia_net::SystemFiles;
use exuvia_ports::{Create, FileLock, FileReader, FileWriter, Files, FilesError, Stamp};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::gate;

/// `write_atomic` that calls `hold` before each `step`: "create", "write", "sync", "rename" or "sync_dir".
#[pyfunction]
pub fn _lake_write_held(
    py: Python<'_>,
    path: PathBuf,
    data: PyBackedBytes,
    step: String,
    hold: Py<PyAny>,
) -> PyResult<()> {
    let files = HeldFiles { step: Arc::from(step), hold: Arc::new(hold) };
    gate::enter(py, || write_atomic(&files, &path, &data, false))
}

#[derive(Debug, Clone)]
struct HeldFiles {
    step: Arc<str>,
    hold: Arc<Py<PyAny>>,
}

impl HeldFiles {
    fn reach(&self, step: &'static str, path: &Path) -> Result<(), FilesError> {
        if *self.step != *step {
            return Ok(());
        }
        let other =
            |error: PyErr| FilesError::Other { operation: step, path: path.to_path_buf(), reason: error.to_string() };
        Python::attach(|py| self.hold.call0(py).map(drop)).map_err(other)
    }
}

impl Files for HeldFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError> {
        SystemFiles.read(path)
    }

    fn open(&self, path: &Path) -> Result<Box<dyn FileReader>, FilesError> {
        SystemFiles.open(path)
    }

    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn FileLock>, FilesError> {
        SystemFiles.lock(path, holder)
    }

    fn create(&self, path: &Path, how: Create) -> Result<Box<dyn FileWriter>, FilesError> {
        self.reach("create", path)?;
        let writer = SystemFiles.create(path, how)?;
        Ok(Box::new(HeldWriter { writer, files: self.clone(), path: path.to_path_buf() }))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn FileWriter>, FilesError> {
        SystemFiles.append(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FilesError> {
        self.reach("rename", from)?;
        SystemFiles.rename(from, to)
    }

    fn sync_dir(&self, folder: &Path) -> Result<(), FilesError> {
        self.reach("sync_dir", folder)?;
        SystemFiles.sync_dir(folder)
    }

    fn remove(&self, path: &Path) -> Result<(), FilesError> {
        SystemFiles.remove(path)
    }

    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, FilesError> {
        SystemFiles.list(folder)
    }

    fn stamp(&self, path: &Path) -> Result<Stamp, FilesError> {
        SystemFiles.stamp(path)
    }

    fn exists(&self, path: &Path) -> bool {
        SystemFiles.exists(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        SystemFiles.is_dir(path)
    }

    fn create_dir_all(&self, folder: &Path) -> Result<(), FilesError> {
        SystemFiles.create_dir_all(folder)
    }
}

#[derive(Debug)]
struct HeldWriter {
    writer: Box<dyn FileWriter>,
    files: HeldFiles,
    path: PathBuf,
}

impl FileWriter for HeldWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        self.files.reach("write", &self.path)?;
        self.writer.write(bytes)
    }

    fn sync(&mut self) -> Result<(), FilesError> {
        self.files.reach("sync", &self.path)?;
        self.writer.sync()
    }
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_lake_write_held, module)?)
}
