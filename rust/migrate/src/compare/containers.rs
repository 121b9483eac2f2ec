//! The walk over containers in their own order: sequences, mappings, records, sets, exceptions.

use std::sync::Arc;

use super::report::key_step;
use super::{Walk, leaf_difference};
use crate::Kind;
use crate::ledger::Side;
use crate::path::{self, Step};
use crate::rule::{Alive, Rule};
use crate::value::{Class, Value};

impl Walk<'_> {
    pub(super) fn sequences(&mut self, one: &[Value], two: &[Value], alive: &Alive) {
        self.found.compared += 1;
        let before = (self.found.total, self.found.differences.len());
        let same_length = one.len() == two.len();
        if !same_length {
            let (one, two) = (|| format!("{} items", one.len()), || format!("{} items", two.len()));
            self.differ(Kind::Length, &Side::Words(&one), &Side::Words(&two), alive);
        }
        for (at, (a, b)) in one.iter().zip(two).enumerate() {
            let total = self.found.total;
            self.step(Step::Index(at), alive, |walk, alive| walk.values(a, b, alive));
            if !same_length && self.found.total > total {
                // Everything after an item that was dropped or added differs as well.
                return;
            }
        }
        if same_length && self.found.total > before.0 && is_permutation(one, two) {
            self.found.total = before.0;
            self.found.differences.truncate(before.1);
            let show = |items: &[Value]| Value::List(items.iter().take(100).cloned().collect()).shown();
            let (one, two) = (|| show(one), || show(two));
            self.differ(Kind::OrderOnly, &Side::Words(&one), &Side::Words(&two), alive);
        }
    }

    pub(super) fn dicts(&mut self, one: &[(Value, Value)], two: &[(Value, Value)], alive: &Alive) {
        self.found.compared += 1;
        let aligned = one.len() == two.len() && one.iter().zip(two).all(|((a, _), (b, _))| same_key(a, b));
        if aligned {
            for ((key, a), (_, b)) in one.iter().zip(two) {
                self.step(key_step(key), alive, |walk, alive| walk.values(a, b, alive));
            }
            return;
        }
        let mut index: Vec<(String, &Value, &Value)> =
            two.iter().map(|(key, value)| (key.canonical(), key, value)).collect();
        index.sort_by(|a, b| a.0.cmp(&b.0));
        let mut seen = vec![false; index.len()];
        for (key, a) in one {
            let wanted = key.canonical();
            let place = index.binary_search_by(|entry| entry.0.as_str().cmp(&wanted));
            let found = place.ok().and_then(|at| {
                if let Some(flag) = seen.get_mut(at) {
                    *flag = true;
                }
                index.get(at)
            });
            match found {
                Some((_, _, b)) => self.step(key_step(key), alive, |walk, alive| walk.values(a, b, alive)),
                None => self.step(key_step(key), alive, |walk, alive| walk.absent(Kind::Missing, a, alive)),
            }
        }
        for ((_, key, b), _) in index.iter().zip(&seen).filter(|(_, seen)| !**seen) {
            self.step(key_step(key), alive, |walk, alive| walk.absent(Kind::Extra, b, alive));
        }
        if one.len() == two.len() && seen.iter().all(|seen| *seen) {
            let place = self.place();
            self.note(format!("{place}: keys in another order"));
        }
    }

    pub(super) fn sets(&mut self, one: &[Value], two: &[Value], alive: &Alive) {
        self.found.compared += 1;
        let (one, two) = (sorted(one), sorted(two));
        let lacks =
            |keys: &[(String, &Value)], key: &str| keys.binary_search_by(|entry| entry.0.as_str().cmp(key)).is_err();
        for (_, item) in one.iter().filter(|(key, _)| lacks(&two, key)) {
            self.step(Step::Key(item.shown()), alive, |walk, alive| walk.absent(Kind::Missing, item, alive));
        }
        for (_, item) in two.iter().filter(|(key, _)| lacks(&one, key)) {
            self.step(Step::Key(item.shown()), alive, |walk, alive| walk.absent(Kind::Extra, item, alive));
        }
    }

    /// Fields by name; of two classes legacy's fields are the contract, more of them are noted.
    pub(super) fn records(&mut self, one: &[(Arc<str>, Value)], two: &[(Arc<str>, Value)], same: bool, alive: &Alive) {
        self.found.compared += 1;
        for (at, (name, a)) in one.iter().enumerate() {
            let aligned = two.get(at).filter(|(other, _)| other == name);
            let found = aligned.or_else(|| two.iter().find(|(other, _)| other == name));
            let step = Step::Field(Arc::clone(name));
            match found {
                Some((_, b)) => self.step(step, alive, |walk, alive| walk.values(a, b, alive)),
                None => self.step(step, alive, |walk, alive| walk.absent(Kind::Missing, a, alive)),
            }
        }
        for (name, b) in two.iter().filter(|(name, _)| !one.iter().any(|(other, _)| other == name)) {
            if same {
                let step = Step::Field(Arc::clone(name));
                self.step(step, alive, |walk, alive| walk.absent(Kind::Extra, b, alive));
            } else {
                self.note(format!("the candidate has a further field {name}"));
            }
        }
    }

    pub(super) fn raised(&mut self, legacy: &Value, candidate: &Value, alive: &Alive) {
        self.found.compared += 1;
        let (
            Value::Raised { class: c1, base: b1, args: one, fields: f1 },
            Value::Raised { class: c2, base: b2, args: two, fields: f2 },
        ) = (legacy, candidate)
        else {
            self.differ(Kind::Exception, &Side::Value(legacy), &Side::Value(candidate), alive);
            return;
        };
        let rule = self.here(alive).map(|(_, rule)| rule);
        let kin = |a: &Class, b: &Class| a == b;
        let same = match rule {
            Some(Rule::Record) => true,
            Some(Rule::Base) => kin(b1, b2),
            _ => kin(c1, c2),
        };
        if !same {
            self.differ(Kind::Exception, &Side::Value(legacy), &Side::Value(candidate), alive);
            return;
        }
        let args = Step::Field("args".into());
        let here = self.root == "$raise" && self.steps.is_empty();
        let named = here && !alive.is_empty() && !self.rules.follow(alive, &args).is_empty();
        if named || matches!(rule, Some(Rule::Args | Rule::Record)) {
            self.step(args, alive, |walk, alive| walk.sequences(one, two, alive));
        }
        if here {
            if !f1.is_empty() || !f2.is_empty() {
                self.records(f1, f2, kin(c1, c2), alive);
            }
            self.attributes_of_none(f1, f2);
        }
    }

    /// Notes, as what was ignored, attributes that a rule names and neither exception has: a wrong name looks so.
    fn attributes_of_none(&mut self, one: &[(Arc<str>, Value)], two: &[(Arc<str>, Value)]) {
        if self.trial {
            return;
        }
        let known = |name: &str| one.iter().chain(two).any(|(field, _)| &**field == name);
        for name in self.rules.attributes().0.into_iter().filter(|name| !known(name)) {
            let path = path::write("$raise", &[Step::Field(name.into())], false);
            self.found.ignored.push((path, "an attribute that neither exception has".into(), 1));
        }
    }
}

fn same_key(one: &Value, two: &Value) -> bool {
    leaf_difference(one, two).is_none()
        || (matches!(one, Value::Tuple(_)) && matches!(two, Value::Tuple(_)) && one.canonical() == two.canonical())
}

/// Items with their canonical texts, in the order of those.
pub(super) fn sorted(items: &[Value]) -> Vec<(String, &Value)> {
    let mut keys: Vec<(String, &Value)> = items.iter().map(|item| (item.canonical(), item)).collect();
    keys.sort_by(|a, b| a.0.cmp(&b.0));
    keys
}

fn is_permutation(one: &[Value], two: &[Value]) -> bool {
    one.len() > 1 && sorted(one).iter().map(|(key, _)| key).eq(sorted(two).iter().map(|(key, _)| key))
}
