//! The venue's rate limits as windows that the caller's clock moves: 120 requests a minute for each service group, one order a
//! second, and whatever the `X-RateLimit-*` headers say on top. Nothing waits here.

use std::collections::{BTreeMap, VecDeque};

use exuvia_model::{DAY, MINUTE, SECOND, Time};
use exuvia_ports::Response;

const PER_MINUTE: usize = 120;
/// How long a 429 without headers holds: orders, everything else.
const UNSAID: (i64, i64) = (SECOND, 10 * SECOND);

/// The windows of one session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    groups: BTreeMap<String, VecDeque<Time>>,
    order: Option<Time>,
    blocks: BTreeMap<Scope, Block>,
}

/// What a header's dimension counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    App,
    Orders,
    Group(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    since: Time,
    wait: i64,
}

impl Block {
    /// When it ends; a clock that goes back does not make it longer.
    const fn until(self, now: Time) -> Time {
        let since = if now.0 < self.since.0 { now.0 } else { self.since.0 };
        Time(since.saturating_add(self.wait))
    }
}

impl Limits {
    /// Counts a request if there is room for it.
    ///
    /// # Errors
    /// The limit that is in the way, and when there is room again; then nothing was counted.
    pub fn admit(&mut self, group: &str, order: bool, now: Time) -> Result<(), (String, Time)> {
        self.blocks.retain(|_, block| block.until(now) > now);
        let scopes = [Some(Scope::App), order.then_some(Scope::Orders), Some(Scope::Group(group.to_owned()))];
        for scope in scopes.into_iter().flatten() {
            if let Some(block) = self.blocks.get(&scope) {
                return Err((format!("the venue's limit for {} is used up", scope.words()), block.until(now)));
            }
        }
        let sent = self.groups.entry(group.to_owned()).or_default();
        // What lies after now was counted before the clock went back.
        sent.iter_mut().for_each(|time| *time = (*time).min(now));
        while sent.front().is_some_and(|time| now.0.saturating_sub(time.0) >= MINUTE) {
            sent.pop_front();
        }
        if let (Some(first), true) = (sent.front(), sent.len() >= PER_MINUTE) {
            let until = Time(first.0.saturating_add(MINUTE));
            return Err((
                format!("{PER_MINUTE} requests to the service group {group:?} were sent within a minute"),
                until,
            ));
        }
        if order {
            let last = self.order.map(|last| last.min(now));
            if let Some(last) = last.filter(|last| now.0.saturating_sub(last.0) < SECOND) {
                return Err((
                    "an order was sent less than a second ago".to_owned(),
                    Time(last.0.saturating_add(SECOND)),
                ));
            }
            self.order = Some(now);
        }
        sent.push_back(now);
        Ok(())
    }

    /// Takes over what an answer says of the limits.
    pub fn heard(&mut self, group: &str, order: bool, response: &Response, now: Time) {
        let mut counters: BTreeMap<Scope, (Option<i64>, i64)> = BTreeMap::new();
        for (name, value) in &response.headers {
            let name = name.to_ascii_lowercase();
            let Some((dimension, field)) = name.strip_prefix("x-ratelimit-").and_then(|rest| rest.rsplit_once('-'))
            else {
                continue;
            };
            let Ok(value) = value.trim().parse::<i64>() else { continue };
            let scope = match dimension {
                "appday" => Scope::App,
                "sessionorders" => Scope::Orders,
                _ => Scope::Group(group.to_owned()),
            };
            let (remaining, reset) = counters.entry(scope).or_default();
            match field {
                "remaining" => *remaining = Some(remaining.map_or(value, |least| least.min(value))),
                "reset" => *reset = (*reset).max(value),
                _ => {}
            }
        }
        let refused = response.status == 429;
        let mut used_up = false;
        for (scope, (remaining, seconds)) in counters {
            if remaining.is_some_and(|left| left <= 0) && seconds > 0 {
                used_up = true;
                self.block(scope, seconds.saturating_mul(SECOND), now);
            }
        }
        if refused && !used_up {
            let (scope, wait) =
                if order { (Scope::Orders, UNSAID.0) } else { (Scope::Group(group.to_owned()), UNSAID.1) };
            self.block(scope, wait, now);
        }
    }

    /// When the next request of this kind may go, if not now.
    #[must_use]
    pub fn until(&self, group: &str, order: bool, now: Time) -> Option<Time> {
        self.clone().admit(group, order, now).err().map(|(_, until)| until)
    }

    fn block(&mut self, scope: Scope, wait: i64, now: Time) {
        let block = Block { since: now, wait: wait.min(DAY) };
        let known = self.blocks.entry(scope).or_insert(block);
        if block.until(now) > known.until(now) {
            *known = block;
        }
    }
}

impl Scope {
    fn words(&self) -> String {
        match self {
            Self::App => "the app and day".to_owned(),
            Self::Orders => "orders".to_owned(),
            Self::Group(group) => format!("the service group {group:?}"),
        }
    }
}

/// The service group of a path below the base: its first segment.
pub(super) fn group(path: &str) -> &str {
    path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default()
}
