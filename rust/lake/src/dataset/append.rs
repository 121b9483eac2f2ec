//! Rows on their way into a dataset: brought to its columns, refused with a reason, parted by day.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use exuvia_model::Time;

use crate::dataset::day::DAY;
use crate::dataset::declare::Declaration;
use crate::dataset::rows::{failed, times};
use crate::dataset::{Day, columns};
use crate::{LakeError, expect_schema};

/// 1971: nothing was quoted before, and a stamp in a wrong unit always falls below it.
const EARLIEST: i64 = 365 * DAY;

/// What an append took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appended {
    /// How many rows.
    pub rows: usize,
    /// How many of each day.
    pub days: BTreeMap<Day, usize>,
    /// How many of days that are sealed already: the next seal of these days adds them.
    pub late: usize,
}

/// The rows with the columns of the dataset. Other kinds of text, and dictionaries of values, are taken as they
/// are meant; other types only with `convert`, and if no value changes.
pub(crate) fn fitted(batch: &RecordBatch, declaration: &Declaration, convert: bool) -> Result<RecordBatch, LakeError> {
    let text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let bytes = |kind: &DataType| matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let wanted = declaration.schema.field_with_name(field.name()).map(|field| field.data_type().clone());
        let kind = match column.data_type() {
            DataType::Dictionary(_, value) => value.as_ref(),
            other => other,
        };
        let same = |wanted: &DataType| {
            wanted != column.data_type()
                && (wanted == kind
                    || (text(wanted) && text(kind))
                    || (bytes(wanted) && bytes(kind))
                    || utc(wanted, kind))
        };
        let array = match wanted {
            Ok(wanted) if same(&wanted) => cast(column, &wanted).map_err(failed)?,
            // Nulls have no type of their own.
            Ok(wanted) if *column.data_type() == DataType::Null => arrow::array::new_null_array(&wanted, column.len()),
            _ => Arc::clone(column),
        };
        fields.push(field.as_ref().clone().with_data_type(array.data_type().clone()).with_nullable(true));
        arrays.push(array);
    }
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let batch = RecordBatch::try_new(schema, arrays).map_err(failed)?;
    expect_schema("", &batch, &declaration.schema, convert).map_err(|error| refusal(declaration, error))
}

/// Both are UTC, by another name.
fn utc(wanted: &DataType, kind: &DataType) -> bool {
    let zero = |zone: &Option<Arc<str>>| {
        zone.as_ref().is_some_and(|zone| matches!(zone.as_ref(), "UTC" | "Etc/UTC" | "Z" | "+00:00"))
    };
    match (wanted, kind) {
        (DataType::Timestamp(one, here), DataType::Timestamp(two, there)) => one == two && zero(here) && zero(there),
        _ => false,
    }
}

/// The words for rows, not for a file.
fn refusal(declaration: &Declaration, error: LakeError) -> LakeError {
    let what = match error {
        LakeError::WrongType { column, found, expected, .. } => format!(
            "column '{column}' is {found}, and the dataset has {expected}: convert it, or append with cast=True, which refuses what would change a value"
        ),
        LakeError::NotConvertible { column, found, expected, reason, .. } => {
            format!("column '{column}' cannot be converted from {found} to {expected}: {reason}")
        }
        LakeError::MissingColumn { column, .. } => {
            format!("column '{column}' is missing: the dataset has {}", columns(&declaration.schema))
        }
        LakeError::UnexpectedColumn { columns, missing, .. } => {
            format!("{columns} is not in the dataset{missing}: select the dataset's columns, or let it evolve first")
        }
        LakeError::Nulls { column, count, row, .. } => {
            format!(
                "{count} null(s) in column '{column}', the first in row {row}, and it was declared without: fill or drop these rows"
            )
        }
        other => return other,
    };
    LakeError::Rows { dataset: declaration.name.clone(), what }
}

/// The rows of each day, in the order in which they came.
pub(crate) fn by_day(batch: &RecordBatch, declaration: &Declaration) -> Result<Vec<(Day, RecordBatch)>, LakeError> {
    let (values, unit) = times(batch, &declaration.time)?;
    check_times(&values, unit, declaration)?;
    let day = |value: i64| Day::of(value.saturating_mul(unit));
    let (Some(least), Some(most)) = (arrow::compute::min(&values), arrow::compute::max(&values)) else {
        return Ok(Vec::new());
    };
    if day(least) == day(most) {
        return Ok(vec![(day(least), batch.clone())]);
    }
    let mut rows: BTreeMap<Day, Vec<u32>> = BTreeMap::new();
    for (row, value) in (0_u32..).zip(values.values()) {
        rows.entry(day(*value)).or_default().push(row);
    }
    let part = |(day, rows)| Ok((day, take_record_batch(batch, &UInt32Array::from(rows)).map_err(failed)?));
    rows.into_iter().map(part).collect()
}

fn check_times(values: &Int64Array, unit: i64, declaration: &Declaration) -> Result<(), LakeError> {
    let least = arrow::compute::min(values).unwrap_or(EARLIEST);
    let most = arrow::compute::max(values).unwrap_or(EARLIEST);
    if least.checked_mul(unit).is_some_and(|time| time >= EARLIEST) && most.checked_mul(unit).is_some() {
        return Ok(());
    }
    let wrong = |value: i64| value.checked_mul(unit).is_none_or(|time| time < EARLIEST);
    let row = values.values().iter().position(|value| wrong(*value)).unwrap_or_default();
    let value = values.values().get(row).copied().unwrap_or_default();
    let at = value.checked_mul(unit).map_or_else(|| "beyond 2262".to_owned(), |time| Time(time).to_string());
    let what = format!(
        "'{}' in row {row} is {value}, which is {at}: stamps lie between 1971 and 2262; is its unit another one, such as milliseconds where the column has nanoseconds?",
        declaration.time
    );
    Err(LakeError::Rows { dataset: declaration.name.clone(), what })
}
