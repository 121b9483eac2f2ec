//! Parquet written column by column: each column of a row group is encoded by itself, so that several cores
//! can do it, and rows wait in memory no longer than until a chunk of them is full.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type, Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use crate::{EncodeOptions, LakeError};

/// What every file says about its maker.
const CREATED_BY: &str = concat!("exuvia version ", env!("CARGO_PKG_VERSION"));
/// Rows that wait for their encoding: enough that starting threads for them costs nothing.
const CHUNK_ROWS: usize = 1 << 17;
/// Rows that are looked at to choose an encoding.
const SAMPLE: usize = 4_096;
/// More threads than this gain nothing: the columns are few.
const MOST_THREADS: usize = 16;

/// Writes batches of one schema as a Parquet file. It is begun when the first rows were seen: how a column is
/// encoded depends on what is in it.
pub(crate) struct Encoder<W: Write + Send> {
    out: Option<W>,
    begun: Option<Begun<W>>,
    schema: SchemaRef,
    options: EncodeOptions,
    sorting: Vec<SortingColumn>,
    threads: usize,
    /// How many rows wait at most.
    pub chunk_rows: usize,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    /// The row group that is being written, and how many rows it has.
    group: Vec<Column>,
    in_group: usize,
    groups: usize,
}

struct Begun<W: Write + Send> {
    file: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
}

struct Column {
    field: FieldRef,
    /// One for each leaf; a plain column has one.
    writers: Vec<ArrowColumnWriter>,
}

fn failed(error: ParquetError) -> LakeError {
    let ParquetError::External(cause) = error else { return LakeError::Encode(error.to_string()) };
    // What the port said, with its path.
    match cause.downcast::<io::Error>().map(|error| error.downcast::<LakeError>()) {
        Ok(Ok(error)) => error,
        Ok(Err(error)) => LakeError::Encode(error.to_string()),
        Err(cause) => LakeError::Encode(cause.to_string()),
    }
}

impl<W: Write + Send> Encoder<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// [`LakeError::Encode`] if Parquet has no such column; those of the writer.
    pub(crate) fn new(
        out: W,
        schema: &SchemaRef,
        options: &EncodeOptions,
        sorting: Vec<SortingColumn>,
    ) -> Result<Self, LakeError> {
        let pairs = options.metadata.iter().map(|(key, value)| (key.clone(), value.clone()));
        // pyarrow shows what the Arrow schema holds, others what the footer holds.
        let mut shown: Schema = schema.as_ref().clone();
        shown.metadata.extend(pairs);
        // Told before rows are taken.
        ArrowSchemaConverter::new().convert(&shown).map_err(failed)?;
        let threads = if options.threads == 0 { cores() } else { options.threads }.clamp(1, MOST_THREADS);
        Ok(Self {
            out: Some(out),
            begun: None,
            schema: Arc::new(shown),
            options: options.clone(),
            sorting,
            threads,
            chunk_rows: CHUNK_ROWS,
            waiting: Vec::new(),
            waiting_rows: 0,
            group: Vec::new(),
            in_group: 0,
            groups: 0,
        })
    }

    /// Takes rows; a part of them is encoded and written.
    ///
    /// # Errors
    /// [`LakeError::Encode`]; those of the writer.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let mut from = 0;
        while from < batch.num_rows() {
            let room = self.options.row_group_rows.max(1) - self.in_group - self.waiting_rows;
            let rows = room.min(batch.num_rows() - from);
            self.waiting.push(batch.slice(from, rows));
            self.waiting_rows += rows;
            from += rows;
            let full = rows == room;
            if full || self.waiting_rows >= self.chunk_rows {
                self.encode(full)?;
            }
        }
        Ok(())
    }

    /// Writes what waits, and the footer; gives the writer back.
    ///
    /// # Errors
    /// As [`Encoder::push`].
    pub(crate) fn finish(self) -> Result<W, LakeError> {
        self.end()?.into_inner().map_err(failed)
    }

    /// Writes what waits, and the footer; says what the file has.
    ///
    /// # Errors
    /// As [`Encoder::push`].
    pub(crate) fn close(self) -> Result<ParquetMetaData, LakeError> {
        self.end()?.close().map_err(failed)
    }

    fn end(mut self) -> Result<SerializedFileWriter<W>, LakeError> {
        if self.in_group + self.waiting_rows > 0 {
            self.encode(true)?;
        }
        Ok(self.begin()?.file)
    }

    /// Encodes what waits; `last` closes the row group.
    fn encode(&mut self, last: bool) -> Result<(), LakeError> {
        let mut begun = self.begin()?;
        if self.group.is_empty() {
            self.group = self.begin_group(&begun.factory)?;
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.in_group += std::mem::take(&mut self.waiting_rows);
        let jobs: Vec<Job> = (std::mem::take(&mut self.group).into_iter().enumerate())
            .map(|(at, column)| Job {
                at,
                column,
                arrays: waiting.iter().filter_map(|batch| batch.columns().get(at).cloned()).collect(),
            })
            .collect();
        drop(waiting);
        let mut done = run(jobs, self.threads.min(self.schema.fields().len().max(1)), last).map_err(failed)?;
        done.sort_by_key(|column| column.0);
        if last {
            let mut group = begun.file.next_row_group().map_err(failed)?;
            for chunk in done.into_iter().flat_map(|(_, ended)| ended.chunks) {
                chunk.append_to_row_group(&mut group).map_err(failed)?;
            }
            group.close().map_err(failed)?;
            self.in_group = 0;
            self.groups += 1;
        } else {
            self.group = done.into_iter().filter_map(|(_, ended)| ended.column).collect();
        }
        self.begun = Some(begun);
        Ok(())
    }

    /// The file, begun now if it was not yet.
    fn begin(&mut self) -> Result<Begun<W>, LakeError> {
        if let Some(begun) = self.begun.take() {
            return Ok(begun);
        }
        let Some(out) = self.out.take() else { return Err(LakeError::Encode("an earlier row failed".to_owned())) };
        let options = &self.options;
        let metadata: Vec<_> =
            options.metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        let mut builder = WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_compression(options.compression.codec()?)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_sorting_columns((!self.sorting.is_empty()).then(|| self.sorting.clone()))
            .set_key_value_metadata((!metadata.is_empty()).then_some(metadata));
        for name in &options.bloom {
            builder = builder.set_column_bloom_filter_enabled(ColumnPath::from(vec![name.clone()]), true);
        }
        for (at, field) in self.schema.fields().iter().enumerate() {
            let sample =
                self.waiting.iter().filter_map(|batch| batch.columns().get(at)).max_by_key(|array| array.len());
            if sample.is_some_and(runs_on) {
                let path = ColumnPath::from(vec![field.name().clone()]);
                builder = builder
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
        }
        let mut properties = builder.build();
        add_encoded_arrow_schema_to_metadata(&self.schema, &mut properties);
        let parquet = ArrowSchemaConverter::new().convert(&self.schema).map_err(failed)?;
        let file = SerializedFileWriter::new(out, parquet.root_schema_ptr(), Arc::new(properties)).map_err(failed)?;
        let factory = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&self.schema));
        Ok(Begun { file, factory })
    }

    fn begin_group(&self, factory: &ArrowRowGroupWriterFactory) -> Result<Vec<Column>, LakeError> {
        let mut writers = factory.create_column_writers(self.groups).map_err(failed)?.into_iter();
        let fields = self.schema.fields().iter();
        Ok(fields
            .map(|field| Column {
                field: Arc::clone(field),
                writers: writers.by_ref().take(leaves(field.data_type())).collect(),
            })
            .collect())
    }
}

struct Job {
    at: usize,
    column: Column,
    arrays: Vec<ArrayRef>,
}

/// A column that goes on, or the chunks of one that has ended.
struct Ended {
    column: Option<Column>,
    chunks: Vec<ArrowColumnChunk>,
}

type Done = Vec<(usize, Ended)>;

/// Does all jobs on so many threads, this one included.
fn run(jobs: Vec<Job>, threads: usize, last: bool) -> Result<Done, ParquetError> {
    if threads < 2 {
        return jobs.into_iter().map(|job| job.work(last)).collect();
    }
    let queue = Mutex::new(jobs.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || {
        let mut done = Vec::new();
        while let Some(job) = next() {
            done.push(job.work(last)?);
        }
        Ok::<Done, ParquetError>(done)
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut done = worker()?;
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(done)
    })
}

impl Job {
    fn work(mut self, last: bool) -> Result<(usize, Ended), ParquetError> {
        for array in &self.arrays {
            let leaves = compute_leaves(&self.column.field, array)?;
            for (writer, leaf) in self.column.writers.iter_mut().zip(&leaves) {
                writer.write(leaf)?;
            }
        }
        let ended = if last {
            let chunks = self.column.writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?;
            Ended { column: None, chunks }
        } else {
            Ended { column: Some(self.column), chunks: Vec::new() }
        };
        Ok((self.at, ended))
    }
}

/// How many columns Parquet has for one of Arrow.
fn leaves(kind: &DataType) -> usize {
    match kind {
        DataType::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::Map(field, _) => leaves(field.data_type()),
        _ => 1,
    }
}

/// Whether whole numbers or times are better told by their differences than by a list of values: they ascend, or
/// hardly any of them comes twice.
fn runs_on(array: &ArrayRef) -> bool {
    let plain = match array.data_type() {
        DataType::Date32 | DataType::Time32(_) => DataType::Int32,
        kind if kind.is_integer() || kind.is_temporal() => DataType::Int64,
        _ => return false,
    };
    let sample = array.slice(array.len() / 2, (array.len() - array.len() / 2).min(SAMPLE));
    let Ok(numbers) = cast(&sample, &plain).and_then(|plain| cast(&plain, &DataType::Int64)) else { return false };
    let numbers = numbers.as_primitive::<Int64Type>();
    if numbers.null_count() > 0 || numbers.len() < 2 {
        return false;
    }
    let distinct = numbers.values().iter().collect::<HashSet<_>>().len();
    numbers.values().is_sorted() || distinct * 2 > numbers.len()
}

/// Cores that this process may use; asked for once, since the answer costs the reading of several files.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}
