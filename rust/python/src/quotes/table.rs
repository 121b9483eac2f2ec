//! Quotes as Arrow tables.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use exuvia_market::wire::saxo::{Field, QuoteBook, QuoteColumns, QuoteRow};
use exuvia_model::{Symbol, SymbolTable};
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use crate::failure::Failure;

/// Hands a batch to Python as an `arro3.core.Table`.
pub fn export(py: Python<'_>, batch: RecordBatch) -> PyResult<Bound<'_, PyAny>> {
    let schema = batch.schema();
    PyTable::try_new(vec![batch], schema)?.into_arro3(py)
}

/// Streamed quotes; the vectors become the buffers, without a copy.
pub fn columns(columns: QuoteColumns, names: &SymbolTable) -> Result<RecordBatch, Failure> {
    let QuoteColumns { ts, uic, bid, ask, market_state } = columns;
    let states = words(market_state.into_iter().map(|state| Some(Symbol(state))), names);
    batch([
        ("ts", Arc::new(TimestampNanosecondArray::from(ts).with_timezone("UTC"))),
        ("uic", Arc::new(Int64Array::from(uic))),
        ("bid", Arc::new(Float64Array::from(bid))),
        ("ask", Arc::new(Float64Array::from(ask))),
        ("market_state", states?),
    ])
}

/// The rows of a book.
pub fn book(book: &QuoteBook<f64>) -> Result<RecordBatch, Failure> {
    let rows: Vec<(i64, &QuoteRow<f64>)> = book.rows().collect();
    let float = |field: fn(&QuoteRow<f64>) -> Option<f64>| -> ArrayRef {
        Arc::new(Float64Array::from_iter(rows.iter().map(|(_, row)| field(row))))
    };
    let word =
        |field: fn(&QuoteRow<f64>) -> Field<Symbol>| words(rows.iter().map(|(_, row)| field(row).get()), book.names());
    let times = rows.iter().map(|(_, row)| row.last_updated.get().map(|time| time.0));
    let delays = rows.iter().map(|(_, row)| row.quote.delayed_by_minutes.get());
    batch([
        ("uic", Arc::new(Int64Array::from_iter_values(rows.iter().map(|(uic, _)| *uic)))),
        ("ts", Arc::new(TimestampNanosecondArray::from_iter(times).with_timezone("UTC"))),
        ("asset_type", word(|row| row.asset_type)?),
        ("price_source", word(|row| row.price_source)?),
        ("market_state", word(|row| row.quote.market_state)?),
        ("bid", float(|row| row.quote.bid.get())),
        ("ask", float(|row| row.quote.ask.get())),
        ("mid", float(|row| row.quote.mid.get())),
        ("bid_size", float(|row| row.quote.bid_size.get().or(row.details.bid_size.get()))),
        ("ask_size", float(|row| row.quote.ask_size.get().or(row.details.ask_size.get()))),
        ("amount", float(|row| row.quote.amount.get())),
        ("price_type_bid", word(|row| row.quote.price_type_bid)?),
        ("price_type_ask", word(|row| row.quote.price_type_ask)?),
        ("delayed_by_minutes", Arc::new(Int64Array::from_iter(delays))),
        ("error_code", word(|row| row.quote.error_code)?),
        ("last_traded", float(|row| row.details.last_traded.get())),
        ("last_traded_size", float(|row| row.details.last_traded_size.get())),
        ("volume", float(|row| row.details.volume.get())),
    ])
}

/// A column of words that repeat, as a dictionary.
fn words(symbols: impl Iterator<Item = Option<Symbol>>, names: &SymbolTable) -> Result<ArrayRef, Failure> {
    let keys = Int32Array::from_iter(symbols.map(|symbol| symbol.and_then(|symbol| i32::try_from(symbol.0).ok())));
    let known = u32::try_from(names.len()).unwrap_or(u32::MAX);
    let values = StringArray::from_iter_values((0..known).filter_map(|id| names.name(Symbol(id)).ok()));
    let column = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values)).map_err(broken)?;
    Ok(Arc::new(column))
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch, Failure> {
    RecordBatch::try_from_iter(columns).map_err(broken)
}

/// Columns of one book have one length; if not, that is a defect.
fn broken(error: ArrowError) -> Failure {
    Failure::new("SchemaError", &error)
}
