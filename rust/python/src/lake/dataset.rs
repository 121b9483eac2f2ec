//! Datasets for Python: handles on the dataset, its writer and a scan. Everything that reads or writes runs
//! without the GIL.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchIterator};
use exuvia_lake::{Compression, Dataset, Day, Declaration, LakeError, Query, Scan, Writer};
use exuvia_net::SystemFiles;
use pyo3::prelude::*;
use pyo3_arrow::export::Arro3Schema;
use pyo3_arrow::{PyRecordBatchReader, PySchema};

use super::tables::{arrow_table, to_arro3};
use crate::gate::{self, locked};

/// Name, kind or schema, time, symbol, buckets, path, sort_by, compression, level, rows of a group, bloom.
#[derive(FromPyObject)]
pub struct Declared {
    name: String,
    kind: Option<String>,
    schema: Option<PySchema>,
    time: Option<String>,
    symbol: Option<String>,
    buckets: u32,
    path: Option<String>,
    sort_by: Option<Vec<String>>,
    compression: String,
    level: i32,
    row_group_rows: usize,
    bloom: Option<Vec<String>>,
}

impl Declared {
    fn into_declaration(self) -> Result<Declaration, LakeError> {
        let mut made = match (self.kind, self.schema) {
            (Some(kind), _) => Declaration::of_kind(&kind)?,
            (None, schema) => {
                let schema =
                    schema.map(PySchema::into_inner).unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()));
                let time = self.time.clone().unwrap_or_else(|| "ts".to_owned());
                Declaration::new(&self.name, schema, &time, self.symbol.as_deref())
            }
        };
        made.name = self.name;
        made.buckets = self.buckets;
        if self.buckets > 1 {
            made.path = "date={date}/bucket={bucket}/part-{part}.parquet".to_owned();
        }
        made.path = self.path.unwrap_or(made.path);
        made.sort_by = self.sort_by.unwrap_or(made.sort_by);
        made.bloom = self.bloom.unwrap_or(made.bloom);
        made.compression = Compression::named(&self.compression, self.level)?;
        made.row_group_rows = self.row_group_rows;
        Ok(made)
    }
}

/// A file: path, rows, bytes, first and last time, version of the schema, symbols if they are listed.
type FileRow = (String, u64, u64, i64, i64, u32, Option<Vec<String>>);
/// A day, its files, its open rows.
type DayRow = (String, Vec<FileRow>, u64);
/// Number, columns, what it changed.
type VersionRow = (u32, Arro3Schema, Vec<String>);
/// Path and what is to be said of it.
type Said = (String, String);
/// Files, rows and bytes that were read; problems; notes.
type Verification = (usize, u64, u64, Vec<Said>, Vec<Said>);
/// A day, rows, files, bytes.
type SealRow = (String, u64, Vec<String>, u64);
/// A day, files before, files now, bytes before, bytes now.
type CompactRow = (String, usize, Vec<String>, u64, u64);
/// Columns, from, to, symbols.
type Asked = (Option<Vec<String>>, Option<i64>, Option<i64>, Option<Vec<String>>);

/// A dataset of the lake.
#[pyclass(frozen, module = "exuvia._exuvia")]
pub struct LakeDataset {
    dataset: Dataset,
}

#[pymethods]
impl LakeDataset {
    /// Makes or opens a dataset.
    #[staticmethod]
    fn create(py: Python<'_>, root: PathBuf, declared: Declared) -> PyResult<Self> {
        let dataset = gate::enter(py, || Dataset::create(Arc::new(SystemFiles), &root, declared.into_declaration()?))?;
        Ok(Self { dataset })
    }

    /// Opens a dataset.
    #[staticmethod]
    fn open(py: Python<'_>, root: PathBuf) -> PyResult<Self> {
        let dataset = gate::enter(py, || Dataset::open(Arc::new(SystemFiles), &root))?;
        Ok(Self { dataset })
    }

    /// Its folder.
    #[getter]
    fn root(&self) -> &Path {
        self.dataset.root()
    }

    /// What it is called.
    #[getter]
    fn name(&self) -> &str {
        &self.dataset.declaration().name
    }

    /// Its columns.
    fn schema(&self) -> Arro3Schema {
        PySchema::new(Arc::clone(&self.dataset.declaration().schema)).into()
    }

    /// Time, symbol, buckets, path, order.
    fn declared(&self) -> (String, Option<String>, u32, String, Vec<String>) {
        let of = self.dataset.declaration();
        (of.time.clone(), of.symbol.clone(), of.buckets, of.path.clone(), of.sort_by.clone())
    }

    /// Becomes its writer.
    fn writer(&self, py: Python<'_>, holder: &str) -> PyResult<LakeWriter> {
        gate::refuse_fork()?;
        let writer = gate::enter(py, || self.dataset.writer(holder))?;
        Ok(LakeWriter { writer: Mutex::new(writer) })
    }

    /// Begins to read.
    fn scan(&self, py: Python<'_>, asked: Asked) -> PyResult<LakeScan> {
        let (columns, from, to, symbols) = asked;
        let query = Query { columns, from, to, symbols };
        let scan = gate::enter(py, || self.dataset.scan(&query))?;
        Ok(LakeScan { schema: scan.schema(), scan: Arc::new(Mutex::new(scan)) })
    }

    /// The symbols that rows have.
    fn symbols(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        gate::enter(py, || self.dataset.symbols())
    }

    /// Days, the last mark, versions of the schema.
    fn contents(&self, py: Python<'_>) -> PyResult<(Vec<DayRow>, Option<String>, Vec<VersionRow>)> {
        let found = gate::enter(py, || self.dataset.list())?;
        let days = found.days.into_iter().map(|state| {
            let files = state.files.into_iter();
            let files =
                files.map(|of| (of.path, of.rows, of.bytes, of.first, of.last, of.schema, of.symbols)).collect();
            (state.day.to_string(), files, state.open_rows)
        });
        let versions = found.versions.into_iter();
        let versions = versions.map(|of| (of.number, PySchema::new(of.schema).into(), of.changes)).collect();
        Ok((days.collect(), found.mark, versions))
    }

    /// Reads every byte.
    fn verify(&self, py: Python<'_>) -> PyResult<Verification> {
        let found = gate::enter(py, || self.dataset.verify())?;
        let said = |of: Vec<exuvia_lake::Problem>| of.into_iter().map(|of| (of.path, of.what)).collect();
        Ok((found.files, found.rows, found.bytes, said(found.problems), said(found.notes)))
    }
}

/// The writer of a dataset.
#[pyclass(frozen, module = "exuvia._exuvia")]
pub struct LakeWriter {
    writer: Mutex<Writer>,
}

impl LakeWriter {
    /// Runs `work` on the writer; a child that was forked would share its place in the file.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Writer) -> Result<T, LakeError> + Send,
    ) -> PyResult<T> {
        gate::enter_threaded(py, || work(&mut locked(&self.writer)))
    }
}

#[pymethods]
impl LakeWriter {
    /// The mark of the last commit.
    #[getter]
    fn mark(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.with(py, |writer| Ok(writer.mark().map(ToOwned::to_owned)))
    }

    /// Takes rows: how many, of which days, how many late.
    #[allow(clippy::type_complexity)] // three figures, which Python's side gives their names
    fn append(
        &self,
        py: Python<'_>,
        table: &Bound<'_, PyAny>,
        cast: bool,
    ) -> PyResult<(usize, Vec<(String, usize)>, usize)> {
        let table = arrow_table(table)?;
        self.with(py, |writer| {
            // All or nothing, also where a later batch is the wrong one.
            let one = match table.batches.as_slice() {
                [] => RecordBatch::new_empty(Arc::clone(&table.schema)),
                [one] => one.clone(),
                more => arrow::compute::concat_batches(&table.schema, more)
                    .map_err(|error| LakeError::Encode(error.to_string()))?,
            };
            let taken = writer.append(&one, cast)?;
            Ok((taken.rows, taken.days.into_iter().map(|(day, rows)| (day.to_string(), rows)).collect(), taken.late))
        })
    }

    /// Lets the rows count.
    fn flush(&self, py: Python<'_>, mark: Option<&str>) -> PyResult<usize> {
        self.with(py, |writer| writer.flush(mark))
    }

    /// Seals one day, or all that lie before `before`.
    fn seal(
        &self,
        py: Python<'_>,
        day: Option<&str>,
        before: Option<&str>,
        mark: Option<&str>,
    ) -> PyResult<Vec<SealRow>> {
        let done = self.with(py, |writer| match day {
            Some(day) => Ok(vec![writer.seal(day.parse()?, mark)?]),
            None => writer.seal_before(before.map(str::parse::<Day>).transpose()?, mark),
        })?;
        Ok(done.into_iter().map(|of| (of.day.to_string(), of.rows, of.files, of.bytes)).collect())
    }

    /// Gives it other columns.
    fn evolve(&self, py: Python<'_>, schema: PySchema) -> PyResult<Vec<String>> {
        let schema = schema.into_inner();
        self.with(py, |writer| writer.evolve(&schema))
    }

    /// Merges files.
    fn compact(&self, py: Python<'_>, day: Option<&str>) -> PyResult<Vec<CompactRow>> {
        let done = self.with(py, |writer| writer.compact(day.map(str::parse).transpose()?))?;
        Ok(done.into_iter().map(|of| (of.day.to_string(), of.before, of.files, of.bytes_before, of.bytes)).collect())
    }

    /// Lets the lock go.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        gate::enter(py, || {
            locked(&self.writer).close();
            Ok::<_, LakeError>(())
        })
    }
}

/// Batches of a dataset.
#[pyclass(frozen, module = "exuvia._exuvia")]
pub struct LakeScan {
    schema: SchemaRef,
    scan: Arc<Mutex<Scan>>,
}

/// What was read and left out, in the order of the fields of the Python class.
type StatsRow = (usize, usize, usize, usize, usize, usize, usize, usize);

#[pymethods]
impl LakeScan {
    /// The columns that come out.
    fn schema(&self) -> Arro3Schema {
        PySchema::new(Arc::clone(&self.schema)).into()
    }

    /// What is left, as one table.
    fn table<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let table = gate::enter(py, || {
            let batches = locked(&self.scan).by_ref().collect::<Result<Vec<_>, LakeError>>()?;
            Ok::<_, LakeError>(exuvia_lake::Table { schema: Arc::clone(&self.schema), batches })
        })?;
        to_arro3(py, table)
    }

    /// What is left, as a reader that takes a batch at a time.
    fn reader<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let scan = Arc::clone(&self.scan);
        let next =
            move || locked(&scan).next().map(|next| next.map_err(|error| ArrowError::ExternalError(Box::new(error))));
        let batches = RecordBatchIterator::new(std::iter::from_fn(next), Arc::clone(&self.schema));
        PyRecordBatchReader::new(Box::new(batches)).into_arro3(py)
    }

    /// What was read and left out so far.
    fn stats(&self) -> StatsRow {
        let of = locked(&self.scan).stats();
        (of.files, of.files_skipped, of.groups, of.groups_skipped, of.bloom_skipped, of.open, of.open_skipped, of.rows)
    }
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<LakeDataset>()?;
    module.add_class::<LakeWriter>()?;
    module.add_class::<LakeScan>()
}
