//! What a manager does by itself, and how soon.

use exuvia_model::SECOND;

/// What becomes of an order that was sent into a doubt and that the venue's complete list lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missing {
    /// It is rejected, with the reason; the caller decides what next.
    #[default]
    GiveUp,
    /// It is rejected, and if it hangs together with no other it is wanted anew under a new client id, checked as any other; so
    /// many times.
    PlaceAnew(u32),
}

/// What becomes of an order whose bytes provably never left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotSent {
    /// It is rejected, with the reason; the caller decides what next.
    #[default]
    GiveUp,
    /// It is sent again under the same client id, so many times.
    Again(u32),
}

/// What becomes of an order that the venue works although it was given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Revived {
    /// It is cancelled at the venue, for whoever wanted it was told that it is gone.
    #[default]
    Cancel,
    /// It is told and left.
    Tell,
}

/// The times and bounds of a manager; times in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Most reports that one call works off; the rest waits for the next.
    pub reports: usize,
    /// Most requests to the venue in one call.
    pub requests: usize,
    /// Most notices that wait to be taken; then the oldest is dropped and counted.
    pub notices: usize,
    /// How long after a doubt it is looked up first; each time it stays, twice as long.
    pub first_wait: i64,
    /// At most so long.
    pub longest_wait: i64,
    /// How long a request that the venue took may stay without a report before the order is looked up.
    pub answer_within: i64,
    /// How long after a cancel or a change was sent the venue's picture is believed if it does not show it.
    pub settle_after: i64,
    /// How long after an order was sent the venue's complete list is believed if it lacks it.
    pub missing_after: i64,
    /// How often the list must have lacked an order before that is believed.
    pub missing_looks: u32,
    /// How far the venue's clock and ours may be apart.
    pub clock_skew: i64,
    /// How often everything is compared.
    pub reconcile_every: i64,
    /// How often a cancel or a step of a flattening is tried before that is told and left.
    pub tries: u32,
    /// How many orders that ended last are asked for when a position differs.
    pub recent: usize,
    /// See there.
    pub missing: Missing,
    /// See there.
    pub not_sent: NotSent,
    /// See there.
    pub revived: Revived,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reports: 256,
            requests: 8,
            notices: 10_000,
            first_wait: SECOND,
            longest_wait: 30 * SECOND,
            answer_within: 5 * SECOND,
            settle_after: 10 * SECOND,
            missing_after: 60 * SECOND,
            missing_looks: 2,
            clock_skew: 300 * SECOND,
            reconcile_every: 60 * SECOND,
            tries: 3,
            recent: 200,
            missing: Missing::default(),
            not_sent: NotSent::default(),
            revived: Revived::default(),
        }
    }
}

impl Settings {
    /// How long to wait after so many tries in vain.
    pub(super) fn wait(&self, tries: u32) -> i64 {
        self.first_wait.saturating_mul(1_i64.checked_shl(tries.min(40)).unwrap_or(i64::MAX)).min(self.longest_wait)
    }
}
