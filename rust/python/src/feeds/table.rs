//! Columns of records as Arrow tables. Fixed point becomes `decimal128(19, 9)`, kept wide `decimal128(38, 18)`; the other vectors become the buffers as they are.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, TimestampNanosecondArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use exuvia_market::wire::feed::{Column, Columns, Values};
use exuvia_model::{Symbol, SymbolTable};

use crate::failure::Failure;

/// The columns of one kind as a batch.
pub fn batch(columns: Columns, names: &[String], symbols: &SymbolTable) -> Result<RecordBatch, Failure> {
    let arrays = columns.columns.into_iter().map(|column| array(column, symbols));
    let arrays = arrays.collect::<Result<Vec<_>, _>>().map_err(broken)?;
    let named = names.iter().zip(arrays).map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(named).map_err(broken)
}

fn array(column: Column, symbols: &SymbolTable) -> Result<ArrayRef, ArrowError> {
    let nulls = column.valid.map(NullBuffer::from);
    Ok(match column.values {
        Values::Fixed(values) => {
            let wide: Vec<i128> = values.into_iter().map(i128::from).collect();
            Arc::new(Decimal128Array::try_new(wide.into(), nulls)?.with_precision_and_scale(19, 9)?)
        }
        Values::Wide(values) => {
            Arc::new(Decimal128Array::try_new(values.into(), nulls)?.with_precision_and_scale(38, 18)?)
        }
        Values::Float(values) => Arc::new(Float64Array::try_new(values.into(), nulls)?),
        Values::Int(values) => Arc::new(Int64Array::try_new(values.into(), nulls)?),
        Values::Time(values) => Arc::new(TimestampNanosecondArray::try_new(values.into(), nulls)?.with_timezone("UTC")),
        Values::Symbol(values) => {
            let keys: ScalarBuffer<i32> = values.into_iter().map(|id| i32::try_from(id).unwrap_or(i32::MAX)).collect();
            let known = u32::try_from(symbols.len()).unwrap_or(u32::MAX);
            let words = StringArray::from_iter_values((0..known).filter_map(|id| symbols.name(Symbol(id)).ok()));
            Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::try_new(keys, nulls)?, Arc::new(words))?)
        }
        Values::Text(text, ends) => {
            let offsets: ScalarBuffer<i64> = std::iter::once(0).chain(ends).collect();
            Arc::new(LargeStringArray::try_new(OffsetBuffer::new(offsets), Buffer::from_vec(text.into_bytes()), nulls)?)
        }
        Values::Flag(values) => Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls)),
    })
}

/// Columns of one feed have one length; if not, that is a defect.
fn broken(error: ArrowError) -> Failure {
    Failure::new("SchemaError", &error)
}
