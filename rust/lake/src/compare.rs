//! Two tables, files or folders of a lake compared to the bit: schema, number of rows, every value. NaNs
//! with other bits differ, and so do 0.0 and -0.0.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::array_value_to_string;
use exuvia_ports::Files;

use crate::writable::each_name_once;
use crate::{LakeError, Table, decode_parquet, is_temporary, read_parquet};

/// Folders within folders that a comparison goes down.
const DEPTH: usize = 16;

/// One place where the two sides differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where: `$.rows[12].bid_close`, `$.schema.ts`, `$.rows.length`, `$.files["date=2026-02-03/bars_1m.parquet"]`.
    pub path: String,
    /// What the left side has there.
    pub left: String,
    /// What the right side has there.
    pub right: String,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Rows that both sides have and that were compared.
    pub rows: usize,
    /// How many differences there are.
    pub total: usize,
    /// The first ones, as many as were asked for.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// Whether both sides are the same.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.total == 0
    }

    fn note(&mut self, limit: usize, path: String, left: String, right: String) {
        self.total += 1;
        if self.differences.len() < limit {
            self.differences.push(Difference { path, left, right });
        }
    }

    fn take(&mut self, limit: usize, prefix: &str, other: Self) {
        self.rows += other.rows;
        self.total += other.total;
        let room = limit.saturating_sub(self.differences.len());
        self.differences.extend(
            other
                .differences
                .into_iter()
                .take(room)
                .map(|found| Difference { path: found.path.replacen('$', prefix, 1), ..found }),
        );
    }
}

/// Compares two tables; keeps the first `limit` differences in order of row, then of column. How the rows are
/// cut into batches and what the schema's metadata say does not matter.
///
/// # Errors
/// [`LakeError::Duplicate`]; [`LakeError::Encode`] if the batches of a table do not fit together.
pub fn compare_tables(left: &Table, right: &Table, limit: usize) -> Result<Comparison, LakeError> {
    each_name_once(&left.schema)?;
    each_name_once(&right.schema)?;
    let mut found = Comparison { rows: left.rows().min(right.rows()), ..Comparison::default() };
    compare_schemas(left, right, limit, &mut found);
    if left.rows() != right.rows() {
        found.note(limit, "$.rows.length".to_owned(), left.rows().to_string(), right.rows().to_string());
    }
    let mut columns = Vec::new();
    for (index, field) in left.schema.fields().iter().enumerate() {
        let Ok(other) = right.schema.index_of(field.name()) else { continue };
        let (a, b) = (column(left, index)?.slice(0, found.rows), column(right, other)?.slice(0, found.rows));
        if a.data_type() == b.data_type() && a.as_ref() != b.as_ref() {
            columns.push((field.name(), a, b));
        }
    }
    if columns.is_empty() {
        return Ok(found);
    }
    for row in 0..found.rows {
        for (name, a, b) in &columns {
            if !same(a, b, row) {
                let (left, right) = (show(a, row), show(b, row));
                found.note(limit, format!("$.rows[{row}].{name}"), left, right);
            }
        }
    }
    Ok(found)
}

/// Compares the tables in two Parquet files given as bytes.
///
/// # Errors
/// Those of [`decode_parquet`]; the files are called `left` and `right` in it.
pub fn compare_parquet_bytes(
    left: impl AsRef<[u8]> + Send + 'static,
    right: impl AsRef<[u8]> + Send + 'static,
    limit: usize,
) -> Result<Comparison, LakeError> {
    compare_tables(&decode_parquet("left", left, None)?, &decode_parquet("right", right, None)?, limit)
}

/// Compares all Parquet files below two folders, by their paths relative to these.
///
/// # Errors
/// [`LakeError::NothingToCompare`] if neither has a file, [`LakeError::Files`] and those of [`read_parquet`].
pub fn compare_folders(files: &dyn Files, left: &Path, right: &Path, limit: usize) -> Result<Comparison, LakeError> {
    let (in_left, in_right) = (parquet_files(files, left)?, parquet_files(files, right)?);
    if in_left.is_empty() && in_right.is_empty() {
        let shown = |folder: &Path| folder.display().to_string();
        return Err(LakeError::NothingToCompare { left: shown(left), right: shown(right) });
    }
    let mut found = Comparison::default();
    for path in in_left.union(&in_right) {
        let place = format!("$.files[{:?}]", path.display().to_string());
        let side = |there: bool| if there { "present" } else { "missing" }.to_owned();
        let (here, there) = (in_left.contains(path), in_right.contains(path));
        if here && there {
            let (a, b) = (read_parquet(files, &left.join(path), None)?, read_parquet(files, &right.join(path), None)?);
            found.take(limit, &place, compare_tables(&a, &b, limit)?);
        } else {
            found.note(limit, place, side(here), side(there));
        }
    }
    Ok(found)
}

fn compare_schemas(left: &Table, right: &Table, limit: usize, found: &mut Comparison) {
    let before = found.total;
    let describe = |table: &Table, name: &str| match table.schema.field_with_name(name) {
        Ok(field) => format!("{}{}", field.data_type(), if field.is_nullable() { "" } else { " not null" }),
        Err(_) => "missing".to_owned(),
    };
    let names = |table: &Table| table.schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let (in_left, in_right) = (names(left), names(right));
    for name in in_left.iter().chain(in_right.iter().filter(|name| !in_left.contains(name))) {
        let (a, b) = (describe(left, name), describe(right, name));
        if a != b {
            found.note(limit, format!("$.schema.{name}"), a, b);
        }
    }
    if found.total == before && in_left != in_right {
        found.note(limit, "$.schema".to_owned(), in_left.join(", "), in_right.join(", "));
    }
}

fn column(table: &Table, index: usize) -> Result<ArrayRef, LakeError> {
    let chunks: Vec<&dyn Array> =
        table.batches.iter().filter_map(|batch| batch.columns().get(index).map(AsRef::as_ref)).collect();
    if chunks.is_empty() {
        let kind = table.schema.fields().get(index).map_or(DataType::Null, |field| field.data_type().clone());
        return Ok(arrow::array::new_empty_array(&kind));
    }
    concat(&chunks).map_err(|error| LakeError::Encode(error.to_string()))
}

/// Arrow compares the bits of numbers, not their values.
fn same(a: &ArrayRef, b: &ArrayRef, row: usize) -> bool {
    a.slice(row, 1).as_ref() == b.slice(row, 1).as_ref()
}

fn show(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "null".to_owned();
    }
    match column.as_primitive_opt::<Float64Type>().map(|numbers| numbers.value(row)) {
        // One NaN prints as another.
        Some(number) if number.is_nan() => format!("NaN (0x{:016x})", number.to_bits()),
        Some(number) => format!("{number:?}"),
        None => array_value_to_string(column, row).unwrap_or_else(|error| format!("<{error}>")),
    }
}

fn parquet_files(files: &dyn Files, root: &Path) -> Result<BTreeSet<PathBuf>, LakeError> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        for path in files.list(&folder)? {
            if files.is_dir(&path) {
                if depth < DEPTH {
                    waiting.push((path, depth + 1));
                }
            } else if path.extension().is_some_and(|end| end == "parquet") && !is_temporary(&path) {
                found.insert(path.strip_prefix(root).unwrap_or(&path).to_path_buf());
            }
        }
    }
    Ok(found)
}
