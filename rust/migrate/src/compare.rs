//! The walk over two values. There is no default `==`: type, bits, order and exponent count unless
//! a rule says otherwise, and every difference names its path.

mod containers;
mod effects;
mod report;
mod tables;
#[cfg(test)]
mod tests;
mod unordered;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ids::Ids;
use crate::ledger::{Divergence, Memory, Side};
use crate::path::{Pattern, Step};
use crate::rule::{Alive, Rule, Rules, is_money};
use crate::value::Value;
use crate::verdict::Verdict;
use crate::{Kind, number};

/// What a comparison asks of its surroundings.
pub trait Decode {
    /// A Parquet file as a table.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn parquet(&self, bytes: &[u8]) -> Result<Value, String>;

    /// Today, as days since 1970: for what expires. Without a calendar nothing does.
    fn today(&self) -> i64 {
        i64::MIN
    }
}

/// Decodes nothing and knows no day.
#[derive(Debug, Clone, Copy)]
pub struct NoDecoder;

impl Decode for NoDecoder {
    fn parquet(&self, _: &[u8]) -> Result<Value, String> {
        Err("no Parquet reader is attached".into())
    }
}

/// Compares values under the rules of one unit. Clones share what is remembered between calls.
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
    ledger: Vec<Divergence>,
    memory: Arc<Mutex<Memory>>,
}

impl Comparator {
    /// A comparator that keeps at most `limit` differences of each comparison (it counts all).
    pub fn new(rules: Rules, limit: usize) -> Self {
        Self { rules, limit, ..Self::default() }
    }

    /// The same with declared divergences.
    #[must_use]
    pub fn with_ledger(mut self, ledger: Vec<Divergence>) -> Self {
        self.ledger = ledger;
        self
    }

    /// The same with the memory of `other`: one renaming and one count of hits for a whole unit.
    #[must_use]
    pub fn sharing(mut self, other: &Self) -> Self {
        self.memory = Arc::clone(&other.memory);
        self
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether something declared ends on a day, so that today has to be known.
    pub fn expires(&self) -> bool {
        !self.ledger.is_empty() || self.rules.expires()
    }

    /// The declared divergences and how often each was hit.
    pub fn ledger(&self) -> Vec<(&Divergence, u64)> {
        let memory = self.memory();
        self.ledger.iter().map(|found| (found, memory.hits(found.path.text(), &found.name()))).collect()
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
        // That both raised was compared, even where all else is ignored.
        walk.found.compared += 1;
        walk.found
    }

    /// The verdict where one side returned and the other raised, panicked or did not answer.
    pub fn one_raised(&self, legacy: &Value, candidate: &Value, kind: Kind, decode: &dyn Decode) -> Verdict {
        self.differs("$", kind, legacy, candidate, decode)
    }

    /// The verdict of one difference that was seen elsewhere; the ledger may know it.
    pub fn differs(&self, root: &str, kind: Kind, legacy: &Value, candidate: &Value, decode: &dyn Decode) -> Verdict {
        let mut walk = self.walk(root, decode);
        walk.found.compared = 1;
        walk.differ(kind, &Side::Value(legacy), &Side::Value(candidate), &self.rules.start(root));
        walk.found
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn walk<'a>(&'a self, root: &'a str, decode: &'a dyn Decode) -> Walk<'a> {
        let mut memory = self.memory();
        memory.renamings.end_call();
        Walk {
            rules: &self.rules,
            limit: self.limit,
            ledger: &self.ledger,
            memory,
            root,
            steps: Vec::new(),
            decode,
            trial: false,
            stamp: None,
            found: Verdict::default(),
        }
    }
}

struct Walk<'a> {
    rules: &'a Rules,
    limit: usize,
    ledger: &'a [Divergence],
    memory: MutexGuard<'a, Memory>,
    root: &'a str,
    steps: Vec<Step>,
    decode: &'a dyn Decode,
    /// Whether this is only to see if two values are equal: nothing is counted or remembered.
    trial: bool,
    /// What differences say of the rule, where it is not the one in force.
    stamp: Option<String>,
    found: Verdict,
}

impl<'a> Walk<'a> {
    fn values(&mut self, legacy: &Value, candidate: &Value, alive: &Alive) {
        match self.here(alive) {
            Some((pattern, rule @ Rule::Ignore { .. })) => self.ignoring(pattern, rule, legacy, candidate),
            Some((_, Rule::Parquet)) => self.parquet(legacy, candidate, alive),
            Some((_, rule)) => self.plain(legacy, candidate, alive, Some(rule)),
            None => self.plain(legacy, candidate, alive, None),
        }
    }

    fn here(&self, alive: &Alive) -> Option<(&'a Pattern, &'a Rule)> {
        let rules: &'a Rules = self.rules;
        if alive.is_empty() { None } else { rules.here(alive) }
    }

    /// A value whose differences are counted and not judged, as long as that is allowed.
    fn ignoring(&mut self, pattern: &Pattern, rule: &Rule, legacy: &Value, candidate: &Value) {
        let nothing = Alive::new();
        if self.is_equal(|walk| walk.plain(legacy, candidate, &nothing, None)) {
            return;
        }
        if let Err(against) = self.ignore(pattern.text(), rule) {
            self.stamped(rule, &against, |walk| walk.plain(legacy, candidate, &nothing, None));
        }
    }

    /// Runs `inside`, whose differences count although a rule would take them, and say why.
    fn stamped(&mut self, rule: &Rule, against: &str, inside: impl FnOnce(&mut Self)) {
        let before = self.stamp.replace(format!("{}: {against}", rule.name()));
        inside(self);
        self.stamp = before;
    }

    fn plain(&mut self, legacy: &Value, candidate: &Value, alive: &Alive, rule: Option<&Rule>) {
        let rule = rule.filter(|rule| !(rule.is_relative() && self.refuses_money()));
        if let Some(rule) = rule.filter(|rule| rule.is_numeric())
            && let Some(equal) = number::within(legacy, candidate, rule)
        {
            self.found.compared += 1;
            if !equal {
                let kind = if *rule == Rule::Number { Kind::Value } else { Kind::ToleranceExceeded };
                self.differ(kind, &Side::Value(legacy), &Side::Value(candidate), alive);
            }
            return;
        }
        if let Some(Rule::Ids(ids)) = rule
            && let Some(alike) = ids.alike(legacy, candidate)
        {
            self.names(ids, alike, legacy, candidate, alive);
            return;
        }
        match (legacy, candidate) {
            (Value::List(one), Value::List(two)) | (Value::Tuple(one), Value::Tuple(two)) => match rule {
                Some(Rule::Multiset) => self.multiset(one, two, alive),
                Some(Rule::Keyed { fields, ordered }) => self.keyed_items(one, two, (fields, *ordered), alive),
                Some(Rule::Jaccard(threshold)) => self.overlap(one, two, *threshold, alive),
                _ => self.sequences(one, two, alive),
            },
            (Value::Dict(one), Value::Dict(two)) => match rule {
                Some(Rule::Ids(ids)) => self.named_entries(ids, one, two, alive),
                _ => self.dicts(one, two, alive),
            },
            (Value::Set { frozen: f1, items: one }, Value::Set { frozen: f2, items: two }) if f1 == f2 => match rule {
                Some(Rule::Jaccard(threshold)) => self.overlap(one, two, *threshold, alive),
                _ => self.sets(one, two, alive),
            },
            (Value::Record { class: c1, fields: one }, Value::Record { class: c2, fields: two })
                if c1 == c2 || rule == Some(&Rule::Record) =>
            {
                self.records(one, two, c1 == c2, alive);
            }
            (Value::Sub { class: c1, of: one }, Value::Sub { class: c2, of: two }) if c1 == c2 => {
                self.plain(one, two, alive, rule);
            }
            (Value::Raised { .. }, _) if matches!(rule, Some(Rule::Base | Rule::Args)) => {
                self.raised(legacy, candidate, alive);
            }
            (Value::Raised { .. }, Value::Raised { .. }) => self.raised(legacy, candidate, alive),
            (Value::Array { shape: s1, column: one }, Value::Array { shape: s2, column: two }) => {
                if s1 == s2 {
                    self.columns(one, two, alive, rule);
                } else {
                    self.found.compared += 1;
                    let (one, two) = (|| format!("shape {s1:?}"), || format!("shape {s2:?}"));
                    self.differ(Kind::Length, &Side::Words(&one), &Side::Words(&two), alive);
                }
            }
            (Value::Table { columns: one, rows: r1 }, Value::Table { columns: two, rows: r2 }) => match rule {
                Some(Rule::Keyed { fields, ordered }) => {
                    self.keyed_tables((one, *r1), (two, *r2), (fields, *ordered), alive);
                }
                _ => self.tables((one, *r1), (two, *r2), alive),
            },
            (Value::Opaque { .. }, _) | (_, Value::Opaque { .. }) => self.opaque(rule, legacy, candidate, alive),
            _ => self.leaves(legacy, candidate, alive),
        }
    }

    fn leaves(&mut self, legacy: &Value, candidate: &Value, alive: &Alive) {
        self.found.compared += 1;
        match leaf_difference(legacy, candidate) {
            Some(Kind::Type) => self.differ(Kind::Type, &Side::Typed(legacy), &Side::Typed(candidate), alive),
            Some(kind) => self.differ(kind, &Side::Value(legacy), &Side::Value(candidate), alive),
            None => {}
        }
    }

    /// Two names that each side made up.
    fn names(&mut self, ids: &Ids, alike: bool, legacy: &Value, candidate: &Value, alive: &Alive) {
        self.found.compared += 1;
        if !alike {
            self.differ(Kind::Value, &Side::Value(legacy), &Side::Value(candidate), alive);
            return;
        }
        let keep = !self.trial;
        let fits = self.memory.renamings.fit(ids, &legacy.canonical(), &candidate.canonical(), keep);
        if let Err(against) = fits {
            let words = || format!("{}{against}", candidate.shown());
            self.differ(Kind::Value, &Side::Value(legacy), &Side::Words(&words), alive);
        }
    }

    /// An object without fields: by its repr if that is declared, else nothing is decided.
    fn opaque(&mut self, rule: Option<&Rule>, legacy: &Value, candidate: &Value, alive: &Alive) {
        self.found.compared += 1;
        match (legacy, candidate) {
            _ if rule != Some(&Rule::Repr) => {
                let unknown = if matches!(legacy, Value::Opaque { .. }) { legacy } else { candidate };
                let (class, place) = (unknown.type_name(), self.place());
                self.found.unreadable.get_or_insert((class, place));
            }
            (Value::Opaque { class: c1, repr: Some(a) }, Value::Opaque { class: c2, repr: Some(b) }) if c1 == c2 => {
                if a != b {
                    self.differ(Kind::Value, &Side::Value(legacy), &Side::Value(candidate), alive);
                }
            }
            _ => self.differ(Kind::Type, &Side::Typed(legacy), &Side::Typed(candidate), alive),
        }
    }

    /// Whether this is money by its name, which is never measured by its own size.
    fn refuses_money(&mut self) -> bool {
        let mut steps = self.steps.iter().rev();
        let named = steps.find_map(|step| if let Step::Field(name) = step { Some(name) } else { None });
        let money = named.is_some_and(|name| is_money(name));
        if money {
            let place = self.place();
            self.note(format!("{place}: money is compared exactly, the relative rule is not used"));
        }
        money
    }

    /// Whether `inside` finds no difference; nothing that it does is counted or remembered.
    fn is_equal(&mut self, inside: impl FnOnce(&mut Self)) -> bool {
        let found = std::mem::take(&mut self.found);
        let trial = std::mem::replace(&mut self.trial, true);
        inside(self);
        self.trial = trial;
        let tried = std::mem::replace(&mut self.found, found);
        tried.total == 0 && tried.unreadable.is_none()
    }

    fn step(&mut self, step: Step, alive: &Alive, inside: impl FnOnce(&mut Self, &Alive)) {
        let next = if alive.is_empty() { Alive::new() } else { self.rules.follow(alive, &step) };
        self.steps.push(step);
        inside(self, &next);
        self.steps.pop();
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
