//! Bindings of the evidence: payloads to frames, the bytes of a segment to what is in it, rows to Parquet
//! bytes; and the signature of a call's inputs. The files themselves are `exuvia.migrate.evidence`'s.

use std::collections::BTreeMap;

use exuvia_lake::{EvidenceColumn, EvidenceTable, encode_evidence};
use exuvia_migrate::evidence::{EvidenceError, append_frame, scan};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple,
};

use crate::failure::Failure;
use crate::gate;

impl From<EvidenceError> for Failure {
    fn from(error: EvidenceError) -> Self {
        Self::new("MigrateError", &error)
    }
}

/// Kind and payload of a frame.
type Kept<'py> = Vec<(String, Bound<'py, PyBytes>)>;
/// Offset and length of bytes that are no frame.
type Place = (usize, usize);
/// What was kept, how many frames there are, what was changed, the torn end, and where the seal begins.
type Found<'py> = (Kept<'py>, usize, Vec<Place>, Option<Place>, Option<usize>);

/// Payloads as frames, one after the other.
#[pyfunction]
#[pyo3(text_signature = "(payloads)")]
fn evidence_frames<'py>(py: Python<'py>, payloads: Vec<PyBackedBytes>) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = gate::stay(|| {
        let mut out = Vec::new();
        payloads.iter().try_for_each(|payload| append_frame(payload, &mut out)).map(|()| out)
    })?;
    Ok(PyBytes::new(py, &bytes))
}

/// What is in the bytes of a segment.
#[pyfunction]
#[pyo3(text_signature = "(data, every)")]
fn evidence_scan(py: Python<'_>, data: PyBackedBytes, every: bool) -> PyResult<Found<'_>> {
    let found = gate::enter(py, || scan(&data, every))?;
    let kept = found.kept.iter().map(|(kind, payload)| ((*kind).to_owned(), PyBytes::new(py, payload))).collect();
    let damaged = found.damaged.iter().map(|damage| (damage.offset, damage.length)).collect();
    Ok((kept, found.frames, damaged, found.torn.map(|damage| (damage.offset, damage.length)), found.seal))
}

/// Names of the columns of a table of evidence, in order.
#[pyfunction]
#[pyo3(text_signature = "(table)")]
fn evidence_columns(table: &str) -> PyResult<Vec<&'static str>> {
    gate::stay(|| Ok::<_, Failure>(EvidenceTable::named(table)?.columns().map(|(name, _)| name).collect()))
}

/// The bytes of a Parquet file with rows of a table of evidence: tuples in the order of its columns.
#[pyfunction]
#[pyo3(text_signature = "(table, rows, metadata)")]
fn evidence_parquet<'py>(
    py: Python<'py>,
    table: &str,
    rows: &Bound<'py, PyList>,
    metadata: BTreeMap<String, String>,
) -> PyResult<Bound<'py, PyBytes>> {
    let table = EvidenceTable::named(table).map_err(Failure::from)?;
    let mut columns: Vec<_> = table.columns().map(|(_, kind)| EvidenceColumn::empty(kind)).collect();
    for row in rows.iter() {
        let row = row.cast_into::<PyTuple>().map_err(PyErr::from)?;
        if row.len() != columns.len() {
            let text = format!("a row of evidence has {} cells, expected {}", row.len(), columns.len());
            return Err(Failure::text("SchemaError", text).into());
        }
        for (column, cell) in columns.iter_mut().zip(row.iter()) {
            match column {
                EvidenceColumn::Text(values) => values.push(cell.extract()?),
                EvidenceColumn::Int(values) | EvidenceColumn::Time(values) => values.push(cell.extract()?),
                EvidenceColumn::Flag(values) => values.push(cell.extract()?),
                EvidenceColumn::Bytes(values) => values.push(cell.extract()?),
            }
        }
    }
    let bytes = gate::enter(py, || encode_evidence(table, columns, metadata))?;
    Ok(PyBytes::new(py, &bytes))
}

/// A number that is equal for inputs of one shape: the same types, keys, signs and orders of size. It is
/// the same in every process, and lies in 0 … 2⁶³ − 1.
///
/// >>> from exuvia._exuvia import evidence_signature as of
/// >>> of(([1.5, 2.5], "Buy")) == of(([1.6, 2.4], "Buy")), of(([1.5], "Buy")) == of(([-1.5], "Buy"))
/// (True, False)
#[pyfunction]
#[pyo3(text_signature = "(value)")]
fn evidence_signature(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    gate::guard(|| Ok(Shape { nodes: 0 }.of(value, 0)? >> 1))
}

/// How much of a value is looked at.
const NODES: usize = 256;
const DEEPEST: usize = 6;
const ITEMS: usize = 16;
/// Longer text counts by its length only: prices and names would make every call a new one.
const WORD: usize = 5;

struct Shape {
    nodes: usize,
}

impl Shape {
    fn of(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<u64> {
        self.nodes += 1;
        if self.nodes > NODES || depth > DEEPEST {
            return Ok(2);
        }
        if value.is_none() {
            return Ok(3);
        }
        if let Ok(flag) = value.cast_exact::<PyBool>() {
            return Ok(mix(4, u64::from(flag.is_true())));
        }
        if let Ok(number) = value.cast_exact::<PyInt>() {
            return Ok(mix(5, number.extract::<i64>().map_or(99, |number| magnitude(number as f64))));
        }
        if let Ok(number) = value.cast_exact::<PyFloat>() {
            return Ok(mix(6, magnitude(number.value())));
        }
        if let Ok(text) = value.cast_exact::<PyString>() {
            return text.to_str().map_or(Ok(7), |text| Ok(mix(7, word(text))));
        }
        if let Ok(bytes) = value.cast_exact::<PyBytes>() {
            return Ok(mix(8, bucket(bytes.as_bytes().len())));
        }
        if let Ok(items) = value.cast_exact::<PyTuple>() {
            let start = mix(9, bucket(items.len()));
            return items.iter().take(ITEMS).try_fold(start, |sum, item| Ok(mix(sum, self.of(&item, depth + 1)?)));
        }
        if let Ok(items) = value.cast_exact::<PyList>() {
            let start = mix(10, bucket(items.len()));
            return self.unordered(items.iter(), start, depth);
        }
        if let Ok(entries) = value.cast_exact::<PyDict>() {
            return self.entries(entries, mix(11, 0), depth);
        }
        if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
            return Ok(mix(12, bucket(value.len()?)));
        }
        if value.is_instance_of::<PyByteArray>() {
            return Ok(mix(13, bucket(value.len()?)));
        }
        self.object(value, depth)
    }

    /// Which shapes occur among the first items, however often and in whatever order.
    fn unordered<'py>(
        &mut self,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
        start: u64,
        depth: usize,
    ) -> PyResult<u64> {
        let mut shapes = items.take(ITEMS).map(|item| self.of(&item, depth + 1)).collect::<PyResult<Vec<_>>>()?;
        shapes.sort_unstable();
        shapes.dedup();
        Ok(shapes.into_iter().fold(start, mix))
    }

    /// Keys by name where they are few; a big mapping is data, and counts by its size and shapes.
    fn entries(&mut self, entries: &Bound<'_, PyDict>, start: u64, depth: usize) -> PyResult<u64> {
        if entries.len() > 4 * ITEMS {
            return self.unordered(entries.values().iter(), mix(start, bucket(entries.len())), depth);
        }
        let mut sum = 0_u64;
        for (key, value) in entries.iter() {
            let key = match key.cast_exact::<PyString>() {
                Ok(text) => text.to_str().map_or(0, |text| text.bytes().fold(1, |sum, byte| mix(sum, u64::from(byte)))),
                Err(_) => self.of(&key, depth + 1)?,
            };
            sum = sum.wrapping_add(mix(key, self.of(&value, depth + 1)?));
        }
        Ok(mix(start, sum))
    }

    /// An object: its class, and what its `__dict__`, an enum's name or an array's type and size say.
    fn object(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<u64> {
        let py = value.py();
        let class = value.get_type();
        let name = class.qualname()?;
        let start = name.to_str()?.bytes().fold(14, |sum, byte| mix(sum, u64::from(byte)));
        if let Ok(dtype) = value.getattr(intern!(py, "dtype")) {
            let dtype = dtype.str()?.to_str()?.bytes().fold(start, |sum, byte| mix(sum, u64::from(byte)));
            return Ok(mix(dtype, bucket(value.len().unwrap_or(0))));
        }
        if let Ok(label) = value.getattr(intern!(py, "_name_")) {
            return Ok(mix(start, label.str()?.to_str()?.bytes().fold(15, |sum, byte| mix(sum, u64::from(byte)))));
        }
        match value.getattr(intern!(py, "__dict__")).ok().and_then(|held| held.cast_into_exact::<PyDict>().ok()) {
            Some(held) => self.entries(&held, start, depth),
            None => Ok(start),
        }
    }
}

/// Sign, class and order of size of a number: within a factor of 256.
fn magnitude(number: f64) -> u64 {
    if number.is_nan() {
        return 1;
    }
    let sign = if number.is_sign_negative() { 1 << 20 } else { 0 };
    if number == 0.0 || number.is_infinite() {
        return sign + if number == 0.0 { 2 } else { 3 };
    }
    sign + 16 + ((number.to_bits() >> 52) & 0x7FF) / 8
}

fn word(text: &str) -> u64 {
    let short = text.len() <= WORD && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if short { text.bytes().fold(1, |sum, byte| mix(sum, u64::from(byte))) } else { bucket(text.len()) }
}

fn bucket(length: usize) -> u64 {
    u64::from(usize::BITS - length.leading_zeros())
}

/// One round of splitmix64, after Steele, Lea and Flood (2014).
fn mix(sum: u64, value: u64) -> u64 {
    let mut mixed = (sum.rotate_left(23) ^ value).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(evidence_frames, module)?)?;
    module.add_function(wrap_pyfunction!(evidence_scan, module)?)?;
    module.add_function(wrap_pyfunction!(evidence_columns, module)?)?;
    module.add_function(wrap_pyfunction!(evidence_parquet, module)?)?;
    module.add_function(wrap_pyfunction!(evidence_signature, module)?)
}
