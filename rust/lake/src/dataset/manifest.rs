//! What a sealed day holds. The manifest is the truth for exuvia's readers: a day changes at once, when its
//! manifest is replaced, however many files are renamed after that.

use std::path::{Path, PathBuf};

use exuvia_ports::Files;
use serde::{Deserialize, Serialize};

use crate::dataset::declare::{FORMAT, HOUSE, from_json, to_json};
use crate::dataset::{Day, Group};
use crate::{LakeError, write_atomic};

/// A Parquet file of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Relative to the dataset.
    pub path: String,
    /// Where the file still lies if its name was not given to it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) temporary: Option<String>,
    /// Whose rows it has.
    pub group: Group,
    /// Its number among the files of the group.
    pub part: u32,
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// A checksum of all bytes.
    pub checksum: u32,
    /// The first time, UTC nanoseconds.
    pub first: i64,
    /// The last time.
    pub last: i64,
    /// The version of the schema that it was written with.
    pub schema: u32,
    /// The symbols in it, if they are few enough to be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols: Option<Vec<String>>,
}

impl FileEntry {
    /// Whether both are one file, whichever of its names it has.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.path, self.bytes, self.checksum) == (&other.path, other.bytes, other.checksum)
    }
}

/// A day as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// Which day.
    pub day: Day,
    /// How often it has changed.
    pub generation: u64,
    /// Rows of the open segments up to this number are in its files.
    pub consumed: u64,
    /// Its files.
    pub files: Vec<FileEntry>,
    /// Files that it had before and that are to be removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) remove: Vec<String>,
}

impl Manifest {
    /// That of a day that was never sealed.
    pub(crate) const fn empty(day: Day) -> Self {
        Self { format: FORMAT, day, generation: 0, consumed: 0, files: Vec::new(), remove: Vec::new() }
    }

    /// Whether files wait for their names, or to be removed.
    pub(crate) fn is_unfinished(&self) -> bool {
        !self.remove.is_empty() || self.files.iter().any(|file| file.temporary.is_some())
    }
}

fn folder(root: &Path) -> PathBuf {
    root.join(HOUSE).join("days")
}

fn path_of(root: &Path, day: Day) -> PathBuf {
    folder(root).join(format!("{day}.json"))
}

/// The manifest of a day; an empty one if it was never sealed.
pub(crate) fn load(files: &dyn Files, root: &Path, day: Day) -> Result<Manifest, LakeError> {
    let path = path_of(root, day);
    match files.read(&path) {
        Ok(bytes) => from_json(&path, &bytes),
        Err(error) if error.is_not_found() => Ok(Manifest::empty(day)),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn store(files: &dyn Files, root: &Path, manifest: &Manifest) -> Result<(), LakeError> {
    write_atomic(files, &path_of(root, manifest.day), &to_json(manifest)?, false)
}

/// The days that were sealed, in order.
pub(crate) fn days(files: &dyn Files, root: &Path) -> Result<Vec<Day>, LakeError> {
    let paths = match files.list(&folder(root)) {
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        other => other?,
    };
    let name = |path: &PathBuf| path.file_name()?.to_str()?.strip_suffix(".json")?.parse::<Day>().ok();
    let mut days: Vec<Day> = paths.iter().filter_map(name).collect();
    days.sort_unstable();
    Ok(days)
}

/// Gives the files of a day the names that its manifest says, removes what it says, and notes that it was
/// done. May be repeated after a kill at any point.
pub(crate) fn finish(files: &dyn Files, root: &Path, mut manifest: Manifest) -> Result<Manifest, LakeError> {
    if !manifest.is_unfinished() {
        return Ok(manifest);
    }
    let mut folders = std::collections::BTreeSet::new();
    for file in &mut manifest.files {
        let Some(temporary) = file.temporary.take() else { continue };
        let (from, to) = (root.join(temporary), root.join(&file.path));
        match files.rename(&from, &to) {
            // Renamed already, by whoever was killed after it.
            Err(error) if error.is_not_found() && files.exists(&to) => {}
            other => other?,
        }
        folders.insert(crate::atomic::folder_of(&to).to_path_buf());
    }
    for path in manifest.remove.drain(..) {
        let path = root.join(path);
        match files.remove(&path) {
            Err(error) if error.is_not_found() => {}
            other => other?,
        }
        folders.insert(crate::atomic::folder_of(&path).to_path_buf());
    }
    for folder in folders {
        files.sync_dir(&folder)?;
    }
    store(files, root, &manifest)?;
    Ok(manifest)
}
