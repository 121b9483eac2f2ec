//! The comparator over value trees: nothing differs from itself, and what was changed is found where
//! it was changed.

#![allow(clippy::unwrap_used, reason = "a broken rule in a test is the test's defect")]

use std::sync::Arc;

use exuvia_migrate::{Cells, Class, Column, Comparator, Kind, MigrateError, NoDecoder, Rules, Value};
use proptest::prelude::*;

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Int(number.into())),
        any::<f64>().prop_map(Value::Float),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        "[a-z]{0,6}".prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..6).prop_map(Value::Bytes),
        (any::<i32>(), -8..8_i32).prop_map(|(digits, exponent)| Value::Decimal(format!("{digits}E{exponent}"))),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Tuple),
            proptest::collection::btree_map("[a-z]{1,4}", inner.clone(), 0..6).prop_map(|entries| {
                Value::Dict(entries.into_iter().map(|(key, value)| (Value::Text(key), value)).collect())
            }),
            proptest::collection::btree_map("[a-z]{1,4}", inner, 0..6).prop_map(|entries| Value::Record {
                class: class(1, "bot.Order"),
                fields: entries.into_iter().map(|(key, value)| (Arc::from(key.as_str()), value)).collect(),
            }),
        ]
    })
}

fn class(id: usize, name: &str) -> Class {
    Class { id, name: Arc::from(name) }
}

/// Every leaf: its path, and a copy of the whole in which that leaf is something else.
fn changes(value: &Value, path: &str, out: &mut Vec<(String, Value)>) {
    let below = |step: String, item: &Value, rebuild: &dyn Fn(Value) -> Value, out: &mut Vec<(String, Value)>| {
        let mut inner = Vec::new();
        changes(item, &format!("{path}{step}"), &mut inner);
        out.extend(inner.into_iter().map(|(at, changed)| (at, rebuild(changed))));
    };
    let replaced = |items: &[Value], at: usize, new: Value| {
        let mut items = items.to_vec();
        items[at] = new;
        items
    };
    match value {
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                below(format!("[{at}]"), item, &|new| Value::List(replaced(items, at, new)), out);
            }
        }
        Value::Tuple(items) => {
            for (at, item) in items.iter().enumerate() {
                below(format!("[{at}]"), item, &|new| Value::Tuple(replaced(items, at, new)), out);
            }
        }
        Value::Dict(entries) => {
            for (at, (key, item)) in entries.iter().enumerate() {
                let Value::Text(name) = key else { continue };
                let rebuild = |new: Value| {
                    let mut entries = entries.clone();
                    entries[at].1 = new;
                    Value::Dict(entries)
                };
                below(format!(".{name}"), item, &rebuild, out);
            }
        }
        Value::Record { class, fields } => {
            for (at, (name, item)) in fields.iter().enumerate() {
                let rebuild = |new: Value| {
                    let mut fields = fields.clone();
                    fields[at].1 = new;
                    Value::Record { class: class.clone(), fields }
                };
                below(format!(".{name}"), item, &rebuild, out);
            }
        }
        _ => out.push((path.to_owned(), Value::BigInt("1".repeat(60)))),
    }
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(value in tree()) {
        let verdict = Comparator::new(Rules::default(), 10).compare(&value, &value.clone(), &NoDecoder);
        prop_assert!(verdict.equal(), "{:?}", verdict.differences);
    }

    #[test]
    fn a_changed_leaf_is_found_at_its_path_and_only_there(value in tree(), pick in any::<prop::sample::Index>()) {
        let mut all = Vec::new();
        changes(&value, "$", &mut all);
        prop_assume!(!all.is_empty());
        let (path, changed) = pick.get(&all);
        let verdict = Comparator::new(Rules::default(), 10).compare(&value, changed, &NoDecoder);
        prop_assert_eq!(verdict.total, 1);
        prop_assert_eq!(&verdict.differences[0].path, path);
    }

    #[test]
    fn both_directions_find_equally_much(one in tree(), two in tree()) {
        let comparator = Comparator::new(Rules::default(), 10);
        let there = comparator.compare(&one, &two, &NoDecoder);
        let back = comparator.compare(&two, &one, &NoDecoder);
        prop_assert_eq!(there.equal(), back.equal());
    }

    #[test]
    fn no_text_is_a_rule_or_path_that_panics(path in "\\PC{0,30}", rule in "\\PC{0,20}") {
        let _ = Rules::parse([(path.as_str(), rule.as_str()), ("$", rule.as_str()), (path.as_str(), "exact")]);
    }
}

fn rules(written: &[(&str, &str)]) -> Rules {
    Rules::parse(written.iter().copied()).unwrap()
}

#[test]
fn a_dropped_row_is_a_length_and_the_first_place_where_the_rest_shifted() {
    let rows = |values: &[i128]| Value::List(values.iter().map(|value| Value::Int(*value)).collect());
    let verdict = Comparator::default().compare(&rows(&[1, 2, 3, 4]), &rows(&[1, 3, 4]), &NoDecoder);
    assert_eq!(verdict.total, 2);
    let kept = Comparator::new(Rules::default(), 5).compare(&rows(&[1, 2, 3, 4]), &rows(&[1, 3, 4]), &NoDecoder);
    assert_eq!(kept.differences[0].kind, Kind::Length);
    assert_eq!(kept.differences[1].path, "$[1]");
}

#[test]
fn arguments_that_end_up_different_are_a_mutation() {
    let args = |n| Value::Dict(vec![(Value::Int(0), Value::List(vec![Value::Int(n)]))]);
    let verdict = Comparator::new(Rules::default(), 5).compare_at("$args", &args(1), &args(2), &NoDecoder);
    assert_eq!((verdict.differences[0].path.as_str(), verdict.differences[0].kind), ("$args[0][0]", Kind::Mutation));
    let ignoring = Comparator::new(rules(&[("$args[0].**", "ignore(ana, scratch space)")]), 5);
    assert_eq!(ignoring.compare_at("$args", &args(1), &args(2), &NoDecoder).total, 0);
}

#[test]
fn masks_of_columns_are_part_of_them() {
    let column = |valid: Option<Vec<bool>>| Value::Table {
        columns: vec![("close".into(), Column::new("Float64", Cells::Float(vec![1.0, 2.0].into()), valid))],
        rows: 2,
    };
    let comparator = Comparator::new(Rules::default(), 5);
    let verdict = comparator.compare(&column(None), &column(Some(vec![true, false])), &NoDecoder);
    assert_eq!((verdict.total, verdict.differences[0].path.as_str()), (1, "$.close[1]"));
    assert!(comparator.compare(&column(None), &column(Some(vec![true, true])), &NoDecoder).equal());
}

#[test]
fn a_rule_of_the_ledger_counts_what_it_hides() {
    let row = |host: &str| Value::Dict(vec![(Value::Text("host".into()), Value::Text(host.into()))]);
    let rows = |a, b| Value::List(vec![row(a), row(b)]);
    let comparator = Comparator::new(rules(&[("$[*].host", "ignore(ana, machine)")]), 5);
    let verdict = comparator.compare(&rows("a", "b"), &rows("c", "d"), &NoDecoder);
    assert_eq!((verdict.total, verdict.ignored[0].2), (0, 2));
}

#[test]
fn parquet_without_a_reader_is_a_difference_and_not_a_pass() {
    let bytes = |byte| Value::Bytes(vec![byte]);
    let comparator = Comparator::new(rules(&[("$", "parquet")]), 5);
    assert!(!comparator.compare(&bytes(1), &bytes(1), &NoDecoder).equal());
}

#[test]
fn refusals_name_the_path_the_rule_and_what_to_write() {
    match Rules::parse([("$.pnl", "rel:1e-9")]) {
        Err(MigrateError::Rule { path, rule, what }) => {
            assert_eq!((path.as_str(), rule.as_str()), ("$.pnl", "rel:1e-9"));
            assert!(what.contains("tick"));
        }
        other => panic!("{other:?}"),
    }
}
