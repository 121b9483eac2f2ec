//! The system's clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use exuvia_model::Time;
use exuvia_ports::Clock;

/// UTC from the operating system; the monotonic count starts at 0 when the value is made.
///
/// ```
/// use exuvia_net::SystemClock;
/// use exuvia_ports::Clock;
/// let clock = SystemClock::new();
/// let first = clock.monotonic();
/// assert!(clock.monotonic() >= first && clock.utc().date().0 >= 2024);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic count starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn utc(&self) -> Time {
        let nanos = |span: std::time::Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        Time(match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => nanos(since),
            Err(before) => -nanos(before.duration()),
        })
    }

    fn monotonic(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_starts_at_zero_and_never_runs_back_and_utc_counts_from_1970() {
        for clock in [SystemClock::new(), SystemClock::default()] {
            let (utc, count) = (clock.utc(), clock.monotonic());
            assert!((0..60 * exuvia_model::SECOND).contains(&count), "{count} ns since it was made");
            std::thread::sleep(std::time::Duration::from_millis(5));
            let counted = clock.monotonic() - count;
            assert!(counted >= 5_000_000, "{counted} ns");
            let mut last = clock.monotonic();
            for _ in 0..1_000 {
                let now = clock.monotonic();
                assert!(now >= last);
                last = now;
            }
            assert!(utc.0 > 1_700_000_000 * exuvia_model::SECOND, "UTC in nanoseconds since 1970: {utc}");
        }
    }
}
