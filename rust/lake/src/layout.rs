//! Where files of the lake lie: `folder/date=YYYY-MM-DD/NAME.parquet`, the layout that every reader of
//! partitioned data knows.

use std::path::{Path, PathBuf};

use exuvia_model::Time;
use exuvia_ports::Files;

use crate::{BarColumns, Compression, EncodeOptions, LakeError, Table, encode_bars, encode_parquet, write_atomic};

/// The path of the file `name` of a day (`YYYY-MM-DD`).
///
/// # Errors
/// [`LakeError::BadName`].
pub fn bars_path(folder: &Path, day: &str, name: &str) -> Result<PathBuf, LakeError> {
    let bad = |what, value: &str, why: &str| LakeError::BadName { what, value: value.to_owned(), why: why.to_owned() };
    let midnight = (day.len() == 10).then(|| format!("{day}T00:00:00Z").parse::<Time>().ok()).flatten();
    if midnight.is_none() {
        return Err(bad("day", day, "write a date as YYYY-MM-DD"));
    }
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0', ':']) {
        return Err(bad("name", name, "it is empty, begins with a point, or has one of / \\ : in it"));
    }
    Ok(folder.join(format!("date={day}")).join(format!("{name}.parquet")))
}

/// Writes bars atomically to [`bars_path`] and returns the path.
///
/// # Errors
/// Those of [`encode_bars`] and [`write_atomic`].
pub fn write_bars(
    files: &dyn Files,
    folder: &Path,
    day: &str,
    name: &str,
    bars: BarColumns,
    compression: Compression,
) -> Result<PathBuf, LakeError> {
    let path = bars_path(folder, day, name)?;
    write_atomic(files, &path, &encode_bars(bars, compression)?, false)?;
    Ok(path)
}

/// Writes a table atomically to `path`.
///
/// # Errors
/// Those of [`encode_parquet`] and [`write_atomic`].
pub fn write_parquet(files: &dyn Files, path: &Path, table: &Table, options: &EncodeOptions) -> Result<(), LakeError> {
    write_atomic(files, path, &encode_parquet(table, options)?, false)
}
