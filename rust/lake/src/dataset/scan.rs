//! A dataset as one table, as it was at one instant: files of sealed days and rows of the open ones, reduced to
//! the time, the symbols and the columns that are asked for before they are decoded, a batch at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::{and, filter_record_batch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::errors::ParquetError;

use crate::dataset::filter::Filter;
use crate::dataset::manifest::{FileEntry, Manifest};
use crate::dataset::parquet_file::calm;
use crate::dataset::rows::{adapted, failed, symbols};
use crate::dataset::segment::{Open, OpenRows};
use crate::dataset::{Dataset, Day, manifest, segment};
use crate::{LakeError, Table};

pub(crate) use crate::dataset::parquet_file::ParquetFile;

/// How often a scan looks anew because the dataset changed meanwhile.
const TRIES: u32 = 50;
/// Files that a scan opens before its first batch: what is open stays as it is. Further ones are opened
/// when their turn comes, and looked at whether they are still the same.
const HELD: usize = 256;

/// Which rows and columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Columns, in their order; all without it.
    pub columns: Option<Vec<String>>,
    /// The first time, UTC nanoseconds.
    pub from: Option<i64>,
    /// The time before which it ends.
    pub to: Option<i64>,
    /// Symbols, numbers as their digits.
    pub symbols: Option<Vec<String>>,
}

/// What a scan did and could leave out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanStats {
    /// Files that were read.
    pub files: usize,
    /// Files that were not, by what the manifest says of them.
    pub files_skipped: usize,
    /// Row groups that were read.
    pub groups: usize,
    /// Row groups that were not, by statistics or bloom filter.
    pub groups_skipped: usize,
    /// Those of them that the bloom filter alone excluded.
    pub bloom_skipped: usize,
    /// Batches of open rows that were read.
    pub open: usize,
    /// Batches of open rows that were not.
    pub open_skipped: usize,
    /// Rows that came out so far.
    pub rows: usize,
}

/// Batches of the rows that were asked for: day by day, sealed files first, open rows after them.
#[derive(Debug)]
pub struct Scan {
    dataset: Dataset,
    filter: Filter,
    schema: SchemaRef,
    waiting: VecDeque<Source>,
    reading: Option<(Arc<ParquetFile>, ParquetRecordBatchReader)>,
    stats: ScanStats,
}

#[derive(Debug)]
enum Source {
    Held(Arc<ParquetFile>, FileEntry),
    /// With the day and the generation of its manifest.
    Named(FileEntry, (Day, u64)),
    Open(OpenRows),
}

/// A dataset at one instant.
pub(crate) struct View {
    pub days: BTreeMap<Day, Manifest>,
    pub open: Open,
}

impl Dataset {
    /// The rows that are asked for.
    ///
    /// # Errors
    /// [`LakeError::MissingColumn`], [`LakeError::UnknownSymbol`]; those of reading.
    pub fn scan(&self, query: &Query) -> Result<Scan, LakeError> {
        let filter = Filter::new(query, &self.declaration)?;
        let mut stats = ScanStats::default();
        let wanted = |day| filter.of_day(day);
        let (view, waiting) = self.look(&wanted, |view| self.sources(view, &filter, &mut stats))?;
        // After the look: the schema may have changed since this dataset was opened, and every row that was seen
        // has a version that is known now.
        let dataset = Self::open(Arc::clone(&self.files), &self.root)?;
        let schema = dataset.projected(query.columns.as_deref())?;
        dataset.check_symbols(query, &view)?;
        Ok(Scan { dataset, filter, schema, waiting, reading: None, stats })
    }

    /// The symbols that rows have, sorted.
    ///
    /// # Errors
    /// Those of reading.
    pub fn symbols(&self) -> Result<Vec<String>, LakeError> {
        let (view, ()) = self.at_one_instant(|_| Ok(()))?;
        Ok(self.symbols_of(&view)?.into_iter().collect())
    }

    /// The days with rows that are not sealed.
    ///
    /// # Errors
    /// Those of reading.
    pub fn open_days(&self) -> Result<Vec<Day>, LakeError> {
        let (view, ()) = self.at_one_instant(|_| Ok(()))?;
        Ok(view.open_rows().map(|rows| rows.frame.day).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// [`Dataset::look`] at all days.
    pub(crate) fn at_one_instant<T>(
        &self,
        work: impl FnMut(&View) -> Result<T, LakeError>,
    ) -> Result<(View, T), LakeError> {
        self.look(&|_| true, work)
    }

    /// Looks at the manifests and open rows of some days, does `work`, and looks whether a writer has changed them
    /// meanwhile: then it begins anew.
    fn look<T>(
        &self,
        wanted: &dyn Fn(Day) -> bool,
        mut work: impl FnMut(&View) -> Result<T, LakeError>,
    ) -> Result<(View, T), LakeError> {
        let files = self.files.as_ref();
        let manifests = || -> Result<BTreeMap<Day, Manifest>, LakeError> {
            let days = manifest::days(files, &self.root)?.into_iter().filter(|day| wanted(*day));
            days.map(|day| Ok((day, manifest::load(files, &self.root, day)?))).collect()
        };
        let mut again = None;
        for _ in 0..TRIES {
            let days = manifests()?;
            let before: Vec<_> = days.values().map(|manifest| (manifest.day, manifest.generation)).collect();
            let seen = segment::open(files, &self.root, &self.declaration.name).and_then(|open| {
                let mut view = View { days, open };
                // What of other days is sealed is not known here.
                view.open.rows.retain(|rows| wanted(rows.frame.day));
                work(&view).map(|made| (view, made))
            });
            let now = manifests()?;
            let same = before.len() == now.len()
                && before.iter().zip(now.values()).all(|(one, two)| *one == (two.day, two.generation));
            match seen {
                Ok(made) if same => return Ok(made),
                // Sealed or compacted between the look and the opening. A segment goes after its manifest came.
                Err(error) if !same || error.is_not_found() => again = Some(error),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        // What is missing each time is missing.
        Err(again.unwrap_or(LakeError::Restless { dataset: self.declaration.name.clone(), tries: TRIES }))
    }

    fn sources(&self, view: &View, filter: &Filter, stats: &mut ScanStats) -> Result<VecDeque<Source>, LakeError> {
        *stats = ScanStats::default();
        let mut by_day: BTreeMap<Day, Vec<Source>> = BTreeMap::new();
        let of_day = |manifest: &'_ Manifest| (manifest.day, manifest.generation);
        let entries =
            view.days.values().flat_map(|manifest| manifest.files.iter().map(move |file| (of_day(manifest), file)));
        for ((day, generation), entry) in entries {
            if !filter.of_file(entry) {
                stats.files_skipped += 1;
                continue;
            }
            let source = if stats.files < HELD {
                Source::Held(Arc::new(ParquetFile::open(self.files.as_ref(), &self.root, entry)?), entry.clone())
            } else {
                Source::Named(entry.clone(), (day, generation))
            };
            stats.files += 1;
            by_day.entry(day).or_default().push(source);
        }
        for rows in view.open_rows() {
            if filter.of_day(rows.frame.day) && filter.of_span(rows.frame.first, rows.frame.last) {
                stats.open += 1;
                by_day.entry(rows.frame.day).or_default().push(Source::Open(rows.clone()));
            } else {
                stats.open_skipped += 1;
            }
        }
        Ok(by_day.into_values().flatten().collect())
    }

    fn projected(&self, columns: Option<&[String]>) -> Result<SchemaRef, LakeError> {
        let Some(columns) = columns else { return Ok(Arc::clone(&self.declaration.schema)) };
        let field = |name: &String| {
            self.declaration.schema.field_with_name(name).cloned().map_err(|_| LakeError::MissingColumn {
                file: format!("of dataset '{}'", self.declaration.name),
                column: name.clone(),
                found: self
                    .declaration
                    .schema
                    .fields()
                    .iter()
                    .map(|field| format!("'{}'", field.name()))
                    .collect::<Vec<_>>()
                    .join(", "),
            })
        };
        Ok(Arc::new(Schema::new(columns.iter().map(field).collect::<Result<Vec<_>, _>>()?)))
    }

    /// A symbol that no row of the whole dataset has is a slip, more often than not.
    fn check_symbols(&self, query: &Query, view: &View) -> Result<(), LakeError> {
        let Some(asked) = &query.symbols else { return Ok(()) };
        let entries = || view.days.values().flat_map(|manifest| &manifest.files);
        // Some file has so many that they are not listed.
        if entries().any(|entry| entry.symbols.is_none()) {
            return Ok(());
        }
        let listed: BTreeSet<&String> = entries().flat_map(|entry| entry.symbols.iter().flatten()).collect();
        if asked.iter().all(|symbol| listed.contains(symbol)) {
            return Ok(());
        }
        // It may have rows on other days.
        let known: BTreeSet<String> = self.symbols()?.into_iter().collect();
        match asked.iter().find(|symbol| !known.contains(*symbol)) {
            None => Ok(()),
            Some(symbol) => {
                let close = |name: &&String| {
                    name.eq_ignore_ascii_case(symbol)
                        || name.replace(['/', '.', '-', '_'], "") == symbol.replace(['/', '.', '-', '_'], "")
                };
                let near = known.iter().find(close).map(|name| format!(": it has {name:?}")).unwrap_or_default();
                Err(LakeError::UnknownSymbol { dataset: self.declaration.name.clone(), symbol: symbol.clone(), near })
            }
        }
    }

    fn symbols_of(&self, view: &View) -> Result<BTreeSet<String>, LakeError> {
        let mut found = BTreeSet::new();
        let Some(symbol) = &self.declaration.symbol else { return Ok(found) };
        let mut note = |batch: &RecordBatch| -> Result<(), LakeError> {
            let names = symbols(batch, symbol)?;
            let mut last = None;
            for name in names.as_string::<i32>().iter().flatten() {
                if last != Some(name) {
                    last = Some(name);
                    if !found.contains(name) {
                        found.insert(name.to_owned());
                    }
                }
            }
            Ok(())
        };
        let mut listed = BTreeSet::new();
        for entry in view.days.values().flat_map(|manifest| &manifest.files) {
            if let Some(symbols) = &entry.symbols {
                listed.extend(symbols.iter().cloned());
                continue;
            }
            let file = ParquetFile::open(self.files.as_ref(), &self.root, entry)?;
            for (group, _) in file.groups() {
                file.row_group(group)?.batches.iter().try_for_each(&mut note)?;
            }
        }
        for rows in view.open_rows() {
            note(&rows.read(self.schema_of(rows.frame.schema)?)?)?;
        }
        found.append(&mut listed);
        Ok(found)
    }
}

impl View {
    /// Rows that count and are in no file.
    pub(crate) fn open_rows(&self) -> impl Iterator<Item = &OpenRows> {
        let consumed = |day| self.days.get(&day).map_or(0, |manifest| manifest.consumed);
        self.open.rows.iter().filter(move |rows| rows.frame.sequence > consumed(rows.frame.day))
    }
}

impl Scan {
    /// The columns that come out.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// What was read and left out so far; files and open rows are counted before the first batch.
    #[must_use]
    pub const fn stats(&self) -> ScanStats {
        self.stats
    }

    /// All batches at once.
    ///
    /// # Errors
    /// The first one that a batch has.
    pub fn into_table(mut self) -> Result<Table, LakeError> {
        let batches = self.by_ref().collect::<Result<Vec<_>, _>>()?;
        Ok(Table { schema: self.schema, batches })
    }

    fn step(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        loop {
            if let Some((file, reader)) = &mut self.reading {
                if let Some(batch) = file.next(reader)? {
                    return adapted(&batch, &self.schema).map(Some);
                }
                self.reading = None;
            }
            match self.waiting.pop_front() {
                None => return Ok(None),
                Some(Source::Held(file, entry)) => self.begin(file, &entry)?,
                Some(Source::Named(entry, of_manifest)) => {
                    let file = self.open_named(&entry, of_manifest)?;
                    self.begin(Arc::new(file), &entry)?;
                }
                Some(Source::Open(rows)) => {
                    let batch = self.open_batch(&rows)?;
                    if batch.num_rows() > 0 {
                        return Ok(Some(batch));
                    }
                }
            }
        }
    }

    /// Opens a file long after the look. Its day may have another manifest since; only if that has the very same file is what was
    /// opened, or could not be, of the instant of the look.
    fn open_named(&self, entry: &FileEntry, (day, generation): (Day, u64)) -> Result<ParquetFile, LakeError> {
        let (files, root) = (self.dataset.files.as_ref(), self.dataset.root.as_path());
        let opened = ParquetFile::open(files, root, entry);
        let now = manifest::load(files, root, day)?;
        if now.generation != generation && !now.files.iter().any(|file| file.is_same(entry)) {
            return Err(LakeError::Restless { dataset: self.dataset.declaration.name.clone(), tries: 1 });
        }
        opened
    }

    fn begin(&mut self, file: Arc<ParquetFile>, entry: &FileEntry) -> Result<(), LakeError> {
        let groups = self.filter.groups(&file, &mut self.stats)?;
        if groups.is_empty() {
            return Ok(());
        }
        let metadata = file.metadata();
        let roots = self.schema.fields().iter().filter_map(|field| metadata.schema().index_of(field.name()).ok());
        let mask = ProjectionMask::roots(metadata.parquet_schema(), roots);
        let mut builder = file.builder().with_row_groups(groups).with_projection(mask);
        if let Some(filter) = self.filter.row_filter(&file, entry)? {
            builder = builder.with_row_filter(filter);
        }
        let reader = calm(|| builder.build()).map_err(|error: ParquetError| file.damaged(&error))?;
        self.reading = Some((file, reader));
        Ok(())
    }

    fn open_batch(&self, rows: &OpenRows) -> Result<RecordBatch, LakeError> {
        let declaration = &self.dataset.declaration;
        let batch = rows.read(self.dataset.schema_of(rows.frame.schema)?)?;
        let batch = if self.filter.looks_at_rows(rows.frame.first, rows.frame.last) {
            let column =
                |name: &str| batch.column_by_name(name).ok_or_else(|| LakeError::Encode(format!("no column '{name}'")));
            let mut keep = self.filter.by_time(column(&declaration.time)?).map_err(failed)?;
            if let Some(symbol) = &declaration.symbol {
                keep = and(&keep, &self.filter.by_symbol(column(symbol)?).map_err(failed)?).map_err(failed)?;
            }
            filter_record_batch(&batch, &keep).map_err(failed)?
        } else {
            batch
        };
        adapted(&batch, &self.schema)
    }
}

impl Iterator for Scan {
    type Item = Result<RecordBatch, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.step().transpose();
        match &next {
            Some(Ok(batch)) => self.stats.rows += batch.num_rows(),
            // After an error there is nothing more.
            Some(Err(_)) => self.waiting.clear(),
            None => {}
        }
        next
    }
}
