//! Order execution.

pub mod matching;
