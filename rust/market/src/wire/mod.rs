//! Bytes of market-data feeds, decoded and encoded without I/O: a strict JSON reader, Saxo frames,
//! control messages, and the quote book that merges snapshots and deltas.

pub mod json;
pub mod saxo;
