//! The caller's time, and a time of our own that never goes back: waits are measured by the second, records carry the first.

use exuvia_model::Time;

/// Two times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    now: Time,
    shift: i64,
}

impl Clock {
    pub(super) const fn new(now: Time) -> Self {
        Self { now, shift: 0 }
    }

    /// Takes the caller's time; by how much it went back, if it did.
    pub(super) fn tick(&mut self, now: Time) -> Option<i64> {
        let back = self.now.0.saturating_sub(now.0);
        self.now = now;
        if back <= 0 {
            return None;
        }
        self.shift = self.shift.saturating_add(back);
        Some(back)
    }

    /// The caller's time.
    pub(super) const fn now(&self) -> Time {
        self.now
    }

    /// Nanoseconds that only grow.
    pub(super) const fn steady(&self) -> i64 {
        self.now.0.saturating_add(self.shift)
    }
}
