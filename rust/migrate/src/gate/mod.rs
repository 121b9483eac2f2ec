//! The arithmetic of the gates: what a run of sessions proves, looked at day after day. In go counts,
//! pairs, series by session and times; out come bounds, intervals and verdicts. Every statement that can
//! make a gate pass holds over the whole run of daily looks with probability 1 − [`ALPHA`]: bounds without
//! a mismatch by Ville's inequality (J. Ville, *Étude critique de la notion de collectif*, 1939), intervals
//! by spending the level over the looks (K. Lan, D. DeMets, *Biometrika* 70, 1983).

mod bound;
mod counts;
mod gaps;
mod join;
mod looks;
mod mentions;
mod rate;
mod series;
mod sets;
mod student;

pub use bound::{needed, upper};
pub use counts::{Apart, Moved, counts, moved};
pub use gaps::{Gap, Gaps, gaps};
pub use join::{Joined, Pair, join};
pub use looks::level;
pub use mentions::mentions;
pub use rate::{RateRun, rate};
pub use series::{drift, location};
pub use sets::{KeyDifference, Overlap, key_difference, overlap, overlap_run};
pub use student::{beta_quantile, t_quantile};

/// The chance that a whole run of daily looks ever passes what a gate forbids.
pub const ALPHA: f64 = 0.05;

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What the gate forbids is excluded.
    Pass,
    /// It was seen.
    Fail,
    /// Neither.
    Inconclusive,
}

impl Outcome {
    /// As it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// An interval and what it says of a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// What it says.
    pub outcome: Outcome,
    /// The estimate.
    pub middle: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Of too little: nothing is excluded.
    const fn unknown(middle: f64) -> Self {
        Self { outcome: Outcome::Inconclusive, middle, low: f64::NEG_INFINITY, high: f64::INFINITY }
    }
}
