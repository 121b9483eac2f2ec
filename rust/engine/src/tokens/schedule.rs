//! When the next pair is asked for: by the monotonic count, which no clock change moves, and by UTC, which knows of a machine
//! that slept.

use exuvia_model::{SECOND, Time};
use exuvia_ports::Random;

use super::{Pair, Settings};

/// The plan for one pair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Schedule {
    /// Monotonic: asked for from here on.
    pub(super) due: i64,
    /// UTC: asked for from here on too.
    due_utc: Option<Time>,
    /// Monotonic: the token ends.
    pub(super) end: i64,
    /// Monotonic: never before.
    not_before: i64,
}

impl Schedule {
    /// The plan for `pair`, seen at `now`; `not_before` keeps answers that are dead on arrival from being asked for in a loop.
    pub(super) fn new(
        pair: &Pair,
        now: (Time, i64),
        not_before: i64,
        settings: &Settings,
        random: &dyn Random,
    ) -> Self {
        let (utc, monotonic) = now;
        let said = pair.lifetime().map(|seconds| seconds.saturating_mul(SECOND));
        let life = match pair.expires {
            // By a clock that went back a token would live longer than it was given.
            Some(expires) => expires.0.saturating_sub(utc.0).min(said.unwrap_or(i64::MAX)),
            None => said.unwrap_or(settings.lifetime),
        };
        let life = life.max(0);
        let margin = settings.margin.min(life / 4);
        let early = below(random, settings.jitter.min(life / 20));
        let plan = |from: i64| from.saturating_add(life - margin - early);
        Self {
            due: plan(monotonic).max(not_before),
            due_utc: pair.expires.map(|_| Time(plan(utc.0))),
            end: monotonic.saturating_add(life),
            not_before,
        }
    }

    /// Whether it is time.
    pub(super) fn is_due(&self, now: (Time, i64)) -> bool {
        now.1 >= self.not_before && (now.1 >= self.due || self.due_utc.is_some_and(|due| now.0 >= due))
    }

    /// Asks as soon as it may be: a broker was told that the token is not good.
    pub(super) fn hurry(&mut self) {
        self.due = self.not_before;
    }
}

/// How long to wait after `failures` of them: a random part of the upper half of a span that doubles up to its bound.
pub(super) fn backoff(failures: u32, settings: &Settings, random: &dyn Random) -> i64 {
    let (first, longest) = settings.backoff;
    let span = first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(longest);
    span / 2 + below(random, span / 2)
}

/// A number from 0 to `bound`.
fn below(random: &dyn Random, bound: i64) -> i64 {
    let bound = u64::try_from(bound).unwrap_or(0);
    let number = random.next_u64() % bound.saturating_add(1);
    i64::try_from(number).unwrap_or(0)
}
