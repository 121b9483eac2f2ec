//! What the walk promises: kinds, paths, and what rules, ids and the ledger make of them.

use std::sync::Arc;

use super::*;
use crate::column::{Cells, Column};
use crate::value::Class;

struct Day(i64);

impl Decode for Day {
    fn parquet(&self, bytes: &[u8]) -> Result<Value, String> {
        match bytes {
            [] => Err("empty".into()),
            _ => Ok(Value::Int(bytes.len().try_into().unwrap())),
        }
    }

    fn today(&self) -> i64 {
        self.0
    }
}

fn comparator(rules: &[(&str, &str)]) -> Comparator {
    Comparator::new(Rules::parse(rules.iter().copied()).unwrap(), 20)
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn dict(entries: &[(&str, Value)]) -> Value {
    Value::Dict(entries.iter().map(|(key, value)| (text(key), value.clone())).collect())
}

fn list(items: &[Value]) -> Value {
    Value::List(items.to_vec())
}

fn floats(cells: &[f64]) -> Value {
    let column = Column::new("float64", Cells::Float(cells.to_vec().into()), None);
    Value::Array { shape: vec![cells.len()], column }
}

/// Path and kind of each difference.
fn found(verdict: &Verdict) -> Vec<(&str, &str)> {
    verdict.differences.iter().map(|one| (one.path.as_str(), one.kind.name())).collect()
}

fn row(id: i128, price: f64) -> Value {
    dict(&[("id", Value::Int(id)), ("price", Value::Float(price))])
}

#[test]
fn one_renaming_explains_all_calls_and_one_for_a_call_ends_with_it() {
    let ids = comparator(&[("$.id", "ids"), ("$.nonce", "ids(scope=call, name=s)")]);
    let call = |id: &str, nonce: &str| dict(&[("id", text(id)), ("nonce", text(nonce))]);
    assert!(ids.compare(&call("A-1", "x-1"), &call("A-5", "x-9"), &NoDecoder).equal());
    let again = ids.compare(&call("A-1", "x-1"), &call("A-6", "x-9"), &NoDecoder);
    assert_eq!(found(&again), [("$.id", "value")]);
    assert!(again.differences[0].candidate.contains("was \"A-5\" before"));
    let taken = ids.clone().compare(&call("A-2", "x-2"), &call("A-5", "x-8"), &NoDecoder);
    assert_eq!(found(&taken), [("$.id", "value")]);
    assert_eq!(found(&ids.compare(&call("A-3", "x-1"), &call("B_3", "x-9"), &NoDecoder)), [("$.id", "value")]);
    assert!(ids.compare(&call("A-1", "x-1"), &call("A-5", "x-7"), &NoDecoder).equal());
    let other = comparator(&[("$", "ids")]).sharing(&ids);
    assert!(!other.compare(&text("A-1"), &text("A-6"), &NoDecoder).equal());
    let numbers = comparator(&[("$[*]", "ids")]);
    let pair = |a, b| list(&[Value::Int(a), Value::Int(b)]);
    assert!(numbers.compare(&pair(1, 1), &pair(7, 7), &NoDecoder).equal());
    assert_eq!(found(&numbers.compare(&pair(2, 2), &pair(8, 9), &NoDecoder)), [("$[1]", "value")]);
    assert_eq!(found(&numbers.compare(&list(&[Value::None]), &list(&[Value::Int(1)]), &NoDecoder)), [("$[0]", "type")]);
    let column = |cells: &[i64]| Value::Array {
        shape: vec![cells.len()],
        column: Column::new("int64", Cells::Int(cells.to_vec().into()), None),
    };
    let cells = comparator(&[("$[*]", "ids")]);
    assert!(cells.compare(&column(&[1, 2]), &column(&[1, 2]), &NoDecoder).equal());
    assert!(!cells.compare(&column(&[1, 2]), &column(&[2, 1]), &NoDecoder).equal());
}

#[test]
fn keys_that_are_names_meet_by_the_renaming_or_in_their_order() {
    let orders = |names: [&str; 2], prices: [f64; 2]| {
        let entry = |at: usize| (names[at], dict(&[("id", text(names[at])), ("price", Value::Float(prices[at]))]));
        dict(&[("pending", dict(&[entry(0), entry(1)]))])
    };
    let named = || comparator(&[("$.pending", "ids"), ("$.pending.*.id", "ids")]);
    let legacy = orders(["LB-1", "LB-2"], [1.5, 1.6]);
    let one = named();
    assert!(one.compare(&legacy, &orders(["LB-8", "LB-9"], [1.5, 1.6]), &NoDecoder).equal());
    // Known names meet wherever they stand.
    assert!(one.compare(&legacy, &orders(["LB-9", "LB-8"], [1.6, 1.5]), &NoDecoder).equal());
    let changed = one.compare(&legacy, &orders(["LB-8", "LB-9"], [1.5, 1.7]), &NoDecoder);
    assert_eq!(found(&changed), [("$.pending[\"LB-2\"].price", "value")]);
    let renamed = one.compare(&legacy, &orders(["LB-8", "LB-7"], [1.5, 1.6]), &NoDecoder);
    let twice = "$.pending[\"LB-2\"]";
    assert_eq!(found(&renamed), [(twice, "value"), ("$.pending[\"LB-2\"].id", "value")]);
    let other = named().compare(&legacy, &orders(["LB-8", "X"], [1.5, 1.6]), &NoDecoder);
    assert_eq!(found(&other), [(twice, "missing"), ("$.pending.X", "extra")]);
}

#[test]
fn rows_join_by_key_and_say_what_is_missing_extra_or_turned() {
    let keyed = comparator(&[("$", "keyed(id)"), ("$[*].price", "tick:0.01")]);
    let legacy = list(&[row(1, 1.5), row(2, 1.6), row(3, 1.7)]);
    let turned = list(&[row(3, 1.7), row(2, 1.6), row(1, 1.5)]);
    let verdict = keyed.compare(&legacy, &turned, &NoDecoder);
    assert!(verdict.equal());
    assert_eq!(verdict.notes, ["$: rows in another order"]);
    let other = list(&[row(1, 1.51), row(3, 1.700_000_1), row(4, 1.8)]);
    let verdict = keyed.compare(&legacy, &other, &NoDecoder);
    let expected = [("$[id=1].price", "tolerance-exceeded"), ("$[id=2]", "missing"), ("$[id=4]", "extra")];
    assert_eq!(found(&verdict), expected);
    assert_eq!(verdict.differences[0].place, "$[*].price");
    let ordered = comparator(&[("$", "keyed(id; ordered)")]);
    assert_eq!(found(&ordered.compare(&legacy, &turned, &NoDecoder)), [("$", "order-only")]);
    let twice = list(&[row(1, 1.5), row(1, 1.5)]);
    assert_eq!(found(&keyed.compare(&twice, &list(&[row(1, 1.5)]), &NoDecoder)), [("$[id=1 #2]", "missing")]);
    let keyless = list(&[dict(&[("price", Value::Float(1.0))])]);
    assert_eq!(found(&keyed.compare(&keyless, &keyless, &NoDecoder)), [("$[0]", "extra"), ("$[0]", "missing")]);
}

fn table(columns: &[(&str, &[i64])]) -> Value {
    let rows = columns.first().map_or(0, |(_, cells)| cells.len());
    let made = |cells: &[i64]| Column::new("int64", Cells::Int(cells.to_vec().into()), None);
    Value::Table { columns: columns.iter().map(|(name, cells)| ((*name).to_owned(), made(cells))).collect(), rows }
}

#[test]
fn tables_join_by_key_columns_as_lists_do() {
    let keyed = comparator(&[("$", "keyed(ts)"), ("$.volume", "abs:1")]);
    let legacy = table(&[("ts", &[1, 2, 3]), ("close", &[10, 20, 30]), ("volume", &[5, 5, 5])]);
    let other = table(&[("ts", &[3, 1, 4]), ("close", &[30, 11, 40]), ("volume", &[6, 7, 5])]);
    let verdict = keyed.compare(&legacy, &other, &NoDecoder);
    let expected = [
        ("$[ts=2]", "missing"),
        ("$[ts=4]", "extra"),
        ("$.close[ts=1]", "value"),
        ("$.volume[ts=1]", "tolerance-exceeded"),
    ];
    assert_eq!(found(&verdict), expected);
    assert_eq!(verdict.differences[2].place, "$.close[*]");
    assert_eq!(verdict.notes, ["$: rows in another order"]);
    let nameless = table(&[("time", &[1, 2, 3])]);
    let kinds: Vec<&str> =
        keyed.compare(&legacy, &nameless, &NoDecoder).differences.iter().map(|one| one.kind.name()).collect();
    assert_eq!(kinds, ["missing", "missing", "missing", "extra", "missing"]);
    let turned = table(&[("ts", &[3, 2, 1]), ("close", &[30, 20, 10]), ("volume", &[5, 5, 5])]);
    assert_eq!(found(&comparator(&[]).compare(&legacy, &turned, &NoDecoder)), [("$", "order-only")]);
    let mixed = table(&[("ts", &[3, 2, 1]), ("close", &[10, 20, 30]), ("volume", &[5, 5, 5])]);
    assert_eq!(comparator(&[]).compare(&legacy, &mixed, &NoDecoder).total, 2);
    let ignored = comparator(&[("$.close", "ignore(ana, later)"), ("$.ts", "exact")]);
    let other = table(&[("ts", &[1, 2, 3]), ("close", &[10, 20, 31]), ("volume", &[5, 5, 5])]);
    let verdict = ignored.compare(&legacy, &other, &NoDecoder);
    assert!(verdict.equal());
    assert_eq!(verdict.ignored, [("$.close".to_owned(), "ignore(ana, later)".to_owned(), 1)]);
}

#[test]
fn a_multiset_takes_any_order_and_rules_for_its_items() {
    let plain = comparator(&[("$", "multiset")]);
    let legacy = list(&[row(1, 1.5), row(2, 1.6), row(2, 1.6)]);
    let turned = list(&[row(2, 1.6), row(2, 1.6), row(1, 1.5)]);
    assert!(plain.compare(&legacy, &turned, &NoDecoder).equal());
    let other = list(&[row(2, 1.6), row(1, 1.500_000_1), row(9, 9.0)]);
    assert_eq!(plain.compare(&legacy, &other, &NoDecoder).total, 4);
    let near = comparator(&[("$", "multiset"), ("$[*].price", "tick:0.01")]);
    let verdict = near.compare(&legacy, &other, &NoDecoder);
    assert_eq!(found(&verdict), [("$[2]", "missing"), ("$[2]", "extra")]);
    let many: Vec<Value> = (0..200).map(|n| row(n, 1.0)).collect();
    let others: Vec<Value> = (0..200).map(|n| row(n, 2.0)).collect();
    let verdict = near.compare(&list(&many), &list(&others), &NoDecoder);
    assert_eq!(verdict.total, 400);
    assert!(verdict.notes[0].contains("use keyed"));
    let named = comparator(&[("$", "multiset"), ("$[*]", "ids")]);
    assert!(named.compare(&list(&[text("a-1")]), &list(&[text("a-1")]), &NoDecoder).equal());
    assert!(!named.compare(&list(&[text("a-1")]), &list(&[text("a-2")]), &NoDecoder).equal());
}

#[test]
fn sets_may_share_a_part_of_their_members() {
    let set = |names: &[&str]| Value::Set { frozen: false, items: names.iter().map(|name| text(name)).collect() };
    let near = comparator(&[("$", "jaccard:0.75")]);
    assert!(near.compare(&set(&["a", "b", "c", "d"]), &set(&["a", "b", "c"]), &NoDecoder).equal());
    let verdict = near.compare(&set(&["a", "b", "c"]), &set(&["a", "b", "x"]), &NoDecoder);
    assert_eq!(found(&verdict), [("$", "tolerance-exceeded")]);
    assert!(verdict.differences[0].candidate.contains("overlap 0.5000, not in legacy: \"x\""));
    assert!(near.compare(&set(&[]), &set(&[]), &NoDecoder).equal());
    let exact = comparator(&[]).compare(&set(&["a", "b"]), &set(&["a", "x"]), &NoDecoder);
    assert_eq!(found(&exact), [("$[\"b\"]", "missing"), ("$[\"x\"]", "extra")]);
}

#[test]
fn a_declared_divergence_holds_for_its_values_until_its_day_and_within_its_budget() {
    let entry = |legacy: Option<&str>, candidate: Option<&str>| {
        let values = (legacy.map(str::to_owned), candidate.map(str::to_owned));
        Divergence::new("$[*].price", values, ("ana", "off the grid"), "1970-01-11", 2).unwrap()
    };
    let made = || comparator(&[]).with_ledger(vec![entry(Some("25299.8"), Some("25299.75"))]);
    let (legacy, candidate) = (list(&[row(1, 25_299.8)]), list(&[row(1, 25_299.75)]));
    let declared = made();
    let verdict = declared.compare(&legacy, &candidate, &Day(10));
    assert!(verdict.equal());
    assert_eq!(verdict.ignored[0].0, "$[*].price");
    assert!(verdict.ignored[0].1.starts_with("declared(25299.8 -> 25299.75, ana, off the grid"));
    let other = declared.compare(&legacy, &list(&[row(1, 25_300.0)]), &Day(10));
    assert_eq!(found(&other), [("$[0].price", "value")]);
    assert!(declared.compare(&legacy, &candidate, &Day(10)).equal());
    let over = declared.compare(&legacy, &candidate, &Day(10));
    assert_eq!(found(&over), [("$[0].price", "value")]);
    assert!(over.differences[0].rule.contains("hit 3 of a budget of 2"));
    assert_eq!(declared.ledger()[0].1, 3);
    let late = made().compare(&legacy, &candidate, &Day(11));
    assert!(late.differences[0].rule.contains("expired on 1970-01-11"));
    assert!(made().expires() && !comparator(&[]).expires());
    // Rows that are tried out in a multiset use nothing up.
    let any = comparator(&[("$", "multiset"), ("$[*].id", "number")]).with_ledger(vec![entry(None, None)]);
    any.compare(&legacy, &candidate, &Day(1));
    assert_eq!(any.ledger()[0].1, 0);
}

#[test]
fn an_ignored_difference_is_one_again_past_its_day_or_budget() {
    let rules = [("$.host", "ignore(ana, of the machine, until=1970-01-11, budget=2)")];
    let value = |host: &str| dict(&[("host", text(host)), ("x", Value::Int(1))]);
    let one = comparator(&rules);
    assert!(one.expires());
    assert!(one.compare(&value("a"), &value("b"), &Day(10)).equal());
    assert!(one.compare(&value("a"), &dict(&[("x", Value::Int(1))]), &Day(10)).equal());
    let over = one.compare(&value("a"), &value("b"), &Day(10));
    assert_eq!(found(&over), [("$.host", "value")]);
    assert!(over.differences[0].rule.contains("hit 3 of a budget of 2"));
    let late = comparator(&rules).compare(&value("a"), &value("b"), &Day(11));
    assert!(late.differences[0].rule.contains("expired"));
    assert_eq!(found(&late), [("$.host", "value")]);
}

#[test]
fn money_is_never_measured_by_its_own_size() {
    let wide = comparator(&[("$.**", "rel:0.1")]);
    let value = |pnl: f64| dict(&[("pnl", Value::Float(pnl)), ("price", Value::Float(pnl))]);
    let verdict = wide.compare(&value(100.0), &value(100.01), &NoDecoder);
    assert_eq!(found(&verdict), [("$.pnl", "value")]);
    assert!(verdict.notes[0].contains("money"));
    let column = |cells: &[f64]| dict(&[("equity", floats(cells))]);
    let verdict =
        comparator(&[("$.*", "ulp:4")]).compare(&column(&[1.0, 2.0]), &column(&[1.0, 2.000_000_1]), &NoDecoder);
    assert_eq!(found(&verdict), [("$.equity[1]", "value")]);
}

#[test]
fn columns_of_floats_follow_the_rule_of_the_column_or_of_the_cell() {
    let (one, two) = (floats(&[1.0, 2.0, f64::NAN]), floats(&[1.0, 2.004, f64::NAN]));
    for rules in [[("$", "abs:0.01")], [("$[*]", "abs:0.01")], [("$.**", "abs:0.01")]] {
        let verdict = comparator(&rules).compare(&one, &two, &NoDecoder);
        assert!(verdict.equal(), "{rules:?}");
        assert_eq!(verdict.compared, 4);
    }
    let first = comparator(&[("$[0]", "abs:0.01")]).compare(&one, &two, &NoDecoder);
    assert_eq!(found(&first), [("$[1]", "value")]);
    let own = comparator(&[("$", "abs:0.01"), ("$[*]", "exact")]).compare(&one, &two, &NoDecoder);
    assert_eq!(found(&own), [("$[1]", "value")]);
    let ignored = comparator(&[("$[*]", "ignore(ana, x)")]).compare(&one, &two, &NoDecoder);
    assert_eq!((ignored.total, ignored.ignored[0].2), (0, 1));
    let masked = |cells: &[f64], valid: &[bool]| Value::Array {
        shape: vec![cells.len()],
        column: Column::new("float64", Cells::Float(cells.to_vec().into()), Some(valid.to_vec())),
    };
    let hidden =
        comparator(&[]).compare(&masked(&[1.0, 5.0], &[true, false]), &masked(&[1.0, 6.0], &[true, false]), &NoDecoder);
    assert!(hidden.equal());
    let shown = comparator(&[("$", "abs:9")]).compare(
        &masked(&[1.0, 5.0], &[true, false]),
        &masked(&[1.0, 5.0], &[true, true]),
        &NoDecoder,
    );
    assert_eq!(found(&shown), [("$[1]", "type")]);
}

#[test]
fn effects_say_which_was_dropped_added_or_changed() {
    let plain = comparator(&[("$effects[*].price", "tick:0.01")]);
    let all = [row(1, 1.5), row(2, 1.6), row(3, 1.7)];
    let run = |legacy: &[Value], candidate: &[Value]| {
        let verdict = plain.compare_effects(legacy, candidate, &NoDecoder);
        found(&verdict).into_iter().map(|(path, kind)| format!("{path} {kind}")).collect::<Vec<_>>()
    };
    assert!(plain.compare_effects(&all, &all, &NoDecoder).equal());
    assert!(plain.compare_effects(&[], &[], &NoDecoder).equal());
    assert_eq!(run(&all, &[row(1, 1.5), row(3, 1.7)]), ["$effects[1] effect-missing"]);
    assert_eq!(run(&[row(1, 1.5), row(3, 1.7)], &all), ["$effects[1] effect-extra"]);
    assert_eq!(run(&all, &[row(1, 1.5), row(2, 1.9), row(3, 1.7)]), ["$effects[1].price effect-different"]);
    assert_eq!(
        run(&all, &[]),
        ["$effects[0] effect-missing", "$effects[1] effect-missing", "$effects[2] effect-missing"]
    );
    assert_eq!(run(&[], &[row(1, 1.0)]), ["$effects[0] effect-extra"]);
    let reads = [text("GET /a"), text("GET /b")];
    assert!(plain.compare_reads(&reads, &[text("GET /b"), text("GET /b")], &NoDecoder).equal());
    let verdict = plain.compare_reads(&reads, &[text("GET /c")], &NoDecoder);
    assert_eq!(found(&verdict), [("$reads[0]", "extra-read")]);
    assert_eq!(verdict.notes, ["$reads: the candidate left out 2 of 2 reads"]);
}

#[test]
fn exceptions_bytes_and_unreadable_objects_have_their_own_rules() {
    let class = |id: usize| Class { id, name: format!("C{id}").into() };
    let raised = |id: usize, arg: i128| Value::Raised {
        class: class(id),
        base: class(1),
        args: vec![Value::Int(arg)],
        fields: vec![],
    };
    let by = |rules: &[(&str, &str)], a: &Value, b: &Value| {
        let verdict = comparator(rules).compare_raised(a, b, &NoDecoder);
        found(&verdict).into_iter().map(|(path, kind)| format!("{path} {kind}")).collect::<Vec<_>>()
    };
    assert!(by(&[], &raised(2, 1), &raised(2, 9)).is_empty());
    assert_eq!(by(&[], &raised(2, 1), &raised(3, 1)), ["$raise exception"]);
    assert!(by(&[("$raise", "base")], &raised(2, 1), &raised(3, 1)).is_empty());
    assert_eq!(by(&[("$raise", "args")], &raised(2, 1), &raised(2, 9)), ["$raise.args[0] value"]);
    let ignored = comparator(&[("$raise", "ignore(ana, x)")]).compare_raised(&raised(2, 1), &raised(3, 1), &NoDecoder);
    assert!(ignored.equal());
    assert_eq!(ignored.ignored.len(), 1);
    let parquet = comparator(&[("$", "parquet")]);
    let bytes = |count: usize| Value::Bytes(vec![0; count]);
    assert!(parquet.compare(&bytes(3), &bytes(3), &Day(0)).equal());
    assert_eq!(found(&parquet.compare(&bytes(3), &bytes(4), &Day(0))), [("$", "value")]);
    let broken = parquet.compare(&bytes(3), &bytes(0), &Day(0));
    assert_eq!(broken.differences[0].candidate, "empty");
    assert_eq!(found(&parquet.compare(&bytes(3), &text("x"), &Day(0))), [("$", "type")]);
    let opaque = |repr: Option<&str>| Value::Opaque { class: class(7), repr: repr.map(str::to_owned) };
    let unread = comparator(&[]).compare(&list(&[opaque(None)]), &list(&[opaque(None)]), &NoDecoder);
    assert_eq!(unread.unreadable, Some(("C7".into(), "$[0]".into())));
    assert!(!unread.equal());
    let set = |id| Value::Set { frozen: false, items: vec![Value::Opaque { class: class(id), repr: None }] };
    assert_eq!(comparator(&[]).compare(&set(7), &set(7), &NoDecoder).total, 2, "nothing is known of them");
    assert!(comparator(&[]).compare(&Value::None, &opaque(None), &NoDecoder).unreadable.is_some());
    let repr = comparator(&[("$", "repr")]);
    assert_eq!(found(&repr.compare(&opaque(Some("C(1)")), &Value::None, &NoDecoder)), [("$", "type")]);
    assert!(repr.compare(&opaque(Some("C(1)")), &opaque(Some("C(1)")), &NoDecoder).equal());
    assert_eq!(found(&repr.compare(&opaque(Some("C(1)")), &opaque(Some("C(2)")), &NoDecoder)), [("$", "value")]);
    let ignored = comparator(&[("$[*]", "ignore(ana, x)")]);
    let verdict = ignored.compare(&list(&[opaque(None)]), &list(&[opaque(None)]), &NoDecoder);
    assert!(verdict.equal());
}

#[test]
fn differences_seen_elsewhere_pass_the_ledger_too() {
    let plain = comparator(&[]);
    let verdict = plain.differs("$", Kind::Timeout, &Value::Int(1), &text("no answer"), &NoDecoder);
    assert_eq!(found(&verdict), [("$", "timeout")]);
    let entry = Divergence::new("$", (Some("1".into()), None), ("ana", "slow"), "2027-01-31", 5).unwrap();
    let declared = plain.with_ledger(vec![entry]);
    assert!(declared.one_raised(&Value::Int(1), &text("ValueError"), Kind::Exception, &Day(0)).equal());
}

#[test]
fn records_of_two_classes_meet_by_legacys_fields() {
    let record = |id: usize, names: &[&str]| Value::Record {
        class: Class { id, name: "C".into() },
        fields: names.iter().map(|name| (Arc::from(*name), Value::Int(1))).collect(),
    };
    let by_fields = comparator(&[("$", "record")]);
    let verdict = by_fields.compare(&record(1, &["a", "b"]), &record(2, &["b", "a", "c"]), &NoDecoder);
    assert!(verdict.equal());
    assert_eq!(verdict.notes, ["the candidate has a further field c"]);
    assert_eq!(
        found(&by_fields.compare(&record(1, &["a", "b"]), &record(2, &["a"]), &NoDecoder)),
        [("$.b", "missing")]
    );
    let plain = comparator(&[]);
    assert_eq!(found(&plain.compare(&record(1, &["a"]), &record(2, &["a"]), &NoDecoder)), [("$", "type")]);
    assert_eq!(found(&plain.compare(&record(1, &["a"]), &record(1, &["a", "b"]), &NoDecoder)), [("$.b", "extra")]);
}
