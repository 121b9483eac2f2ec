//! When a token is renewed, and how patient a keeper is.

use exuvia_model::{HOUR, MINUTE, SECOND};

use super::TokenError;
use super::lease::signed;

/// The rules of a keeper; all spans in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long before its end an access token is renewed; at most a quarter of its life.
    pub margin: i64,
    /// How much earlier than that at most, by lot, so that many keepers do not ask at once.
    pub jitter: i64,
    /// The life of a token whose answer says nothing of it.
    pub lifetime: i64,
    /// No two renewals follow each other faster, whatever clocks, brokers and answers say.
    pub gap: i64,
    /// The first and the longest wait after a failure; they double in between, a random half of each is waited.
    pub backoff: (i64, i64),
    /// How often the lease is renewed and the status is written.
    pub beat: i64,
    /// After this long without a beat a contender takes the lease. Longer than three beats, and than a request can last.
    pub stale: i64,
    /// How often a problem that goes on is told again.
    pub remind: i64,
    /// How many changes of the token file by another program within an hour are taken for logins.
    pub logins: u32,
    /// Whether a token whose answer was lost is sent again. True: a server without the answer on its record answers it. False for
    /// a server that ends the whole session when a spent token comes again.
    pub retry_lost: bool,
    /// By whom and why the lease is taken from whoever has it.
    pub takeover: Option<(String, String)>,
}

impl Default for Settings {
    /// Saxo's 20 minutes are renewed after 15, less up to 10 s.
    fn default() -> Self {
        Self {
            margin: 5 * MINUTE,
            jitter: 10 * SECOND,
            lifetime: 20 * MINUTE,
            gap: 30 * SECOND,
            backoff: (5 * SECOND, 5 * MINUTE),
            beat: 30 * SECOND,
            stale: 2 * MINUTE,
            remind: 15 * MINUTE,
            logins: 3,
            retry_lost: true,
            takeover: None,
        }
    }
}

impl Settings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// `Setting` naming field and rule; `Unsigned`.
    pub fn check(&self) -> Result<(), TokenError> {
        let second_to_day = |span: i64| (SECOND..=24 * HOUR).contains(&span);
        let rule = "it must be from 1 s to 24 h";
        let spans = [
            ("lifetime", self.lifetime),
            ("gap", self.gap),
            ("backoff.0", self.backoff.0),
            ("backoff.1", self.backoff.1),
            ("beat", self.beat),
            ("remind", self.remind),
        ];
        let wrong = |field, value: i64, rule| Err(TokenError::Setting { field, value: format!("{value} ns"), rule });
        if let Some((field, value)) = spans.into_iter().find(|(_, span)| !second_to_day(*span)) {
            return wrong(field, value, rule);
        }
        for (field, value) in [("margin", self.margin), ("jitter", self.jitter)] {
            if !(0..=24 * HOUR).contains(&value) {
                return wrong(field, value, "it must be from 0 to 24 h");
            }
        }
        if self.backoff.1 < self.backoff.0 {
            return wrong("backoff.1", self.backoff.1, "the longest wait must not be below the first");
        }
        if self.stale <= 3 * self.beat {
            return wrong("stale", self.stale, "it must be longer than three beats, or a slow disk looks like a death");
        }
        self.takeover.as_ref().map_or(Ok(()), |(by, reason)| signed(by, reason))
    }
}
