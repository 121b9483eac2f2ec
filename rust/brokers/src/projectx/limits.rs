//! How often the gateway may be asked: so many requests in so many seconds, and a pause after it said "too many". Counted by
//! the caller's clock; nothing waits here, whoever asks is told how long to.

use std::collections::VecDeque;

use exuvia_model::{SECOND, Time};

/// So many requests in any span of so many nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many.
    pub most: usize,
    /// In how long, nanoseconds.
    pub span: i64,
}

/// The first pause after a 429; each that follows is twice as long.
const FIRST_PAUSE: i64 = SECOND;
/// The longest pause that is made without the gateway asking for it.
const LONGEST_PAUSE: i64 = 60 * SECOND;

/// The requests of the last span.
///
/// ```
/// use exuvia_brokers::projectx::{Pace, Window};
/// use exuvia_model::{SECOND, Time};
/// let mut window = Window::new(Pace { most: 2, span: 30 * SECOND });
/// assert_eq!(window.take(Time(0), 0), Ok(()));
/// assert_eq!(window.take(Time(10 * SECOND), 0), Ok(()));
/// assert_eq!(window.take(Time(20 * SECOND), 0), Err(10 * SECOND));
/// assert_eq!(window.take(Time(30 * SECOND), 0), Ok(()));
/// ```
#[derive(Debug, Clone)]
pub struct Window {
    pace: Pace,
    sent: VecDeque<Time>,
    seen: Time,
    /// Until when nothing is sent, after a 429.
    until: Time,
    pause: i64,
}

impl Window {
    /// A window in which nothing was sent.
    #[must_use]
    pub const fn new(pace: Pace) -> Self {
        Self { pace, sent: VecDeque::new(), seen: Time(i64::MIN), until: Time(i64::MIN), pause: 0 }
    }

    /// Counts one request at `now`, if so many that `kept` are left after it may be sent.
    ///
    /// # Errors
    /// How many nanoseconds to wait; nothing was counted.
    pub fn take(&mut self, now: Time, kept: usize) -> Result<(), i64> {
        self.follow(now);
        if self.until > now {
            return Err(self.until.0.saturating_sub(now.0));
        }
        let old = |sent: &Time| now.0.saturating_sub(sent.0) >= self.pace.span;
        while self.sent.front().is_some_and(old) {
            self.sent.pop_front();
        }
        let free = self.pace.most.saturating_sub(self.sent.len());
        if free > kept {
            self.sent.push_back(now);
            return Ok(());
        }
        // The one whose end leaves enough; with nothing to wait for, a whole span.
        let first = self.sent.get(kept - free).or_else(|| self.sent.back()).copied().unwrap_or(now);
        Err(self.pace.span.saturating_sub(now.0.saturating_sub(first.0)))
    }

    /// The gateway said "too many" at `now`, and perhaps for how long; gives how long nothing is sent.
    pub fn refused(&mut self, now: Time, retry_after: Option<i64>) -> i64 {
        self.follow(now);
        self.pause = self.pause.saturating_mul(2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        let wait = retry_after.unwrap_or(0).max(self.pause);
        self.until = Time(now.0.saturating_add(wait));
        wait
    }

    /// The gateway answered: the next pause is a short one again.
    pub const fn answered(&mut self) {
        self.pause = 0;
    }

    /// A clock that was set back takes what was counted back with it: what is left to wait stays the same.
    fn follow(&mut self, now: Time) {
        if now < self.seen {
            let back = self.seen.0.saturating_sub(now.0);
            for sent in self.sent.iter_mut().chain([&mut self.until]) {
                sent.0 = sent.0.saturating_sub(back);
            }
        }
        self.seen = now;
    }
}
