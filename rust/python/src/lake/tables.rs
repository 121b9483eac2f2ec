//! Arrow tables from and to any library that speaks the PyCapsule interface, and files of the lake.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use exuvia_lake::{
    Comparison, Compression, EncodeOptions, LakeError, Table, align, bars_schema, cast_table, compare_folders,
    compare_tables, decode_parquet, encode_parquet, parquet_below, read_parquet, sweep, write_atomic, write_parquet,
};
use exuvia_net::SystemFiles;
use exuvia_ports::{Files, FilesError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use pyo3_arrow::export::Arro3Schema;
use pyo3_arrow::{PySchema, PyTable};

use crate::failure::Failure;
use crate::{gate, integers, tables};

type Given<'py> = Bound<'py, PyAny>;

/// How a table is written, as it comes from Python.
#[derive(FromPyObject)]
pub struct WriteOptions<'py>(Given<'py>, Given<'py>, Given<'py>, Given<'py>, Given<'py>, Given<'py>, Given<'py>);

/// How a table is written, each part of its type.
struct Writing(String, i32, Vec<String>, BTreeMap<String, String>, usize, usize, Vec<String>);

impl WriteOptions<'_> {
    fn read(&self) -> PyResult<Writing> {
        let Self(compression, level, sorted_by, metadata, row_group_rows, threads, bloom) = self;
        Ok(Writing(
            option("compression", compression, KNOWN)?,
            option("level", level, LEVELS)?,
            option("sorted_by", sorted_by, "names of columns")?,
            option("metadata", metadata, "a mapping from str to str")?,
            option("row_group_rows", row_group_rows, "a whole number above 0")?,
            option("threads", threads, "a whole number, 0 for all cores")?,
            option("bloom", bloom, "names of columns")?,
        ))
    }
}

const KNOWN: &str = "\"zstd\", \"snappy\" or \"none\"";
const LEVELS: &str = "1 to 22";

/// The compression that `encode_…` and `write_…` were asked for.
pub fn compression(name: &Bound<'_, PyAny>, level: &Bound<'_, PyAny>) -> PyResult<Compression> {
    let (name, level): (String, i32) = (option("compression", name, KNOWN)?, option("level", level, LEVELS)?);
    gate::stay(|| Compression::named(&name, level))
}

/// The option `name`; a value of another type is refused by name and value.
fn option<'py, T>(name: &str, value: &Bound<'py, PyAny>, wanted: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    value.extract().map_err(|_| {
        let shown = value.repr().map_or_else(|_| "a value too long to print".to_owned(), |text| text.to_string());
        let kind = value.get_type();
        Failure::text("LakeOptionError", format!("{name} {shown} ({kind}) is not possible: use {wanted}")).into()
    })
}

impl Writing {
    fn checked(self) -> Result<EncodeOptions, LakeError> {
        let Self(compression, level, sorted_by, metadata, row_group_rows, threads, bloom) = self;
        let compression = Compression::named(&compression, level)?;
        Ok(EncodeOptions { compression, row_group_rows, sorted_by, metadata, bloom, threads })
    }
}

/// How a table is read, as it comes from Python.
#[derive(FromPyObject)]
pub struct ReadOptions<'py>(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

impl ReadOptions<'_> {
    fn split(self) -> PyResult<(Option<Vec<String>>, Option<SchemaRef>, bool)> {
        let Self(columns, schema, cast) = self;
        let columns = option("columns", &columns, "names of columns, or None")?;
        let schema: Option<PySchema> = option("schema", &schema, "an Arrow schema of any library, or None")?;
        Ok((columns, schema.map(PySchema::into_inner), option("cast", &cast, "True or False")?))
    }
}

/// Parquet bytes of a table.
#[pyfunction]
pub fn lake_encode_parquet<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    options: WriteOptions<'py>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (table, options) = (arrow_table(table)?, options.read()?);
    let bytes = gate::enter(py, || encode_parquet(&table, &options.checked()?))?;
    Ok(PyBytes::new(py, &bytes))
}

/// Writes a table to a file, atomically.
#[pyfunction]
pub fn lake_write_parquet(
    py: Python<'_>,
    path: PathBuf,
    table: &Bound<'_, PyAny>,
    options: WriteOptions<'_>,
) -> PyResult<()> {
    let (table, options) = (arrow_table(table)?, options.read()?);
    gate::enter(py, || write_parquet(&SystemFiles, &path, &table, &options.checked()?))
}

/// The table in the bytes of a Parquet file.
#[pyfunction]
pub fn lake_decode_parquet<'py>(
    py: Python<'py>,
    data: PyBackedBytes,
    options: ReadOptions<'py>,
    name: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let (columns, schema, cast) = options.split()?;
    let table = gate::enter(py, || {
        let table = decode_parquet(name, data, columns.as_deref())?;
        schema.map_or(Ok(table.clone()), |schema| cast_table(name, &table, &schema, cast))
    })?;
    to_arro3(py, table)
}

/// The table in a Parquet file.
#[pyfunction]
pub fn lake_read_parquet<'py>(
    py: Python<'py>,
    path: PathBuf,
    options: ReadOptions<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let (columns, schema, cast) = options.split()?;
    let table = gate::enter(py, || {
        let table = read_parquet(&SystemFiles, &path, columns.as_deref())?;
        let name = path.display().to_string();
        schema.map_or(Ok(table.clone()), |schema| cast_table(&name, &table, &schema, cast))
    })?;
    to_arro3(py, table)
}

/// Puts bytes at a path, whole or not at all.
#[pyfunction]
pub fn lake_write_atomic(py: Python<'_>, path: PathBuf, data: PyBackedBytes, private: bool) -> PyResult<()> {
    gate::enter(py, || write_atomic(&SystemFiles, &path, &data, private))
}

/// Removes temporary files of killed writers.
#[pyfunction]
pub fn lake_sweep(py: Python<'_>, folder: PathBuf) -> PyResult<Vec<PathBuf>> {
    gate::enter(py, || sweep(&SystemFiles, &folder))
}

/// The schema of bar files.
#[pyfunction]
pub fn lake_bars_schema() -> Arro3Schema {
    PySchema::new(bars_schema()).into()
}

/// Rows compared, number of differences, the first ones.
type Found = (usize, usize, Vec<(String, String, String)>);

/// Compares two tables, two files given as bytes, two files or two folders.
#[pyfunction]
pub fn lake_compare(
    py: Python<'_>,
    left: &Bound<'_, PyAny>,
    right: &Bound<'_, PyAny>,
    #[pyo3(from_py_with = integers::limit)] limit: usize,
) -> PyResult<Found> {
    let (left, right) = (Side::of(left)?, Side::of(right)?);
    let found: Comparison = gate::enter(py, || match (left, right) {
        (Side::Path(a), Side::Path(b)) if SystemFiles.is_dir(&a) && SystemFiles.is_dir(&b) => {
            compare_folders(&SystemFiles, &a, &b, limit)
        }
        (a, b) if a.is_folder() != b.is_folder() => Err(one_folder(a, b)),
        (a, b) => compare_tables(&a.table("left")?, &b.table("right")?, limit),
    })?;
    let differences = found.differences.into_iter().map(|at| (at.path, at.left, at.right)).collect();
    Ok((found.rows, found.total, differences))
}

/// Rows of both sides; keys of one side only, how many and the first; differences of the schema; matched rows.
type Matched<'py> = (
    (usize, usize),
    (usize, Vec<String>),
    (usize, Vec<String>),
    Vec<(String, String, String)>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
);

/// Matches the rows of some files with those of others by key.
#[pyfunction]
pub fn lake_align<'py>(
    py: Python<'py>,
    left: Vec<PathBuf>,
    right: Vec<PathBuf>,
    key: Vec<String>,
    limit: usize,
) -> PyResult<Matched<'py>> {
    let found = gate::enter(py, || align(&SystemFiles, &left, &right, &key, limit))?;
    let schema = found.schema.into_iter().map(|at| (at.path, at.left, at.right)).collect();
    let (left, right) = (to_arro3(py, found.left.into())?, to_arro3(py, found.right.into())?);
    Ok((found.rows, found.only_left, found.only_right, schema, left, right))
}

/// The Parquet files below a folder, relative to it.
#[pyfunction]
pub fn lake_files(py: Python<'_>, root: PathBuf) -> PyResult<Vec<PathBuf>> {
    gate::enter(py, || parquet_below(&SystemFiles, &root))
}

enum Side {
    Bytes(PyBackedBytes),
    Path(PathBuf),
    Table(Table),
}

impl Side {
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.extract() {
            return Ok(Self::Bytes(bytes));
        }
        if let Ok(path) = object.extract() {
            return Ok(Self::Path(path));
        }
        arrow_table(object).map(Self::Table)
    }

    fn is_folder(&self) -> bool {
        matches!(self, Self::Path(path) if SystemFiles.is_dir(path))
    }

    fn table(self, name: &str) -> Result<Table, LakeError> {
        match self {
            Self::Bytes(bytes) => decode_parquet(name, bytes, None),
            Self::Path(path) => read_parquet(&SystemFiles, &path, None),
            Self::Table(table) => Ok(table),
        }
    }
}

/// Why a folder and something else cannot be compared: the other side is not there, or is no folder.
fn one_folder(left: Side, right: Side) -> LakeError {
    let (folder, other) = if left.is_folder() { (left, right) } else { (right, left) };
    let shown = |side: &Side| match side {
        Side::Path(path) => path.display().to_string(),
        Side::Bytes(_) => "the other side (bytes)".to_owned(),
        Side::Table(_) => "the other side (a table)".to_owned(),
    };
    match &other {
        Side::Path(path) if !SystemFiles.exists(path) => {
            FilesError::NotFound { operation: "compare", path: path.clone() }.into()
        }
        other => LakeError::OneFolder { folder: shown(&folder), other: shown(other) },
    }
}

/// The Arrow table or record batch in an object of any library.
pub fn arrow_table(object: &Bound<'_, PyAny>) -> PyResult<Table> {
    if let Some((batches, schema)) = tables::table(object)? {
        return Ok(Table { schema, batches });
    }
    let kind = object.get_type();
    Err(Failure::text(
        "SchemaError",
        format!("{kind} is not an Arrow table: pass a table of pyarrow, polars, pandas, DuckDB or arro3 (any object with __arrow_c_stream__)"),
    )
    .into())
}

/// An `arro3.core.Table`.
pub fn to_arro3(py: Python<'_>, table: Table) -> PyResult<Bound<'_, PyAny>> {
    PyTable::try_new(table.batches, Arc::clone(&table.schema))?.into_arro3(py)
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(lake_encode_parquet, module)?)?;
    module.add_function(wrap_pyfunction!(lake_write_parquet, module)?)?;
    module.add_function(wrap_pyfunction!(lake_decode_parquet, module)?)?;
    module.add_function(wrap_pyfunction!(lake_read_parquet, module)?)?;
    module.add_function(wrap_pyfunction!(lake_write_atomic, module)?)?;
    module.add_function(wrap_pyfunction!(lake_sweep, module)?)?;
    module.add_function(wrap_pyfunction!(lake_bars_schema, module)?)?;
    module.add_function(wrap_pyfunction!(lake_align, module)?)?;
    module.add_function(wrap_pyfunction!(lake_files, module)?)?;
    module.add_function(wrap_pyfunction!(lake_compare, module)?)
}
