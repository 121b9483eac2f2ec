//! Bars: objects with eleven attributes, or a table with eleven columns, to columns and back.

use std::path::PathBuf;

use exuvia_lake::{BAR_PRICES, BarColumns, bars_schema, cast_table, decode_parquet, encode_bars, write_bars};
use exuvia_net::SystemFiles;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList, PyString};

use super::tables::{self, arrow_table, to_arro3};
use crate::failure::Failure;
use crate::gate;

/// Parquet bytes of bars.
#[pyfunction]
pub fn lake_encode_bars<'py>(
    py: Python<'py>,
    bars: &Bound<'py, PyAny>,
    compression: &Bound<'py, PyAny>,
    level: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (columns, compression) = (columns(bars)?, tables::compression(compression, level)?);
    let bytes = gate::enter(py, || encode_bars(columns, compression))?;
    Ok(PyBytes::new(py, &bytes))
}

/// Writes bars to `folder/date=DAY/NAME.parquet`.
#[pyfunction]
pub fn lake_write_bars(
    py: Python<'_>,
    folder: PathBuf,
    day: &str,
    name: &str,
    bars: &Bound<'_, PyAny>,
    compression: &Bound<'_, PyAny>,
    level: &Bound<'_, PyAny>,
) -> PyResult<PathBuf> {
    let (columns, compression) = (columns(bars)?, tables::compression(compression, level)?);
    gate::enter(py, || write_bars(&SystemFiles, &folder, day, name, columns, compression))
}

/// Bars from Parquet bytes: a table, or what `record` makes of each row.
#[pyfunction]
pub fn lake_decode_bars<'py>(
    py: Python<'py>,
    data: PyBackedBytes,
    record: Option<&Bound<'py, PyAny>>,
    cast: bool,
    name: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let table = gate::enter(py, || cast_table(name, &decode_parquet(name, data, None)?, &bars_schema(), cast))?;
    match record {
        None => to_arro3(py, table),
        Some(record) => {
            let columns = gate::enter(py, || BarColumns::from_batches(name, &table.batches))?;
            Ok(objects(py, &columns, record)?.into_any())
        }
    }
}

fn objects<'py>(py: Python<'py>, bars: &BarColumns, record: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    let [bo, bh, bl, bc, ao, ah, al, ac] = &bars.prices;
    let bid = bo.iter().zip(bh).zip(bl).zip(bc);
    let ask = ao.iter().zip(ah).zip(al).zip(ac);
    let head = bars.uic.iter().zip(&bars.ts);
    for (((head, bid), ask), ticks) in head.zip(bid).zip(ask).zip(&bars.ticks) {
        let (((bo, bh), bl), bc) = bid;
        let (((ao, ah), al), ac) = ask;
        list.append(record.call1((head.0, head.1, bo, bh, bl, bc, ao, ah, al, ac, ticks))?)?;
    }
    Ok(list)
}

/// The columns of a table, or of a sequence of objects with the attributes of a bar.
fn columns(bars: &Bound<'_, PyAny>) -> PyResult<BarColumns> {
    let py = bars.py();
    if bars.hasattr(intern!(py, "__arrow_c_stream__"))? || bars.hasattr(intern!(py, "__arrow_c_array__"))? {
        let table = arrow_table(bars)?;
        return gate::enter(py, || BarColumns::of_table(&table));
    }
    let names = BAR_PRICES.map(|name| PyString::intern(py, name));
    let (uic, ts, ticks) = (intern!(py, "uic"), intern!(py, "ts"), intern!(py, "ticks"));
    let mut columns = BarColumns::with_capacity(bars.len().unwrap_or_default());
    for (index, bar) in bars.try_iter()?.enumerate() {
        let bar = bar?;
        let mut prices = [0.0; 8];
        for (price, name) in prices.iter_mut().zip(&names) {
            *price = attribute(&bar, name, index, "a float")?;
        }
        let uic = attribute(&bar, uic, index, "an integer of 32 bits")?;
        let ts = attribute(&bar, ts, index, "UTC nanoseconds as an integer of 64 bits")?;
        columns.push(uic, ts, prices, attribute(&bar, ticks, index, "an integer of 64 bits")?);
    }
    Ok(columns)
}

fn attribute<'py, T>(bar: &Bound<'py, PyAny>, name: &Bound<'py, PyString>, index: usize, wanted: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    let refuse = |what: String| PyErr::from(Failure::text("SchemaError", what));
    let value = bar.getattr(name).map_err(|_| {
        let kind = bar.get_type().to_string();
        refuse(format!(
            "bars[{index}] is {kind} and has no attribute '{name}': a bar has uic, ts, bid and ask _open, _high, _low, _close, and ticks"
        ))
    })?;
    value.extract().map_err(|_| {
        let shown = value.repr().map(|text| text.to_string()).unwrap_or_default();
        refuse(format!("bars[{index}].{name} is {shown} ({}), expected {wanted}", value.get_type()))
    })
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(lake_encode_bars, module)?)?;
    module.add_function(wrap_pyfunction!(lake_write_bars, module)?)?;
    module.add_function(wrap_pyfunction!(lake_decode_bars, module)?)
}
