//! A dataset: rows of one schema, kept by day. While a day runs its rows lie in append-only segments, durable
//! with every [`Writer::flush`]; at its end [`Writer::seal`] makes Parquet files of them. [`Dataset::scan`]
//! reads both as one table, as it was at one instant.
//!
//! Below `_exuvia` beside the data: `dataset.json` (the declaration), `days/DAY.json` (what a sealed day holds),
//! `open/N.seg` (rows that are not sealed), `writer.lock` and, while a day is being written, `work.json`.

mod append;
mod day;
mod declare;
mod evolve;
mod filter;
mod frame;
mod inspect;
mod kinds;
mod manifest;
mod merge;
mod order;
mod output;
mod parquet_file;
mod publish;
mod rows;
mod scan;
mod segment;
mod template;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use exuvia_ports::Files;

use crate::LakeError;

pub use append::Appended;
pub use day::Day;
pub use declare::{Declaration, Version};
pub use evolve::Compacted;
pub use inspect::{DayState, Listing, Problem, Verified};
pub use manifest::{FileEntry, Manifest};
pub(crate) use rows::{adapted, failed};
pub use scan::{Query, Scan, ScanStats};
pub use template::{Group, PathTemplate};
pub use writer::{Sealed, Writer};

/// A dataset of the lake.
#[derive(Debug, Clone)]
pub struct Dataset {
    files: Arc<dyn Files>,
    root: PathBuf,
    declaration: Declaration,
    versions: Vec<Version>,
}

impl Dataset {
    /// Makes a dataset at `root`, or opens the one that is there if it was declared so.
    ///
    /// # Errors
    /// [`LakeError::BadDeclaration`]; [`LakeError::DeclaredOtherwise`] names the first difference.
    pub fn create(files: Arc<dyn Files>, root: &Path, declaration: Declaration) -> Result<Self, LakeError> {
        declaration.check()?;
        match Self::open(Arc::clone(&files), root) {
            Ok(dataset) => match dataset.difference(&declaration) {
                None => Ok(dataset),
                Some(what) => Err(LakeError::DeclaredOtherwise { folder: root.display().to_string(), what }),
            },
            Err(LakeError::NotADataset { .. }) => {
                let first = Version { number: 1, schema: Arc::clone(&declaration.schema), changes: Vec::new() };
                declare::store(files.as_ref(), root, &declaration, std::slice::from_ref(&first))?;
                Ok(Self { files, root: root.to_path_buf(), declaration, versions: vec![first] })
            }
            Err(error) => Err(error),
        }
    }

    /// Opens the dataset at `root`.
    ///
    /// # Errors
    /// [`LakeError::NotADataset`], [`LakeError::Newer`].
    pub fn open(files: Arc<dyn Files>, root: &Path) -> Result<Self, LakeError> {
        let (declaration, versions) = declare::load(files.as_ref(), root)?;
        Ok(Self { files, root: root.to_path_buf(), declaration, versions })
    }

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How it was declared, with the schema as it is now.
    #[must_use]
    pub const fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// The number of the present version.
    fn version(&self) -> u32 {
        self.versions.last().map_or(1, |version| version.number)
    }

    /// The columns of a version.
    fn schema_of(&self, version: u32) -> Result<&SchemaRef, LakeError> {
        let found = self.versions.iter().find(|known| known.number == version).map(|known| &known.schema);
        found.ok_or_else(|| {
            let path = declare::declaration_path(&self.root);
            declare::broken(
                &path,
                &format!("rows have version {version} of the schema, which it does not know: open the dataset again"),
            )
        })
    }

    fn difference(&self, other: &Declaration) -> Option<String> {
        let here = &self.declaration;
        let pairs = [
            ("name", here.name.clone(), other.name.clone()),
            ("time", here.time.clone(), other.time.clone()),
            ("symbol", format!("{:?}", here.symbol), format!("{:?}", other.symbol)),
            ("buckets", here.buckets.to_string(), other.buckets.to_string()),
            ("path", here.path.clone(), other.path.clone()),
            ("sort_by", here.sort_by.join(", "), other.sort_by.join(", ")),
        ];
        let told =
            |(what, one, two): (&str, String, String)| (one != two).then(|| format!("{what} is {one}, not {two}"));
        pairs.into_iter().find_map(told).or_else(|| {
            let same = here.schema.fields() == other.schema.fields();
            (!same).then(|| format!("its columns are {}, not {}", columns(&here.schema), columns(&other.schema)))
        })
    }
}

fn columns(schema: &SchemaRef) -> String {
    let told = |field: &Arc<arrow::datatypes::Field>| {
        format!("{} {}{}", field.name(), field.data_type(), if field.is_nullable() { "" } else { " not null" })
    };
    schema.fields().iter().map(told).collect::<Vec<_>>().join(", ")
}
