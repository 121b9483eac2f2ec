//! Single promises of the comparator: what each rule lets pass and what it never does, how a place is
//! written, what a person is shown.

#![allow(clippy::unwrap_used, reason = "a broken rule in a test is the test's defect")]

use std::sync::Arc;

use exuvia_migrate::{Cells, Class, Column, Comparator, Kind, NoDecoder, Rules, Value};

fn class(id: usize, name: &str) -> Class {
    Class { id, name: Arc::from(name) }
}

fn rules(written: &[(&str, &str)]) -> Rules {
    Rules::parse(written.iter().copied()).unwrap()
}

fn at(root: &str, rule: &str) -> Comparator {
    Comparator::new(rules(&[(root, rule)]), 10)
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn column(kind: &str, cells: Cells) -> Column {
    Column::new(kind, cells, None)
}

fn table(columns: &[(&str, Column)], rows: usize) -> Value {
    Value::Table { columns: columns.iter().map(|(name, column)| ((*name).into(), column.clone())).collect(), rows }
}

fn raised(id: usize, base: usize, args: Vec<Value>) -> Value {
    Value::Raised { class: class(id, "bot.Late"), base: class(base, "ValueError"), args, fields: vec![] }
}

/// What was found: places and kinds.
fn found(comparator: &Comparator, one: &Value, two: &Value) -> Vec<(String, Kind)> {
    let verdict = comparator.compare(one, two, &NoDecoder);
    verdict.differences.into_iter().map(|difference| (difference.path, difference.kind)).collect()
}

#[test]
fn a_tolerance_looks_into_a_subclass_only_if_it_is_the_same_one() {
    let sub = |id, of| Value::Sub { class: class(id, "bot.Pips"), of: Box::new(of) };
    let comparator = at("$", "abs:0.5");
    let (near, far) = (sub(1, Value::Float(1.25)), sub(1, Value::Float(2.0)));
    assert_eq!(found(&comparator, &sub(1, Value::Float(1.0)), &near), []);
    assert_eq!(found(&comparator, &near, &far), [("$".into(), Kind::ToleranceExceeded)]);
    assert_eq!(found(&comparator, &near, &sub(2, Value::Float(1.25))), [("$".into(), Kind::Type)]);
    assert_eq!(found(&comparator, &sub(1, Value::Int(1)), &sub(1, Value::Float(1.0))), [("$".into(), Kind::Type)]);
    assert_eq!(found(&at("$", "number"), &sub(1, Value::Int(1)), &sub(2, Value::Float(1.0))), []);
}

#[test]
fn a_number_is_the_same_in_any_type_but_only_to_its_last_digit() {
    let comparator = at("$", "number");
    let decimal = |text: &str| Value::Decimal(text.into());
    let equal = |one: &Value, two: &Value| {
        let there = found(&comparator, one, two);
        assert_eq!(there.is_empty(), found(&comparator, two, one).is_empty(), "{one:?} {two:?}");
        there.is_empty()
    };
    assert!(equal(&Value::Int(1 << 53), &Value::Float(9_007_199_254_740_992.0)));
    assert!(!equal(&Value::Int((1 << 53) + 1), &Value::Float(9_007_199_254_740_992.0)), "a float cannot hold it");
    assert!(!equal(&Value::Int(1), &Value::Float(1.5)));
    assert!(!equal(&Value::Int(i128::MAX), &Value::Float(f64::INFINITY)));
    assert!(!equal(&Value::Int(0), &Value::Float(f64::NAN)));
    assert!(equal(&decimal("0.1"), &Value::Float(0.1)));
    assert!(equal(&Value::Float(0.0), &Value::Float(-0.0)) && !equal(&Value::Float(0.1), &Value::Float(0.2)));
    assert!(equal(&Value::Sub { class: class(1, "bot.Lots"), of: Box::new(Value::Int(3)) }, &decimal("3.0")));
    assert!(equal(&decimal("0E-9"), &Value::Float(-0.0)));
    assert!(!equal(&decimal("0.1"), &Value::Float(0.2)));
    assert!(!equal(&decimal("1E+400"), &Value::Float(f64::INFINITY)), "beyond the range of floats");
    assert!(!equal(&decimal("1E-400"), &Value::Float(0.0)), "below the range of floats");
    assert!(!equal(&decimal("1"), &text("1")));
}

#[test]
fn a_share_of_a_decimal_is_judged_only_where_floats_keep_its_digits() {
    let comparator = at("$.price", "rel:0.01");
    let price = |text: &str| Value::Dict(vec![(Value::Text("price".into()), Value::Decimal(text.into()))]);
    assert_eq!(found(&comparator, &price("100"), &price("101")), []);
    assert_eq!(found(&comparator, &price("100"), &price("102")), [("$.price".into(), Kind::ToleranceExceeded)]);
    assert_eq!(found(&comparator, &price("1E+400"), &price("2E+400")), [("$.price".into(), Kind::Value)]);
    assert_eq!(found(&comparator, &price("1E-400"), &price("2E-400")), [("$.price".into(), Kind::Value)]);
}

#[test]
fn an_amount_between_decimals_is_exact_at_its_border() {
    let price = |text: &str| Value::Decimal(text.into());
    assert_eq!(found(&at("$", "abs:0.1"), &price("0.3"), &price("0.4")), []);
    assert_eq!(found(&at("$", "abs:0.1"), &price("0.3"), &price("0.40000000000000000001")).len(), 1);
    assert_eq!(found(&at("$", "abs:2"), &Value::Int(i128::from(u64::MAX)), &Value::Int((1 << 64) + 1)), []);
    assert_eq!(found(&at("$", "abs:2"), &Value::Int(i128::from(u64::MAX)), &Value::Int((1 << 64) + 2)).len(), 1);
}

#[test]
fn steps_between_floats_do_not_speak_of_integers() {
    assert_eq!(found(&at("$", "ulp:4"), &Value::Int(1), &Value::Int(1)), []);
    assert_eq!(found(&at("$", "ulp:4"), &Value::Int(1), &Value::Int(2)), [("$".into(), Kind::Value)]);
}

#[test]
fn exceptions_are_one_class_or_of_one_builtin_and_arguments_count_where_a_rule_says_so() {
    let judged = |rule: &str, one: &Value, two: &Value| {
        let verdict = at("$raise", rule).compare_raised(one, two, &NoDecoder);
        let first = verdict.differences.first().map(|difference| (difference.path.clone(), difference.kind));
        (verdict.equal(), first)
    };
    let late = raised(1, 9, vec![Value::Int(1)]);
    assert_eq!(judged("exact", &late, &raised(1, 9, vec![])), (true, None), "arguments are texts for people");
    assert_eq!(judged("exact", &late, &raised(2, 9, vec![])), (false, Some(("$raise".into(), Kind::Exception))));
    assert_eq!(judged("base", &late, &raised(2, 9, vec![])), (true, None));
    assert_eq!(judged("base", &late, &raised(2, 8, vec![])), (false, Some(("$raise".into(), Kind::Exception))));
    assert_eq!(judged("args", &late, &late), (true, None));
    let other = raised(1, 9, vec![Value::Int(2)]);
    assert_eq!(judged("args", &late, &other), (false, Some(("$raise.args[0]".into(), Kind::Value))));
    assert_eq!(judged("args", &late, &Value::None), (false, Some(("$raise".into(), Kind::Exception))));
}

#[test]
fn an_ignored_exception_is_equal_and_counted() {
    let comparator = at("$raise", "ignore(ana, two words for one refusal)");
    let verdict = comparator.compare_raised(&raised(1, 9, vec![]), &raised(2, 8, vec![]), &NoDecoder);
    assert!(verdict.equal());
    assert_eq!(verdict.ignored.first().map(|(path, _, hits)| (path.as_str(), *hits)), Some(("$raise", 1)));
    let verdict = comparator.compare_raised(&raised(1, 9, vec![]), &raised(1, 9, vec![]), &NoDecoder);
    assert!(verdict.equal() && verdict.ignored.is_empty(), "what is the same hides nothing");
}

#[test]
fn an_exception_among_values_is_compared_as_one() {
    let held = |id| Value::List(vec![Value::None, raised(id, 9, vec![])]);
    let exact = Comparator::new(Rules::default(), 5);
    assert_eq!(found(&exact, &held(1), &held(1)), []);
    assert_eq!(found(&exact, &held(1), &held(2)), [("$[1]".into(), Kind::Exception)]);
    assert_eq!(found(&at("$[1]", "base"), &held(1), &held(2)), []);
}

#[test]
fn classes_of_one_name_stay_two_in_sets_and_keys() {
    let side = |id| Value::Enum { class: class(id, "bot.Side"), name: "BUY".into() };
    let comparator = Comparator::new(Rules::default(), 5);
    let set = |id| Value::Set { frozen: false, items: vec![side(id)] };
    assert_eq!(found(&comparator, &set(1), &set(1)), []);
    let [missing, extra] = [Kind::Missing, Kind::Extra].map(|kind| ("$[bot.Side.BUY]".to_owned(), kind));
    assert_eq!(found(&comparator, &set(1), &set(2)), [missing.clone(), extra.clone()]);
    let dict = |id| Value::Dict(vec![(side(id), Value::Int(1))]);
    assert_eq!(found(&comparator, &dict(1), &dict(2)), [missing, extra]);
}

#[test]
fn a_path_of_a_verdict_can_be_written_as_a_rule() {
    let day = Value::Named { class: class(3, "date"), text: "2026-02-03".into() };
    for (key, path, rule) in [
        (text("host"), "$.host", "$.host"),
        (text("two words"), "$[\"two words\"]", "$[\"two words\"]"),
        (Value::Int(7), "$[7]", "$[7]"),
        (Value::Int(-1), "$[-1]", "$[\"-1\"]"),
        (Value::Float(1.5), "$[1.5]", "$[\"1.5\"]"),
        (day, "$[date(2026-02-03)]", "$.*"),
        (Value::Bool(true), "$[True]", "$[*]"),
    ] {
        let held = |n| Value::Dict(vec![(key.clone(), Value::Int(n))]);
        let exact = Comparator::new(Rules::default(), 5);
        assert_eq!(found(&exact, &held(1), &held(2)), [(path.to_owned(), Kind::Value)]);
        assert_eq!(found(&at(rule, "ignore(ana, known)"), &held(1), &held(2)), [], "{rule}");
        assert_eq!(found(&at(rule, "ignore(ana, known)"), &held(1), &Value::Dict(vec![])), [], "{rule}");
    }
}

#[test]
fn every_rule_is_named_in_a_difference_as_it_was_written() {
    for rule in ["exact", "abs:0.5", "rel:1e-9", "ulp:4", "tick:0.01", "number", "record", "base", "args", "parquet"] {
        let verdict = at("$", rule).compare(&Value::Float(1.0), &text("1"), &NoDecoder);
        assert_eq!(verdict.differences[0].rule, rule);
        assert_eq!(verdict.differences[0].kind, Kind::Type, "{rule}");
    }
}

#[test]
fn a_rule_that_cannot_be_read_says_what_to_write() {
    for (path, rule, says) in [
        ("$[0]x", "exact", "expected . or ["),
        ("$[\"a", "exact", "is not closed"),
        ("$", "about", "the rules are exact"),
        ("$", "near:1", "no rule 'near'"),
        ("$", "abs:-1", "above zero"),
        ("$", "tick:inf", "finite"),
        ("$", "ulp:1.5", "whole number"),
        ("$", "abs:much", "'much' is not a number"),
        ("$", "ignore(ana)", "an owner and a reason"),
    ] {
        let error = Rules::parse([(path, rule)]).unwrap_err().to_string();
        assert!(error.contains(says), "{path} {rule}: {error}");
    }
}

#[test]
fn an_ignored_column_counts_only_what_differs() {
    let comparator = at("$.host", "ignore(ana, machine)");
    let hits = |one: Column, two: Column| {
        let verdict = comparator.compare(&table(&[("host", one)], 1), &table(&[("host", two)], 1), &NoDecoder);
        assert!(verdict.equal());
        verdict.ignored.first().map_or(0, |(_, _, hits)| *hits)
    };
    let names = |name: &str| column("Utf8", Cells::Any(vec![text(name)]));
    assert_eq!(hits(names("a"), names("b")), 1);
    assert_eq!(hits(names("a"), names("a")), 0);
    let masked = Column { valid: Some(vec![true]), ..names("a") };
    assert_eq!(hits(names("a"), masked), 0, "a mask that hides nothing is no difference");
    let narrow = column("Float32", Cells::Float(vec![1.0].into()));
    assert_eq!(hits(narrow, column("Float64", Cells::Float(vec![1.0].into()))), 1, "another type is one");
}

#[test]
fn columns_of_each_kind_are_found_at_their_cell() {
    let cases = [
        (Cells::Float(vec![1.0, 2.0].into()), Cells::Float(vec![1.0, 2.5].into())),
        (Cells::Int(vec![1, -2].into()), Cells::Int(vec![1, -3].into())),
        (Cells::Unsigned(vec![1, u64::MAX].into()), Cells::Unsigned(vec![1, u64::MAX - 1].into())),
        (Cells::Any(vec![text("a"), text("b")]), Cells::Any(vec![text("a"), text("c")])),
    ];
    let comparator = Comparator::new(Rules::default(), 5);
    for (one, two) in cases {
        let array = |cells: &Cells| Value::Array { shape: vec![2], column: column("cell", cells.clone()) };
        assert!(comparator.compare(&array(&one), &array(&one), &NoDecoder).equal());
        assert_eq!(found(&comparator, &array(&one), &array(&two)), [("$[1]".into(), Kind::Value)]);
        let rows = |cells: &Cells| table(&[("x", column("cell", cells.clone()))], 2);
        assert_eq!(found(&comparator, &rows(&one), &rows(&two)), [("$.x[1]".into(), Kind::Value)]);
    }
}

#[test]
fn columns_that_one_side_lacks_are_named_with_their_type() {
    let price = || column("Float64", Cells::Float(vec![1.0].into()));
    let (short, long) = (table(&[("bid", price())], 1), table(&[("bid", price()), ("ask", price())], 1));
    let comparator = Comparator::new(Rules::default(), 5);
    let extra = comparator.compare(&short, &long, &NoDecoder).differences.remove(0);
    assert_eq!((extra.path.as_str(), extra.kind, extra.candidate.as_str()), ("$.ask", Kind::Extra, "Float64"));
    let missing = comparator.compare(&long, &short, &NoDecoder).differences.remove(0);
    assert_eq!(
        (missing.kind, missing.legacy.as_str(), missing.candidate.as_str()),
        (Kind::Missing, "Float64", "(nothing)")
    );
}

#[test]
fn what_is_no_array_or_table_differs_from_one_by_type() {
    let array = Value::Array { shape: vec![1], column: column("int64", Cells::Int(vec![1].into())) };
    let rows = table(&[("n", column("Int64", Cells::Int(vec![1].into())))], 1);
    let day = Value::Named { class: class(3, "date"), text: "2026-02-03".into() };
    let comparator = Comparator::new(Rules::default(), 5);
    for (value, name) in [(array, "array of int64"), (rows, "table"), (day, "date")] {
        let difference = comparator.compare(&value, &Value::None, &NoDecoder).differences.remove(0);
        assert_eq!((difference.kind, difference.candidate.as_str()), (Kind::Type, "None: None"));
        assert!(difference.legacy.starts_with(&format!("{name}: ")), "{}", difference.legacy);
    }
}

#[test]
fn arrays_and_tables_in_another_order_are_the_same_ones() {
    let array = |n: i64| Value::Array { shape: vec![400], column: column("int64", Cells::Int(vec![n; 400].into())) };
    let rows = |n: u64| table(&[("n", column("UInt64", Cells::Unsigned(vec![n].into())))], 1);
    let comparator = Comparator::new(Rules::default(), 5);
    let [one, two] = [[1, 2], [2, 1]].map(|order| Value::List(order.map(array).to_vec()));
    assert_eq!(found(&comparator, &one, &two), [("$".into(), Kind::OrderOnly)]);
    let [one, two] = [[1, 2], [2, 1]].map(|order| Value::List(order.map(rows).to_vec()));
    assert_eq!(found(&comparator, &one, &two), [("$".into(), Kind::OrderOnly)]);
    let [one, two] = [[1, 2], [2, 3]].map(|order| Value::List(order.map(rows).to_vec()));
    assert_eq!(found(&comparator, &one, &two).len(), 2, "other cells are no other order");
}

#[test]
fn a_shown_value_is_short_however_large_the_value() {
    let many = 5_000;
    let cell = || text("0123456789");
    let values = [
        Value::List(vec![cell(); many]),
        Value::Tuple(vec![Value::List(vec![cell(); many]); 3]),
        Value::Dict((0..5_000).map(|key| (Value::Int(key), cell())).collect()),
        Value::Record { class: class(1, "bot.Order"), fields: vec![(Arc::from("note"), cell()); many] },
        raised(1, 9, vec![Value::Dict(vec![(cell(), Value::List(vec![cell(); many]))]); 3]),
        Value::Array { shape: vec![many], column: column("str", Cells::Any(vec![cell(); many])) },
        table(
            &vec![("a column with a name that is not short", column("Utf8", Cells::Any(vec![cell(); many]))); 20],
            many,
        ),
        Value::Bytes(vec![b'x'; 100_000]),
    ];
    for value in values {
        let shown = value.shown();
        assert_eq!(shown.chars().count(), 161, "{shown}");
        assert!(shown.ends_with('…') && !shown.contains('#'), "{shown}");
        assert!(value.canonical().len() > 1_000, "a key is never cut");
    }
}

#[test]
fn bytes_under_the_parquet_rule_are_only_compared_with_bytes() {
    let comparator = at("$", "parquet");
    assert_eq!(found(&comparator, &Value::Bytes(vec![1]), &Value::None), [("$".into(), Kind::Type)]);
}

#[test]
fn every_kind_of_difference_has_its_own_name() {
    let kinds = [
        Kind::Type,
        Kind::Value,
        Kind::ToleranceExceeded,
        Kind::Missing,
        Kind::Extra,
        Kind::OrderOnly,
        Kind::Length,
        Kind::Exception,
        Kind::Mutation,
        Kind::Panic,
        Kind::Cascade,
    ];
    let names: std::collections::BTreeSet<&str> = kinds.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), kinds.len());
    assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
}
