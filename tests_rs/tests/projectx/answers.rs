//! What each answer becomes: every status, every code of every table, and envelopes that contradict themselves.

use exuvia_brokers::projectx::{Meaning, ProjectXError, Table};

use crate::kit::*;
use crate::orders::buy;

/// The code of what becomes of an order that is answered so.
fn becomes(does: Does) -> String {
    let (gate, mut gateway) = gateway(config());
    let twice = matches!(&does, Does::Answers(response) if response.status == 401);
    gate.then("Order/place", does);
    if twice {
        gate.then("Auth/loginKey", ok(LOGIN)).then("Order/place", status(401, ""));
    }
    let error = gateway.place(&buy(), NOW).unwrap_err();
    gate.done();
    error.code().to_owned()
}

#[test]
fn a_status_is_a_refusal_only_where_the_gateway_itself_says_so() {
    let problem = r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"size","instance":"/"}"#;
    assert_eq!(becomes(status(400, problem)), "malformed");
    for (code, wanted) in [
        (401, "not_sent"),
        (403, "not_sent"),
        (404, "not_sent"),
        (405, "not_sent"),
        (413, "not_sent"),
        (415, "not_sent"),
        (429, "not_sent"),
        (400, "unknown"),
        (100, "unknown"),
        (201, "unknown"),
        (202, "unknown"),
        (204, "unknown"),
        (302, "unknown"),
        (408, "unknown"),
        (409, "unknown"),
        (422, "unknown"),
        (500, "unknown"),
        (502, "unknown"),
        (503, "unknown"),
        (504, "unknown"),
        (599, "unknown"),
    ] {
        for body in ["", OK, "<html>proxy</html>"] {
            assert_eq!(becomes(status(code, body)), wanted, "{code} {body}");
        }
    }
    assert_eq!(becomes(Does::IsNotReached), "not_sent");
    assert_eq!(becomes(Does::IsSilent), "unknown");
}

#[test]
fn a_problem_description_is_told_with_its_fields() {
    let (gate, mut gateway) = gateway(config());
    let body = r#"{"title":"Validation failed","status":400,"detail":"see errors","errors":{"size":["must be positive","is 0"],"x":1},"traceId":"t"}"#;
    gate.then("Order/place", status(400, body));
    let error = gateway.place(&buy(), NOW).unwrap_err().to_string();
    assert!(error.contains("Validation failed: see errors; size: must be positive, is 0; x: "), "{error}");
    for no_problem in
        ["{}", r#"{"title":"x"}"#, r#"{"title":"x","status":500}"#, r#"{"title":1,"status":400}"#, "[400]"]
    {
        assert_eq!(becomes(status(400, no_problem)), "unknown", "{no_problem}");
    }
}

#[test]
fn an_envelope_that_contradicts_itself_or_cannot_be_read_proves_nothing() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "{\"success\":false",
        r#"{"success":false}"#,
        r#"{"success":false,"errorCode":0}"#,
        r#"{"success":false,"errorCode":-2}"#,
        r#"{"success":false,"errorCode":"2"}"#,
        r#"{"success":false,"errorCode":2.5}"#,
        r#"{"success":false,"errorCode":null}"#,
        r#"{"success":null,"errorCode":2}"#,
        r#"{"success":"false","errorCode":2}"#,
        r#"{"errorCode":2}"#,
        r#"{"success":true,"errorCode":2,"orderId":93001}"#,
        r#"{"success":true,"orderId":93001}"#,
        r#"{"success":true,"errorCode":0,"orderId":null}"#,
        r#"{"success":true,"errorCode":0}"#,
        r#"{"success":true,"errorCode":0,"orderId":"93001"}"#,
        r#"{"success":false,"errorCode":2} trailing"#,
    ] {
        assert_eq!(becomes(ok(body)), "unknown", "{body}");
    }
}

/// Codes and their names.
type Codes = &'static [(i64, &'static str)];

/// The vendor's lists, written down a second time: (table, codes that refuse, codes that leave it open).
const LISTS: [(Table, Codes, Codes); 12] = [
    (
        Table::Login,
        &[
            (1, "UserNotFound"),
            (2, "PasswordVerificationFailed"),
            (3, "InvalidCredentials"),
            (4, "AppNotFound"),
            (5, "AppVerificationFailed"),
            (6, "InvalidDevice"),
            (7, "AgreementsNotSigned"),
            (9, "ApiSubscriptionNotFound"),
            (10, "ApiKeyAuthenticationDisabled"),
        ],
        &[(8, "UnknownError")],
    ),
    (Table::Validate, &[(1, "InvalidSession"), (2, "SessionNotFound"), (3, "ExpiredToken")], &[(4, "UnknownError")]),
    (Table::Logout, &[(1, "InvalidSession")], &[(2, "UnknownError")]),
    (Table::Accounts, &[], &[]),
    (Table::Contract, &[(1, "ContractNotFound")], &[]),
    (Table::Bars, &[(1, "ContractNotFound"), (2, "UnitInvalid"), (3, "UnitNumberInvalid"), (4, "LimitInvalid")], &[]),
    (
        Table::Place,
        &[
            (1, "AccountNotFound"),
            (2, "OrderRejected"),
            (3, "InsufficientFunds"),
            (4, "AccountViolation"),
            (5, "OutsideTradingHours"),
            (8, "ContractNotFound"),
            (9, "ContractNotActive"),
            (10, "AccountRejected"),
        ],
        &[(6, "OrderPending"), (7, "UnknownError")],
    ),
    (
        Table::Change,
        &[
            (1, "AccountNotFound"),
            (2, "OrderNotFound"),
            (3, "Rejected"),
            (6, "AccountRejected"),
            (7, "ContractNotFound"),
        ],
        &[(4, "Pending"), (5, "UnknownError")],
    ),
    (Table::Search, &[(1, "AccountNotFound")], &[]),
    (Table::OrderById, &[(1, "OrderNotFound")], &[]),
    (
        Table::Close,
        &[
            (1, "AccountNotFound"),
            (2, "PositionNotFound"),
            (3, "ContractNotFound"),
            (4, "ContractNotActive"),
            (5, "OrderRejected"),
            (8, "AccountRejected"),
        ],
        &[(6, "OrderPending"), (7, "UnknownError")],
    ),
    (
        Table::PartialClose,
        &[
            (1, "AccountNotFound"),
            (2, "PositionNotFound"),
            (3, "ContractNotFound"),
            (4, "ContractNotActive"),
            (5, "InvalidCloseSize"),
            (6, "OrderRejected"),
            (9, "AccountRejected"),
        ],
        &[(7, "OrderPending"), (8, "UnknownError")],
    ),
];

#[test]
fn every_code_of_every_list_is_what_the_vendor_calls_it_and_no_other_number_is_evidence() {
    for (table, refuse, open) in LISTS {
        for (code, name) in refuse {
            assert_eq!(table.meaning(*code), Meaning::Refused(name), "{table:?}");
        }
        for (code, name) in open {
            assert_eq!(table.meaning(*code), Meaning::InDoubt(name), "{table:?}");
        }
        let last = i64::try_from(refuse.len() + open.len()).unwrap();
        assert_eq!(table.listed().len(), refuse.len() + open.len());
        for code in [0, -1, i64::MIN, last + 1, i64::MAX] {
            assert!(matches!(table.meaning(code), Meaning::InDoubt(_)), "{table:?} {code}");
        }
    }
}

#[test]
fn each_call_reads_its_own_list() {
    type Ask = fn(&mut exuvia_brokers::projectx::ProjectX) -> Option<ProjectXError>;
    let asks: [(&str, i64, &str, Ask); 11] = [
        ("Order/place", 3, "InsufficientFunds", |gate| gate.place(&buy(), NOW).err()),
        ("Order/modify", 2, "OrderNotFound", |gate| {
            gate.modify(1, &exuvia_brokers::projectx::ModifyOrder { size: Some(q(1)), ..Default::default() }, NOW).err()
        }),
        ("Order/cancel", 6, "AccountRejected", |gate| gate.cancel(1, NOW).err()),
        ("Order/search", 1, "AccountNotFound", |gate| gate.orders(NOW, None, NOW).err()),
        ("Order/searchOpen", 1, "AccountNotFound", |gate| gate.open_orders(NOW).err()),
        ("Position/searchOpen", 1, "AccountNotFound", |gate| gate.positions(NOW).err()),
        ("Position/closeContract", 5, "OrderRejected", |gate| gate.close_contract(CONTRACT, NOW).err()),
        ("Position/partialCloseContract", 5, "InvalidCloseSize", |gate| gate.partial_close(CONTRACT, q(1), NOW).err()),
        ("Trade/search", 1, "AccountNotFound", |gate| gate.trades(None, None, NOW).err()),
        ("Auth/validate", 3, "ExpiredToken", |gate| gate.validate(NOW).err()),
        ("Auth/logout", 1, "InvalidSession", |gate| gate.logout(NOW).err()),
    ];
    for (call, code, name, ask) in asks {
        let (gate, mut gateway) = gateway(config());
        gate.then(call, no(code));
        let error = ask(&mut gateway).unwrap();
        let ProjectXError::Refused(refusal) = &error else { panic!("{error}") };
        assert_eq!((refusal.call, refusal.code, refusal.name, refusal.words.as_str()), (call, code, name, "said so"));
        assert_eq!(error.to_string(), format!("{call} was refused with code {code} ({name}): said so"));
    }
}

#[test]
fn an_order_id_in_a_refusal_is_told_and_makes_no_order_of_it() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Order/place", ok(r#"{"orderId":93002,"success":false,"errorCode":2,"errorMessage":null}"#));
    let error = gateway.place(&buy(), NOW).unwrap_err();
    let ProjectXError::Refused(refusal) = &error else { panic!("{error}") };
    assert_eq!(refusal.order_id, Some(93002));
    assert_eq!(error.to_string(), "Order/place was refused with code 2 (OrderRejected) [order 93002]");
}

#[test]
fn an_order_that_is_pending_is_in_doubt_and_says_that_it_must_be_asked_for() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Order/place", ok(r#"{"orderId":93003,"success":false,"errorCode":6,"errorMessage":"wait"}"#));
    let error = gateway.place(&buy(), NOW).unwrap_err();
    assert_eq!(error.code(), "in_doubt");
    let wanted = "Order/place may or may not have been done, code 6 (OrderPending): wait [order 93003]; ask the gateway before it is sent again";
    assert_eq!(error.to_string(), wanted);
}
