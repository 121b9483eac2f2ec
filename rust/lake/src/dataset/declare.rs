//! What a dataset is: its columns, which of them are time and symbol, where its files lie and how they are
//! written. The declaration is kept beside the data, with every version that its schema ever had.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use exuvia_ports::Files;
use serde::{Deserialize, Serialize};

use crate::dataset::{PathTemplate, kinds};
use crate::{Compression, EncodeOptions, LakeError, write_atomic};

/// The format of what exuvia keeps beside the data.
pub(crate) const FORMAT: u32 = 1;
/// The folder with it; readers of partitioned data pass over names that begin with an underscore.
pub(crate) const HOUSE: &str = "_exuvia";
/// Most buckets: a folder each, every day.
const MOST_BUCKETS: u32 = 4_096;

/// How a dataset is declared.
///
/// ```
/// use exuvia_lake::Declaration;
/// let quotes = Declaration::of_kind("quotes")?;
/// assert_eq!((quotes.time.as_str(), quotes.symbol.as_deref()), ("ts", Some("symbol")));
/// quotes.check()?;
/// # Ok::<(), exuvia_lake::LakeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// What it is called in messages and in the lock.
    pub name: String,
    /// The columns.
    pub schema: SchemaRef,
    /// The column that says to which day a row belongs: a timestamp, a date, or UTC nanoseconds as Int64.
    pub time: String,
    /// The column with the symbol: text or a whole number.
    pub symbol: Option<String>,
    /// Into how many buckets symbols are put, by a hash that never changes.
    pub buckets: u32,
    /// Where files lie.
    pub path: String,
    /// Columns by which the rows of a file ascend.
    pub sort_by: Vec<String>,
    /// Compression of the pages.
    pub compression: Compression,
    /// Rows of a row group, at most.
    pub row_group_rows: usize,
    /// Columns with a bloom filter.
    pub bloom: Vec<String>,
}

impl Declaration {
    /// A declaration of one's own columns: one bucket, sorted by symbol and time, zstd 3.
    #[must_use]
    pub fn new(name: &str, schema: SchemaRef, time: &str, symbol: Option<&str>) -> Self {
        let sort_by = symbol.into_iter().chain([time]).map(ToOwned::to_owned).collect();
        Self {
            name: name.to_owned(),
            schema,
            time: time.to_owned(),
            symbol: symbol.map(ToOwned::to_owned),
            buckets: 1,
            path: "date={date}/part-{part}.parquet".to_owned(),
            sort_by,
            compression: Compression::Zstd(3),
            row_group_rows: 1 << 20,
            bloom: symbol.into_iter().map(ToOwned::to_owned).collect(),
        }
    }

    /// One of the kinds that every desk has: `bars`, `quotes`, `trades`, `option_chains`.
    ///
    /// # Errors
    /// [`LakeError::BadOption`].
    pub fn of_kind(kind: &str) -> Result<Self, LakeError> {
        let (schema, symbol) = kinds::schema_of(kind)?;
        Ok(Self::new(kind, schema, "ts", Some(symbol)))
    }

    /// The checked template of paths.
    ///
    /// # Errors
    /// [`LakeError::BadDeclaration`].
    pub fn template(&self) -> Result<PathTemplate, LakeError> {
        PathTemplate::new(&self.path)
    }

    /// How its files are written.
    #[must_use]
    pub fn encoding(&self) -> EncodeOptions {
        EncodeOptions {
            compression: self.compression,
            row_group_rows: self.row_group_rows,
            sorted_by: self.sort_by.clone(),
            bloom: self.bloom.clone(),
            ..EncodeOptions::default()
        }
    }

    /// Whether all parts fit together.
    ///
    /// # Errors
    /// [`LakeError::BadDeclaration`] names the part, the value, and what to do.
    pub fn check(&self) -> Result<(), LakeError> {
        let bad =
            |what, value: &str, why: String| Err(LakeError::BadDeclaration { what, value: value.to_owned(), why });
        if self.name.is_empty() || self.name.len() > 100 || self.name.contains(|of: char| of.is_control()) {
            return bad("name", &self.name, "give it a name of at most 100 characters, without line breaks".into());
        }
        let known = || self.schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
        for field in self.schema.fields() {
            let (name, kind) = (field.name(), field.data_type());
            if kind.is_nested() || matches!(kind, DataType::Dictionary(..) | DataType::Null | DataType::Float16) {
                let why = "declare plain columns: numbers, text, bytes, booleans, dates and times, decimals".to_owned();
                return bad("column", &format!("{name}: {kind}"), why);
            }
            if kind.to_string().parse::<DataType>().ok().as_ref() != Some(kind) {
                return bad("column", &format!("{name}: {kind}"), "its type cannot be written down".into());
            }
            if self.schema.fields().iter().filter(|other| other.name() == name).count() > 1 {
                return bad("column", name, "two columns have this name".into());
            }
        }
        let Ok(time) = self.schema.field_with_name(&self.time) else {
            return bad("time", &self.time, format!("there is no such column: there are {}", known()));
        };
        if !matches!(time.data_type(), DataType::Timestamp(..) | DataType::Date32 | DataType::Int64) {
            let why =
                format!("it is {}: a timestamp, a Date32, or UTC nanoseconds as Int64 is needed", time.data_type());
            return bad("time", &self.time, why);
        }
        if time.is_nullable() {
            return bad(
                "time",
                &self.time,
                "it is nullable, and a row without a time belongs to no day: declare it as not null".into(),
            );
        }
        if let Some(symbol) = &self.symbol {
            let Ok(field) = self.schema.field_with_name(symbol) else {
                return bad("symbol", symbol, format!("there is no such column: there are {}", known()));
            };
            if !(field.data_type().is_integer() || matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8)) {
                return bad("symbol", symbol, format!("it is {}: text or a whole number is needed", field.data_type()));
            }
            if field.is_nullable() {
                return bad(
                    "symbol",
                    symbol,
                    "it is nullable, and a row without a symbol falls into no bucket: declare it as not null".into(),
                );
            }
        }
        let template = self.template()?;
        let bucketed = template.has("bucket");
        if self.buckets == 0 || self.buckets > MOST_BUCKETS {
            return bad("buckets", &self.buckets.to_string(), format!("use 1 to {MOST_BUCKETS}"));
        }
        if self.buckets > 1 && !bucketed {
            return bad("path", &self.path, "there are several buckets: put {bucket} in it".into());
        }
        if self.symbol.is_none() && (bucketed || template.has("symbol")) {
            return bad("path", &self.path, "no column is declared as the symbol".into());
        }
        for (what, names) in [("sort_by", &self.sort_by), ("bloom", &self.bloom)] {
            if let Some(name) = names.iter().find(|name| self.schema.field_with_name(name).is_err()) {
                return bad(what, name, format!("there is no such column: there are {}", known()));
            }
        }
        if self.row_group_rows == 0 {
            return bad("row_group_rows", "0", "a row group has rows".into());
        }
        Ok(())
    }
}

/// One version of a dataset's schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// Its number, from 1.
    pub number: u32,
    /// The columns.
    pub schema: SchemaRef,
    /// What it changed, in sentences; empty for the first.
    pub changes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    name: String,
    time: String,
    symbol: Option<String>,
    buckets: u32,
    path: String,
    sort_by: Vec<String>,
    compression: String,
    level: i32,
    row_group_rows: usize,
    bloom: Vec<String>,
    versions: Vec<WrittenVersion>,
}

#[derive(Serialize, Deserialize)]
struct WrittenVersion {
    version: u32,
    columns: Vec<WrittenColumn>,
    changes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct WrittenColumn {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    nullable: bool,
}

/// Where the declaration of the dataset at `root` lies.
pub(crate) fn declaration_path(root: &Path) -> PathBuf {
    root.join(HOUSE).join("dataset.json")
}

pub(crate) fn store(
    files: &dyn Files,
    root: &Path,
    declaration: &Declaration,
    versions: &[Version],
) -> Result<(), LakeError> {
    let (compression, level) = declaration.compression.name_and_level();
    let of = declaration.clone();
    let written = Written {
        format: FORMAT,
        name: of.name,
        time: of.time,
        symbol: of.symbol,
        buckets: of.buckets,
        path: of.path,
        sort_by: of.sort_by,
        compression: compression.to_owned(),
        level,
        row_group_rows: of.row_group_rows,
        bloom: of.bloom,
        versions: versions.iter().map(Version::written).collect(),
    };
    write_atomic(files, &declaration_path(root), &to_json(&written)?, false)
}

pub(crate) fn load(files: &dyn Files, root: &Path) -> Result<(Declaration, Vec<Version>), LakeError> {
    let path = declaration_path(root);
    let bytes = match files.read(&path) {
        Err(error) if error.is_not_found() => {
            return Err(LakeError::NotADataset { folder: root.display().to_string() });
        }
        other => other?,
    };
    let written: Written = from_json(&path, &bytes)?;
    let versions = written.versions.iter().map(|version| version.read(&path)).collect::<Result<Vec<_>, _>>()?;
    let Some(last) = versions.last() else { return Err(broken(&path, "it has no version of its schema")) };
    let declaration = Declaration {
        name: written.name,
        schema: Arc::clone(&last.schema),
        time: written.time,
        symbol: written.symbol,
        buckets: written.buckets,
        path: written.path,
        sort_by: written.sort_by,
        compression: Compression::named(&written.compression, written.level)?,
        row_group_rows: written.row_group_rows,
        bloom: written.bloom,
    };
    declaration.check()?;
    Ok((declaration, versions))
}

impl Version {
    fn written(&self) -> WrittenVersion {
        let column = |field: &Arc<Field>| WrittenColumn {
            name: field.name().clone(),
            kind: field.data_type().to_string(),
            nullable: field.is_nullable(),
        };
        let columns = self.schema.fields().iter().map(column).collect();
        WrittenVersion { version: self.number, columns, changes: self.changes.clone() }
    }
}

impl WrittenVersion {
    fn read(&self, path: &Path) -> Result<Version, LakeError> {
        let field = |column: &WrittenColumn| {
            let kind = column.kind.parse::<DataType>();
            let kind = kind.map_err(|error| broken(path, &format!("column '{}': {error}", column.name)))?;
            Ok(Field::new(&column.name, kind, column.nullable))
        };
        let fields = self.columns.iter().map(field).collect::<Result<Vec<_>, LakeError>>()?;
        Ok(Version { number: self.version, schema: Arc::new(Schema::new(fields)), changes: self.changes.clone() })
    }
}

pub(crate) fn broken(path: &Path, reason: &str) -> LakeError {
    LakeError::DamagedSegment { file: path.display().to_string(), at: 0, reason: reason.to_owned() }
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<Vec<u8>, LakeError> {
    serde_json::to_vec_pretty(value).map_err(|error| LakeError::Encode(error.to_string()))
}

/// Reads JSON that says its format in `format`; what a newer version wrote is refused.
pub(crate) fn from_json<T: for<'a> Deserialize<'a>>(path: &Path, bytes: &[u8]) -> Result<T, LakeError> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let failed = |error: serde_json::Error| broken(path, &error.to_string());
    let Format { format } = serde_json::from_slice(bytes).map_err(failed)?;
    if format > FORMAT {
        return Err(LakeError::Newer { file: path.display().to_string(), found: format, known: FORMAT });
    }
    serde_json::from_slice(bytes).map_err(failed)
}
