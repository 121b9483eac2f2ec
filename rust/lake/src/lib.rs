//! The lake: tables in Parquet files that are there whole or not at all. Plain columns go in without a
//! copy, bytes or an atomically written file come out; what is read is checked against a declared schema,
//! and two lakes can be compared to the bit.

mod atomic;
mod bars;
mod checksums;
mod columns;
mod compare;
mod dataset;
mod encode;
mod error;
mod evidence;
mod layout;
mod parity;
mod read;
mod schema;
mod writable;

pub use atomic::{is_temporary, sweep, write_atomic};
pub use bars::{BAR_PRICES, BarColumns, bars_schema};
pub use compare::{Comparison, Difference, compare_folders, compare_parquet_bytes, compare_tables};
pub use dataset::{
    Appended, Compacted, Dataset, Day, DayState, Declaration, FileEntry, Group, Listing, Manifest, PathTemplate,
    Problem, Query, Scan, ScanStats, Sealed, Verified, Version, Writer,
};
pub use encode::{Compression, EncodeOptions, encode_bars, encode_parquet};
pub use error::LakeError;
pub use evidence::{EvidenceColumn, EvidenceKind, EvidenceTable, encode_evidence};
pub use layout::{bars_path, write_bars, write_parquet};
pub use parity::{Aligned, align, parquet_below};
pub use read::{Table, decode_parquet, read_parquet};
pub use schema::{cast_table, expect_schema};
