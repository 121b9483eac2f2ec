//! The disk of [`SimFiles`](super::SimFiles): what processes see, what would survive a power cut, and
//! what is on its way from the one to the other.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::Stamp;
use crate::Xoshiro256;

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    File(usize),
    Folder,
}

/// One change of a name that has not been made durable yet; `None` removes it.
#[derive(Debug, Clone)]
struct Change {
    name: OsString,
    entry: Option<Entry>,
}

#[derive(Debug, Clone, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Only the owner may read it.
    private: bool,
    /// The count of the disk when it was last written.
    written: i64,
}

#[derive(Debug, Clone, Default)]
struct Folder {
    durable: BTreeMap<OsString, Entry>,
    /// In the order in which they were made; a file system's journal keeps this order within a folder.
    pending: Vec<Change>,
}

/// What is left of changes that were not synced when the power went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survives {
    /// Nothing: the least that POSIX promises.
    Nothing,
    /// Everything: the cache was written out just in time.
    Everything,
    /// All names, no data: the classic empty file after a rename without fsync.
    Names,
    /// All data, no names.
    Data,
    /// For each file a random prefix of its data, for each folder a random prefix of its changes.
    Some {
        /// Seed of the choice.
        seed: u64,
    },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    contents: Vec<Content>,
    folders: BTreeMap<PathBuf, Folder>,
    live: BTreeMap<PathBuf, Entry>,
    /// How often a file was made or written: the disk's clock.
    writes: i64,
}

/// `a/./b` and `a/b` are one path; the root, relative or not, is empty.
pub(super) fn normal(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

impl Disk {
    pub(super) fn entry(&self, path: &Path) -> Option<Entry> {
        let path = normal(path);
        if path.as_os_str().is_empty() { Some(Entry::Folder) } else { self.live.get(&path).copied() }
    }

    pub(super) fn content(&self, file: usize) -> Vec<u8> {
        self.contents.get(file).map(|content| content.live.clone()).unwrap_or_default()
    }

    pub(super) fn stamp(&self, file: usize) -> Stamp {
        let content = self.contents.get(file);
        Stamp {
            identity: file as u64,
            length: content.map_or(0, |content| content.live.len() as u64),
            modified: content.map_or(0, |content| content.written),
            mode: Some(if content.is_some_and(|content| content.private) { 0o600 } else { 0o644 }),
        }
    }

    /// Lets others read it, or none but the owner.
    pub(super) fn set_private(&mut self, file: usize, private: bool) {
        if let Some(content) = self.contents.get_mut(file) {
            content.private = private;
        }
    }

    pub(super) fn used(&self) -> usize {
        let in_use = self.live.values().filter_map(|entry| match entry {
            Entry::File(file) => self.contents.get(*file),
            Entry::Folder => None,
        });
        in_use.map(|content| content.live.len()).sum()
    }

    pub(super) fn new_file(&mut self, path: &Path) -> usize {
        self.writes += 1;
        self.contents.push(Content { written: self.writes, ..Content::default() });
        let file = self.contents.len() - 1;
        self.change(path, Some(Entry::File(file)));
        file
    }

    pub(super) fn truncate(&mut self, file: usize) {
        if let Some(content) = self.contents.get_mut(file) {
            content.live.clear();
            self.writes += 1;
            content.written = self.writes;
        }
    }

    pub(super) fn write(&mut self, file: usize, bytes: &[u8]) {
        if let Some(content) = self.contents.get_mut(file) {
            content.live.extend_from_slice(bytes);
            self.writes += 1;
            content.written = self.writes;
        }
    }

    pub(super) fn sync(&mut self, file: usize) {
        if let Some(content) = self.contents.get_mut(file) {
            content.durable.clone_from(&content.live);
        }
    }

    /// Gives a name a meaning, or takes it away; durable after `sync_dir` of its folder.
    pub(super) fn change(&mut self, path: &Path, entry: Option<Entry>) {
        let path = normal(path);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return };
        let folder = self.folders.entry(parent.to_path_buf()).or_default();
        folder.pending.push(Change { name: name.to_owned(), entry });
        match entry {
            Some(entry) => self.live.insert(path, entry),
            None => self.live.remove(&path),
        };
    }

    pub(super) fn sync_dir(&mut self, folder: &Path) {
        if let Some(folder) = self.folders.get_mut(&normal(folder)) {
            let all = folder.pending.len();
            folder.apply(all);
        }
    }

    pub(super) fn children(&self, folder: &Path) -> Vec<OsString> {
        let folder = normal(folder);
        let names = self.live.keys().filter(|path| path.parent() == Some(&folder));
        names.filter_map(|path| path.file_name().map(ToOwned::to_owned)).collect()
    }

    /// The disk as the machine finds it when it starts again.
    pub(super) fn after_power_cut(mut self, survives: Survives) -> Self {
        let mut dice = Xoshiro256::seeded(if let Survives::Some { seed } = survives { seed } else { 0 });
        for content in &mut self.contents {
            let keep = match survives {
                Survives::Everything | Survives::Data => Some(content.live.len()),
                Survives::Nothing | Survives::Names => None,
                Survives::Some { .. } => {
                    let length = dice.below(content.live.len() as u64 + 1) as usize;
                    (dice.below(3) > 0).then_some(length)
                }
            };
            // What was synced and only appended to since cannot become shorter.
            if let Some(length) = keep {
                let grown = content.live.starts_with(&content.durable);
                let length = if grown { length.max(content.durable.len()) } else { length };
                content.durable = content.live.get(..length).unwrap_or_default().to_vec();
            }
            content.live.clone_from(&content.durable);
        }
        for folder in self.folders.values_mut() {
            let keep = match survives {
                Survives::Everything | Survives::Names => folder.pending.len(),
                Survives::Nothing | Survives::Data => 0,
                Survives::Some { .. } => dice.below(folder.pending.len() as u64 + 1) as usize,
            };
            folder.apply(keep);
            folder.pending.clear();
        }
        self.live = BTreeMap::new();
        // In order of path, so that a folder comes before what is in it; what hangs below a lost name is lost.
        for (parent, folder) in &self.folders {
            let root = parent.as_os_str().is_empty();
            if root || self.live.get(parent) == Some(&Entry::Folder) {
                self.live.extend(folder.durable.iter().map(|(name, entry)| (parent.join(name), *entry)));
            }
        }
        let live = &self.live;
        self.folders.retain(|path, _| path.as_os_str().is_empty() || live.contains_key(path));
        self
    }
}

impl Folder {
    fn apply(&mut self, count: usize) {
        for change in self.pending.drain(..count) {
            match change.entry {
                Some(entry) => self.durable.insert(change.name, entry),
                None => self.durable.remove(&change.name),
            };
        }
    }
}
