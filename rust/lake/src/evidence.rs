//! Evidence of a day as four Parquet tables: differences, recorded calls, counters and sessions. Plain
//! columns go in, the bytes of a file that any reader of Parquet knows come out.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, BooleanArray, Int64Array, StringArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;

use crate::{EncodeOptions, LakeError, Table, encode_parquet};

/// What a cell of a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceKind {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// Yes or no.
    Flag,
    /// UTC nanoseconds.
    Time,
    /// Bytes: a pickle.
    Bytes,
}

/// The values of one column; `None` where the evidence says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvidenceColumn {
    /// Of [`EvidenceKind::Text`].
    Text(Vec<Option<String>>),
    /// Of [`EvidenceKind::Int`].
    Int(Vec<Option<i64>>),
    /// Of [`EvidenceKind::Flag`].
    Flag(Vec<Option<bool>>),
    /// Of [`EvidenceKind::Time`].
    Time(Vec<Option<i64>>),
    /// Of [`EvidenceKind::Bytes`].
    Bytes(Vec<Option<Vec<u8>>>),
}

impl EvidenceColumn {
    /// A column without rows.
    #[must_use]
    pub const fn empty(kind: EvidenceKind) -> Self {
        match kind {
            EvidenceKind::Text => Self::Text(Vec::new()),
            EvidenceKind::Int => Self::Int(Vec::new()),
            EvidenceKind::Flag => Self::Flag(Vec::new()),
            EvidenceKind::Time => Self::Time(Vec::new()),
            EvidenceKind::Bytes => Self::Bytes(Vec::new()),
        }
    }

    fn into_array(self) -> ArrayRef {
        match self {
            Self::Text(values) => Arc::new(StringArray::from(values)),
            Self::Int(values) => Arc::new(Int64Array::from(values)),
            Self::Flag(values) => Arc::new(BooleanArray::from(values)),
            Self::Time(values) => Arc::new(TimestampNanosecondArray::from(values).with_timezone("UTC")),
            Self::Bytes(values) => Arc::new(values.iter().map(Option::as_deref).collect::<BinaryArray>()),
        }
    }
}

/// One of the four tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceTable {
    /// One row a recorded difference.
    Mismatches,
    /// One row a recorded call, with pickled arguments and outcome.
    Calls,
    /// The counters of each unit and process, at most one row a minute and the last.
    Counters,
    /// One row for each unit, process and day.
    Sessions,
}

type Columns = [(&'static str, EvidenceKind)];

const WHO: &Columns = &[
    ("at", EvidenceKind::Time),
    ("host", EvidenceKind::Text),
    ("pid", EvidenceKind::Int),
    ("process", EvidenceKind::Text),
    ("segment", EvidenceKind::Text),
    ("unit", EvidenceKind::Text),
    ("fingerprint", EvidenceKind::Text),
    ("rehearsal", EvidenceKind::Flag),
];
const MISMATCHES: &Columns = &[
    ("call", EvidenceKind::Text),
    ("stratum", EvidenceKind::Text),
    ("path", EvidenceKind::Text),
    ("place", EvidenceKind::Text),
    ("difference", EvidenceKind::Text),
    ("legacy", EvidenceKind::Text),
    ("candidate", EvidenceKind::Text),
    ("apart", EvidenceKind::Text),
    ("rule", EvidenceKind::Text),
    ("total", EvidenceKind::Int),
    ("arguments", EvidenceKind::Text),
];
const CALLS: &Columns = &[
    ("call", EvidenceKind::Text),
    ("signature", EvidenceKind::Int),
    ("arguments", EvidenceKind::Bytes),
    ("outcome", EvidenceKind::Bytes),
    ("object", EvidenceKind::Int),
    ("step", EvidenceKind::Int),
];
const COUNTERS: &Columns = &[
    ("mode", EvidenceKind::Text),
    ("legacy_calls", EvidenceKind::Int),
    ("candidate_calls", EvidenceKind::Int),
    ("canary_calls", EvidenceKind::Int),
    ("compared", EvidenceKind::Int),
    ("differed", EvidenceKind::Int),
    ("cascades", EvidenceKind::Int),
    ("errors", EvidenceKind::Int),
    ("skipped", EvidenceKind::Int),
    ("unsampled", EvidenceKind::Int),
    ("dropped", EvidenceKind::Int),
    ("fallbacks", EvidenceKind::Int),
    ("panics", EvidenceKind::Int),
    ("timeouts", EvidenceKind::Int),
    ("signatures", EvidenceKind::Int),
    ("legacy_ns", EvidenceKind::Int),
    ("candidate_ns", EvidenceKind::Int),
];
const SESSIONS: &Columns = &[
    ("day", EvidenceKind::Text),
    ("first", EvidenceKind::Time),
    ("last", EvidenceKind::Time),
    ("active_minutes", EvidenceKind::Int),
    ("minutes", EvidenceKind::Text),
    ("calls", EvidenceKind::Int),
    ("compared", EvidenceKind::Int),
    ("differed", EvidenceKind::Int),
    ("missed", EvidenceKind::Int),
];

impl EvidenceTable {
    /// The table of this name.
    ///
    /// # Errors
    /// [`LakeError::BadOption`].
    pub fn named(name: &str) -> Result<Self, LakeError> {
        Ok(match name {
            "mismatches" => Self::Mismatches,
            "calls" => Self::Calls,
            "counters" => Self::Counters,
            "sessions" => Self::Sessions,
            _ => {
                return Err(LakeError::BadOption {
                    option: "table of evidence",
                    value: name.to_owned(),
                    known: "\"mismatches\", \"calls\", \"counters\" or \"sessions\"",
                });
            }
        })
    }

    /// Names and kinds of its columns, in order.
    pub fn columns(self) -> impl Iterator<Item = (&'static str, EvidenceKind)> {
        let own = match self {
            Self::Mismatches => MISMATCHES,
            Self::Calls => CALLS,
            Self::Counters => COUNTERS,
            Self::Sessions => SESSIONS,
        };
        WHO.iter().chain(own).copied()
    }

    /// Its Arrow schema; every column may have nulls.
    #[must_use]
    pub fn schema(self) -> SchemaRef {
        let field = |(name, kind)| {
            let kind = match kind {
                EvidenceKind::Text => DataType::Utf8,
                EvidenceKind::Int => DataType::Int64,
                EvidenceKind::Flag => DataType::Boolean,
                EvidenceKind::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
                EvidenceKind::Bytes => DataType::Binary,
            };
            Field::new(name, kind, true)
        };
        Arc::new(Schema::new(self.columns().map(field).collect::<Vec<_>>()))
    }
}

/// The bytes of a Parquet file with these columns, in the order of [`EvidenceTable::columns`].
///
/// # Errors
/// [`LakeError::Encode`] if columns are missing, of another kind or of different lengths.
///
/// ```
/// use exuvia_lake::{EvidenceColumn, EvidenceTable, encode_evidence};
/// let columns = EvidenceTable::Sessions.columns().map(|(_, kind)| EvidenceColumn::empty(kind)).collect();
/// let bytes = encode_evidence(EvidenceTable::Sessions, columns, Default::default())?;
/// assert_eq!(&bytes[..4], b"PAR1");
/// # Ok::<(), exuvia_lake::LakeError>(())
/// ```
pub fn encode_evidence(
    table: EvidenceTable,
    columns: Vec<EvidenceColumn>,
    metadata: BTreeMap<String, String>,
) -> Result<Vec<u8>, LakeError> {
    let arrays = columns.into_iter().map(EvidenceColumn::into_array).collect();
    let batch = RecordBatch::try_new(table.schema(), arrays).map_err(|error| LakeError::Encode(error.to_string()))?;
    encode_parquet(&Table::from(batch), &EncodeOptions { metadata, ..EncodeOptions::default() })
}
