//! The walk over two values. There is no default `==`: type, bits, order and exponent count unless
//! a rule says otherwise, and every difference names its path.

mod tables;

use std::sync::Arc;

use crate::path::{self, Step};
use crate::rule::{Alive, Rule, Rules};
use crate::value::Value;
use crate::verdict::{Difference, Verdict};
use crate::{Kind, number};

/// Decodes formats that this crate does not know.
pub trait Decode {
    /// A Parquet file as a table.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn parquet(&self, bytes: &[u8]) -> Result<Value, String>;
}

/// Decodes nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoDecoder;

impl Decode for NoDecoder {
    fn parquet(&self, _: &[u8]) -> Result<Value, String> {
        Err("no Parquet reader is attached".into())
    }
}

/// Compares values under the rules of one unit.
///
/// ```
/// use exuvia_migrate::{Comparator, NoDecoder, Rules, Value};
/// let comparator = Comparator::new(Rules::parse([("$[*]", "tick:0.01")])?, 10);
/// let (legacy, candidate) = (vec![Value::Float(1.0), Value::Float(2.0)], vec![Value::Float(1.0), Value::Float(2.01)]);
/// let verdict = comparator.compare(&Value::List(legacy), &Value::List(candidate), &NoDecoder);
/// assert_eq!(verdict.differences[0].path, "$[1]");
/// # Ok::<(), exuvia_migrate::MigrateError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Comparator {
    rules: Rules,
    limit: usize,
}

impl Comparator {
    /// A comparator that keeps at most `limit` differences of each comparison (it counts all).
    pub fn new(rules: Rules, limit: usize) -> Self {
        Self { rules, limit }
    }

    /// Compares two results.
    pub fn compare(&self, legacy: &Value, candidate: &Value, decode: &dyn Decode) -> Verdict {
        self.compare_at("$", legacy, candidate, decode)
    }

    /// Compares below another root: `$args` for arguments after the call, `$self` for attributes.
    pub fn compare_at(&self, root: &str, legacy: &Value, candidate: &Value, decode: &dyn Decode) -> Verdict {
        let mut walk = self.walk(root, decode);
        walk.values(legacy, candidate, &self.rules.start(root));
        walk.found
    }

    /// Compares two exceptions: class, and arguments where the rule on `$raise` is `args`.
    pub fn compare_raised(&self, legacy: &Value, candidate: &Value, decode: &dyn Decode) -> Verdict {
        let mut walk = self.walk("$raise", decode);
        walk.values(legacy, candidate, &self.rules.start("$raise"));
        // That both raised was compared, even where a rule ignores what.
        walk.found.compared = walk.found.compared.max(1);
        walk.found
    }

    /// The verdict where one side returned and the other raised.
    pub fn one_raised(&self, legacy: &Value, candidate: &Value, kind: Kind) -> Verdict {
        let mut walk = self.walk("$", &NoDecoder);
        walk.found.compared = 1;
        let alive = self.rules.start("$");
        walk.differ(kind, legacy.shown(), candidate.shown(), &alive);
        walk.found
    }

    fn walk<'a>(&'a self, root: &'a str, decode: &'a dyn Decode) -> Walk<'a> {
        Walk { rules: &self.rules, limit: self.limit, root, steps: Vec::new(), decode, found: Verdict::default() }
    }
}

struct Walk<'a> {
    rules: &'a Rules,
    limit: usize,
    root: &'a str,
    steps: Vec<Step>,
    decode: &'a dyn Decode,
    found: Verdict,
}

impl Walk<'_> {
    fn values(&mut self, legacy: &Value, candidate: &Value, alive: &Alive) {
        let rules = self.rules;
        let rule = if alive.is_empty() { None } else { rules.here(alive) };
        match rule {
            Some((pattern, rule @ Rule::Ignore { .. })) => {
                self.ignored(pattern.text(), rule, |walk| walk.plain(legacy, candidate, &Alive::new(), None));
            }
            Some((_, Rule::Parquet)) => self.parquet(legacy, candidate, alive),
            Some((_, Rule::Base | Rule::Args)) if matches!(legacy, Value::Raised { .. }) => {
                self.raised(legacy, candidate, alive);
            }
            Some((_, rule)) => self.plain(legacy, candidate, alive, Some(rule)),
            None => self.plain(legacy, candidate, alive, None),
        }
    }

    fn plain(&mut self, legacy: &Value, candidate: &Value, alive: &Alive, rule: Option<&Rule>) {
        if let Some(rule) = rule.filter(|rule| rule.is_numeric())
            && let Some(equal) = number::within(legacy, candidate, rule)
        {
            self.found.compared += 1;
            if !equal {
                let kind = if *rule == Rule::Number { Kind::Value } else { Kind::ToleranceExceeded };
                self.differ(kind, legacy.shown(), candidate.shown(), alive);
            }
            return;
        }
        match (legacy, candidate) {
            (Value::List(one), Value::List(two)) | (Value::Tuple(one), Value::Tuple(two)) => {
                self.sequences(one, two, alive);
            }
            (Value::Dict(one), Value::Dict(two)) => self.dicts(one, two, alive),
            (Value::Set { frozen: f1, items: one }, Value::Set { frozen: f2, items: two }) if f1 == f2 => {
                self.sets(one, two, alive);
            }
            (Value::Record { class: c1, fields: one }, Value::Record { class: c2, fields: two })
                if c1 == c2 || rule == Some(&Rule::Record) =>
            {
                self.records(one, two, c1 == c2, alive);
            }
            (Value::Sub { class: c1, of: one }, Value::Sub { class: c2, of: two }) if c1 == c2 => {
                self.plain(one, two, alive, rule);
            }
            (Value::Raised { .. }, Value::Raised { .. }) => self.raised(legacy, candidate, alive),
            (Value::Array { shape: s1, column: one }, Value::Array { shape: s2, column: two }) => {
                if s1 == s2 {
                    self.columns(one, two, alive, rule);
                } else {
                    self.found.compared += 1;
                    self.differ(Kind::Length, format!("shape {s1:?}"), format!("shape {s2:?}"), alive);
                }
            }
            (Value::Table { columns: one, rows: r1 }, Value::Table { columns: two, rows: r2 }) => {
                self.tables((one, *r1), (two, *r2), alive);
            }
            _ => self.leaves(legacy, candidate, alive),
        }
    }

    fn leaves(&mut self, legacy: &Value, candidate: &Value, alive: &Alive) {
        self.found.compared += 1;
        if let Some(kind) = leaf_difference(legacy, candidate) {
            let (mut one, mut two) = (legacy.shown(), candidate.shown());
            if kind == Kind::Type {
                one = format!("{}: {one}", legacy.type_name());
                two = format!("{}: {two}", candidate.type_name());
            }
            self.differ(kind, one, two, alive);
        }
    }

    fn sequences(&mut self, one: &[Value], two: &[Value], alive: &Alive) {
        self.found.compared += 1;
        let before = (self.found.total, self.found.differences.len());
        let same_length = one.len() == two.len();
        if !same_length {
            self.differ(Kind::Length, format!("{} items", one.len()), format!("{} items", two.len()), alive);
        }
        for (at, (a, b)) in one.iter().zip(two).enumerate() {
            let total = self.found.total;
            self.step(Step::Index(at), alive, |walk, alive| walk.values(a, b, alive));
            if !same_length && self.found.total > total {
                return;
            }
        }
        if same_length && self.found.total > before.0 && is_permutation(one, two) {
            self.found.total = before.0;
            self.found.differences.truncate(before.1);
            let show = |items: &[Value]| Value::List(items.to_vec()).shown();
            self.differ(Kind::OrderOnly, show(one), show(two), alive);
        }
    }

    fn dicts(&mut self, one: &[(Value, Value)], two: &[(Value, Value)], alive: &Alive) {
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
            let place = index.binary_search_by(|entry| entry.0.as_str().cmp(&key.canonical()));
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
            self.note(format!("{}: keys in another order", path::write(self.root, &self.steps, false)));
        }
    }

    fn sets(&mut self, one: &[Value], two: &[Value], alive: &Alive) {
        self.found.compared += 1;
        let sorted = |items: &[Value]| {
            let mut keys: Vec<(String, Value)> = items.iter().map(|item| (item.canonical(), item.clone())).collect();
            keys.sort_by(|a, b| a.0.cmp(&b.0));
            keys
        };
        let (one, two) = (sorted(one), sorted(two));
        let lacks =
            |keys: &[(String, Value)], key: &str| keys.binary_search_by(|entry| entry.0.as_str().cmp(key)).is_err();
        for (_, item) in one.iter().filter(|(key, _)| lacks(&two, key)) {
            self.step(Step::Key(item.shown()), alive, |walk, alive| walk.absent(Kind::Missing, item, alive));
        }
        for (_, item) in two.iter().filter(|(key, _)| lacks(&one, key)) {
            self.step(Step::Key(item.shown()), alive, |walk, alive| walk.absent(Kind::Extra, item, alive));
        }
    }

    /// Fields by name; of two classes legacy's fields are the contract, more of them are noted.
    fn records(&mut self, one: &[(Arc<str>, Value)], two: &[(Arc<str>, Value)], same: bool, alive: &Alive) {
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

    fn raised(&mut self, legacy: &Value, candidate: &Value, alive: &Alive) {
        self.found.compared += 1;
        let (Value::Raised { class: c1, base: b1, args: one }, Value::Raised { class: c2, base: b2, args: two }) =
            (legacy, candidate)
        else {
            self.differ(Kind::Exception, legacy.shown(), candidate.shown(), alive);
            return;
        };
        let rule = self.rules.here(alive).map(|(_, rule)| rule);
        let same = if rule == Some(&Rule::Base) { b1 == b2 } else { c1 == c2 };
        if !same {
            self.differ(Kind::Exception, legacy.shown(), candidate.shown(), alive);
        } else if rule == Some(&Rule::Args) {
            self.step(Step::Field("args".into()), alive, |walk, alive| walk.sequences(one, two, alive));
        }
    }

    /// A value that only one side has.
    fn absent(&mut self, kind: Kind, value: &Value, alive: &Alive) {
        self.gone(kind, &value.shown(), alive);
    }

    fn gone(&mut self, kind: Kind, shown: &str, alive: &Alive) {
        let rules = self.rules;
        self.found.compared += 1;
        if let Some((pattern, rule @ Rule::Ignore { .. })) = rules.here(alive) {
            self.ignore(pattern.text(), rule);
            return;
        }
        let nothing = "(nothing)".to_owned();
        match kind {
            Kind::Missing => self.differ(kind, shown.to_owned(), nothing, alive),
            _ => self.differ(kind, nothing, shown.to_owned(), alive),
        }
    }

    fn step(&mut self, step: Step, alive: &Alive, inside: impl FnOnce(&mut Self, &Alive)) {
        let next = if alive.is_empty() { Alive::new() } else { self.rules.follow(alive, &step) };
        self.steps.push(step);
        inside(self, &next);
        self.steps.pop();
    }

    fn differ(&mut self, kind: Kind, legacy: String, candidate: String, alive: &Alive) {
        self.found.total += 1;
        let kind = if self.root == "$args" { Kind::Mutation } else { kind };
        if self.found.differences.len() < self.limit {
            self.found.differences.push(Difference {
                path: path::write(self.root, &self.steps, false),
                place: path::write(self.root, &self.steps, true),
                kind,
                legacy,
                candidate,
                rule: self.rules.here(alive).map_or_else(|| "exact".to_owned(), |(_, rule)| rule.name()),
            });
        }
    }

    /// Compares what a rule ignores: whether it differs is counted, what differs is not kept.
    fn ignored(&mut self, path: &str, rule: &Rule, compare: impl FnOnce(&mut Self)) {
        let before = self.found.clone();
        compare(self);
        let differed = self.found.total > before.total;
        self.found = before;
        if differed {
            self.ignore(path, rule);
        }
    }

    fn ignore(&mut self, path: &str, rule: &Rule) {
        match self.found.ignored.iter_mut().find(|(known, _, _)| known == path) {
            Some((_, _, hits)) => *hits += 1,
            None => self.found.ignored.push((path.to_owned(), rule.name(), 1)),
        }
    }

    fn note(&mut self, note: String) {
        if self.found.notes.len() < 10 && !self.found.notes.contains(&note) {
            self.found.notes.push(note);
        }
    }
}

fn leaf_difference(legacy: &Value, candidate: &Value) -> Option<Kind> {
    let equal = match (legacy, candidate) {
        (Value::None, Value::None) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::BigInt(a), Value::BigInt(b)) => a == b,
        (Value::Int(_), Value::BigInt(_)) | (Value::BigInt(_), Value::Int(_)) => false,
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (Value::Text(a), Value::Text(b)) | (Value::Decimal(a), Value::Decimal(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Moment { ns: a, aware: one }, Value::Moment { ns: b, aware: two }) if one == two => a == b,
        (Value::Enum { class: c1, name: a }, Value::Enum { class: c2, name: b }) if c1 == c2 => a == b,
        (Value::Named { class: c1, text: a }, Value::Named { class: c2, text: b }) if c1 == c2 => a == b,
        _ => return Some(Kind::Type),
    };
    (!equal).then_some(Kind::Value)
}

fn same_key(one: &Value, two: &Value) -> bool {
    leaf_difference(one, two).is_none()
        || (matches!(one, Value::Tuple(_)) && matches!(two, Value::Tuple(_)) && one.canonical() == two.canonical())
}

fn key_step(key: &Value) -> Step {
    match key {
        Value::Text(text) => Step::Field(text.as_str().into()),
        Value::Int(number) => usize::try_from(*number).map_or_else(|_| Step::Key(number.to_string()), Step::Index),
        other => Step::Key(other.shown()),
    }
}

fn is_permutation(one: &[Value], two: &[Value]) -> bool {
    let sorted = |items: &[Value]| {
        let mut keys: Vec<String> = items.iter().map(Value::canonical).collect();
        keys.sort_unstable();
        keys
    };
    one.len() > 1 && sorted(one) == sorted(two)
}

fn is_same_set(one: &[String], two: &[String]) -> bool {
    one.len() == two.len() && one.iter().all(|name| two.contains(name))
}
