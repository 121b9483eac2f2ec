//! The moult's own arithmetic: the modes a unit can stand in, and the comparator that decides
//! whether two values are the same. In go value trees that a binding made from live objects and
//! rules by path; out comes a verdict with every difference's path, kind and both values. Knows
//! nothing of trading, Python or Arrow.

mod build_id;
mod canary;
mod column;
mod compare;
mod day;
mod decimal;
mod error;
pub mod evidence;
pub mod gate;
mod ids;
mod kind;
mod ledger;
mod mode;
mod number;
pub mod page;
mod path;
mod rule;
mod sum;
mod value;
mod verdict;

pub use build_id::{HEAD, build_id};
pub use canary::{Key, nth, sticky, within};
pub use column::{Cells, Column, Words, same_floats};
pub use compare::{Comparator, Decode, NoDecoder};
pub use error::MigrateError;
pub use ids::Ids;
pub use kind::Kind;
pub use ledger::Divergence;
pub use mode::Mode;
pub use path::{Pattern, Step};
pub use rule::{Rule, Rules};
pub use sum::{Adding, Sum};
pub use value::{Class, Value};
pub use verdict::{Difference, Verdict};
