//! Which tables a Parquet file can hold: columns of types that the encoder knows, each name once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::{LakeError, Table};

/// The table as the encoder takes it: words of dictionaries that are views (what polars exports for Categorical
/// and Enum) become plain ones. Everything else stays as it is.
///
/// # Errors
/// [`LakeError::Duplicate`], [`LakeError::Unwritable`].
pub(crate) fn writable(table: &Table) -> Result<Cow<'_, Table>, LakeError> {
    each_name_once(&table.schema)?;
    let fields = table.schema.fields();
    for field in fields {
        if let Some(reason) = refusal(field.data_type()) {
            return Err(unwritable(field, reason.to_owned()));
        }
    }
    let wanted: Fields = fields.iter().map(|field| Arc::new(plain_field(field))).collect();
    if wanted == *fields {
        return Ok(Cow::Borrowed(table));
    }
    let schema = Arc::new(Schema::new_with_metadata(wanted, table.schema.metadata().clone()));
    let batches = table.batches.iter().map(|batch| convert(batch, &schema)).collect::<Result<_, _>>()?;
    Ok(Cow::Owned(Table { schema, batches }))
}

/// Refuses a table with two columns of one name: by name only one of them is ever looked at.
///
/// # Errors
/// [`LakeError::Duplicate`].
pub(crate) fn each_name_once(schema: &Schema) -> Result<(), LakeError> {
    let mut seen = BTreeMap::new();
    for field in schema.fields() {
        *seen.entry(field.name()).or_insert(0) += 1;
    }
    match seen.into_iter().find(|(_, count)| *count > 1) {
        Some((column, count)) => Err(LakeError::Duplicate { column: column.clone(), count }),
        None => Ok(()),
    }
}

fn convert(batch: &RecordBatch, schema: &Arc<Schema>) -> Result<RecordBatch, LakeError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let column = |(column, field): (&ArrayRef, &FieldRef)| {
        if column.data_type() == field.data_type() {
            return Ok(Arc::clone(column));
        }
        cast_with_options(column, field.data_type(), &strict).map_err(|error| unwritable(field, error.to_string()))
    };
    let columns = batch.columns().iter().zip(schema.fields()).map(column).collect::<Result<_, _>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)
        .map_err(|error| LakeError::Encode(error.to_string()))
}

fn unwritable(field: &Field, reason: String) -> LakeError {
    LakeError::Unwritable { column: field.name().clone(), found: field.data_type().clone(), reason }
}

/// Why the encoder does not take this type, if it does not.
fn refusal(kind: &DataType) -> Option<&'static str> {
    match kind {
        DataType::Union(..) => Some("Parquet has no unions"),
        DataType::Struct(fields) if fields.is_empty() => Some("Parquet has no structs without fields"),
        _ => children(kind).into_iter().find_map(|child| refusal(child)),
    }
}

fn children(kind: &DataType) -> Vec<&DataType> {
    match kind {
        DataType::List(child)
        | DataType::LargeList(child)
        | DataType::ListView(child)
        | DataType::LargeListView(child)
        | DataType::FixedSizeList(child, _)
        | DataType::Map(child, _)
        | DataType::RunEndEncoded(_, child) => vec![child.data_type()],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Dictionary(_, words) => vec![words],
        _ => Vec::new(),
    }
}

fn plain_field(field: &Field) -> Field {
    field.clone().with_data_type(plain(field.data_type()))
}

/// The type with plain words where a dictionary has views.
fn plain(kind: &DataType) -> DataType {
    let child = |field: &FieldRef| Arc::new(plain_field(field));
    match kind {
        DataType::Dictionary(keys, words) => {
            let words = match words.as_ref() {
                DataType::Utf8View => DataType::Utf8,
                DataType::BinaryView => DataType::Binary,
                other => plain(other),
            };
            DataType::Dictionary(keys.clone(), Box::new(words))
        }
        DataType::List(field) => DataType::List(child(field)),
        DataType::LargeList(field) => DataType::LargeList(child(field)),
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(child(field), *size),
        DataType::Map(field, sorted) => DataType::Map(child(field), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(child).collect()),
        other => other.clone(),
    }
}
