//! What time it is: UTC in nanoseconds, and a monotonic count for measuring.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use exuvia_model::Time;

use crate::locked;

/// A source of time.
///
/// ```
/// use exuvia_model::Time;
/// use exuvia_ports::{Clock, SimClock};
/// let clock = SimClock::new(Time(1_000));
/// clock.advance(500);
/// assert_eq!((clock.utc(), clock.monotonic()), (Time(1_500), 500));
/// ```
pub trait Clock: fmt::Debug + Send + Sync {
    /// UTC now.
    fn utc(&self) -> Time;

    /// Nanoseconds since an arbitrary start; never goes back.
    fn monotonic(&self) -> i64;
}

/// A clock that moves only when it is told.
#[derive(Debug)]
pub struct SimClock {
    now: Mutex<(Time, i64)>,
}

impl SimClock {
    /// A clock that stands at `start`; its monotonic count is 0.
    #[must_use]
    pub const fn new(start: Time) -> Self {
        Self { now: Mutex::new((start, 0)) }
    }

    /// Moves UTC and the monotonic count forward; a negative step moves nothing.
    pub fn advance(&self, nanoseconds: i64) {
        let step = nanoseconds.max(0);
        let mut now = locked(&self.now);
        *now = (Time(now.0.0.saturating_add(step)), now.1.saturating_add(step));
    }

    /// Moves forward to `time`; does nothing if the clock is already past it.
    pub fn advance_to(&self, time: Time) {
        let mut now = locked(&self.now);
        if time > now.0 {
            now.1 = now.1.saturating_add(time.0.saturating_sub(now.0.0));
            now.0 = time;
        }
    }

    /// Sets UTC, backwards too, as an operator or NTP does; the monotonic count stays.
    pub fn set_utc(&self, time: Time) {
        locked(&self.now).0 = time;
    }
}

impl Clock for SimClock {
    fn utc(&self) -> Time {
        locked(&self.now).0
    }

    fn monotonic(&self) -> i64 {
        locked(&self.now).1
    }
}

/// A clock that answers with the instants of a recording, in order. At the end of the tape it stays at
/// the last one and [`TapedClock::overrun`] counts how often it was asked for more.
#[derive(Debug)]
pub struct TapedClock {
    tape: Mutex<Tape>,
}

#[derive(Debug)]
struct Tape {
    left: VecDeque<Time>,
    first: Time,
    last: Time,
    overrun: u64,
}

impl TapedClock {
    /// A clock over recorded instants; `None` if there are none.
    #[must_use]
    pub fn new(instants: impl IntoIterator<Item = Time>) -> Option<Self> {
        let left: VecDeque<Time> = instants.into_iter().collect();
        let first = *left.front()?;
        Some(Self { tape: Mutex::new(Tape { left, first, last: first, overrun: 0 }) })
    }

    /// How often it was asked after the tape had ended; a replay that is faithful leaves 0.
    #[must_use]
    pub fn overrun(&self) -> u64 {
        locked(&self.tape).overrun
    }
}

impl Clock for TapedClock {
    fn utc(&self) -> Time {
        let mut tape = locked(&self.tape);
        match tape.left.pop_front() {
            Some(next) => tape.last = next,
            None => tape.overrun += 1,
        }
        tape.last
    }

    /// Nanoseconds from the first instant of the tape to the last one handed out.
    fn monotonic(&self) -> i64 {
        let tape = locked(&self.tape);
        tape.last.0.saturating_sub(tape.first.0).max(0)
    }
}
