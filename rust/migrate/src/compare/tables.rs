//! The walk over columns, tables and Parquet bytes: schema, then values by column, by place or by key.

use std::collections::BTreeMap;

use super::unordered::{number, pairs_of};
use super::{Walk, leaf_difference};
use crate::Kind;
use crate::column::{Cells, Column};
use crate::ledger::Side;
use crate::number as numbers;
use crate::path::Step;
use crate::rule::{Alive, Rule};
use crate::value::Value;

type Table<'t> = (&'t [(String, Column)], usize);

impl Walk<'_> {
    pub(super) fn columns(&mut self, one: &Column, two: &Column, alive: &Alive, rule: Option<&Rule>) {
        if !self.same_kind(one, two, alive, rule) {
            return;
        }
        // Names that are equal have to be remembered one by one.
        if (alive.is_empty() || !self.rules.has_ids()) && one.same(two) {
            self.found.compared += one.cells.len();
            return;
        }
        let whole = rule.filter(|rule| rule.is_numeric());
        if self.floats(one, two, alive, whole) {
            return;
        }
        for at in 0..one.cells.len().max(two.cells.len()) {
            let (a, b) = (one.cell(at), two.cell(at));
            self.step(Step::Index(at), alive, |walk, alive| walk.cell(&a, &b, alive, whole));
        }
    }

    /// One cell: by its own rule, else by the column's.
    fn cell(&mut self, a: &Value, b: &Value, alive: &Alive, whole: Option<&Rule>) {
        match (self.here(alive), whole) {
            (None, Some(rule)) => self.plain(a, b, alive, Some(rule)),
            _ => self.values(a, b, alive),
        }
    }

    fn same_kind(&mut self, one: &Column, two: &Column, alive: &Alive, rule: Option<&Rule>) -> bool {
        self.found.compared += 1;
        let same = one.kind == two.kind || rule == Some(&Rule::Number);
        if !same {
            let (one, two) = (|| one.kind.clone(), || two.kind.clone());
            self.differ(Kind::Type, &Side::Words(&one), &Side::Words(&two), alive);
        }
        same
    }

    /// Columns of floats under one rule, cell after cell without a path: only what differs gets one.
    /// Says whether the columns were of that kind.
    fn floats(&mut self, one: &Column, two: &Column, alive: &Alive, whole: Option<&Rule>) -> bool {
        let (Cells::Float(a), Cells::Float(b)) = (&one.cells, &two.cells) else { return false };
        let (a, b) = (a.all(), b.all());
        if a.len() != b.len() || !self.rules.is_uniform(alive) {
            return false;
        }
        let rule = match self.here(&self.rules.follow(alive, &Step::Index(0))) {
            Some((_, rule)) => Some(rule),
            None => whole,
        };
        let rule = rule.filter(|rule| !(rule.is_relative() && self.refuses_money()));
        if rule.is_some_and(|rule| !rule.is_numeric() && *rule != Rule::Exact) {
            return false;
        }
        let numeric = rule.filter(|rule| rule.is_numeric());
        let whole_column = one.valid == two.valid && one.valid.is_none();
        if whole_column && numeric.is_some_and(|rule| numbers::all_floats(a, b, rule)) {
            self.found.compared += a.len();
            return true;
        }
        for (at, (x, y)) in a.iter().zip(b).enumerate() {
            let valid = one.is_valid(at);
            let same = x.to_bits() == y.to_bits()
                || (x.is_nan() && y.is_nan())
                || numeric.is_some_and(|rule| numbers::floats(*x, *y, rule) == Some(true));
            if valid == two.is_valid(at) && (!valid || same) {
                self.found.compared += 1;
            } else {
                let (a, b) = (one.cell(at), two.cell(at));
                self.step(Step::Index(at), alive, |walk, alive| walk.cell(&a, &b, alive, whole));
            }
        }
        true
    }

    pub(super) fn tables(&mut self, one: Table<'_>, two: Table<'_>, alive: &Alive) {
        let before = (self.found.total, self.found.differences.len());
        let columns = self.schema(one, two, alive);
        for (name, column, other) in &columns {
            let step = Step::Field((*name).into());
            self.step(step, alive, |walk, alive| match walk.here(alive) {
                Some((pattern, rule @ Rule::Ignore { .. })) => {
                    let nothing = Alive::new();
                    if one.1 != two.1 || walk.is_equal(|walk| walk.columns(column, other, &nothing, None)) {
                        return;
                    }
                    if let Err(against) = walk.ignore(pattern.text(), rule) {
                        walk.stamped(rule, &against, |walk| walk.columns(column, other, &nothing, None));
                    }
                }
                rule if one.1 == two.1 => walk.columns(column, other, alive, rule.map(|(_, rule)| rule)),
                _ => {}
            });
        }
        if one.1 != two.1 {
            let (one, two) = (|| format!("{} rows", one.1), || format!("{} rows", two.1));
            self.differ(Kind::Length, &Side::Words(&one), &Side::Words(&two), alive);
        } else if self.found.total > before.0
            && columns.len() == one.0.len()
            && columns.len() == two.0.len()
            && is_permutation(one, two)
        {
            self.found.total = before.0;
            self.found.differences.truncate(before.1);
            let (one, two) = (|| format!("{} rows", one.1), || "the same rows in another order".to_owned());
            self.differ(Kind::OrderOnly, &Side::Words(&one), &Side::Words(&two), alive);
        }
    }

    /// Columns by name; what is missing, extra or in another order is said. Returns those of both sides.
    fn schema<'t>(&mut self, one: Table<'t>, two: Table<'t>, alive: &Alive) -> Vec<(&'t str, &'t Column, &'t Column)> {
        self.found.compared += 1;
        let names = |columns: &[(String, Column)]| columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let (left, right) = (names(one.0), names(two.0));
        if left != right && left.len() == right.len() && left.iter().all(|name| right.contains(name)) {
            let (one, two) = (|| left.join(", "), || right.join(", "));
            self.differ(Kind::OrderOnly, &Side::Words(&one), &Side::Words(&two), alive);
        }
        let mut both = Vec::new();
        for (name, column) in one.0 {
            match two.0.iter().find(|(other, _)| other == name) {
                Some((_, other)) => both.push((name.as_str(), column, other)),
                None => self.column_gone(Kind::Missing, name, column, alive),
            }
        }
        for (name, column) in two.0.iter().filter(|(name, _)| !left.contains(name)) {
            self.column_gone(Kind::Extra, name, column, alive);
        }
        both
    }

    fn column_gone(&mut self, kind: Kind, name: &str, column: &Column, alive: &Alive) {
        let words = || column.kind.clone();
        self.step(Step::Field(name.into()), alive, |walk, alive| walk.gone(kind, &Side::Words(&words), alive));
    }

    /// Rows joined by the values of their key columns: rows of one side only, then values by column.
    pub(super) fn keyed_tables(
        &mut self,
        one: Table<'_>,
        two: Table<'_>,
        (fields, ordered): (&[String], bool),
        alive: &Alive,
    ) {
        let columns = self.schema(one, two, alive);
        let (Some(left), Some(right)) = (keys_of(one, fields), keys_of(two, fields)) else {
            let words = |table: Table<'_>| {
                let lacking: Vec<&str> = fields.iter().map(String::as_str).filter(|field| !has(table, field)).collect();
                format!("key columns that are not there: {}", lacking.join(", "))
            };
            self.differ(Kind::Missing, &Side::Words(&|| words(one)), &Side::Words(&|| words(two)), alive);
            return;
        };
        for (rows, others, table, kind) in [(&left, &right, one, Kind::Missing), (&right, &left, two, Kind::Extra)] {
            for (key, at) in rows.iter().filter(|(key, _)| !others.contains_key(*key)) {
                let words = || row_shown(table, *at);
                self.step(Step::Key(key.clone()), alive, |walk, alive| walk.gone(kind, &Side::Words(&words), alive));
            }
        }
        let pairs = pairs_of(&left, &right);
        self.say_order(&pairs, ordered, alive);
        for (name, column, other) in columns {
            self.step(Step::Field(name.into()), alive, |walk, alive| {
                let rule = walk.here(alive).map(|(_, rule)| rule);
                if !walk.same_kind(column, other, alive, rule) {
                    return;
                }
                let whole = rule.filter(|rule| rule.is_numeric());
                for (at, place, key) in &pairs {
                    let (a, b) = (column.cell(*at), other.cell(*place));
                    if alive.is_empty() && leaf_difference(&a, &b).is_none() {
                        walk.found.compared += 1;
                    } else if let Some(Rule::Ignore { .. }) = rule {
                        walk.values(&a, &b, alive);
                    } else {
                        let step = Step::Key((*key).to_owned());
                        walk.step(step, alive, |walk, alive| walk.cell(&a, &b, alive, whole));
                    }
                }
            });
        }
    }

    pub(super) fn parquet(&mut self, legacy: &Value, candidate: &Value, alive: &Alive) {
        let (Value::Bytes(one), Value::Bytes(two)) = (legacy, candidate) else {
            self.leaves(legacy, candidate, alive);
            return;
        };
        match (self.decode.parquet(one), self.decode.parquet(two)) {
            (Ok(one), Ok(two)) => self.plain(&one, &two, alive, None),
            (one, two) => {
                self.found.compared += 1;
                let say = |side: &Result<Value, String>| match side {
                    Ok(value) => value.shown(),
                    Err(error) => error.clone(),
                };
                self.differ(Kind::Value, &Side::Words(&|| say(&one)), &Side::Words(&|| say(&two)), alive);
            }
        }
    }
}

fn has(table: Table<'_>, field: &str) -> bool {
    table.0.iter().any(|(name, _)| name == field)
}

/// The place of each key; `None` if a key column is not there.
fn keys_of(table: Table<'_>, fields: &[String]) -> Option<BTreeMap<String, usize>> {
    let columns: Option<Vec<(&String, &Column)>> = fields
        .iter()
        .map(|field| Some((field, table.0.iter().find(|(name, _)| name == field).map(|(_, column)| column)?)))
        .collect();
    let columns = columns?;
    let (mut keys, mut seen) = (BTreeMap::new(), BTreeMap::new());
    for at in 0..table.1 {
        let parts: Vec<String> =
            columns.iter().map(|(field, column)| format!("{field}={}", column.cell(at).canonical())).collect();
        number(&mut keys, &mut seen, parts.join(", "), at);
    }
    Some(keys)
}

fn row_shown(table: Table<'_>, at: usize) -> String {
    let cells = table.0.iter().take(20).map(|(name, column)| format!("{name}={}", column.cell(at).shown()));
    cells.collect::<Vec<_>>().join(", ")
}

/// Whether two tables of one schema hold the same rows.
fn is_permutation(one: Table<'_>, two: Table<'_>) -> bool {
    let rows = |table: Table<'_>| {
        let mut rows: Vec<String> = (0..table.1)
            .map(|at| table.0.iter().map(|(_, column)| column.cell(at).canonical()).collect::<Vec<_>>().join("\u{1f}"))
            .collect();
        rows.sort_unstable();
        rows
    };
    let kinds = one.0.iter().zip(two.0).all(|((n1, c1), (n2, c2))| n1 == n2 && c1.kind == c2.kind);
    kinds && one.1 == two.1 && rows(one) == rows(two)
}
