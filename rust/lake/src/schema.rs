//! Does a table have the columns and types that were declared? If not, say which and why; if asked,
//! convert, but never change a value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use arrow::util::display::array_value_to_string;

use crate::{LakeError, Table};

/// The batch with exactly the columns of `schema`, in its order. With `cast` other types are converted, if
/// every value has an equal in the wanted type; without, they are an error. A column that is nullable in
/// the file and has no nulls passes for one that is not. `file` is the name in the message.
///
/// # Errors
/// [`LakeError::MissingColumn`], [`LakeError::UnexpectedColumn`], [`LakeError::WrongType`],
/// [`LakeError::NotConvertible`], [`LakeError::Nulls`].
pub fn expect_schema(
    file: &str,
    batch: &RecordBatch,
    schema: &SchemaRef,
    cast: bool,
) -> Result<RecordBatch, LakeError> {
    let has = batch.schema();
    let extra = not_in(&has, schema);
    if !extra.is_empty() {
        let missing = not_in(schema, &has);
        let missing = if missing.is_empty() { missing } else { format!(", and lacks {missing}") };
        return Err(LakeError::UnexpectedColumn { file: file.to_owned(), columns: extra, missing });
    }
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let name = field.name();
        let column = batch.column_by_name(name).ok_or_else(|| LakeError::MissingColumn {
            file: file.to_owned(),
            column: name.clone(),
            found: has.fields().iter().map(|field| format!("'{}'", field.name())).collect::<Vec<_>>().join(", "),
        })?;
        let column = if column.data_type() == field.data_type() {
            Arc::clone(column)
        } else if cast {
            convert(file, name, column, field.data_type())?
        } else {
            return Err(LakeError::WrongType {
                file: file.to_owned(),
                column: name.clone(),
                found: column.data_type().clone(),
                expected: field.data_type().clone(),
            });
        };
        if !field.is_nullable() && column.null_count() > 0 {
            let row = (0..column.len()).find(|row| column.is_null(*row)).unwrap_or_default();
            return Err(LakeError::Nulls {
                file: file.to_owned(),
                column: name.clone(),
                count: column.null_count(),
                row,
            });
        }
        columns.push(column);
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)
        .map_err(|error| LakeError::Encode(error.to_string()))
}

/// The names of the columns of `schema` that `other` does not have, quoted.
fn not_in(schema: &SchemaRef, other: &SchemaRef) -> String {
    let unknown = schema.fields().iter().filter(|field| other.column_with_name(field.name()).is_none());
    unknown.map(|field| format!("'{}'", field.name())).collect::<Vec<_>>().join(", ")
}

/// [`expect_schema`] for every batch of a table.
///
/// # Errors
/// Those of [`expect_schema`].
pub fn cast_table(file: &str, table: &Table, schema: &SchemaRef, cast: bool) -> Result<Table, LakeError> {
    if table.batches.is_empty() {
        // Without rows there is no batch, and the types count all the same.
        expect_schema(file, &RecordBatch::new_empty(Arc::clone(&table.schema)), schema, cast)?;
    }
    let batches =
        table.batches.iter().map(|batch| expect_schema(file, batch, schema, cast)).collect::<Result<_, _>>()?;
    Ok(Table { schema: Arc::clone(schema), batches })
}

fn convert(file: &str, name: &str, column: &ArrayRef, to: &DataType) -> Result<ArrayRef, LakeError> {
    let refuse = |reason: String| LakeError::NotConvertible {
        file: file.to_owned(),
        column: name.to_owned(),
        found: column.data_type().clone(),
        expected: to.clone(),
        reason,
    };
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let converted = cast_with_options(column, to, &strict).map_err(|error| refuse(error.to_string()))?;
    // Arrow cuts fractions off and rounds big integers without a word: convert back and look.
    let number = |kind: &DataType| kind.is_numeric() || kind.is_temporal();
    if number(column.data_type()) && number(to) {
        let back = cast_with_options(&converted, column.data_type(), &strict);
        let back = back.map_err(|error| refuse(error.to_string()))?;
        if let Some(row) = first_difference(column, &back) {
            let value = array_value_to_string(column, row).unwrap_or_default();
            return Err(refuse(format!("value {value} in row {row} would change")));
        }
    }
    Ok(converted)
}

fn first_difference(left: &ArrayRef, right: &ArrayRef) -> Option<usize> {
    if left == right {
        return None;
    }
    (0..left.len()).find(|row| left.slice(*row, 1).as_ref() != right.slice(*row, 1).as_ref())
}
