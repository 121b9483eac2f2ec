//! The rows of two archives side by side: matched by key, whatever the order and the files in which they lie, so
//! that columns can be compared row by row, and rows that only one side has are named.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::row::{RowConverter, Rows, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use exuvia_ports::Files;

use crate::dataset::{adapted, failed};
use crate::{Difference, LakeError, Table, compare_tables, is_temporary, read_parquet};

/// Folders within folders that are looked into.
const DEPTH: usize = 16;

/// Rows of two sides, matched by key.
#[derive(Debug, Clone)]
pub struct Aligned {
    /// How many rows each side has.
    pub rows: (usize, usize),
    /// Keys of rows that only the left side has: how many, and the first ones.
    pub only_left: (usize, Vec<String>),
    /// The same of the right side.
    pub only_right: (usize, Vec<String>),
    /// Where the columns or their types differ.
    pub schema: Vec<Difference>,
    /// The rows that both have, in order of key; row n of one belongs to row n of the other.
    pub left: RecordBatch,
    /// Those of the right side.
    pub right: RecordBatch,
}

/// Matches the rows of some Parquet files with those of others. A key that comes several times is matched as often
/// as both sides have it, in the order in which its rows come. Keeps the first `limit` keys of either side only.
///
/// # Errors
/// [`LakeError::MissingColumn`] for the key; those of [`read_parquet`].
pub fn align(
    files: &dyn Files,
    left: &[PathBuf],
    right: &[PathBuf],
    key: &[String],
    limit: usize,
) -> Result<Aligned, LakeError> {
    let (left, right) = (whole(files, left)?, whole(files, right)?);
    let none = |batch: &RecordBatch| Table { schema: batch.schema(), batches: Vec::new() };
    let schema = match (&left, &right) {
        (Some(one), Some(two)) => compare_tables(&none(&one.1), &none(&two.1), usize::MAX)?.differences,
        _ => Vec::new(),
    };
    let (here, there) = match (left, right) {
        (Some(one), Some(two)) => (one, two),
        (Some(one), None) => {
            let empty = RecordBatch::new_empty(one.1.schema());
            (one, (PathBuf::new(), empty))
        }
        (None, Some(two)) => ((PathBuf::new(), RecordBatch::new_empty(two.1.schema())), two),
        (None, None) => {
            let empty = RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
            return Ok(Aligned {
                rows: (0, 0),
                only_left: (0, Vec::new()),
                only_right: (0, Vec::new()),
                schema,
                left: empty.clone(),
                right: empty,
            });
        }
    };
    let (a, b) = (keys_of(&here.0, &here.1, key)?, keys_of(&there.0, &there.1, key)?);
    let fields: Vec<SortField> = a.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let converter = RowConverter::new(fields).map_err(failed)?;
    let same = |one: &ArrayRef, two: &ArrayRef| cast(two, one.data_type());
    let b = a.iter().zip(&b).map(|(one, two)| same(one, two)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let (one, two) = (converter.convert_columns(&a).map_err(failed)?, converter.convert_columns(&b).map_err(failed)?);
    let matched = join(&one, &two);
    let name = |batch: &RecordBatch, rows: &[u32]| names(batch, key, rows, limit);
    Ok(Aligned {
        rows: (here.1.num_rows(), there.1.num_rows()),
        only_left: (matched.only_left.len(), name(&here.1, &matched.only_left)?),
        only_right: (matched.only_right.len(), name(&there.1, &matched.only_right)?),
        schema,
        left: take_record_batch(&here.1, &UInt32Array::from(matched.left)).map_err(failed)?,
        right: take_record_batch(&there.1, &UInt32Array::from(matched.right)).map_err(failed)?,
    })
}

/// The Parquet files below a folder, relative to it, in order; temporary ones and exuvia's own folder left out.
///
/// # Errors
/// [`LakeError::Files`].
pub fn parquet_below(files: &dyn Files, root: &Path) -> Result<Vec<PathBuf>, LakeError> {
    let mut found = Vec::new();
    let mut waiting = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        for path in files.list(&folder)? {
            let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with(['_', '.']));
            if hidden || is_temporary(&path) {
                continue;
            }
            if files.is_dir(&path) {
                if depth < DEPTH {
                    waiting.push((path, depth + 1));
                }
            } else if path.extension().is_some_and(|end| end == "parquet") {
                found.push(path.strip_prefix(root).unwrap_or(&path).to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// All rows of some files, with the columns of the first.
fn whole(files: &dyn Files, paths: &[PathBuf]) -> Result<Option<(PathBuf, RecordBatch)>, LakeError> {
    let Some(first) = paths.first() else { return Ok(None) };
    let mut batches = Vec::new();
    let mut schema = None;
    for path in paths {
        let table = read_parquet(files, path, None)?;
        let wanted = Arc::clone(schema.get_or_insert(table.schema));
        for batch in &table.batches {
            batches.push(adapted(batch, &wanted)?);
        }
    }
    let schema = schema.unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()));
    Ok(Some((first.clone(), concat_batches(&schema, &batches).map_err(failed)?)))
}

/// The key's columns in types that do not depend on who wrote them.
fn keys_of(file: &Path, batch: &RecordBatch, key: &[String]) -> Result<Vec<ArrayRef>, LakeError> {
    let column = |name: &String| {
        let found = batch.column_by_name(name).ok_or_else(|| LakeError::MissingColumn {
            file: file.display().to_string(),
            column: name.clone(),
            found: batch
                .schema_ref()
                .fields()
                .iter()
                .map(|field| format!("'{}'", field.name()))
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        let plain = match found.data_type() {
            DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
            kind if kind.is_integer() => DataType::Int64,
            DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => DataType::Utf8,
            other => other.clone(),
        };
        cast(found, &plain).map_err(failed)
    };
    key.iter().map(column).collect()
}

#[derive(Default)]
struct Matched {
    left: Vec<u32>,
    right: Vec<u32>,
    only_left: Vec<u32>,
    only_right: Vec<u32>,
}

fn join(one: &Rows, two: &Rows) -> Matched {
    let order = |rows: &Rows| {
        let mut at: Vec<u32> = (0..rows.num_rows()).filter_map(|row| u32::try_from(row).ok()).collect();
        at.sort_by_key(|row| rows.row(*row as usize));
        at
    };
    let (a, b) = (order(one), order(two));
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    let mut found = Matched::default();
    while let (Some(left), Some(right)) = (a.peek().copied(), b.peek().copied()) {
        match one.row(left as usize).cmp(&two.row(right as usize)) {
            Ordering::Less => found.only_left.extend(a.next()),
            Ordering::Greater => found.only_right.extend(b.next()),
            Ordering::Equal => {
                found.left.extend(a.next());
                found.right.extend(b.next());
            }
        }
    }
    found.only_left.extend(a);
    found.only_right.extend(b);
    found
}

fn names(batch: &RecordBatch, key: &[String], rows: &[u32], limit: usize) -> Result<Vec<String>, LakeError> {
    let options = FormatOptions::default().with_null("null");
    let columns: Vec<&ArrayRef> = key.iter().filter_map(|name| batch.column_by_name(name)).collect();
    let writers = columns.iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let writers = writers.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    Ok(rows
        .iter()
        .take(limit)
        .map(|row| writers.iter().map(|writer| writer.value(*row as usize).to_string()).collect::<Vec<_>>().join(" "))
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use arrow::array::{Int32Array, Int64Array, StringArray};
    use exuvia_ports::SimFiles;

    use super::*;
    use crate::{EncodeOptions, write_parquet};

    #[test]
    fn rows_are_matched_by_key_whatever_their_order_and_width() {
        let files = SimFiles::new();
        let put = |path: &str, key: ArrayRef, names: Vec<&str>| {
            let batch = RecordBatch::try_from_iter([("k", key), ("v", Arc::new(StringArray::from(names)) as ArrayRef)]);
            write_parquet(&files, Path::new(path), &Table::from(batch.unwrap()), &EncodeOptions::default()).unwrap();
        };
        put("/a/x.parquet", Arc::new(Int32Array::from(vec![3, 1, 2])), vec!["c", "a", "b"]);
        put("/a/y.parquet", Arc::new(Int32Array::from(vec![1, 9])), vec!["a2", "i"]);
        put("/b/z.parquet", Arc::new(Int64Array::from(vec![1, 1, 2, 4])), vec!["a", "a2", "B", "d"]);
        let side = |root: &str| {
            let found = parquet_below(&files, Path::new(root)).unwrap();
            found.into_iter().map(|path| Path::new(root).join(path)).collect::<Vec<_>>()
        };
        let found = align(&files, &side("/a"), &side("/b"), &["k".to_owned()], 5).unwrap();
        assert_eq!((found.rows, found.left.num_rows()), ((5, 4), 3));
        assert_eq!((found.only_left, found.only_right), ((2, vec!["3".into(), "9".into()]), (1, vec!["4".into()])));
        assert_eq!(found.schema.len(), 1);
        let texts = |batch: &RecordBatch| format!("{:?}", batch.column(1));
        assert!(texts(&found.left).contains("\"a2\"") && texts(&found.right).contains("\"B\""));
        let one_side = align(&files, &side("/a"), &[], &["k".to_owned()], 1).unwrap();
        assert_eq!((one_side.rows, one_side.only_left.0), ((5, 0), 5));
    }
}
