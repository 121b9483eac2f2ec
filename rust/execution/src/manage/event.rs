//! What a manager tells by itself: a bounded queue from which the caller takes.

use std::collections::VecDeque;

use exuvia_model::{OrderStatus, Quantity};

use crate::{Notice, VenueOrder};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An order stands elsewhere now.
    Status {
        /// Which order.
        client_id: String,
        /// Where it stood.
        from: OrderStatus,
        /// Where it stands.
        to: OrderStatus,
        /// Its note then.
        note: String,
    },
    /// An amount was booked.
    Filled {
        /// Which order.
        client_id: String,
        /// How much this time.
        quantity: Quantity,
        /// How much so far.
        filled: Quantity,
    },
    /// The desk's own remark on something heard.
    Told(Notice),
    /// Something that the venue said could not be used; nothing changed, and the order is looked up if it is one of ours.
    Unusable {
        /// What it was about.
        what: String,
        /// Why not.
        why: String,
    },
    /// A position has no stop that works any more.
    Unprotected {
        /// The entry.
        client_id: String,
        /// How much of it is open.
        quantity: Quantity,
    },
    /// A cancel, a change or a flattening was not done and is not tried again.
    NotDone {
        /// The order, or the instrument of a flattening.
        client_id: String,
        /// Which of them.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The venue had this order and does not show it any more; it stays in doubt.
    Vanished {
        /// Which order.
        client_id: String,
    },
    /// The venue works an order that ended here.
    Revived {
        /// Which order.
        client_id: String,
        /// The venue's id.
        venue_id: String,
    },
    /// The venue has two orders of one client id.
    Doubled {
        /// Which order.
        client_id: String,
        /// The venue's id that we know.
        ours: String,
        /// The other one.
        other: String,
    },
    /// The venue's terms of a working order are not ours: somebody changed them there.
    TermsDiffer {
        /// Which order.
        client_id: String,
        /// What differs, and both values.
        what: String,
    },
    /// An order that was given up is wanted anew.
    PlacedAnew {
        /// The order that is gone.
        client_id: String,
        /// The one in its place.
        anew: String,
    },
    /// An order at the venue that was not placed here: new, or other than it was.
    ForeignOrder(Box<VenueOrder>),
    /// What the venue holds beyond what was executed for this desk, now that it is another amount.
    ForeignPosition {
        /// The instrument by its name at the venue.
        instrument: String,
        /// The venue's less ours, signed.
        quantity: Quantity,
    },
    /// The venue does not answer; told once, until it does.
    Unreachable {
        /// The words.
        why: String,
    },
    /// Reports may have been missed; everything is asked for.
    Gap {
        /// The words.
        why: String,
    },
    /// The caller's clock went back.
    ClockBack {
        /// By how many nanoseconds.
        by: i64,
    },
}

impl Event {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Filled { .. } => "filled",
            Self::Told(notice) => notice.code(),
            Self::Unusable { .. } => "unusable",
            Self::Unprotected { .. } => "unprotected",
            Self::NotDone { .. } => "not_done",
            Self::Vanished { .. } => "vanished",
            Self::Revived { .. } => "revived",
            Self::Doubled { .. } => "doubled",
            Self::TermsDiffer { .. } => "terms_differ",
            Self::PlacedAnew { .. } => "placed_anew",
            Self::ForeignOrder(_) => "foreign_order",
            Self::ForeignPosition { .. } => "foreign_position",
            Self::Unreachable { .. } => "unreachable",
            Self::Gap { .. } => "gap",
            Self::ClockBack { .. } => "clock_back",
        }
    }
}

/// Events that wait to be taken.
#[derive(Debug)]
pub(super) struct Events {
    waiting: VecDeque<Event>,
    most: usize,
    dropped: u64,
}

impl Events {
    pub(super) const fn new(most: usize) -> Self {
        Self { waiting: VecDeque::new(), most, dropped: 0 }
    }

    /// Adds one; the oldest makes room.
    pub(super) fn push(&mut self, event: Event) {
        self.waiting.push_back(event);
        while self.waiting.len() > self.most {
            self.waiting.pop_front();
            self.dropped += 1;
        }
    }

    pub(super) fn take(&mut self) -> Vec<Event> {
        self.waiting.drain(..).collect()
    }

    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }
}
