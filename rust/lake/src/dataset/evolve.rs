//! A dataset's schema changes: by columns that are new, wider, or no longer written, never by one that would
//! change a value. Every change says in a sentence what it did, and the sentences are kept.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, SchemaRef};

use crate::LakeError;
use crate::dataset::declare::{self, Declaration, Version};
use crate::dataset::{Dataset, Writer, columns, manifest, publish};

/// What compacting a day did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compacted {
    /// Which day.
    pub day: super::Day,
    /// Files that were merged or written anew.
    pub before: usize,
    /// The files that stand for them.
    pub files: Vec<String>,
    /// Bytes of the former.
    pub bytes_before: u64,
    /// Bytes of the latter.
    pub bytes: u64,
}

impl Writer {
    /// Gives the dataset other columns and returns what that changed, in sentences; none if it has them already.
    /// Files are not written anew: what they lack is read as null, and [`Writer::compact`] brings them up to date.
    ///
    /// # Errors
    /// [`LakeError::Evolution`] names the column and what to do; nothing has changed then.
    pub fn evolve(&mut self, schema: &SchemaRef) -> Result<Vec<String>, LakeError> {
        self.check_open()?;
        self.flush(None)?;
        let dataset = self.dataset().clone();
        let changes = changes(&dataset, schema)?;
        if changes.is_empty() {
            return Ok(changes);
        }
        let declaration = Declaration { schema: Arc::clone(schema), ..dataset.declaration.clone() };
        declaration.check()?;
        let mut versions = dataset.versions.clone();
        versions.push(Version { number: dataset.version() + 1, schema: Arc::clone(schema), changes: changes.clone() });
        declare::store(dataset.files.as_ref(), &dataset.root, &declaration, &versions)?;
        self.replace_dataset(Dataset { declaration, versions, ..dataset });
        Ok(changes)
    }

    /// Merges the files of a group that has several, and writes those of an older schema anew; of one day, or of
    /// all. exuvia's readers see the day before or after; others should not read the day meanwhile.
    ///
    /// # Errors
    /// [`LakeError::Files`]: the day is as it was.
    pub fn compact(&mut self, day: Option<super::Day>) -> Result<Vec<Compacted>, LakeError> {
        self.check_open()?;
        publish::recover(self.dataset())?;
        let dataset = self.dataset().clone();
        let mut done = Vec::new();
        for found in manifest::days(dataset.files.as_ref(), &dataset.root)? {
            if day.is_some_and(|day| day != found) {
                continue;
            }
            let manifest = manifest::load(dataset.files.as_ref(), &dataset.root, found)?;
            let crowded = |group| manifest.files.iter().filter(|file| file.group == group).count() > 1;
            let chosen: Vec<_> = (manifest.files.iter())
                .filter(|file| file.schema < dataset.version() || crowded(file.group.clone()))
                .collect();
            if chosen.is_empty() {
                continue;
            }
            let (before, bytes_before) = (chosen.len(), chosen.iter().map(|file| file.bytes).sum());
            let into: Vec<String> = chosen.into_iter().map(|file| file.path.clone()).collect();
            let added = publish::publish(&dataset, manifest, &[], &into, self.sequence())?;
            done.push(Compacted { day: found, before, files: added.files, bytes_before, bytes: added.bytes });
        }
        Ok(done)
    }
}

fn changes(dataset: &Dataset, schema: &SchemaRef) -> Result<Vec<String>, LakeError> {
    let old = &dataset.declaration.schema;
    let refuse = |what: String| LakeError::Evolution { dataset: dataset.declaration.name.clone(), what };
    let mut said = Vec::new();
    for field in schema.fields() {
        let name = field.name();
        if let Ok(before) = old.field_with_name(name) {
            said.extend(changed(before, field).map_err(refuse)?);
            continue;
        }
        if !field.is_nullable() {
            return Err(refuse(format!(
                "new column '{name}' is not null, and earlier rows have no value for it: declare it as nullable"
            )));
        }
        let earlier = dataset.versions.iter().filter_map(|version| version.schema.field_with_name(name).ok());
        for before in earlier {
            changed(before, field).map_err(|why| refuse(format!("an earlier version had this column: {why}")))?;
        }
        said.push(format!("added '{name}' {}: it is null in earlier rows", field.data_type()));
    }
    for field in old.fields().iter().filter(|field| schema.field_with_name(field.name()).is_err()) {
        let (name, of) = (field.name(), &dataset.declaration);
        let used = *name == of.time
            || of.symbol.as_ref() == Some(name)
            || of.sort_by.contains(name)
            || of.bloom.contains(name);
        if used {
            return Err(refuse(format!(
                "'{name}' is the time, the symbol, or one of those by which files are sorted or searched, and must stay"
            )));
        }
        said.push(format!(
            "dropped '{name}' {}: scans no longer show it; earlier files keep it until they are compacted",
            field.data_type()
        ));
    }
    if said.is_empty() && columns(old) != columns(schema) {
        said.push(format!("columns stand in another order: {}", columns(schema)));
    }
    Ok(said)
}

fn changed(before: &Field, after: &Field) -> Result<Vec<String>, String> {
    let name = after.name();
    let (from, to) = (before.data_type(), after.data_type());
    let mut said = Vec::new();
    if from != to {
        if !widens(from, to) {
            return Err(format!(
                "'{name}' cannot become {to}, it is {from}: values could change; add a column of another name"
            ));
        }
        said.push(format!("widened '{name}' from {from} to {to}: earlier files are read as {to}"));
    }
    if before.is_nullable() && !after.is_nullable() {
        return Err(format!("'{name}' may be null in earlier rows, and must stay nullable"));
    }
    if !before.is_nullable() && after.is_nullable() {
        said.push(format!("'{name}' may be null from now on"));
    }
    Ok(said)
}

/// Whether every value of one type has an equal in the other.
fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType::{Float32, Float64, Int8, Int16, Int32, Int64, LargeUtf8, UInt8, UInt16, UInt32, UInt64, Utf8};
    matches!(
        (from, to),
        (Int8, Int16 | Int32 | Int64 | Float32 | Float64)
            | (Int16, Int32 | Int64 | Float32 | Float64)
            | (Int32, Int64 | Float64)
            | (UInt8, UInt16 | UInt32 | UInt64 | Int16 | Int32 | Int64 | Float32 | Float64)
            | (UInt16, UInt32 | UInt64 | Int32 | Int64 | Float32 | Float64)
            | (UInt32, UInt64 | Int64 | Float64)
            | (Float32, Float64)
            | (Utf8, LargeUtf8)
    )
}
