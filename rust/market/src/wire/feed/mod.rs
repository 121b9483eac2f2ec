//! Any JSON feed by a declaration: which messages are records, where their fields stand, in which units. Frames go in;
//! typed records come out one by one, or plain columns that become the buffers of a table.
//!
//! A frame is walked once, by a tree of all declared paths, and nothing is built on the way: first it is known where the
//! values stand, then which records there are, then each value is read from its text, prices to fixed point and never
//! through a float. Keys are expected in the order in which they came the last time.

mod cell;
mod columns;
mod decoder;
mod engine;
mod path;
mod plan;
mod record;
mod scan;
mod sentence;
mod skips;
mod spec;
mod tree;
mod trie;

pub use cell::{Cell, Span, Wide};
pub use columns::{Column, Columns, Values};
pub use decoder::Feed;
pub use path::{Path, Root, Step};
pub use record::{Context, Row, Tally};
pub use scan::{FeedError, MAX_FRAME, MAX_ROWS};
pub use sentence::decimal;
pub use skips::{Reason, Skip, Skips};
pub use spec::{FieldKind, FieldSpec, Numbers, RecordSpec, RowsSpec, Source, Spec, SpecError, Test, Unit, Zero};
