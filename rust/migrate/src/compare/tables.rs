//! The walk over columns, tables and Parquet bytes: schema, then values by column.

use super::{Walk, is_same_set};
use crate::Kind;
use crate::column::Column;
use crate::path::Step;
use crate::rule::{Alive, Rule};
use crate::value::Value;

impl Walk<'_> {
    pub(super) fn columns(&mut self, one: &Column, two: &Column, alive: &Alive, rule: Option<&Rule>) {
        self.found.compared += 1;
        if one.kind != two.kind && rule != Some(&Rule::Number) {
            self.differ(Kind::Type, one.kind.clone(), two.kind.clone(), alive);
            return;
        }
        if one.same(two) {
            self.found.compared += one.cells.len();
            return;
        }
        let whole = rule.filter(|rule| rule.is_numeric());
        for at in 0..one.cells.len().max(two.cells.len()) {
            let (a, b) = (one.cell(at), two.cell(at));
            self.step(Step::Index(at), alive, |walk, alive| {
                let own = if alive.is_empty() { None } else { walk.rules.here(alive) };
                match (own, whole) {
                    (None, Some(rule)) => walk.plain(&a, &b, alive, Some(rule)),
                    _ => walk.values(&a, &b, alive),
                }
            });
        }
    }

    pub(super) fn tables(
        &mut self,
        one: (&[(String, Column)], usize),
        two: (&[(String, Column)], usize),
        alive: &Alive,
    ) {
        self.found.compared += 1;
        let names = |columns: &[(String, Column)]| columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let (left, right) = (names(one.0), names(two.0));
        if left != right && is_same_set(&left, &right) {
            self.differ(Kind::OrderOnly, left.join(", "), right.join(", "), alive);
        }
        for (name, column) in one.0 {
            let step = Step::Field(name.as_str().into());
            match two.0.iter().find(|(other, _)| other == name) {
                None => self.step(step, alive, |walk, alive| walk.gone(Kind::Missing, &column.kind, alive)),
                Some((_, other)) if one.1 == two.1 => {
                    self.step(step, alive, |walk, alive| match walk.rules.here(alive) {
                        Some((pattern, rule @ Rule::Ignore { .. })) => {
                            walk.ignored(pattern.text(), rule, |walk| walk.columns(column, other, &Alive::new(), None));
                        }
                        rule => walk.columns(column, other, alive, rule.map(|(_, rule)| rule)),
                    })
                }
                Some(_) => {}
            }
        }
        for (name, column) in two.0.iter().filter(|(name, _)| !left.contains(name)) {
            let step = Step::Field(name.as_str().into());
            self.step(step, alive, |walk, alive| walk.gone(Kind::Extra, &column.kind, alive));
        }
        if one.1 != two.1 {
            self.differ(Kind::Length, format!("{} rows", one.1), format!("{} rows", two.1), alive);
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
                let say = |side: Result<Value, String>| side.map_or_else(|error| error, |value| value.shown());
                self.differ(Kind::Value, say(one), say(two), alive);
            }
        }
    }
}
