//! The comparator on random values: a value equals itself, sides can be exchanged, every change is found.

#![allow(clippy::unwrap_used, reason = "a broken rule in a test is the test's defect")]

use std::sync::Arc;

use exuvia_migrate::{Cells, Class, Column, Comparator, Kind, NoDecoder, Rules, Value, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;

const RULES: [(&str, &str); 16] = [
    ("$", "exact"),
    ("$.**", "abs:0.5"),
    ("$.**", "rel:1e-3"),
    ("$.**", "ulp:8"),
    ("$.**", "tick:0.25"),
    ("$.**", "quantum:0.01"),
    ("$.**", "number"),
    ("$.**", "window:1s"),
    ("$.**", "unit:ms"),
    ("$.**", "sum:any(n=100, max=10)"),
    ("$.**", "multiset"),
    ("$.**", "jaccard:0.5"),
    ("$.**", "record"),
    ("$.**", "ids"),
    ("$.**", "keyed(a)"),
    ("$.**", "repr"),
];

fn class(id: usize) -> Class {
    Class { id, name: Arc::from("bot.C") }
}

fn leaf() -> impl Strategy<Value = Value> {
    let floats = prop_oneof![any::<f64>(), Just(0.0), Just(-0.0), Just(f64::NAN), Just(f64::INFINITY), -4.0..4.0_f64];
    prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i128>().prop_map(Value::Int),
        (-3_i128..3).prop_map(Value::Int),
        floats.prop_map(Value::Float),
        "[a-c0-3-]{0,4}".prop_map(Value::Text),
        vec(any::<u8>(), 0..3).prop_map(Value::Bytes),
        (-300_i32..300, 0_usize..4).prop_map(|(cents, zeros)| {
            Value::Decimal(format!("{}.{:02}{}", cents / 100, (cents % 100).abs(), "0".repeat(zeros)))
        }),
        (any::<i64>(), any::<bool>()).prop_map(|(ns, aware)| Value::Moment { ns: i128::from(ns), aware }),
        (1_usize..3, "[A-B]").prop_map(|(id, name)| Value::Enum { class: class(id), name }),
        vec(prop_oneof![any::<f64>(), -2.0..2.0_f64], 0..6).prop_map(|cells| Value::Array {
            shape: vec![cells.len()],
            column: Column::new("float64", Cells::Float(cells.into()), None),
        }),
        (vec(-3_i64..3, 3), vec(any::<bool>(), 3)).prop_map(|(cells, valid)| Value::Table {
            columns: vec![
                ("a".into(), Column::new("int64", Cells::Int(cells.into()), None)),
                ("b".into(), Column::new("int64", Cells::Int(vec![1, 2, 3].into()), Some(valid))),
            ],
            rows: 3,
        }),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::List),
            vec(inner.clone(), 0..5).prop_map(Value::Tuple),
            vec(("[a-d]{1,2}", inner.clone()), 0..4).prop_map(|mut entries| {
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                entries.dedup_by(|a, b| a.0 == b.0);
                Value::Dict(entries.into_iter().map(|(key, value)| (Value::Text(key), value)).collect())
            }),
            vec(inner.clone(), 1..3).prop_map(|fields| Value::Record {
                class: class(1),
                fields: fields
                    .into_iter()
                    .enumerate()
                    .map(|(at, value)| (Arc::from(format!("f{at}")), value))
                    .collect(),
            }),
            inner.prop_map(|of| Value::Sub { class: class(3), of: Box::new(of) }),
        ]
    })
}

fn comparator(rule: (&str, &str)) -> Comparator {
    Comparator::new(Rules::parse([rule]).unwrap(), 1_000)
}

/// The kind that a difference has if the sides are exchanged.
fn turned(kind: Kind) -> Kind {
    match kind {
        Kind::Missing => Kind::Extra,
        Kind::Extra => Kind::Missing,
        other => other,
    }
}

fn kinds(verdict: &Verdict, turn: bool) -> Vec<(String, Kind)> {
    let mut all: Vec<(String, Kind)> = verdict
        .differences
        .iter()
        .map(|one| (one.path.clone(), if turn { turned(one.kind) } else { one.kind }))
        .collect();
    all.sort();
    all
}

/// All leaves that are reached by lists, tuples and dicts, each changed to something that is nowhere else.
fn changes(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    let foreign = Value::Named { class: class(99), text: "changed".into() };
    match value {
        Value::List(items) | Value::Tuple(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                let mut inner = Vec::new();
                changes(item, &format!("{path}[{at}]"), &mut inner);
                found.extend(inner.into_iter().map(|(path, changed)| {
                    let mut all = items.clone();
                    all[at] = changed;
                    (path, if matches!(value, Value::List(_)) { Value::List(all) } else { Value::Tuple(all) })
                }));
            }
        }
        Value::Dict(entries) if !entries.is_empty() => {
            for (at, (key, item)) in entries.iter().enumerate() {
                let Value::Text(name) = key else { continue };
                let mut inner = Vec::new();
                changes(item, &format!("{path}.{name}"), &mut inner);
                found.extend(inner.into_iter().map(|(path, changed)| {
                    let mut all = entries.clone();
                    all[at].1 = changed;
                    (path, Value::Dict(all))
                }));
            }
        }
        _ => found.push((path.to_owned(), foreign)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_value_equals_itself_under_every_rule(value in value()) {
        for rule in RULES {
            let keyed = rule.1.starts_with("keyed");
            let verdict = comparator(rule).compare(&value, &value, &NoDecoder);
            // Rows without a key are a difference of their own.
            prop_assert!(verdict.equal() || keyed, "{rule:?}: {:?}", verdict.differences);
        }
    }

    #[test]
    fn exchanged_sides_differ_at_the_same_places(one in value(), two in value()) {
        for rule in RULES {
            let there = comparator(rule).compare(&one, &two, &NoDecoder);
            let back = comparator(rule).compare(&two, &one, &NoDecoder);
            prop_assert_eq!(there.equal(), back.equal(), "{:?}", rule);
            if !["multiset", "record", "keyed(a)", "ids"].contains(&rule.1) {
                prop_assert_eq!(kinds(&there, false), kinds(&back, true), "{:?}", rule);
            }
        }
    }

    #[test]
    fn a_tolerance_only_ever_takes_differences_away(one in value(), two in value()) {
        let strict = comparator(("$", "exact")).compare(&one, &two, &NoDecoder);
        for rule in RULES.iter().filter(|rule| !rule.1.starts_with("keyed") && rule.1 != "multiset") {
            let loose = comparator(*rule).compare(&one, &two, &NoDecoder);
            if strict.equal() {
                prop_assert!(loose.equal(), "{:?}: {:?}", rule, loose.differences);
            }
        }
    }

    #[test]
    fn every_change_of_one_place_is_found_there_and_only_there(value in value()) {
        let mut all = Vec::new();
        changes(&value, "$", &mut all);
        for (path, changed) in all.into_iter().take(20) {
            let verdict = comparator(("$", "exact")).compare(&value, &changed, &NoDecoder);
            prop_assert_eq!(verdict.total, 1);
            prop_assert_eq!(&verdict.differences[0].path, &path);
        }
    }
}

#[test]
fn a_deep_value_is_walked_without_overflowing_the_stack() {
    let mut deep = Value::Float(1.0);
    for _ in 0..100 {
        deep = Value::List(vec![deep]);
    }
    let verdict = comparator(("$.**", "abs:0.5")).compare(&deep, &deep, &NoDecoder);
    assert!(verdict.equal());
    assert!(deep.shown().len() < 1_000);
}
