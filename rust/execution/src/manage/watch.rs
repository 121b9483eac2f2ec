//! The orders that wait for something: an answer, the end of a doubt, a second look. Each has the moment at which the venue is
//! asked next, which moves away as it is asked in vain.

use std::collections::BTreeMap;

use exuvia_model::{OrderStatus, Time};

use super::{Settings, clock::Clock};

/// One order that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    /// When its last request was sent, or the doubt began, by the steady clock.
    pub(super) began: i64,
    /// The least time that the caller's clock has shown since it was sent.
    pub(super) earliest: Time,
    /// When it is its turn.
    next: i64,
    /// How often it was asked in vain.
    tries: u32,
    /// How often a complete list lacked it.
    pub(super) lacked: u32,
    /// Whether its state has no answer.
    waits: bool,
    /// Whether it is to be seen once, whatever its state.
    verify: bool,
    /// How often its bytes never left.
    pub(super) unsent: u32,
    /// Whether it was told that the venue does not show it.
    pub(super) told: bool,
}

/// All that wait, by client id.
#[derive(Debug, Default)]
pub(super) struct Watches {
    all: BTreeMap<String, Watch>,
}

/// Whether an order in this state waits for the venue.
pub(super) const fn waits(status: OrderStatus) -> bool {
    use OrderStatus as S;
    matches!(status, S::PendingNew | S::Unknown | S::PendingCancel | S::PendingReplace)
}

impl Watches {
    fn entry(&mut self, client_id: &str, clock: &Clock) -> &mut Watch {
        self.all.entry(client_id.to_owned()).or_insert_with(|| Watch {
            began: clock.steady(),
            earliest: clock.now(),
            next: i64::MAX,
            tries: 0,
            lacked: 0,
            waits: false,
            verify: false,
            unsent: 0,
            told: false,
        })
    }

    /// The caller's time went back: orders that wait may have been placed when it was less.
    pub(super) fn earlier(&mut self, now: Time) {
        for watch in self.all.values_mut() {
            watch.earliest = watch.earliest.min(now);
        }
    }

    /// A request of this order is about to leave.
    pub(super) fn sent(&mut self, client_id: &str, clock: &Clock, settings: &Settings) {
        let watch = self.entry(client_id, clock);
        (watch.began, watch.tries, watch.lacked, watch.told) = (clock.steady(), 0, 0, false);
        watch.next = clock.steady().saturating_add(settings.answer_within);
    }

    /// Follows the state of an order.
    pub(super) fn follow(&mut self, client_id: &str, status: OrderStatus, clock: &Clock, settings: &Settings) {
        if waits(status) {
            let first = !self.all.contains_key(client_id);
            let watch = self.entry(client_id, clock);
            let wait = if status == OrderStatus::Unknown { settings.first_wait } else { settings.answer_within };
            if first || !watch.waits || status == OrderStatus::Unknown {
                watch.next = watch.next.min(clock.steady().saturating_add(wait));
            }
            watch.waits = true;
        } else if let Some(watch) = self.all.get_mut(client_id) {
            (watch.waits, watch.unsent) = (false, 0);
            if !watch.verify {
                self.all.remove(client_id);
            }
        }
    }

    /// Wants it seen after so long, whatever its state.
    pub(super) fn verify(&mut self, client_id: &str, after: i64, clock: &Clock) {
        let watch = self.entry(client_id, clock);
        watch.verify = true;
        watch.next = watch.next.min(clock.steady().saturating_add(after));
    }

    /// The venue was asked and answered.
    pub(super) fn seen(&mut self, client_id: &str) {
        if let Some(watch) = self.all.get_mut(client_id) {
            watch.verify = false;
            if !watch.waits {
                self.all.remove(client_id);
            }
        }
    }

    /// It is asked again later.
    pub(super) fn later(&mut self, client_id: &str, clock: &Clock, settings: &Settings) {
        if let Some(watch) = self.all.get_mut(client_id) {
            watch.next = clock.steady().saturating_add(settings.wait(watch.tries));
            watch.tries = watch.tries.saturating_add(1);
        }
    }

    pub(super) fn get(&self, client_id: &str) -> Option<&Watch> {
        self.all.get(client_id)
    }

    pub(super) fn get_mut(&mut self, client_id: &str) -> Option<&mut Watch> {
        self.all.get_mut(client_id)
    }

    /// The one whose turn it is, the longest due first.
    pub(super) fn due(&self, steady: i64) -> Option<String> {
        let due = self.all.iter().filter(|(_, watch)| watch.next <= steady);
        due.min_by_key(|(_, watch)| watch.next).map(|(client_id, _)| client_id.clone())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }
}
