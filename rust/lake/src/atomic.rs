//! Writing a file so that its name leads to the old bytes or to the new ones, never to a part: temporary
//! file in the same folder, fsync, rename, fsync of the folder. What a killed writer leaves is a temporary
//! file, which readers do not see and [`sweep`] removes.

use std::path::{Path, PathBuf};

use exuvia_ports::{Create, FileWriter, Files, FilesError};

use crate::LakeError;

/// How many temporary files of one name may lie about before the writer asks for a sweep.
pub(crate) const ATTEMPTS: u32 = 1_000;
/// Bytes of one write call: a kill in a big file falls between two of them.
pub(crate) const CHUNK: usize = 1 << 20;
/// Folders within folders that [`sweep`] goes down.
const DEPTH: usize = 16;

/// Puts `bytes` at `path`, and the folders above it if they are missing; durable when it returns. With
/// `private` only the owner may read the file.
///
/// # Errors
/// [`LakeError::Files`]: nothing has changed then, except when the folder's fsync is what failed: then the
/// new bytes are in place and may or may not survive a power cut.
pub fn write_atomic(files: &dyn Files, path: &Path, bytes: &[u8], private: bool) -> Result<(), LakeError> {
    let folder = folder_of(path);
    make_folder(files, folder)?;
    let (temporary, mut writer) = create_temporary(files, path, private, 0)?;
    let written = fill(writer.as_mut(), bytes).and_then(|()| {
        drop(writer);
        files.rename(&temporary, path)
    });
    if let Err(error) = written {
        // Best effort: if this fails too, the next sweep finds it.
        let _ = files.remove(&temporary);
        return Err(error.told_of("write", path).into());
    }
    Ok(files.sync_dir(folder)?)
}

/// Whether `path` is the temporary file of a writer: `.NAME.N.tmp`.
#[must_use]
pub fn is_temporary(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let Some(inner) = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")) else { return false };
    inner.rsplit_once('.').is_some_and(|(stem, number)| !stem.is_empty() && number.parse::<u32>().is_ok())
}

/// Removes temporary files below `folder` and returns their paths. Call it when no writer is at work there,
/// as at the start of the process that writes: a writer whose file is swept away fails and must write again.
///
/// # Errors
/// [`LakeError::Files`]; [`FilesError::NotFound`] if there is no such folder.
pub fn sweep(files: &dyn Files, folder: &Path) -> Result<Vec<PathBuf>, LakeError> {
    let mut removed = Vec::new();
    let mut waiting = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let before = removed.len();
        for path in files.list(&folder)? {
            if files.is_dir(&path) {
                if depth < DEPTH {
                    waiting.push((path, depth + 1));
                }
            } else if is_temporary(&path) {
                files.remove(&path)?;
                removed.push(path);
            }
        }
        if removed.len() > before {
            files.sync_dir(&folder)?;
        }
    }
    removed.sort();
    Ok(removed)
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Makes missing folders, and their names durable: a synced file in a folder that a power cut takes is lost.
pub(crate) fn make_folder(files: &dyn Files, folder: &Path) -> Result<(), FilesError> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !files.exists(path)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    files.create_dir_all(folder)?;
    missing.iter().rev().try_for_each(|path| files.sync_dir(folder_of(path)))
}

/// Creates `.NAME.N.tmp` beside `path`, N from `first` on.
pub(crate) fn create_temporary(
    files: &dyn Files,
    path: &Path,
    private: bool,
    first: u32,
) -> Result<(PathBuf, Box<dyn FileWriter>), LakeError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).ok_or(LakeError::BadName {
        what: "path",
        value: path.display().to_string(),
        why: "it does not end in a file name".to_owned(),
    })?;
    for number in first..first.saturating_add(ATTEMPTS) {
        let temporary = path.with_file_name(format!(".{name}.{number}.tmp"));
        match files.create(&temporary, Create { exclusive: true, private }) {
            Ok(writer) => return Ok((temporary, writer)),
            // Another writer's, or what a killed one left.
            Err(FilesError::Exists { .. }) => {}
            Err(error) => return Err(error.told_of("write", path).into()),
        }
    }
    Err(LakeError::NeedsSweep { folder: folder_of(path).display().to_string(), count: ATTEMPTS })
}

fn fill(writer: &mut dyn FileWriter, bytes: &[u8]) -> Result<(), FilesError> {
    bytes.chunks(CHUNK).try_for_each(|chunk| writer.write(chunk))?;
    writer.sync()
}
