//! The bytes of a Parquet file to record batches, whole or some columns. Bytes that no writer finished
//! are told from bytes that were damaged later.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use exuvia_ports::Files;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use crate::LakeError;

const MAGIC: &[u8; 4] = b"PAR1";
/// The least that a Parquet file has: magic, length of the footer, magic.
const LEAST: usize = 12;
/// Rows of one record batch: bounds what a lying footer can make the reader allocate at once.
const BATCH: usize = 1 << 16;

/// A schema and the record batches that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Columns and their types.
    pub schema: SchemaRef,
    /// Rows, in order.
    pub batches: Vec<RecordBatch>,
}

impl Table {
    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

impl From<RecordBatch> for Table {
    fn from(batch: RecordBatch) -> Self {
        Self { schema: batch.schema(), batches: vec![batch] }
    }
}

/// The table in the file at `path`; with `columns`, these, in their order.
///
/// # Errors
/// [`LakeError::Files`] and those of [`decode_parquet`].
pub fn read_parquet(files: &dyn Files, path: &Path, columns: Option<&[String]>) -> Result<Table, LakeError> {
    decode_parquet(&path.display().to_string(), files.read(path)?, columns)
}

/// The table in the bytes of a Parquet file; with `columns`, these, in their order. The bytes
/// are not copied. `file` is the name in the message.
///
/// # Errors
/// [`LakeError::NotParquet`], [`LakeError::NoFooter`], [`LakeError::Damaged`], [`LakeError::Unsupported`],
/// [`LakeError::MissingColumn`].
pub fn decode_parquet(
    file: &str,
    bytes: impl AsRef<[u8]> + Send + 'static,
    columns: Option<&[String]>,
) -> Result<Table, LakeError> {
    let bytes = Bytes::from_owner(bytes);
    let length = bytes.len();
    check_frame(file, &bytes)?;
    // The decoder asserts about bytes that it did not write; a damaged file must not look like a defect of ours.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode(file, bytes, columns)));
    decoded.unwrap_or_else(|_| {
        Err(LakeError::Damaged { file: file.to_owned(), length, reason: "the decoder gave up on its pages".to_owned() })
    })
}

/// Whether the bytes begin and end as those of a Parquet file, and the footer fits in between.
fn check_frame(file: &str, bytes: &[u8]) -> Result<(), LakeError> {
    let begins = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    if !MAGIC.starts_with(begins) {
        let begins = String::from_utf8_lossy(begins).into_owned();
        return Err(LakeError::NotParquet { file: file.to_owned(), begins });
    }
    let length = bytes.len();
    let footer = bytes.last_chunk::<8>().filter(|_| length >= LEAST);
    let [a, b, c, d, magic @ ..] = footer.copied().unwrap_or_default();
    if magic == *b"PARE" {
        let reason = "the footer is encrypted".to_owned();
        return Err(LakeError::Unsupported { file: file.to_owned(), reason });
    }
    if magic != *MAGIC {
        return Err(LakeError::NoFooter { file: file.to_owned(), length });
    }
    let promised = u64::from(u32::from_le_bytes([a, b, c, d]));
    if promised > (length - LEAST) as u64 {
        let reason = format!("its footer claims {promised} bytes");
        return Err(LakeError::Damaged { file: file.to_owned(), length, reason });
    }
    Ok(())
}

fn decode(file: &str, bytes: Bytes, columns: Option<&[String]>) -> Result<Table, LakeError> {
    let length = bytes.len();
    let refused = |reason: String| {
        let file = file.to_owned();
        // The decoder says only in its text that bytes are fine and that it cannot read them.
        if ["Disabled feature", "NYI: "].iter().any(|words| reason.contains(words)) {
            LakeError::Unsupported { file, reason }
        } else {
            LakeError::Damaged { file, length, reason }
        }
    };
    let damaged = |error: ParquetError| refused(error.to_string());
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(damaged)?;
    if let Some(columns) = columns {
        let roots = roots(file, builder.schema(), columns)?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        builder = builder.with_projection(mask);
    }
    let reader = builder.with_batch_size(BATCH).build().map_err(damaged)?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(|error| refused(error.to_string()))?;
    let table = Table { schema, batches };
    match columns {
        Some(columns) => in_order(file, &table, columns),
        None => Ok(table),
    }
}

fn roots(file: &str, schema: &SchemaRef, columns: &[String]) -> Result<Vec<usize>, LakeError> {
    columns.iter().map(|name| position(file, schema, name)).collect()
}

fn position(file: &str, schema: &SchemaRef, name: &str) -> Result<usize, LakeError> {
    schema.index_of(name).map_err(|_| LakeError::MissingColumn {
        file: file.to_owned(),
        column: name.to_owned(),
        found: schema.fields().iter().map(|field| format!("'{}'", field.name())).collect::<Vec<_>>().join(", "),
    })
}

/// The projection keeps the file's order; the caller's is meant.
fn in_order(file: &str, table: &Table, columns: &[String]) -> Result<Table, LakeError> {
    let order = roots(file, &table.schema, columns)?;
    let failed = |error: arrow::error::ArrowError| LakeError::Encode(error.to_string());
    let schema = Arc::new(table.schema.project(&order).map_err(failed)?);
    let batches = table.batches.iter().map(|batch| batch.project(&order)).collect::<Result<_, _>>().map_err(failed)?;
    Ok(Table { schema, batches })
}
