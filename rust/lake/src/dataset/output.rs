//! A Parquet file on its way: written under a temporary name in its folder, synced, and told of by an entry
//! for the manifest.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use exuvia_migrate::evidence::crc32c;
use exuvia_ports::{FileWriter, Files};

use crate::LakeError;
use crate::atomic::{ATTEMPTS, create_temporary, folder_of, make_folder};
use crate::columns::Encoder;
use crate::dataset::declare::Declaration;
use crate::dataset::manifest::FileEntry;
use crate::dataset::rows::{span, symbols};
use crate::dataset::{Day, Group};
use crate::encode::sorting_columns;
use crate::read::Table;

/// Bytes of one write call, and of one part of the checksum.
const CHUNK: usize = 1 << 20;
/// More symbols than this are not listed in the manifest.
const LISTED: usize = 512;
/// So many generations of a day have temporary names of their own.
const GENERATIONS: u64 = (u32::MAX / ATTEMPTS) as u64;

/// A checksum of many bytes: the CRC-32C of the CRC-32Cs of their mebibytes.
#[derive(Debug, Default)]
pub(crate) struct Checksum {
    parts: Vec<u8>,
}

impl Checksum {
    /// Takes the next mebibyte; only the last may be shorter.
    pub(crate) fn add(&mut self, chunk: &[u8]) {
        self.parts.extend(crc32c(chunk).to_le_bytes());
    }

    pub(crate) fn value(&self) -> u32 {
        crc32c(&self.parts)
    }
}

/// A writer of the port as a writer of the standard library, in calls of a mebibyte.
struct Out {
    writer: Box<dyn FileWriter>,
    waiting: Vec<u8>,
    bytes: u64,
    checksum: Checksum,
}

impl Out {
    fn send(&mut self) -> io::Result<()> {
        if !self.waiting.is_empty() {
            self.checksum.add(&self.waiting);
            self.bytes += self.waiting.len() as u64;
            self.writer.write(&self.waiting).map_err(|error| io::Error::other(LakeError::from(error)))?;
            self.waiting.clear();
        }
        Ok(())
    }
}

impl io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.get(..CHUNK - self.waiting.len()).unwrap_or(bytes);
        self.waiting.extend_from_slice(taken);
        if self.waiting.len() == CHUNK {
            self.send()?;
        }
        Ok(taken.len())
    }

    /// Parquet asks for it often; what counts is the sync at the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file of one group that takes its rows in order.
pub(crate) struct Output<'a> {
    files: &'a dyn Files,
    declaration: &'a Declaration,
    encoder: Encoder<Out>,
    temporary: PathBuf,
    relative: PathBuf,
    entry: FileEntry,
    symbols: Option<BTreeSet<String>>,
    last_symbol: String,
}

impl<'a> Output<'a> {
    /// Begins the file of a group, for the manifest of this generation. No two generations of a day share a temporary name:
    /// a reader that has an old manifest in hand would take the file that is being written now for the one it was promised.
    pub(crate) fn create(
        files: &'a dyn Files,
        root: &Path,
        declaration: &'a Declaration,
        place: (Day, Group, u32),
        generation: u64,
        schema: u32,
    ) -> Result<Self, LakeError> {
        let (day, group, part) = place;
        let path = declaration.template()?.render(day, &group, part);
        let target = root.join(&path);
        make_folder(files, folder_of(&target))?;
        let first = u32::try_from(generation % GENERATIONS).unwrap_or_default() * ATTEMPTS;
        let (temporary, writer) = create_temporary(files, &target, false, first)?;
        let out = Out { writer, waiting: Vec::with_capacity(CHUNK), bytes: 0, checksum: Checksum::default() };
        let empty = Table { schema: declaration.schema.clone(), batches: Vec::new() };
        let sorting = sorting_columns(&empty, &declaration.sort_by)?;
        let encoder = Encoder::new(out, &declaration.schema, &declaration.encoding(), sorting)?;
        let relative = Path::new(&path).parent().unwrap_or(Path::new("")).to_path_buf();
        let entry = FileEntry {
            path,
            temporary: None,
            group,
            part,
            rows: 0,
            bytes: 0,
            checksum: 0,
            first: i64::MAX,
            last: i64::MIN,
            schema,
            symbols: None,
        };
        let symbols = declaration.symbol.as_ref().map(|_| BTreeSet::new());
        Ok(Self { files, declaration, encoder, temporary, relative, entry, symbols, last_symbol: String::new() })
    }

    pub(crate) const fn group(&self) -> &Group {
        &self.entry.group
    }

    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        if let Some((first, last)) = span(batch, &self.declaration.time)? {
            self.entry.first = self.entry.first.min(first);
            self.entry.last = self.entry.last.max(last);
        }
        self.entry.rows += batch.num_rows() as u64;
        self.note_symbols(batch)?;
        self.encoder.push(batch)
    }

    fn note_symbols(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let (Some(name), Some(seen)) = (&self.declaration.symbol, &mut self.symbols) else { return Ok(()) };
        let names = symbols(batch, name)?;
        for name in names.as_string::<i32>().iter().flatten() {
            if name != self.last_symbol || seen.is_empty() {
                name.clone_into(&mut self.last_symbol);
                seen.insert(name.to_owned());
            }
        }
        if seen.len() > LISTED {
            self.symbols = None;
        }
        Ok(())
    }

    /// Writes the footer and syncs; the file has its temporary name still.
    pub(crate) fn finish(self) -> Result<FileEntry, LakeError> {
        let mut out = self.encoder.finish()?;
        out.send().map_err(|error| match error.downcast::<LakeError>() {
            Ok(error) => error,
            Err(error) => LakeError::Encode(error.to_string()),
        })?;
        out.writer.sync()?;
        let name = self.temporary.file_name().unwrap_or_default();
        let temporary = self.relative.join(name).to_string_lossy().into_owned();
        self.files.sync_dir(folder_of(&self.temporary))?;
        Ok(FileEntry {
            temporary: Some(temporary),
            bytes: out.bytes,
            checksum: out.checksum.value(),
            symbols: self.symbols.map(|seen| seen.into_iter().collect()),
            ..self.entry
        })
    }
}
