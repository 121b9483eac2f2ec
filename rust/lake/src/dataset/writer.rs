//! The one writer of a dataset: takes rows, makes them durable, seals days. Killed at any point, it leaves what
//! was committed, once.

use std::collections::{BTreeMap, BTreeSet};

use arrow::record_batch::RecordBatch;
use exuvia_ports::{FileLock, FilesError};

use crate::LakeError;
use crate::atomic::make_folder;
use crate::dataset::append::{Appended, by_day, fitted};
use crate::dataset::declare::HOUSE;
use crate::dataset::order::Order;
use crate::dataset::publish::{self, Added};
use crate::dataset::rows::span;
use crate::dataset::segment::{self, OpenRows, SegmentWriter};
use crate::dataset::{Dataset, Day, manifest};

/// Rows of a frame, at most.
const FRAME_ROWS: usize = 1 << 16;
/// Rows that wait in memory before they are written, uncommitted.
const WAITING_ROWS: usize = 1 << 17;

/// What sealing a day did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which day.
    pub day: Day,
    /// Rows that were open and are in files now; 0 if there was nothing to seal.
    pub rows: u64,
    /// The files that were written.
    pub files: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
}

/// The writer of a dataset; there is one at a time.
#[derive(Debug)]
pub struct Writer {
    dataset: Dataset,
    lock: Option<Box<dyn FileLock>>,
    segment: Option<SegmentWriter>,
    /// Number of the next segment.
    next: u64,
    /// The last commit, and its mark.
    sequence: u64,
    mark: Option<String>,
    waiting: BTreeMap<Day, Vec<RecordBatch>>,
    waiting_rows: usize,
    /// Rows since the last commit, written or not.
    uncommitted: usize,
    /// Days that have a manifest, as far as they were looked up.
    sealed: BTreeMap<Day, bool>,
}

impl Dataset {
    /// Becomes the writer, finishes what a killed one began, and finds where it stopped. `holder` is what
    /// another one is told that comes meanwhile.
    ///
    /// # Errors
    /// [`LakeError::Held`] with the name of the present writer; [`LakeError::Files`].
    pub fn writer(&self, holder: &str) -> Result<Writer, LakeError> {
        let files = self.files.as_ref();
        let house = self.root.join(HOUSE);
        make_folder(files, &house)?;
        let lock = files.lock(&house.join("writer.lock"), holder).map_err(|error| match error {
            FilesError::Locked { holder, .. } => LakeError::Held { dataset: self.declaration.name.clone(), holder },
            other => other.into(),
        })?;
        // The schema may have changed since this dataset was opened.
        let dataset = Self::open(std::sync::Arc::clone(&self.files), &self.root)?;
        publish::recover(&dataset)?;
        let open = segment::open(files, &self.root, &self.declaration.name)?;
        let next = segment::list(files, &self.root)?.last().map_or(1, |(number, _)| number + 1);
        let mut writer = Writer {
            dataset,
            lock: Some(lock),
            segment: None,
            next,
            sequence: open.sequence,
            mark: open.mark.clone(),
            waiting: BTreeMap::new(),
            waiting_rows: 0,
            uncommitted: 0,
            sealed: BTreeMap::new(),
        };
        writer.clear_segments()?;
        Ok(writer)
    }
}

impl Writer {
    /// The dataset, with its schema as it is now.
    #[must_use]
    pub const fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// What the last [`Writer::flush`] that counted was marked with, by whatever process: where to go on.
    #[must_use]
    pub fn mark(&self) -> Option<&str> {
        self.mark.as_deref()
    }

    /// Takes rows; they count from the next [`Writer::flush`]. With `convert` columns of other types are
    /// converted, if no value changes.
    ///
    /// # Errors
    /// [`LakeError::Rows`]: nothing of the batch was taken. After [`LakeError::Files`] nothing since the
    /// last flush counts: append it again.
    pub fn append(&mut self, batch: &RecordBatch, convert: bool) -> Result<Appended, LakeError> {
        self.check_open()?;
        let declaration = self.dataset.declaration.clone();
        let fitted = fitted(batch, &declaration, convert)?;
        let mut appended = Appended { rows: fitted.num_rows(), ..Appended::default() };
        let parts = by_day(&fitted, &declaration)?;
        for (day, rows) in &parts {
            appended.days.insert(*day, rows.num_rows());
            if self.is_sealed(*day)? {
                appended.late += rows.num_rows();
            }
        }
        for (day, rows) in parts {
            self.waiting_rows += rows.num_rows();
            self.waiting.entry(day).or_default().push(rows);
        }
        self.uncommitted += appended.rows;
        if self.waiting_rows >= WAITING_ROWS {
            self.or_forget(Self::spill)?;
        }
        Ok(appended)
    }

    /// Makes all rows since the last flush count; when it returns they are durable. The `mark` is kept with
    /// them: who is started again after a kill reads it and goes on behind it, so that no row is lost or doubled.
    /// Returns how many rows.
    ///
    /// # Errors
    /// [`LakeError::Files`]: none of these rows count; append them again.
    pub fn flush(&mut self, mark: Option<&str>) -> Result<usize, LakeError> {
        self.check_open()?;
        if self.uncommitted == 0 && (mark.is_none() || mark == self.mark.as_deref()) {
            return Ok(0);
        }
        self.or_forget(|writer| {
            writer.spill()?;
            let sequence = writer.sequence + 1;
            writer.segment()?.commit(sequence, mark)?;
            writer.sequence = sequence;
            Ok(())
        })?;
        if let Some(mark) = mark {
            self.mark = Some(mark.to_owned());
        }
        Ok(std::mem::take(&mut self.uncommitted))
    }

    /// Flushes, and makes Parquet files of the rows of a day that are open. A day may be sealed again when late
    /// rows have come: they go into another part, or, where the declared path has no `{part}`, into the file.
    ///
    /// # Errors
    /// [`LakeError::Files`]: what was committed stays so; try again.
    pub fn seal(&mut self, day: Day, mark: Option<&str>) -> Result<Sealed, LakeError> {
        self.flush(mark)?;
        let sealed = self.seal_days(&[day])?.pop();
        Ok(sealed.unwrap_or(Sealed { day, rows: 0, files: Vec::new(), bytes: 0 }))
    }

    /// Seals every day that has open rows and lies before `day`; all of them without one.
    ///
    /// # Errors
    /// As [`Writer::seal`]; days that were sealed before the error stay so.
    pub fn seal_before(&mut self, day: Option<Day>, mark: Option<&str>) -> Result<Vec<Sealed>, LakeError> {
        self.flush(mark)?;
        let mut days = self.dataset.open_days()?;
        days.retain(|open| day.is_none_or(|day| *open < day));
        self.seal_days(&days)
    }

    /// Seals those of some days that have open rows.
    fn seal_days(&mut self, days: &[Day]) -> Result<Vec<Sealed>, LakeError> {
        // What an earlier attempt that failed has left.
        publish::recover(&self.dataset)?;
        let files = self.dataset.files.as_ref();
        let parts = self.dataset.declaration.template()?.has("part");
        let mut open: BTreeMap<Day, Vec<OpenRows>> = BTreeMap::new();
        for rows in segment::open(files, &self.dataset.root, &self.dataset.declaration.name)?.rows {
            open.entry(rows.frame.day).or_default().push(rows);
        }
        let mut done = Vec::new();
        for day in days {
            let manifest = manifest::load(files, &self.dataset.root, *day)?;
            let mut rows = open.remove(day).unwrap_or_default();
            rows.retain(|rows| rows.frame.sequence > manifest.consumed);
            if rows.is_empty() {
                continue;
            }
            let count = rows.iter().map(|rows| u64::from(rows.frame.rows)).sum();
            let into: Vec<_> =
                if parts { Vec::new() } else { manifest.files.iter().map(|file| file.path.clone()).collect() };
            let Added { files, bytes } = publish::publish(&self.dataset, manifest, &rows, &into, self.sequence)?;
            self.sealed.insert(*day, true);
            done.push(Sealed { day: *day, rows: count, files, bytes });
        }
        if !done.is_empty() {
            // A fresh segment keeps number and mark of the last commit, so that the others can go.
            self.segment = None;
            self.segment()?;
            self.clear_segments()?;
        }
        Ok(done)
    }

    /// Lets the lock go; rows since the last flush are given up, as when it is dropped.
    pub fn close(&mut self) {
        self.segment = None;
        self.waiting.clear();
        self.lock = None;
    }

    pub(crate) const fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(crate) fn check_open(&self) -> Result<(), LakeError> {
        if self.lock.is_some() {
            return Ok(());
        }
        Err(LakeError::Closed { dataset: self.dataset.declaration.name.clone() })
    }

    pub(crate) fn replace_dataset(&mut self, dataset: Dataset) {
        self.dataset = dataset;
    }

    fn is_sealed(&mut self, day: Day) -> Result<bool, LakeError> {
        if let Some(known) = self.sealed.get(&day) {
            return Ok(*known);
        }
        let sealed = manifest::load(self.dataset.files.as_ref(), &self.dataset.root, day)?.generation > 0;
        self.sealed.insert(day, sealed);
        Ok(sealed)
    }

    fn segment(&mut self) -> Result<&mut SegmentWriter, LakeError> {
        let segment = match self.segment.take() {
            Some(segment) => segment,
            None => {
                let (files, root) = (self.dataset.files.as_ref(), &self.dataset.root);
                let last = (self.sequence, self.mark.as_deref());
                let number = self.next;
                // A number is used once, also by an attempt that failed.
                self.next += 1;
                SegmentWriter::create(files, root, &self.dataset.declaration.name, number, last)?
            }
        };
        Ok(self.segment.insert(segment))
    }

    /// Writes what waits in memory, without letting it count.
    fn spill(&mut self) -> Result<(), LakeError> {
        let declaration = self.dataset.declaration.clone();
        let (version, sequence) = (self.dataset.version(), self.sequence + 1);
        let order = Order::new(&declaration)?;
        self.waiting_rows = 0;
        for (day, batches) in std::mem::take(&mut self.waiting) {
            let all = match batches.as_slice() {
                [one] => one.clone(),
                more => arrow::compute::concat_batches(&declaration.schema, more).map_err(super::rows::failed)?,
            };
            let mut from = 0;
            while from < all.num_rows() {
                let rows = order.sorted(&all.slice(from, FRAME_ROWS.min(all.num_rows() - from)))?;
                let Some(times) = span(&rows, &declaration.time)? else { break };
                self.segment()?.rows(sequence, day, version, times, &rows)?;
                from += rows.num_rows();
            }
        }
        Ok(())
    }

    /// After an error nobody knows what is in the segment: the rows since the last commit are given up, and an
    /// empty commit of the same number says so, in another segment.
    fn or_forget(&mut self, work: impl FnOnce(&mut Self) -> Result<(), LakeError>) -> Result<(), LakeError> {
        let worked = work(self);
        if worked.is_err() {
            self.waiting.clear();
            (self.waiting_rows, self.uncommitted) = (0, 0);
            self.segment = None;
            let sequence = self.sequence + 1;
            let said = self.segment().and_then(|segment| segment.commit(sequence, None));
            // On a full disk it fails too; then the next commit, which has this number, stands for it.
            if said.is_ok() {
                self.sequence = sequence;
            } else {
                self.segment = None;
            }
        }
        worked
    }

    /// Removes segments all of whose rows are in files. The newest one stays: it knows the last commit.
    fn clear_segments(&mut self) -> Result<(), LakeError> {
        let (files, root) = (self.dataset.files.as_ref(), &self.dataset.root);
        let open = segment::open(files, root, &self.dataset.declaration.name)?;
        let Some(newest) = open.segments.iter().filter(|(_, highest)| highest.is_some()).map(|(of, _)| of.number).max()
        else {
            return Ok(());
        };
        let mut consumed = BTreeMap::new();
        let mut needed = BTreeSet::new();
        for rows in &open.rows {
            let day = rows.frame.day;
            let upto = match consumed.get(&day) {
                Some(upto) => *upto,
                None => *consumed.entry(day).or_insert(manifest::load(files, root, day)?.consumed),
            };
            if rows.frame.sequence > upto {
                needed.insert(rows.segment.number);
            }
        }
        // From the oldest on: a commit that stands for an earlier one must not go before it.
        let idle = |segment: &segment::Segment| segment.number < newest && !needed.contains(&segment.number);
        for (segment, _) in open.segments.iter().take_while(|(segment, _)| idle(segment)) {
            files.remove(&segment.path)?;
        }
        files.sync_dir(&segment::folder(root))?;
        Ok(())
    }
}
