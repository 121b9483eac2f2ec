//! The walk over items whose order does not count: multisets, rows by key, sets by their overlap.

use std::collections::BTreeMap;

use super::Walk;
use super::containers::sorted;
use super::report::key_step;
use crate::Kind;
use crate::ids::Ids;
use crate::ledger::Side;
use crate::path::Step;
use crate::rule::Alive;
use crate::value::Value;

/// Pairs of items that are tried at most, where no two are equal as they are.
const TRIED: usize = 10_000;

impl Walk<'_> {
    /// Items in any order: those that are equal as they are go first, then those that are equal under
    /// the rules for items; what is left is missing or extra.
    pub(super) fn multiset(&mut self, one: &[Value], two: &[Value], alive: &Alive) {
        self.found.compared += 1;
        let mut waiting: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, item) in two.iter().enumerate().rev() {
            waiting.entry(item.canonical()).or_default().push(at);
        }
        let mut left = Vec::new();
        let names = self.rules.has_ids() && !alive.is_empty();
        for (at, item) in one.iter().enumerate() {
            match waiting.get_mut(&item.canonical()).and_then(Vec::pop) {
                Some(_) if names => {
                    self.step(Step::Index(at), alive, |walk, alive| walk.values(item, item, alive));
                }
                Some(_) => self.found.compared += 1,
                None => left.push(at),
            }
        }
        let mut right: Vec<usize> = waiting.into_values().flatten().collect();
        right.sort_unstable();
        let next = self.rules.follow(alive, &Step::Index(0));
        if !next.is_empty() && !left.is_empty() && !right.is_empty() {
            if left.len().saturating_mul(right.len()) <= TRIED {
                self.pair_up((one, &mut left), (two, &mut right), alive);
            } else {
                let place = self.place();
                self.note(format!("{place}: {} items match none, too many to try: use keyed(field)", left.len()));
            }
        }
        for (at, item) in left.iter().filter_map(|at| Some((*at, one.get(*at)?))) {
            self.step(Step::Index(at), alive, |walk, alive| walk.absent(Kind::Missing, item, alive));
        }
        for (at, item) in right.iter().filter_map(|at| Some((*at, two.get(*at)?))) {
            self.step(Step::Index(at), alive, |walk, alive| walk.absent(Kind::Extra, item, alive));
        }
    }

    /// Pairs as many items as can be paired with equal ones, and takes them from what is left. Within a tolerance an
    /// item may be equal to several: the first that fits is given up again where another needs it (Kuhn's algorithm).
    fn pair_up(
        &mut self,
        (one, left): (&[Value], &mut Vec<usize>),
        (two, right): (&[Value], &mut Vec<usize>),
        alive: &Alive,
    ) {
        let mut fits: Vec<Vec<usize>> = Vec::with_capacity(left.len());
        for at in left.iter() {
            let mut own = Vec::new();
            for (place, other) in right.iter().enumerate() {
                let (Some(a), Some(b)) = (one.get(*at), two.get(*other)) else { continue };
                if self.is_equal(|walk| walk.step(Step::Index(*at), alive, |walk, alive| walk.values(a, b, alive))) {
                    own.push(place);
                }
            }
            fits.push(own);
        }
        let taken = pairing(&fits, right.len());
        for (place, item) in taken.iter().enumerate() {
            let found = item.and_then(|item| one.get(*left.get(item)?).zip(two.get(*right.get(place)?)));
            if let (Some((a, b)), Some(at)) = (found, item.and_then(|item| left.get(item).copied())) {
                self.step(Step::Index(at), alive, |walk, alive| walk.values(a, b, alive));
            }
        }
        let paired: Vec<usize> = taken.iter().filter_map(|item| *item).collect();
        let mut item = 0..;
        left.retain(|_| item.next().is_none_or(|item| !paired.contains(&item)));
        let mut place = taken.iter();
        right.retain(|_| place.next().is_none_or(Option::is_none));
    }

    /// Rows by the values of their key fields.
    pub(super) fn keyed_items(
        &mut self,
        one: &[Value],
        two: &[Value],
        (fields, ordered): (&[String], bool),
        alive: &Alive,
    ) {
        self.found.compared += 1;
        let left = self.keys_of(one, fields, Kind::Extra, alive);
        let right = self.keys_of(two, fields, Kind::Missing, alive);
        let pairs = pairs_of(&left, &right);
        for (at, other, key) in &pairs {
            let (Some(a), Some(b)) = (one.get(*at), two.get(*other)) else { continue };
            self.step(Step::Key((*key).to_owned()), alive, |walk, alive| walk.values(a, b, alive));
        }
        self.say_order(&pairs, ordered, alive);
        for (rows, others, items, kind) in [(&left, &right, one, Kind::Missing), (&right, &left, two, Kind::Extra)] {
            for (key, at) in rows.iter().filter(|(key, _)| !others.contains_key(*key)) {
                let Some(item) = items.get(*at) else { continue };
                self.step(Step::Key(key.clone()), alive, |walk, alive| walk.absent(kind, item, alive));
            }
        }
    }

    /// Says if the rows of both sides are in different orders.
    pub(super) fn say_order(&mut self, pairs: &[Pair<'_>], ordered: bool, alive: &Alive) {
        let turned = pairs.windows(2).find(|pair| matches!(pair, [(_, a, _), (_, b, _)] if a > b));
        if let Some([(_, _, first), (_, _, second)]) = turned {
            if ordered {
                let (one, two) = (|| format!("{first} before {second}"), || format!("{second} before {first}"));
                self.differ(Kind::OrderOnly, &Side::Words(&one), &Side::Words(&two), alive);
            } else {
                let place = self.place();
                self.note(format!("{place}: rows in another order"));
            }
        }
    }

    /// The place of each key; the second row of a key is its own key. A row without a key is a difference.
    fn keys_of(&mut self, items: &[Value], fields: &[String], kind: Kind, alive: &Alive) -> BTreeMap<String, usize> {
        let (mut keys, mut seen) = (BTreeMap::new(), BTreeMap::new());
        for (at, item) in items.iter().enumerate() {
            let mut parts = Vec::with_capacity(fields.len());
            for field in fields {
                match field_of(item, field) {
                    Some(value) => parts.push(format!("{field}={}", value.canonical())),
                    None => {
                        let words = || format!("a row without {field}: {}", item.shown());
                        self.step(Step::Index(at), alive, |walk, alive| walk.gone(kind, &Side::Words(&words), alive));
                        break;
                    }
                }
            }
            if parts.len() == fields.len() {
                number(&mut keys, &mut seen, parts.join(", "), at);
            }
        }
        keys
    }

    /// Entries whose keys are names that each side made up: those that are known meet by the renaming, the
    /// others in their order, if they are alike.
    pub(super) fn named_entries(&mut self, ids: &Ids, one: &[(Value, Value)], two: &[(Value, Value)], alive: &Alive) {
        self.found.compared += 1;
        let mut waiting: Vec<(String, &(Value, Value))> =
            two.iter().map(|entry| (entry.0.canonical(), entry)).collect();
        let mut left = Vec::new();
        for entry in one {
            let known = self.memory.renamings.known(ids, &entry.0.canonical()).map(str::to_owned);
            let place = known.and_then(|known| waiting.iter().position(|(name, _)| *name == known));
            match place {
                Some(place) => self.named_entry(ids, entry, waiting.remove(place).1, alive),
                None => left.push(entry),
            }
        }
        for entry in left {
            match waiting.iter().position(|(_, other)| ids.alike(&entry.0, &other.0) == Some(true)) {
                Some(place) => self.named_entry(ids, entry, waiting.remove(place).1, alive),
                None => self.step(key_step(&entry.0), alive, |walk, alive| {
                    walk.absent(Kind::Missing, &entry.1, alive);
                }),
            }
        }
        for (_, entry) in waiting {
            self.step(key_step(&entry.0), alive, |walk, alive| walk.absent(Kind::Extra, &entry.1, alive));
        }
    }

    fn named_entry(&mut self, ids: &Ids, one: &(Value, Value), two: &(Value, Value), alive: &Alive) {
        self.step(key_step(&one.0), alive, |walk, alive| {
            walk.names(ids, true, &one.0, &two.0, alive);
            walk.values(&one.1, &two.1, alive);
        });
    }

    /// Sets by the part of all members that both have.
    pub(super) fn overlap(&mut self, one: &[Value], two: &[Value], threshold: f64, alive: &Alive) {
        self.found.compared += 1;
        let distinct = |items| {
            let mut keys = sorted(items);
            keys.dedup_by(|a, b| a.0 == b.0);
            keys
        };
        let (left, right) = (distinct(one), distinct(two));
        let lacks = |keys: &[(String, &Value)], key: &String| keys.binary_search_by(|entry| entry.0.cmp(key)).is_err();
        let gone: Vec<&Value> = left.iter().filter(|(key, _)| lacks(&right, key)).map(|(_, item)| *item).collect();
        let new: Vec<&Value> = right.iter().filter(|(key, _)| lacks(&left, key)).map(|(_, item)| *item).collect();
        let all = left.len() + new.len();
        let share = if all == 0 { 1.0 } else { ratio(left.len() - gone.len(), all) };
        if share < threshold {
            let few = |items: &[&Value]| items.iter().take(5).map(|item| item.shown()).collect::<Vec<_>>().join(", ");
            let one = || format!("{} members, not in the candidate: {}", left.len(), few(&gone));
            let two = || format!("{} members, overlap {share:.4}, not in legacy: {}", right.len(), few(&new));
            self.differ(Kind::ToleranceExceeded, &Side::Words(&one), &Side::Words(&two), alive);
        } else if !gone.is_empty() || !new.is_empty() {
            let place = self.place();
            self.note(format!("{place}: overlap {share:.4}"));
        }
    }
}

/// A row of both sides: its place in each, and its key.
pub(super) type Pair<'k> = (usize, usize, &'k str);

/// The rows that both sides have, in legacy's order.
pub(super) fn pairs_of<'k>(left: &'k BTreeMap<String, usize>, right: &BTreeMap<String, usize>) -> Vec<Pair<'k>> {
    let mut pairs: Vec<Pair<'k>> =
        left.iter().filter_map(|(key, at)| Some((*at, *right.get(key)?, key.as_str()))).collect();
    pairs.sort_unstable();
    pairs
}

/// Gives a key its place; a key that is there already is numbered.
pub(super) fn number(keys: &mut BTreeMap<String, usize>, seen: &mut BTreeMap<String, usize>, key: String, at: usize) {
    let times = seen.entry(key.clone()).or_default();
    *times += 1;
    let key = if *times > 1 { format!("{key} #{times}") } else { key };
    keys.insert(key, at);
}

fn field_of<'v>(item: &'v Value, name: &str) -> Option<&'v Value> {
    match item {
        Value::Dict(entries) => {
            entries.iter().find(|(key, _)| matches!(key, Value::Text(text) if text == name)).map(|(_, value)| value)
        }
        Value::Record { fields, .. } => fields.iter().find(|(field, _)| &**field == name).map(|(_, value)| value),
        Value::Sub { of, .. } => field_of(of, name),
        _ => None,
    }
}

/// Which item each place goes to, such that as many places as can be are taken; `fits` has the places of each item.
fn pairing(fits: &[Vec<usize>], places: usize) -> Vec<Option<usize>> {
    let mut taken = vec![None; places];
    for item in 0..fits.len() {
        // Breadth first, so that no depth of the stack goes by the input: places reached, and from which place.
        let mut from: Vec<Option<Option<usize>>> = vec![None; places];
        let mut waiting = std::collections::VecDeque::from([(item, None)]);
        let mut free = None;
        while let Some((who, came)) = waiting.pop_front() {
            for place in fits.get(who).into_iter().flatten().copied() {
                let Some(known) = from.get_mut(place).filter(|known| known.is_none()) else { continue };
                *known = Some(came);
                match taken.get(place).copied().flatten() {
                    Some(other) => waiting.push_back((other, Some(place))),
                    None => free = free.or(Some(place)),
                }
            }
            if free.is_some() {
                break;
            }
        }
        // Each on the way moves over to the place that it reached.
        while let Some(place) = free {
            let came = from.get(place).copied().flatten().flatten();
            let who = came.map_or(Some(item), |came| taken.get(came).copied().flatten());
            if let Some(slot) = taken.get_mut(place) {
                *slot = who;
            }
            free = came;
        }
    }
    taken
}

fn ratio(part: usize, all: usize) -> f64 {
    let wide = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    wide(part) / wide(all)
}

#[cfg(test)]
mod tests {
    use super::pairing;

    /// By trying everything.
    fn most(fits: &[Vec<usize>], used: &mut Vec<usize>) -> usize {
        let Some((first, rest)) = fits.split_first() else { return 0 };
        let mut best = most(rest, used);
        for place in first {
            if !used.contains(place) {
                used.push(*place);
                best = best.max(1 + most(rest, used));
                used.pop();
            }
        }
        best
    }

    #[test]
    fn as_many_are_paired_as_can_be() {
        // All bipartite graphs of four items and three places.
        for graph in 0_u32..1 << 12 {
            let fits: Vec<Vec<usize>> =
                (0..4).map(|item| (0..3).filter(|place| graph >> (item * 3 + place) & 1 == 1).collect()).collect();
            let taken = pairing(&fits, 3);
            let mut items: Vec<usize> = taken.iter().filter_map(|item| *item).collect();
            assert_eq!(items.len(), most(&fits, &mut Vec::new()), "{fits:?}");
            let allowed = |(place, item): (usize, &Option<usize>)| item.is_none_or(|item| fits[item].contains(&place));
            assert!(taken.iter().enumerate().all(allowed), "{fits:?} {taken:?}");
            items.sort_unstable();
            items.dedup();
            assert_eq!(items.len(), taken.iter().flatten().count(), "an item is paired once");
        }
    }
}
