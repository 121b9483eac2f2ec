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
