//! What is in the rows of a dataset: their times, days and symbols, as plain values, whatever the types of the
//! columns; and the hash that puts a symbol into its bucket.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::LakeError;
use crate::dataset::Group;
use crate::dataset::day::DAY;
use crate::dataset::declare::Declaration;

/// An error of arrow's that no input of a user brings about.
pub(crate) fn failed(error: ArrowError) -> LakeError {
    LakeError::Encode(error.to_string())
}

/// Nanoseconds of a unit of the time column.
pub(crate) const fn nanoseconds(kind: &DataType) -> i64 {
    match kind {
        DataType::Date32 => DAY,
        DataType::Timestamp(TimeUnit::Second, _) => 1_000_000_000,
        DataType::Timestamp(TimeUnit::Millisecond, _) => 1_000_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000,
        _ => 1,
    }
}

/// The time column in units of its type, and the nanoseconds of one unit.
pub(crate) fn times(batch: &RecordBatch, name: &str) -> Result<(Int64Array, i64), LakeError> {
    let missing = || LakeError::Encode(format!("no time column '{name}'"));
    let column = batch.column_by_name(name).ok_or_else(missing)?;
    let unit = nanoseconds(column.data_type());
    let values = match column.data_type() {
        DataType::Date32 => column.as_primitive::<Date32Type>().unary::<_, Int64Type>(i64::from),
        _ => cast(column, &DataType::Int64).map_err(failed)?.as_primitive::<Int64Type>().clone(),
    };
    Ok((values, unit))
}

/// First and last time of some rows, UTC nanoseconds.
pub(crate) fn span(batch: &RecordBatch, name: &str) -> Result<Option<(i64, i64)>, LakeError> {
    let (values, unit) = times(batch, name)?;
    let least = arrow::compute::min(&values);
    let most = arrow::compute::max(&values);
    Ok(least.zip(most).map(|(first, last)| (first.saturating_mul(unit), last.saturating_mul(unit))))
}

/// The symbols of some rows as text.
pub(crate) fn symbols(batch: &RecordBatch, name: &str) -> Result<ArrayRef, LakeError> {
    let missing = || LakeError::Encode(format!("no symbol column '{name}'"));
    cast(batch.column_by_name(name).ok_or_else(missing)?, &DataType::Utf8).map_err(failed)
}

/// FNV-1a over the symbol's text: the same in every version, on every machine.
pub(crate) fn bucket(symbol: &str, buckets: u32) -> u32 {
    let hash = symbol
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    // Its low bits alone are weak.
    u32::try_from((hash ^ (hash >> 32)) % u64::from(buckets.max(1))).unwrap_or_default()
}

/// The column by which rows are parted into files; nothing if all share one.
pub(crate) fn group_column(batch: &RecordBatch, declaration: &Declaration) -> Result<Option<ArrayRef>, LakeError> {
    let Some(symbol) = &declaration.symbol else { return Ok(None) };
    let template = declaration.template()?;
    if template.has("symbol") {
        return symbols(batch, symbol).map(Some);
    }
    if declaration.buckets < 2 {
        return Ok(None);
    }
    let names = symbols(batch, symbol)?;
    let names = names.as_string::<i32>();
    let mut last = ("", bucket("", declaration.buckets));
    let buckets = names.iter().map(|name| {
        let name = name.unwrap_or_default();
        if name != last.0 {
            last = (name, bucket(name, declaration.buckets));
        }
        last.1
    });
    Ok(Some(Arc::new(UInt32Array::from_iter_values(buckets))))
}

/// The group in a row of that column.
pub(crate) fn group_at(column: Option<&ArrayRef>, row: usize) -> Group {
    match column {
        None => Group::All,
        Some(column) => match column.as_string_opt::<i32>() {
            Some(names) => Group::Symbol(names.value(row).to_owned()),
            None => Group::Bucket(column.as_primitive::<arrow::datatypes::UInt32Type>().value(row)),
        },
    }
}

/// How many rows from `from` on have the same group as that one.
pub(crate) fn run_of(column: Option<&ArrayRef>, from: usize, rows: usize) -> usize {
    let Some(column) = column else { return rows - from };
    let same: &dyn Fn(usize) -> bool = match column.as_string_opt::<i32>() {
        Some(names) => &|row| names.value(row) == names.value(from),
        None => {
            let numbers = column.as_primitive::<arrow::datatypes::UInt32Type>();
            &move |row| numbers.value(row) == numbers.value(from)
        }
    };
    (from..rows).take_while(|row| same(*row)).count()
}

/// The rows with the columns of another version of the schema: wider types, nulls for what is new.
pub(crate) fn adapted(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, LakeError> {
    if batch.schema_ref().fields() == schema.fields() {
        return Ok(batch.clone());
    }
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
        Some(column) => cast(column, field.data_type()).map_err(failed),
        None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::bucket;

    #[test]
    fn a_symbol_falls_into_the_same_bucket_in_every_version() {
        let of = |buckets| ["EURUSD", "AAPL", "21", ""].map(|symbol| bucket(symbol, buckets));
        assert_eq!(of(1), [0; 4]);
        assert_eq!(of(16), EXPECTED);
    }

    /// Written down once; files of earlier days lie there.
    const EXPECTED: [u32; 4] = [1, 0, 11, 1];
}
