//! What a dataset holds, and whether every byte of it is as it was written.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;

use crate::LakeError;
use crate::dataset::manifest::FileEntry;
use crate::dataset::order::Order;
use crate::dataset::output::Checksum;
use crate::dataset::parquet_file::{ParquetFile, open_entry};
use crate::dataset::rows::span;
use crate::dataset::{Dataset, Day, Version};

/// Bytes of a checksum's part.
const CHUNK: usize = 1 << 20;

/// A day of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayState {
    /// Which day.
    pub day: Day,
    /// Its files.
    pub files: Vec<FileEntry>,
    /// Rows that are not sealed.
    pub open_rows: u64,
}

impl DayState {
    /// Rows in files.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}

/// What a dataset holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// The days, in order.
    pub days: Vec<DayState>,
    /// The mark of the last commit.
    pub mark: Option<String>,
    /// The versions of the schema.
    pub versions: Vec<Version>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

/// What a verification looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Parquet files of which every byte was read.
    pub files: usize,
    /// Rows that were decoded, open ones included.
    pub rows: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is no fault, and good to know: what a killed writer left, for one.
    pub notes: Vec<Problem>,
}

impl Dataset {
    /// What it holds.
    ///
    /// # Errors
    /// Those of reading.
    pub fn list(&self) -> Result<Listing, LakeError> {
        let (view, ()) = self.at_one_instant(|_| Ok(()))?;
        let mut days: BTreeMap<Day, DayState> = BTreeMap::new();
        for rows in view.open_rows() {
            let day = rows.frame.day;
            let state = days.entry(day).or_insert(DayState { day, files: Vec::new(), open_rows: 0 });
            state.open_rows += u64::from(rows.frame.rows);
        }
        for manifest in view.days.values() {
            let day = manifest.day;
            let state = days.entry(day).or_insert(DayState { day, files: Vec::new(), open_rows: 0 });
            state.files.clone_from(&manifest.files);
        }
        let now = Self::open(std::sync::Arc::clone(&self.files), &self.root)?;
        Ok(Listing { days: days.into_values().collect(), mark: view.open.mark, versions: now.versions })
    }

    /// Reads every byte of it: checksums, footers, every page, the order of rows, their days, and open rows.
    ///
    /// # Errors
    /// [`LakeError::Files`] if the disk itself fails; what is wrong with the data is in the result.
    pub fn verify(&self) -> Result<Verified, LakeError> {
        let mut found = Verified::default();
        let problem = |path: &str, what: String| Problem { path: path.to_owned(), what };
        let now = Self::open(std::sync::Arc::clone(&self.files), &self.root)?;
        let view = match now.at_one_instant(|_| Ok(())) {
            Ok((view, ())) => view,
            Err(LakeError::DamagedSegment { file, at, reason }) => {
                found.problems.push(problem(&file, format!("at byte {at}: {reason}")));
                return Ok(found);
            }
            Err(error) => return Err(error),
        };
        for manifest in view.days.values() {
            for entry in &manifest.files {
                match now.verify_file(manifest.day, entry) {
                    Ok(None) => {}
                    Ok(Some(what)) => found.problems.push(problem(&entry.path, what)),
                    Err(error) => found.problems.push(problem(&entry.path, error.to_string())),
                }
                found.files += 1;
                found.rows += entry.rows;
                found.bytes += entry.bytes;
            }
        }
        for rows in view.open_rows() {
            match now.schema_of(rows.frame.schema).and_then(|schema| rows.read(schema)) {
                Ok(batch) => found.rows += batch.num_rows() as u64,
                Err(error) => found.problems.push(problem(&rows.segment.name, error.to_string())),
            }
            found.bytes += rows.frame.stride();
        }
        for (path, at, bytes) in &view.open.torn {
            let what = format!(
                "{bytes} bytes behind byte {at} were never committed: a writer was killed there, or is writing now"
            );
            found.notes.push(problem(path, what));
        }
        Ok(found)
    }

    /// What is wrong with a file; nothing if it is as it was written.
    fn verify_file(&self, day: Day, entry: &FileEntry) -> Result<Option<String>, LakeError> {
        let reader = open_entry(self.files.as_ref(), &self.root, entry)?;
        let mut checksum = Checksum::default();
        let mut at = 0;
        while at < entry.bytes {
            let bytes = reader.read_at(at, CHUNK)?;
            if bytes.is_empty() {
                return Ok(Some(format!("it has {at} bytes, and the manifest says {}", entry.bytes)));
            }
            checksum.add(&bytes);
            at += bytes.len() as u64;
        }
        if checksum.value() != entry.checksum {
            return Ok(Some("its bytes are not those that were written: take it from a backup".to_owned()));
        }
        let file = ParquetFile::open(self.files.as_ref(), &self.root, entry)?;
        let order = Order::new(&self.declaration)?;
        let (mut rows, mut last): (u64, Option<Vec<u8>>) = (0, None);
        for (group, _) in file.groups() {
            for batch in file.row_group(group)?.batches {
                let batch = super::rows::adapted(&batch, &self.declaration.schema)?;
                rows += batch.num_rows() as u64;
                if let Some(what) = out_of_place(&batch, day, &self.declaration.time, &order, &mut last)? {
                    return Ok(Some(what));
                }
            }
        }
        Ok((rows != entry.rows).then(|| format!("it has {rows} rows, and the manifest says {}", entry.rows)))
    }
}

fn out_of_place(
    batch: &RecordBatch,
    day: Day,
    time: &str,
    order: &Order<'_>,
    last: &mut Option<Vec<u8>>,
) -> Result<Option<String>, LakeError> {
    if let Some((first, until)) = span(batch, time)?
        && (Day::of(first) != day || Day::of(until) != day)
    {
        return Ok(Some(format!("it has rows of {} to {}, and belongs to {day}", Day::of(first), Day::of(until))));
    }
    let Some(keys) = order.keys(batch)? else { return Ok(None) };
    let rows = batch.num_rows();
    let first_after = |last: &Vec<u8>| rows > 0 && keys.row(0).as_ref() < last.as_slice();
    if last.as_ref().is_some_and(first_after) || (1..rows).any(|row| keys.row(row) < keys.row(row - 1)) {
        return Ok(Some("its rows are not in the declared order".to_owned()));
    }
    if let Some(row) = rows.checked_sub(1) {
        *last = Some(keys.row(row).as_ref().to_vec());
    }
    Ok(None)
}
