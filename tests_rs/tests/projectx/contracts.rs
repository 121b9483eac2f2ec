//! Contracts, their ids and the front month; bars page by page.

use exuvia_brokers::projectx::{BarUnit, BarsWanted, Contract, ContractId, ProjectX, front_month};
use exuvia_model::{Bar, Price, Time};

use crate::kit::*;

const ENQ: &str = r#"{"id":"CON.F.US.ENQ.H26","name":"NQH6","description":"E-mini NASDAQ-100: March 2026","tickSize":0.25,"tickValue":5.0,"activeContract":true,"symbolId":"F.US.ENQ"}"#;

fn contract(id: &str, name: &str, active: bool) -> Contract {
    let (description, symbol) = (String::new(), String::new());
    Contract { id: id.into(), name: name.into(), description, tick: p("0.25"), tick_value: p("5"), active, symbol }
}

#[test]
fn a_contract_is_read_as_the_protocol_has_it_and_asked_for_byte_for_byte() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Contract/search", list("contracts", &[ENQ]));
    let found = gateway.search_contracts("NQ", NOW).unwrap();
    assert_eq!(gate.body(), r#"{"searchText":"NQ","live":false}"#);
    let description = "E-mini NASDAQ-100: March 2026".to_owned();
    assert_eq!(found, [Contract { description, symbol: "F.US.ENQ".into(), ..contract(CONTRACT, "NQH6", true) }]);
    gate.then("Contract/available", list("contracts", &[ENQ, "null"]));
    assert_eq!(gateway.available_contracts(NOW).unwrap(), found);
    assert_eq!(gate.body(), r#"{"live":false}"#);
    gate.then("Contract/searchById", ok(&format!(r#"{{"contract":{ENQ},"success":true,"errorCode":0}}"#)));
    assert_eq!(gateway.contract(CONTRACT, NOW).unwrap().as_ref(), found.first());
    assert_eq!(gate.body(), r#"{"contractId":"CON.F.US.ENQ.H26"}"#);
    gate.then("Contract/searchById", no(1));
    assert_eq!(gateway.contract("CON.F.US.XXX.H26", NOW), Ok(None));
    gate.then("Contract/searchById", ok(OK));
    assert_eq!(gateway.contract(CONTRACT, NOW).unwrap_err().code(), "unknown");
    gate.then("Contract/searchById", no(2));
    assert_eq!(gateway.contract(CONTRACT, NOW).unwrap_err().code(), "in_doubt");
    gate.done();
}

#[test]
fn a_point_is_worth_tick_value_by_tick_or_the_contract_is_refused() {
    let terms = |tick: &str, value: &str| {
        let terms = Contract { tick: p(tick), tick_value: p(value), ..contract(CONTRACT, "NQH6", true) };
        terms.instrument().map(|instrument| instrument.multiplier.to_string()).map_err(|error| error.to_string())
    };
    assert_eq!(terms("0.25", "5"), Ok("20".into()));
    assert_eq!(terms("0.001", "10"), Ok("10000".into()));
    assert_eq!(terms("8", "1"), Ok("0.125".into()));
    assert!(terms("0.3", "1").unwrap_err().contains("1 ÷ 0.3"));
    assert!(terms("0.000000001", "100").unwrap_err().contains("100 ÷ 0.000000001"));
    assert_eq!(contract(CONTRACT, "NQH6", true).instrument().unwrap().name, CONTRACT);
}

#[test]
fn an_id_is_read_by_its_grammar_and_written_back() {
    for (letter, month) in "FGHJKMNQUVXZ".chars().zip(1..) {
        let text = format!("CON.F.US.M2K.{letter}07");
        let id: ContractId = text.parse().unwrap();
        assert_eq!((id.root(), id.year(), id.month(), id.to_string()), ("M2K", 2007, month, text));
    }
    for bad in [
        "",
        "CON.F.US.ENQ",
        "CON.F.US..H26",
        "CON.F.US.ENQ.H6",
        "CON.F.US.ENQ.H2026",
        "CON.F.US.ENQ.A26",
        "CON.F.US.ENQ.h26",
        "CON.F.US.ENQ.Hx6",
        "CON.F.US.ENQ.H2x",
        "CON.F.US.enq.H26",
        "CON.F.US.E NQ.H26",
        "CON.F.EU.ENQ.H26",
        "CON.F.US.ENQ.H26.X",
        "XCON.F.US.ENQ.H26",
        "CON.F.US.ENQ.€26",
    ] {
        let error = bad.parse::<ContractId>().unwrap_err().to_string();
        assert!(error.contains(&format!("{bad:?}")) && error.contains("CON.F.US.<ROOT>"), "{error}");
    }
}

#[test]
fn the_front_month_is_the_first_active_one_that_is_not_over() {
    let all = [
        contract("CON.F.US.ENQ.M26", "NQM6", true),
        contract("CON.F.US.ENQ.Z25", "NQZ5", true),
        contract("CON.F.US.ENQ.H26", "NQH6", true),
        contract("CON.F.US.ENQ.G26", "NQG6", false),
        contract("CON.F.US.MNQ.G26", "MNQG6", true),
        contract("odd", "NQH6", true),
    ];
    let front = |root: &str, at: &str| front_month(&all, root, t(at)).map(|contract| contract.id.clone());
    for root in ["NQ", "ENQ"] {
        assert_eq!(front(root, "2026-02-03T00:00:00Z").unwrap(), "CON.F.US.ENQ.H26");
        assert_eq!(front(root, "2026-03-31T00:00:00Z").unwrap(), "CON.F.US.ENQ.H26");
        assert_eq!(front(root, "2026-04-01T00:00:00Z").unwrap(), "CON.F.US.ENQ.M26");
        assert_eq!(front(root, "2025-12-31T00:00:00Z").unwrap(), "CON.F.US.ENQ.Z25");
    }
    assert_eq!(front("MNQ", "2026-02-03T00:00:00Z").unwrap(), "CON.F.US.MNQ.G26");
    let error = front("NQ", "2026-07-01T00:00:00Z").unwrap_err().to_string();
    for says in ["CON.F.US.ENQ.M26 (active)", "CON.F.US.ENQ.G26 (not active)", "odd (active)", "among 6"] {
        assert!(error.contains(says), "{error}");
    }
    assert!(!error.contains("MNQ"), "{error}");
    for root in ["", "ES", "N", "NQH"] {
        assert!(front(root, "2026-02-03T00:00:00Z").unwrap_err().to_string().contains("none of that root"), "{root}");
    }
    let nameless = [contract("CON.F.US.EP.H26", "6", true), contract("CON.F.US.EP.M26", "H6", true)];
    assert!(front_month(&nameless, "", NOW).is_err());
    assert_eq!(front_month(&nameless, "EP", NOW).unwrap().id, "CON.F.US.EP.H26");
}

#[test]
fn the_front_month_is_found_among_the_available_ones_else_by_search() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Contract/available", list("contracts", &[ENQ]));
    assert_eq!(gateway.front_month("NQ", NOW).unwrap().id, CONTRACT);
    gate.then("Contract/available", list("contracts", &[])).then("Contract/search", list("contracts", &[ENQ]));
    assert_eq!(gateway.front_month("NQ", NOW).unwrap().id, CONTRACT);
    gate.then("Contract/available", list("contracts", &[])).then("Contract/search", list("contracts", &[]));
    assert_eq!(gateway.front_month("NQ", NOW).unwrap_err().code(), "unfit");
    gate.done();
}

#[test]
fn a_contract_without_terms_spoils_its_list_and_is_named() {
    for (from, to, says) in [
        ("\"tickSize\":0.25", "\"tickSize\":0", "contracts has 0 as \"tickSize\""),
        ("\"tickValue\":5.0", "\"tickValue\":-5", "contracts has -5 as \"tickValue\""),
        ("\"tickValue\":5.0", "\"tickValue\":NaN", "contracts has NaN as \"tickValue\""),
        ("true", "1", "contracts has 1 as \"activeContract\": true or false"),
        ("\"id\"", "\"ix\"", "contracts has nothing as \"id\": it must be there"),
        ("\"NQH6\"", "{}", "contracts has an object as \"name\": a text"),
        ("\"NQH6\"", "[]", "contracts has a list as \"name\""),
        ("\"NQH6\"", "null", "contracts has null as \"name\""),
        ("\"NQH6\"", "false", "contracts has false as \"name\""),
        ("0.25", "\"0.25\"", "contracts has the text 0.25 as \"tickSize\": a number is expected"),
    ] {
        let (gate, mut gateway) = gateway(config());
        gate.then("Contract/available", list("contracts", &[ENQ, &ENQ.replace(from, to)]));
        let error = gateway.available_contracts(NOW).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

fn wanted(most: u32) -> BarsWanted {
    BarsWanted {
        contract: CONTRACT.into(),
        start: t("2026-02-02T00:00:00Z"),
        end: t("2026-02-03T00:00:00Z"),
        unit: BarUnit::Minute,
        length: 5,
        most,
        partial: false,
    }
}

/// A page of bars that start at these minutes of the day before.
fn page(minutes: impl IntoIterator<Item = i64>) -> Does {
    let row = |minute: i64| {
        let start = Time(t("2026-02-02T00:00:00Z").0 + minute * 60_000_000_000);
        format!(r#"{{"t":"{start}","o":{minute}.25,"h":{minute}.5,"l":{minute},"c":{minute},"v":812,"d":1,"k":2}}"#)
    };
    let rows: Vec<String> = minutes.into_iter().map(row).collect();
    list("bars", &rows.iter().map(String::as_str).collect::<Vec<_>>())
}

fn minutes(bars: &[Bar<i64>]) -> Vec<i64> {
    bars.iter().map(|bar| (bar.start.0 - t("2026-02-02T00:00:00Z").0) / 60_000_000_000).collect()
}

fn bars(gateway: &mut ProjectX, most: u32) -> Vec<i64> {
    minutes(&gateway.bars(&wanted(most), NOW).unwrap())
}

#[test]
fn bars_come_newest_first_and_are_turned_round() {
    let (gate, mut gateway) = gateway(config());
    let body = r#"{"bars":[{"t":"2026-02-02T23:55:00+00:00","o":21010.25,"h":21015,"l":21008.5,"c":21014,"v":812},{"t":"2026-02-02T23:50:00+00:00","o":1,"h":1,"l":1,"c":1}],"success":true,"errorCode":0,"errorMessage":null}"#;
    gate.then("History/retrieveBars", ok(body));
    let bars = gateway.bars(&wanted(1_000), NOW).unwrap();
    let asked = r#"{"contractId":"CON.F.US.ENQ.H26","live":false,"startTime":"2026-02-02T00:00:00Z","endTime":"2026-02-03T00:00:00Z","unit":2,"unitNumber":5,"limit":1000,"includePartialBar":false}"#;
    assert_eq!(gate.body(), asked);
    assert_eq!((bars.len(), bars[1].start), (2, t("2026-02-02T23:55:00Z")));
    let ohlc = bars[1].ohlc;
    let prices = [ohlc.open, ohlc.high, ohlc.low, ohlc.close].map(|raw| Price::from_raw(raw).to_string());
    assert_eq!(
        (prices.join(" "), bars[1].volume, bars[0].volume),
        ("21010.25 21015 21008.5 21014".into(), 812_000_000_000, 0)
    );
}

#[test]
fn pages_go_on_where_the_oldest_bar_was_and_none_comes_twice() {
    let (gate, mut gateway) = gateway(config());
    let full = i64::from(exuvia_brokers::projectx::MAX_BARS);
    gate.then("History/retrieveBars", page((full..2 * full).rev()));
    gate.then("History/retrieveBars", page((1..=full).rev()));
    gate.then("History/retrieveBars", page([1, 0]));
    assert_eq!(bars(&mut gateway, 3 * exuvia_brokers::projectx::MAX_BARS), (0..2 * full).collect::<Vec<_>>());
    let requests = gate.http.requests();
    let limits: Vec<bool> =
        requests[2..].iter().map(|r| String::from_utf8_lossy(&r.body).contains("\"limit\":20000")).collect();
    assert_eq!(limits, [true, true, true]);
    assert!(String::from_utf8_lossy(&requests[3].body).contains("\"endTime\":\"2026-02-15T21:20:00Z\""));
    gate.done();
}

#[test]
fn paging_ends_when_a_page_is_short_empty_repeated_or_reaches_the_start_or_the_number() {
    let (gate, mut gateway) = gateway(config());
    gate.then("History/retrieveBars", page([]));
    assert_eq!(bars(&mut gateway, 3), Vec::<i64>::new());
    gate.then("History/retrieveBars", page([9, 8]));
    assert_eq!(bars(&mut gateway, 3), [8, 9], "short");
    gate.then("History/retrieveBars", page([9, 9, 8])).then("History/retrieveBars", page([8, 7]));
    assert_eq!(bars(&mut gateway, 3), [7, 8, 9], "one came twice");
    assert!(gate.body().contains("\"limit\":2,"), "{}", gate.body());
    gate.then("History/retrieveBars", page([9, 9, 9])).then("History/retrieveBars", page([9, 9, 9]));
    assert_eq!(bars(&mut gateway, 3), [9], "repeated");
    gate.then("History/retrieveBars", page([2, 1, 0, 0]));
    assert_eq!(bars(&mut gateway, 4), [0, 1, 2], "the start");
    gate.then("History/retrieveBars", page([1, 2, 3]));
    assert_eq!(bars(&mut gateway, 2), [2, 3], "more than was asked for, and oldest first");
    gate.done();
}

#[test]
fn bars_that_cannot_be_asked_for_are_not_and_units_have_their_numbers() {
    let (gate, mut gateway) = gateway(config());
    let base = wanted(1);
    for bad in [
        BarsWanted { end: base.start, ..base.clone() },
        BarsWanted { length: 0, ..base.clone() },
        BarsWanted { most: 0, ..base.clone() },
    ] {
        assert_eq!(gateway.bars(&bad, NOW).unwrap_err().code(), "unfit");
    }
    let units = [BarUnit::Second, BarUnit::Minute, BarUnit::Hour, BarUnit::Day, BarUnit::Week, BarUnit::Month];
    for (unit, number) in units.into_iter().zip(1..) {
        gate.then("History/retrieveBars", page([]));
        gateway.bars(&BarsWanted { unit, ..base.clone() }, NOW).unwrap();
        assert!(gate.body().contains(&format!("\"unit\":{number},")));
    }
    gate.then("History/retrieveBars", no(4));
    let error = gateway.bars(&base, NOW).unwrap_err().to_string();
    assert!(error.contains("code 4 (LimitInvalid)"), "{error}");
    gate.then("History/retrieveBars", list("bars", &[r#"{"t":"2026-02-02T23:55:00+00:00","o":1,"h":1,"l":1}"#]));
    assert!(gateway.bars(&base, NOW).unwrap_err().to_string().contains("bars has nothing as \"c\""));
}
