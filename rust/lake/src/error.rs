//! What can be wrong with a file or a table of the lake; each message names file, column and value, and
//! what to do.

use arrow::datatypes::DataType;
use exuvia_ports::FilesError;
use thiserror::Error;

/// Why a table could not be written, read or compared.
#[derive(Debug, Error)]
pub enum LakeError {
    /// The file system refused.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The first bytes are those of something else.
    #[error("{file} is not a Parquet file: it begins with {begins:?}, not with \"PAR1\"")]
    NotParquet {
        /// Which file.
        file: String,
        /// Its first bytes, as text.
        begins: String,
    },
    /// The footer is missing: a half-written file.
    #[error(
        "parquet file {file} has {length} bytes and no footer: it is half-written or was truncated. A file that exuvia committed gets its name only after all its bytes are synced and never looks like this; write it again, or take it from a backup"
    )]
    NoFooter {
        /// Which file.
        file: String,
        /// How many bytes are there.
        length: usize,
    },
    /// The footer is there and does not fit the rest.
    #[error("parquet file {file} of {length} bytes is damaged: {reason}; write it again, or take it from a backup")]
    Damaged {
        /// Which file.
        file: String,
        /// How many bytes are there.
        length: usize,
        /// What the decoder said.
        reason: String,
    },
    /// Compressed or encoded in a way that this build does not read.
    #[error(
        "parquet file {file} needs a decoder that is not built in: {reason}; write it with zstd, snappy or no compression"
    )]
    Unsupported {
        /// Which file.
        file: String,
        /// What is missing.
        reason: String,
    },
    /// A column that was asked for is not there.
    #[error("parquet file {file} has no column '{column}': it has {found}")]
    MissingColumn {
        /// Which file.
        file: String,
        /// Which column.
        column: String,
        /// The columns that are there.
        found: String,
    },
    /// Columns that the schema does not know.
    #[error(
        "parquet file {file} has {columns}, which the schema does not have{missing}: select the schema's columns first (where a file is read, columns=[…] does)"
    )]
    UnexpectedColumn {
        /// Which file.
        file: String,
        /// Which columns, quoted.
        columns: String,
        /// Which columns of the schema are not there, as a part of the sentence; empty if all are.
        missing: String,
    },
    /// A column of another type.
    #[error(
        "parquet file {file} has column '{column}' as {found}, expected {expected}: it was written by another tool; pass cast=True to convert"
    )]
    WrongType {
        /// Which file.
        file: String,
        /// Which column.
        column: String,
        /// Its type in the file.
        found: DataType,
        /// Its type in the schema.
        expected: DataType,
    },
    /// A value that has no equal in the wanted type.
    #[error("parquet file {file}: column '{column}' cannot be converted from {found} to {expected}: {reason}")]
    NotConvertible {
        /// Which file.
        file: String,
        /// Which column.
        column: String,
        /// Its type in the file.
        found: DataType,
        /// Its type in the schema.
        expected: DataType,
        /// Which value, and why.
        reason: String,
    },
    /// Missing values where the schema has none.
    #[error(
        "parquet file {file} has {count} null(s) in column '{column}', the first in row {row}, and the schema allows none: fill or drop these rows"
    )]
    Nulls {
        /// Which file.
        file: String,
        /// Which column.
        column: String,
        /// How many.
        count: usize,
        /// The first one.
        row: usize,
    },
    /// Columns of one table with different lengths.
    #[error(
        "column '{column}' has {length} values and column '{first}' has {expected}: all columns of a table must be equally long"
    )]
    Ragged {
        /// Which column.
        column: &'static str,
        /// Its length.
        length: usize,
        /// The first column.
        first: &'static str,
        /// Its length.
        expected: usize,
    },
    /// Declared as sorted, and not.
    #[error(
        "the table is not sorted by {columns}: row {row} comes before the row above it; sort it, or leave sorted_by out"
    )]
    NotSorted {
        /// By which columns.
        columns: String,
        /// The first row that is out of place.
        row: usize,
    },
    /// An option that does not exist.
    #[error("{option} {value:?} is unknown: use {known}")]
    BadOption {
        /// Which option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What there is.
        known: &'static str,
    },
    /// A day or name that makes no path of the lake.
    #[error("{what} {value:?} does not make a path of the lake: {why}")]
    BadName {
        /// Day or name.
        what: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// A declaration of a dataset that contradicts itself.
    #[error("the declaration's {what} {value:?} cannot be used: {why}")]
    BadDeclaration {
        /// Which part of it.
        what: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// No dataset lies there.
    #[error("{folder} is not a dataset: it has no _exuvia/dataset.json; create one there, or name its root")]
    NotADataset {
        /// Which folder.
        folder: String,
    },
    /// A dataset with another declaration lies there.
    #[error(
        "{folder} is a dataset already, and was declared otherwise: {what}; open it, and evolve its schema if that is meant"
    )]
    DeclaredOtherwise {
        /// Which folder.
        folder: String,
        /// What differs.
        what: String,
    },
    /// Another writer is at work.
    #[error(
        "dataset '{dataset}' has a writer already: {holder}; a dataset has one writer at a time, so end that one, or give it the rows"
    )]
    Held {
        /// Which dataset.
        dataset: String,
        /// What the other one says of itself.
        holder: String,
    },
    /// A file that the dataset did not write is where one of its own belongs.
    #[error("{path} is there already, and dataset '{dataset}' did not write it: move it away, or declare another path")]
    Foreign {
        /// Which dataset.
        dataset: String,
        /// The file.
        path: String,
    },
    /// Rows that do not fit the dataset.
    #[error("rows for dataset '{dataset}': {what}")]
    Rows {
        /// Which dataset.
        dataset: String,
        /// What is wrong with them, where, and what to do.
        what: String,
    },
    /// A change of the schema that would change or lose values.
    #[error("dataset '{dataset}' cannot take the new schema: {what}")]
    Evolution {
        /// Which dataset.
        dataset: String,
        /// Which column, and what to do.
        what: String,
    },
    /// A symbol that no row has.
    #[error("dataset '{dataset}' has no symbol {symbol:?}{near}; dataset.symbols() lists them")]
    UnknownSymbol {
        /// Which dataset.
        dataset: String,
        /// What was asked for.
        symbol: String,
        /// Symbols that are written nearly so, as a part of the sentence.
        near: String,
    },
    /// A file of exuvia's own in the dataset that is not as it was written.
    #[error(
        "{file} is damaged at byte {at}: {reason}; rows before it are whole: `exuvia lake verify` says what is lost"
    )]
    DamagedSegment {
        /// Which file.
        file: String,
        /// Where.
        at: u64,
        /// What is wrong there.
        reason: String,
    },
    /// Written by a later version.
    #[error("{file} has format {found}, and this version of exuvia reads up to {known}: install a newer one")]
    Newer {
        /// Which file.
        file: String,
        /// Its format.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// The files changed again and again while they were read.
    #[error(
        "dataset '{dataset}' changed {tries} times while it was being read: a writer seals or compacts without pause; try again"
    )]
    Restless {
        /// Which dataset.
        dataset: String,
        /// How often it was tried.
        tries: u32,
    },
    /// The writer was closed.
    #[error("the writer of dataset '{dataset}' is closed: open another one")]
    Closed {
        /// Which dataset.
        dataset: String,
    },
    /// A column whose type Parquet does not have.
    #[error(
        "column '{column}' is {found}, which cannot be written as Parquet: {reason}; convert the column, or leave it out"
    )]
    Unwritable {
        /// Which column.
        column: String,
        /// Its type.
        found: DataType,
        /// What is wrong with it.
        reason: String,
    },
    /// Two columns of one name.
    #[error(
        "the table has {count} columns named '{column}': readers take one of them and not the others; rename or drop the rest"
    )]
    Duplicate {
        /// Which name.
        column: String,
        /// How many columns have it.
        count: usize,
    },
    /// A column of bars that are to be written, of another type.
    #[error(
        "the bars have column '{column}' as {found}, expected {expected}: convert it first, to exuvia.lake.bars_schema()"
    )]
    NotBars {
        /// Which column.
        column: String,
        /// Its type.
        found: DataType,
        /// Its type in the schema of bars.
        expected: DataType,
    },
    /// Two sides of a comparison that are not of one kind.
    #[error("{folder} is a folder and {other} is not: compare two folders, or two tables")]
    OneFolder {
        /// The folder.
        folder: String,
        /// The other side.
        other: String,
    },
    /// Two folders without a file to compare.
    #[error(
        "nothing to compare: there is no Parquet file in {left} or {right}, and an empty comparison proves nothing"
    )]
    NothingToCompare {
        /// One folder.
        left: String,
        /// The other.
        right: String,
    },
    /// The table has something that Parquet cannot hold.
    #[error("the table cannot be written as Parquet: {0}")]
    Encode(String),
    /// All names for temporary files in the folder are taken.
    #[error("{folder} is full of temporary files of writers that were killed ({count} for one name): call sweep on it")]
    NeedsSweep {
        /// Which folder.
        folder: String,
        /// How many names were tried.
        count: u32,
    },
}

impl LakeError {
    /// Whether a file or folder is simply not there.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::Files(error) if error.is_not_found())
    }

    /// Whether the table has other columns or types than it should.
    #[must_use]
    pub const fn is_schema(&self) -> bool {
        matches!(
            self,
            Self::MissingColumn { .. }
                | Self::UnexpectedColumn { .. }
                | Self::WrongType { .. }
                | Self::NotConvertible { .. }
                | Self::Nulls { .. }
                | Self::Ragged { .. }
                | Self::Unwritable { .. }
                | Self::Duplicate { .. }
                | Self::NotBars { .. }
                | Self::Rows { .. }
                | Self::Evolution { .. }
        )
    }
}
