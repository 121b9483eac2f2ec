//! Record batches to the bytes of a Parquet file. The same table, options and version give the same bytes.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::make_comparator;
use arrow::compute::{SortOptions, concat_batches};
use arrow::record_batch::RecordBatch;
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::file::metadata::SortingColumn;

use crate::checksums::with_checksums;
use crate::columns::Encoder;
use crate::writable::writable;
use crate::{BarColumns, LakeError, Table};

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast and known to every reader.
    Snappy,
    /// Small; levels 1 to 22.
    Zstd(i32),
}

impl Compression {
    /// The compression of this name, with the level where it has one.
    ///
    /// # Errors
    /// [`LakeError::BadOption`].
    pub fn named(name: &str, level: i32) -> Result<Self, LakeError> {
        match name {
            "none" | "uncompressed" => Ok(Self::None),
            "snappy" => Ok(Self::Snappy),
            "zstd" => {
                ZstdLevel::try_new(level).map_err(|_| LakeError::BadOption {
                    option: "zstd level",
                    value: level.to_string(),
                    known: "1 to 22",
                })?;
                Ok(Self::Zstd(level))
            }
            _ => Err(LakeError::BadOption {
                option: "compression",
                value: name.to_owned(),
                known: "\"zstd\", \"snappy\" or \"none\"",
            }),
        }
    }

    /// The name, and the level, which is 0 where there is none.
    pub(crate) const fn name_and_level(self) -> (&'static str, i32) {
        match self {
            Self::None => ("none", 0),
            Self::Snappy => ("snappy", 0),
            Self::Zstd(level) => ("zstd", level),
        }
    }

    pub(crate) fn codec(self) -> Result<Codec, LakeError> {
        Ok(match self {
            Self::None => Codec::UNCOMPRESSED,
            Self::Snappy => Codec::SNAPPY,
            Self::Zstd(level) => {
                Codec::ZSTD(ZstdLevel::try_new(level).map_err(|error| LakeError::Encode(error.to_string()))?)
            }
        })
    }
}

/// How a table is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Compression of the pages.
    pub compression: Compression,
    /// Rows of a row group, at most.
    pub row_group_rows: usize,
    /// Columns by which the rows ascend; it is checked and written into the file, where readers use it.
    pub sorted_by: Vec<String>,
    /// Keys and values for the footer, written in order of key.
    pub metadata: BTreeMap<String, String>,
    /// Columns with a bloom filter in each row group.
    pub bloom: Vec<String>,
    /// Threads that encode columns; 0 for as many as there are cores. The bytes are the same.
    pub threads: usize,
}

impl Default for EncodeOptions {
    /// zstd level 3, groups of 1,048,576 rows, no metadata.
    fn default() -> Self {
        Self {
            compression: Compression::Zstd(3),
            row_group_rows: 1 << 20,
            sorted_by: Vec::new(),
            metadata: BTreeMap::new(),
            bloom: Vec::new(),
            threads: 0,
        }
    }
}

/// The bytes of a Parquet file with this table, a checksum and statistics for each page.
///
/// # Errors
/// [`LakeError::Duplicate`] and [`LakeError::Unwritable`] for columns that a file cannot have;
/// [`LakeError::MissingColumn`] and [`LakeError::NotSorted`] for `sorted_by`; [`LakeError::Encode`].
pub fn encode_parquet(table: &Table, options: &EncodeOptions) -> Result<Vec<u8>, LakeError> {
    let table = &*writable(table)?;
    let sorting = sorting_columns(table, &options.sorted_by)?;
    // The encoder asserts about types that it was not made for.
    catch_unwind(AssertUnwindSafe(|| encode(table, options, sorting)))
        .unwrap_or_else(|_| Err(LakeError::Encode(format!("the encoder gave up on its types: {}", table.schema))))
}

fn encode(table: &Table, options: &EncodeOptions, sorting: Vec<SortingColumn>) -> Result<Vec<u8>, LakeError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, &table.schema, options, sorting)?;
    encoder.chunk_rows = options.row_group_rows.max(1);
    for batch in &table.batches {
        encoder.push(batch)?;
    }
    let metadata = encoder.close()?;
    if options.bloom.is_empty() {
        return with_checksums(&bytes, metadata).map_err(|error| LakeError::Encode(error.to_string()));
    }
    // Bloom filters lie between the row groups, of which the writing of checksums knows nothing.
    Ok(bytes)
}

/// The bytes of a bar file; declared as sorted by `uic` and `ts` if the bars are.
///
/// # Errors
/// [`LakeError::Ragged`], [`LakeError::Encode`].
pub fn encode_bars(bars: BarColumns, compression: Compression) -> Result<Vec<u8>, LakeError> {
    let sorted_by = if bars.is_sorted() { vec!["uic".to_owned(), "ts".to_owned()] } else { Vec::new() };
    let table = Table::from(bars.into_batch()?);
    encode_parquet(&table, &EncodeOptions { compression, sorted_by, ..EncodeOptions::default() })
}

pub(crate) fn sorting_columns(table: &Table, names: &[String]) -> Result<Vec<SortingColumn>, LakeError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut sorting = Vec::with_capacity(names.len());
    let mut indices = Vec::with_capacity(names.len());
    for name in names {
        let index = table.schema.index_of(name).map_err(|_| LakeError::MissingColumn {
            file: "to be written".to_owned(),
            column: name.clone(),
            found: table.schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", "),
        })?;
        let leaf = i32::try_from(index).map_err(|error| LakeError::Encode(error.to_string()))?;
        sorting.push(SortingColumn { column_idx: leaf, descending: false, nulls_first: true });
        indices.push(index);
    }
    let failed = |error: arrow::error::ArrowError| LakeError::Encode(error.to_string());
    if table.schema.fields().iter().any(|field| field.data_type().is_nested()) {
        return Err(LakeError::Encode("sorted_by is not possible in a table with nested columns".to_owned()));
    }
    let projected: Vec<RecordBatch> =
        table.batches.iter().map(|batch| batch.project(&indices)).collect::<Result<_, _>>().map_err(failed)?;
    let Some(first) = projected.first() else { return Ok(sorting) };
    let all = concat_batches(&first.schema(), &projected).map_err(failed)?;
    let comparators = all
        .columns()
        .iter()
        .map(|column| make_comparator(column, column, SortOptions::default()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    let out_of_place = (1..all.num_rows()).find(|row| {
        let order = comparators.iter().map(|compare| compare(row - 1, *row)).find(|order| order.is_ne());
        order.is_some_and(std::cmp::Ordering::is_gt)
    });
    match out_of_place {
        Some(row) => Err(LakeError::NotSorted { columns: names.join(", "), row }),
        None => Ok(sorting),
    }
}
