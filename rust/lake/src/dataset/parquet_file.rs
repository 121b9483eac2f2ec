//! A Parquet file of a dataset, read in parts: the footer, then what of the row groups is asked for.

use std::io::{BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use exuvia_ports::{FileReader, Files};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::{ChunkReader, Length};

use crate::LakeError;
use crate::dataset::manifest::FileEntry;
use crate::read::Table;

/// Rows of a batch.
pub(crate) const BATCH: usize = 1 << 16;

/// An open file of the port, as Parquet's reader wants it.
#[derive(Debug, Clone)]
pub(crate) struct Chunks {
    reader: Arc<dyn FileReader>,
    length: u64,
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<Tail>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(Tail { chunks: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.reader.read_at(start, length).map_err(|error| ParquetError::External(Box::new(error)))?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} are beyond the end")));
        }
        Ok(Bytes::from(bytes))
    }
}

/// Bytes from a place on.
#[derive(Debug)]
pub(crate) struct Tail {
    chunks: Chunks,
    at: u64,
}

impl Read for Tail {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.chunks.reader.read_at(self.at, into.len()).map_err(std::io::Error::other)?;
        self.at += bytes.len() as u64;
        for (to, from) in into.iter_mut().zip(&bytes) {
            *to = *from;
        }
        Ok(bytes.len())
    }
}

/// An open file of the dataset.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    name: String,
    chunks: Chunks,
    metadata: ArrowReaderMetadata,
}

impl ParquetFile {
    /// Opens a file of the manifest, under whichever of its names it has at the moment.
    pub(crate) fn open(files: &dyn Files, root: &Path, entry: &FileEntry) -> Result<Self, LakeError> {
        let reader = open_entry(files, root, entry)?;
        let name = root.join(&entry.path).display().to_string();
        let length = reader.length()?;
        if length != entry.bytes {
            let reason = format!("the day's manifest says {} bytes: another tool has changed it", entry.bytes);
            return Err(LakeError::Damaged {
                file: name,
                length: usize::try_from(length).unwrap_or(usize::MAX),
                reason,
            });
        }
        Self::of(name, reader.into(), length)
    }

    fn of(name: String, reader: Arc<dyn FileReader>, length: u64) -> Result<Self, LakeError> {
        let chunks = Chunks { reader, length };
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let loaded = calm(|| ArrowReaderMetadata::load(&chunks, options));
        let metadata = loaded.map_err(|error| damaged(&name, length, &error))?;
        Ok(Self { name, chunks, metadata })
    }

    pub(crate) const fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    /// The row groups, and how many rows each has.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (usize, usize)> {
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        groups.map(|(number, group)| (number, usize::try_from(group.num_rows()).unwrap_or_default()))
    }

    pub(crate) fn builder(&self) -> ParquetRecordBatchReaderBuilder<Chunks> {
        ParquetRecordBatchReaderBuilder::new_with_metadata(self.chunks.clone(), self.metadata.clone())
            .with_batch_size(BATCH)
    }

    /// All rows of a row group.
    pub(crate) fn row_group(&self, number: usize) -> Result<Table, LakeError> {
        let failed = |error: ParquetError| self.damaged(&error);
        let mut reader = calm(|| self.builder().with_row_groups(vec![number]).build()).map_err(failed)?;
        let mut batches = Vec::new();
        while let Some(batch) = self.next(&mut reader)? {
            batches.push(batch);
        }
        Ok(Table { schema: Arc::clone(self.metadata.schema()), batches })
    }

    /// The next batch of a reader of this file.
    pub(crate) fn next(&self, reader: &mut ParquetRecordBatchReader) -> Result<Option<RecordBatch>, LakeError> {
        calm(|| reader.next().transpose().map_err(ParquetError::from)).map_err(|error| self.damaged(&error))
    }

    pub(crate) fn damaged(&self, error: &ParquetError) -> LakeError {
        damaged(&self.name, self.chunks.length, error)
    }
}

/// Opens what an entry means. Its name leads to an older file until the temporary one was renamed.
pub(crate) fn open_entry(files: &dyn Files, root: &Path, entry: &FileEntry) -> Result<Box<dyn FileReader>, LakeError> {
    if let Some(temporary) = &entry.temporary {
        match files.open(&root.join(temporary)) {
            Err(error) if error.is_not_found() => {}
            other => return Ok(other?),
        }
    }
    Ok(files.open(&root.join(&entry.path))?)
}

fn damaged(file: &str, length: u64, error: &ParquetError) -> LakeError {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    LakeError::Damaged { file: file.to_owned(), length, reason: error.to_string() }
}

/// The decoder asserts about bytes that it did not write; a damaged file must not look like a defect of ours.
pub(crate) fn calm<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ParquetError::General("its pages contradict its footer".to_owned())))
}
