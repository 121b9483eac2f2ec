//! What a call did to the world, and what it asked of it. Effects are compared in order, reads as sets:
//! a read that legacy never made is a difference, one that the candidate left out is not.

use std::collections::BTreeMap;

use super::{Comparator, Decode, Walk};
use crate::Kind;
use crate::path::Step;
use crate::rule::Alive;
use crate::value::Value;
use crate::verdict::Verdict;

impl Comparator {
    /// Compares the effects of a call: orders and writes, as legacy made them and as the candidate would.
    pub fn compare_effects(&self, legacy: &[Value], candidate: &[Value], decode: &dyn Decode) -> Verdict {
        let mut walk = self.walk("$effects", decode);
        walk.effects(legacy, candidate, &self.rules.start("$effects"));
        walk.found
    }

    /// Compares what was read: each read of the candidate must be one that legacy made.
    pub fn compare_reads(&self, legacy: &[Value], candidate: &[Value], decode: &dyn Decode) -> Verdict {
        let mut walk = self.walk("$reads", decode);
        let alive = self.rules.start("$reads");
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for read in legacy {
            *known.entry(read.canonical()).or_default() += 1;
        }
        walk.found.compared = 1;
        let mut unread = legacy.len();
        for (at, read) in candidate.iter().enumerate() {
            walk.found.compared += 1;
            match known.get_mut(&read.canonical()) {
                // Once recorded, an answer may be read again.
                Some(left) => {
                    unread = unread.saturating_sub(usize::from(*left > 0));
                    *left = left.saturating_sub(1);
                }
                None => walk.step(Step::Index(at), &alive, |walk, alive| walk.absent(Kind::ExtraRead, read, alive)),
            }
        }
        if unread > 0 {
            walk.note(format!("$reads: the candidate left out {unread} of {} reads", legacy.len()));
        }
        walk.found
    }
}

impl Walk<'_> {
    /// Pairs effects in order. Where two differ, it is seen whether one was dropped or added there.
    fn effects(&mut self, one: &[Value], two: &[Value], alive: &Alive) {
        self.found.compared += 1;
        let (mut at, mut other) = (0, 0);
        while let (Some(a), Some(b)) = (one.get(at), two.get(other)) {
            let mut same = |a: &Value, b: &Value| {
                self.is_equal(|walk| walk.step(Step::Index(at), alive, |walk, alive| walk.values(a, b, alive)))
            };
            let left = one.len().abs_diff(at) > two.len().abs_diff(other);
            let right = two.len().abs_diff(other) > one.len().abs_diff(at);
            if same(a, b) {
                self.step(Step::Index(at), alive, |walk, alive| walk.values(a, b, alive));
            } else if left && one.get(at + 1).is_some_and(|next| same(next, b)) {
                self.step(Step::Index(at), alive, |walk, alive| walk.absent(Kind::EffectMissing, a, alive));
                at += 1;
                continue;
            } else if right && two.get(other + 1).is_some_and(|next| same(a, next)) {
                self.step(Step::Index(other), alive, |walk, alive| walk.absent(Kind::EffectExtra, b, alive));
                other += 1;
                continue;
            } else {
                self.step(Step::Index(at), alive, |walk, alive| walk.values(a, b, alive));
            }
            at += 1;
            other += 1;
        }
        for (place, effect) in one.iter().enumerate().skip(at) {
            self.step(Step::Index(place), alive, |walk, alive| walk.absent(Kind::EffectMissing, effect, alive));
        }
        for (place, effect) in two.iter().enumerate().skip(other) {
            self.step(Step::Index(place), alive, |walk, alive| walk.absent(Kind::EffectExtra, effect, alive));
        }
    }
}
