//! A reader that is slow at any place. Every state of the disk while a writer flushes, seals and compacts is kept; a reader
//! then sees an early state up to one of its operations and a later state from there on. Whatever it meets, it finds what was
//! true at one instant, and never calls a file damaged because it came late.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use exuvia_lake::{Dataset, Day, Declaration, LakeError, Query};
use exuvia_ports::{Create, FileLock, FileReader, FileWriter, Files, FilesError, SimFiles, Stamp};

const DAY: i64 = 86_400_000_000_000;
const ROOT: &str = "/lake/ticks";

fn ticks() -> SchemaRef {
    let utc = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("symbol", DataType::Utf8, false),
        Field::new("ts", utc, false),
        Field::new("number", DataType::Int64, false),
    ]))
}

/// Rows `from..to`: 50 to a day of three symbols, or 2,000 of more.
fn rows(from: i64, to: i64) -> RecordBatch {
    rows_of(3, from, to)
}

fn rows_of(symbols: i64, from: i64, to: i64) -> RecordBatch {
    let first: Day = "2026-02-03".parse().unwrap();
    let of_day = if symbols == 3 { 50 } else { 2_000 };
    let stamps = (from..to).map(|n| first.start() + n / of_day * DAY + n % of_day * 1_000_000_000);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values((from..to).map(|n| format!("S{}", n % symbols)))),
        Arc::new(TimestampNanosecondArray::from_iter_values(stamps).with_timezone("UTC")),
        Arc::new(Int64Array::from_iter_values(from..to)),
    ];
    RecordBatch::try_new(ticks(), columns).unwrap()
}

fn numbers(dataset: &Dataset) -> Result<Vec<i64>, LakeError> {
    let mut found = Vec::new();
    for batch in &dataset.scan(&Query::default())?.into_table()?.batches {
        found.extend_from_slice(batch.column_by_name("number").unwrap().as_primitive::<Int64Type>().values());
    }
    found.sort_unstable();
    Ok(found)
}

/// What lies on the disk at one moment, and how many rows were flushed and appended by then.
#[derive(Debug, Clone)]
struct Moment {
    files: BTreeMap<PathBuf, Arc<Vec<u8>>>,
    flushed: i64,
    appended: i64,
}

/// A disk that keeps what it held after each change.
#[derive(Debug, Clone)]
struct Recorded {
    disk: SimFiles,
    past: Arc<Mutex<Vec<Moment>>>,
    rows: Arc<Mutex<(i64, i64)>>,
}

impl Recorded {
    fn note<T>(&self, done: Result<T, FilesError>) -> Result<T, FilesError> {
        let mut past = self.past.lock().unwrap();
        let before = past.last().map(|moment| moment.files.clone()).unwrap_or_default();
        let mut files = BTreeMap::new();
        let mut waiting = vec![PathBuf::from("/")];
        while let Some(folder) = waiting.pop() {
            for path in self.disk.list(&folder).unwrap_or_default() {
                if self.disk.is_dir(&path) {
                    waiting.push(path);
                    continue;
                }
                let bytes = self.disk.read(&path).unwrap();
                let same = before.get(&path).filter(|kept| ***kept == bytes).cloned();
                files.insert(path, same.unwrap_or_else(|| Arc::new(bytes)));
            }
        }
        if before != files {
            let (flushed, appended) = *self.rows.lock().unwrap();
            past.push(Moment { files, flushed, appended });
        }
        done
    }
}

impl Files for Recorded {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError> {
        self.disk.read(path)
    }
    fn open(&self, path: &Path) -> Result<Box<dyn FileReader>, FilesError> {
        self.disk.open(path)
    }
    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn FileLock>, FilesError> {
        self.disk.lock(path, holder)
    }
    fn create(&self, path: &Path, how: Create) -> Result<Box<dyn FileWriter>, FilesError> {
        let writer = self.note(self.disk.create(path, how))?;
        Ok(Box::new(Noted { writer, disk: self.clone() }))
    }
    fn append(&self, path: &Path) -> Result<Box<dyn FileWriter>, FilesError> {
        let writer = self.note(self.disk.append(path))?;
        Ok(Box::new(Noted { writer, disk: self.clone() }))
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FilesError> {
        self.note(self.disk.rename(from, to))
    }
    fn sync_dir(&self, folder: &Path) -> Result<(), FilesError> {
        self.disk.sync_dir(folder)
    }
    fn remove(&self, path: &Path) -> Result<(), FilesError> {
        self.note(self.disk.remove(path))
    }
    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, FilesError> {
        self.disk.list(folder)
    }
    fn exists(&self, path: &Path) -> bool {
        self.disk.exists(path)
    }
    fn stamp(&self, path: &Path) -> Result<Stamp, FilesError> {
        self.disk.stamp(path)
    }
    fn is_dir(&self, path: &Path) -> bool {
        self.disk.is_dir(path)
    }
    fn create_dir_all(&self, folder: &Path) -> Result<(), FilesError> {
        self.disk.create_dir_all(folder)
    }
}

#[derive(Debug)]
struct Noted {
    writer: Box<dyn FileWriter>,
    disk: Recorded,
}

impl FileWriter for Noted {
    fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        let written = self.writer.write(bytes);
        self.disk.note(written)
    }
    fn sync(&mut self) -> Result<(), FilesError> {
        self.writer.sync()
    }
}

/// The disk as a slow reader meets it: one moment for its first operations, another for the rest.
#[derive(Debug)]
struct Slow {
    early: Moment,
    late: Moment,
    operations: AtomicUsize,
    turn: usize,
}

impl Slow {
    fn now(&self) -> &BTreeMap<PathBuf, Arc<Vec<u8>>> {
        let number = self.operations.fetch_add(1, Ordering::Relaxed);
        if number < self.turn { &self.early.files } else { &self.late.files }
    }
    fn found(&self, operation: &'static str, path: &Path) -> Result<Arc<Vec<u8>>, FilesError> {
        let missing = || FilesError::NotFound { operation, path: path.to_path_buf() };
        self.now().get(path).cloned().ok_or_else(missing)
    }
}

fn refused<T>(path: &Path) -> Result<T, FilesError> {
    Err(FilesError::Denied { operation: "change", path: path.to_path_buf() })
}

impl Files for Slow {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError> {
        self.found("read", path).map(|bytes| bytes.to_vec())
    }
    fn open(&self, path: &Path) -> Result<Box<dyn FileReader>, FilesError> {
        self.found("open", path).map(|bytes| Box::new(Held(bytes)) as Box<dyn FileReader>)
    }
    fn lock(&self, path: &Path, _holder: &str) -> Result<Box<dyn FileLock>, FilesError> {
        refused(path)
    }
    fn create(&self, path: &Path, _how: Create) -> Result<Box<dyn FileWriter>, FilesError> {
        refused(path)
    }
    fn append(&self, path: &Path) -> Result<Box<dyn FileWriter>, FilesError> {
        refused(path)
    }
    fn rename(&self, from: &Path, _to: &Path) -> Result<(), FilesError> {
        refused(from)
    }
    fn sync_dir(&self, folder: &Path) -> Result<(), FilesError> {
        refused(folder)
    }
    fn remove(&self, path: &Path) -> Result<(), FilesError> {
        refused(path)
    }
    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, FilesError> {
        let below =
            self.now().keys().filter_map(|path| Some(folder.join(path.strip_prefix(folder).ok()?.iter().next()?)));
        let found: BTreeSet<PathBuf> = below.collect();
        if found.is_empty() {
            return Err(FilesError::NotFound { operation: "list", path: folder.to_path_buf() });
        }
        Ok(found.into_iter().collect())
    }
    fn exists(&self, path: &Path) -> bool {
        self.now().keys().any(|there| there.starts_with(path))
    }
    fn stamp(&self, path: &Path) -> Result<Stamp, FilesError> {
        let length = self.found("look at", path)?.len() as u64;
        Ok(Stamp { identity: 0, length, modified: 0, mode: None })
    }
    fn is_dir(&self, path: &Path) -> bool {
        self.now().keys().any(|there| there.starts_with(path) && there != path)
    }
    fn create_dir_all(&self, folder: &Path) -> Result<(), FilesError> {
        refused(folder)
    }
}

/// An open file stays what it was when it was opened.
#[derive(Debug)]
struct Held(Arc<Vec<u8>>);

impl FileReader for Held {
    fn length(&self) -> Result<u64, FilesError> {
        Ok(self.0.len() as u64)
    }
    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, FilesError> {
        let from = usize::try_from(offset).unwrap().min(self.0.len());
        Ok(self.0[from..from.saturating_add(length).min(self.0.len())].to_vec())
    }
}

/// All moments of a writer that flushes, seals, seals again what came late, and compacts.
fn history(path: &str) -> Vec<Moment> {
    let disk = Recorded { disk: SimFiles::new(), past: Arc::default(), rows: Arc::default() };
    let declaration =
        Declaration { buckets: 2, path: path.into(), ..Declaration::new("ticks", ticks(), "ts", Some("symbol")) };
    let dataset = Dataset::create(Arc::new(disk.clone()), Path::new(ROOT), declaration).unwrap();
    let mut writer = dataset.writer("a").unwrap();
    for (number, to) in [20, 45, 60, 62, 90, 110, 112].into_iter().enumerate() {
        let (from, _) = *disk.rows.lock().unwrap();
        disk.rows.lock().unwrap().1 = to;
        // Late rows of the first day go with each flush, so that its files are made anew again and again.
        writer.append(&rows(from, to), true).unwrap();
        writer.flush(None).unwrap();
        disk.rows.lock().unwrap().0 = to;
        for day in dataset.open_days().unwrap() {
            writer.seal(day, None).unwrap();
        }
        if number % 2 == 1 {
            writer.compact(None).unwrap();
        }
    }
    drop(writer);
    let past = disk.past.lock().unwrap();
    past.clone()
}

#[test]
fn a_reader_that_is_overtaken_at_any_of_its_steps_finds_one_instant_and_no_damage() {
    for path in ["{yyyymmdd}/{bucket}.parquet", "date={date}/bucket={bucket}/part-{part}.parquet"] {
        let past = history(path);
        let whole =
            past.iter().position(|moment| moment.files.keys().any(|path| path.ends_with("dataset.json"))).unwrap();
        assert!(past.len() > 100, "{} moments", past.len());
        let (mut turned, mut cases) = (0, 0);
        for early in (whole..past.len()).step_by(2) {
            // Near moments meet the steps of one seal, far ones a writer that is two seals ahead.
            for late in (early + 1..past.len().min(early + 12)).chain((early + 12..past.len()).step_by(17)) {
                for turn in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15].into_iter().skip((early + late) % 3).step_by(3) {
                    let (early, late) = (past[early].clone(), past[late].clone());
                    let (least, most) = (early.flushed, late.appended);
                    let slow = Arc::new(Slow { early, late, operations: AtomicUsize::new(0), turn });
                    let told = format!("{path}, overtaken before operation {turn}");
                    let dataset = Dataset::open(Arc::clone(&slow) as Arc<dyn Files>, Path::new(ROOT)).expect(&told);
                    let found = numbers(&dataset).unwrap_or_else(|error| panic!("{told}: {error}"));
                    let count = found.len() as i64;
                    assert!(found.iter().copied().eq(0..count), "{told}: a row is missing or there twice");
                    assert!((least..=most).contains(&count), "{told}: {count} rows, {least} to {most} were committed");
                    turned += usize::from(slow.operations.load(Ordering::Relaxed) > turn);
                    cases += 1;
                }
            }
        }
        assert!(turned * 2 > cases, "{turned} of {cases} readers were overtaken");
    }
}

/// A scan of more files than it holds open, with a second seal of the day between its first batch and the next: how many batches
/// came, how many rows, and what ended it.
fn overtaken_while_it_reads(path: &str) -> (usize, usize, Option<LakeError>) {
    let declared = Declaration::new("ticks", ticks(), "ts", Some("symbol"));
    let declaration = Declaration { path: path.into(), ..declared };
    let dataset = Dataset::create(Arc::new(SimFiles::new()), Path::new(ROOT), declaration).unwrap();
    let mut writer = dataset.writer("a").unwrap();
    let mut seal = |from, to| {
        writer.append(&rows_of(300, from, to), true).unwrap();
        writer.flush(None).unwrap();
        writer.seal("2026-02-03".parse().unwrap(), None).unwrap();
    };
    seal(0, 600);
    assert_eq!(dataset.scan(&Query::default()).unwrap().into_table().unwrap().rows(), 600);
    let mut scan = dataset.scan(&Query::default()).unwrap();
    let first = scan.next().unwrap().unwrap();
    seal(600, 1_200);
    let (mut batches, mut rows, mut ended) = (1, first.num_rows(), None);
    for batch in scan {
        match batch {
            Ok(batch) => (batches, rows) = (batches + 1, rows + batch.num_rows()),
            Err(error) => ended = Some(error),
        }
    }
    (batches, rows, ended)
}

#[test]
fn a_file_that_is_opened_long_after_the_look_and_was_replaced_ends_the_scan() {
    let (batches, _, ended) = overtaken_while_it_reads("{yyyymmdd}/{symbol}.parquet");
    assert!(batches >= 256, "what was open stays as it is: {batches}");
    assert!(matches!(ended, Some(LakeError::Restless { tries: 1, .. })), "{ended:?}");
}

#[test]
fn files_that_a_newer_day_has_still_are_read_to_their_end() {
    let (batches, rows, ended) = overtaken_while_it_reads("{yyyymmdd}/{symbol}-{part}.parquet");
    assert_eq!((batches, rows), (300, 600), "{ended:?}");
    assert!(ended.is_none(), "{ended:?}");
}
