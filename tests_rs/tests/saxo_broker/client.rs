//! The client below the broker: tokens, limits, headers, pages, errors.

use std::sync::Arc;

use exuvia_brokers::saxo::{Bearer, Client, Limits, SaxoConfig, SaxoError, Secret, parse};
use exuvia_execution::{Broker, PlaceOutcome};
use exuvia_model::{DAY, Side, Time};
use exuvia_ports::{Response, SimHttp};

use crate::kit::{AAPL, REST, always, at, config, header, in_turn, intent, lost, not_sent, ok, one, scripted};

#[derive(Debug)]
struct Nobody;

impl Bearer for Nobody {
    fn bearer(&self) -> Option<Secret> {
        None
    }
}

fn response(status: u16, headers: &[(&str, &str)]) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { headers, ..Response::new(status, "") }
}

fn admitted(limits: &mut Limits, group: &str, order: bool, now: Time) -> Result<(), Time> {
    limits.admit(group, order, now).map_err(|(_, until)| until)
}

#[test]
fn a_service_group_takes_120_requests_a_minute_and_each_group_its_own() {
    let mut limits = Limits::default();
    for second in 0..120 {
        assert_eq!(admitted(&mut limits, "port", false, at(second / 4)), Ok(()));
    }
    assert_eq!(admitted(&mut limits, "port", false, at(30)), Err(at(60)));
    assert_eq!(limits.until("port", false, at(30)), Some(at(60)));
    assert_eq!((limits.until("trade", false, at(30)), limits.until("port", false, at(60))), (None, None));
    assert_eq!(admitted(&mut limits, "trade", false, at(30)), Ok(()));
    assert_eq!(
        [at(60); 5].map(|now| admitted(&mut limits, "port", false, now)),
        [Ok(()), Ok(()), Ok(()), Ok(()), Err(at(61))]
    );
    let (words, _) = limits.admit("port", false, at(60)).unwrap_err();
    assert!(words.contains("120 requests to the service group \"port\""), "{words}");
}

#[test]
fn an_order_a_second_and_a_held_back_order_counts_nowhere() {
    let mut limits = Limits::default();
    assert_eq!(admitted(&mut limits, "trade", true, at(0)), Ok(()));
    for _ in 0..200 {
        assert_eq!(admitted(&mut limits, "trade", true, at(0)), Err(at(1)));
    }
    assert_eq!(admitted(&mut limits, "trade", false, at(0)), Ok(()), "what is no order goes");
    assert_eq!(admitted(&mut limits, "trade", true, at(1)), Ok(()));
}

#[test]
fn a_clock_that_goes_back_holds_nothing_longer_than_its_window() {
    let mut limits = Limits::default();
    for _ in 0..120 {
        limits.admit("port", false, at(3600)).unwrap();
    }
    limits.admit("trade", true, at(3600)).unwrap();
    limits.heard(
        "ref",
        false,
        &response(200, &[("X-RateLimit-Session-Remaining", "0"), ("X-RateLimit-Session-Reset", "30")]),
        at(3600),
    );
    assert_eq!(admitted(&mut limits, "port", false, at(0)), Err(at(60)));
    assert_eq!(admitted(&mut limits, "trade", true, at(0)), Err(at(1)));
    assert_eq!(admitted(&mut limits, "ref", false, at(0)), Err(at(30)));
    assert_eq!(admitted(&mut limits, "port", false, at(60)), Ok(()));
}

#[test]
fn the_venues_headers_are_honoured_by_what_they_count() {
    let heard = |headers: &[(&str, &str)]| {
        let mut limits = Limits::default();
        limits.heard("ref", false, &response(200, headers), at(0));
        let until = |group: &str, order| limits.until(group, order, at(0));
        [until("ref", false), until("port", false), until("trade", true)]
    };
    let used = |name: &str| {
        let (left, reset) = (format!("X-RateLimit-{name}-Remaining"), format!("x-ratelimit-{name}-reset"));
        heard(&[(&left, "0"), (&reset, "7"), ("X-RateLimit-Session-Limit", "120")])
    };
    assert_eq!(used("Session"), [Some(at(7)), None, None]);
    assert_eq!(used("RefDataInstrumentsMinute"), [Some(at(7)), None, None]);
    assert_eq!(used("SessionOrders"), [None, None, Some(at(7))]);
    assert_eq!(used("AppDay"), [Some(at(7)); 3]);
    for free in [
        &[("X-RateLimit-Session-Remaining", "1"), ("X-RateLimit-Session-Reset", "7")][..],
        &[("X-RateLimit-Session-Remaining", "0")],
        &[("X-RateLimit-Session-Reset", "7")],
        &[("X-RateLimit-Session-Remaining", "none"), ("X-RateLimit-Session-Reset", "7")],
        &[("X-RateLimit-Remaining", "0"), ("X-RateLimit-", "7"), ("Retry-After", "7")],
    ] {
        assert_eq!(heard(free), [None; 3], "{free:?}");
    }
    let endless = heard(&[("X-RateLimit-AppDay-Remaining", "0"), ("X-RateLimit-AppDay-Reset", "9223372036854775807")]);
    assert_eq!(endless, [Some(Time(at(0).0 + DAY)); 3], "never longer than a day");
}

#[test]
fn of_two_blocks_the_longer_holds_and_their_words_name_what_is_used_up() {
    let block = |limits: &mut Limits, name: &str, reset: &str| {
        let (left, until) = (format!("X-RateLimit-{name}-Remaining"), format!("X-RateLimit-{name}-Reset"));
        limits.heard("trade", true, &response(200, &[(&left, "0"), (&until, reset)]), at(0));
    };
    let mut limits = Limits::default();
    for reset in ["9", "3"] {
        block(&mut limits, "Session", reset);
    }
    assert_eq!(limits.until("trade", false, at(0)), Some(at(9)));
    assert!(limits.admit("trade", true, at(0)).unwrap_err().0.contains("the service group \"trade\""));
    block(&mut limits, "SessionOrders", "5");
    assert!(limits.admit("trade", true, at(0)).unwrap_err().0.contains("limit for orders"));
    block(&mut limits, "AppDay", "5");
    assert!(limits.admit("chart", false, at(0)).unwrap_err().0.contains("the app and day"));
    assert_eq!(limits.until("chart", false, at(5)), None);
}

#[test]
fn a_429_holds_for_what_its_headers_say_or_for_a_while() {
    let held = |order: bool, headers: &[(&str, &str)]| {
        let mut limits = Limits::default();
        limits.heard("trade", order, &response(429, headers), at(0));
        (limits.until("trade", true, at(0)), limits.until("trade", false, at(0)))
    };
    assert_eq!(held(true, &[]), (Some(at(1)), None));
    assert_eq!(held(false, &[]), (Some(at(10)), Some(at(10))));
    let headers = [("X-RateLimit-Session-Remaining", "0"), ("X-RateLimit-Session-Reset", "42")];
    assert_eq!(held(true, &headers), (Some(at(42)), Some(at(42))));
    let mut venue = scripted(move |_| Ok(response(429, &headers)));
    let error = venue.broker.client().user(at(0)).unwrap_err();
    assert_eq!(error, SaxoError::Limited { what: "GET /port/v1/users/me".into(), until: at(42) });
    let error = venue.broker.client().user(at(1)).unwrap_err();
    assert!(matches!(&error, SaxoError::Wait { until, .. } if *until == at(42)), "{error}");
    let counts = venue.broker.client().counts();
    assert_eq!((counts.sent, counts.limited, counts.held_back, venue.requests().len()), (1, 1, 1, 1));
}

#[test]
fn without_a_token_nothing_is_sent() {
    let http = Arc::new(SimHttp::new(|_| Ok(Response::new(200, "{}"))));
    let mut client = Client::new(http.clone(), Arc::new(Nobody), config());
    let error = client.user(at(0)).unwrap_err();
    assert_eq!((error.code(), error.is_safe()), ("no_token", true));
    assert_eq!(client.stream_request(None).unwrap_err().code(), "no_token");
    let mut broker = exuvia_brokers::saxo::SaxoBroker::new(http.clone(), Arc::new(Nobody), config());
    let (order, instrument) = one(intent(AAPL, Side::Buy, "1"));
    assert!(
        matches!(broker.place(&order, &instrument, at(0)), PlaceOutcome::NotSent(words) if words.contains("log in"))
    );
    assert!(http.requests().is_empty());
    assert!(client.limits().until("port", false, at(0)).is_none());
}

#[test]
fn each_failure_of_a_question_has_its_code_and_says_whether_it_may_be_asked_again() {
    let error = |answer: Result<Response, exuvia_ports::HttpError>| {
        let mut venue = in_turn(vec![answer]);
        let error = venue.broker.client().user(at(0)).unwrap_err();
        assert!(!error.to_string().contains("s3cret") && error.to_string().contains("/port/v1/users/me"), "{error}");
        (error.code(), error.is_safe(), error.to_string())
    };
    let code = |status: u16, body: &str| error(Ok(Response::new(status, body.as_bytes())));
    assert_eq!((code(401, "").0, code(401, "").1), ("unauthorized", true));
    assert_eq!((code(500, "").0, code(503, "").1), ("server", false));
    assert_eq!((code(429, "").0, code(429, "").1), ("limited", true));
    let forbidden = code(403, "<html>Access\nDenied</html>");
    assert!(forbidden.0 == "refused" && forbidden.2.contains("HTTP 403 <html>Access Denied"), "{}", forbidden.2);
    let body = r#"{"ErrorCode":"InvalidModelState","Message":"m","ModelState":{"Uic":["a","b"],"X":"c"}}"#;
    assert!(code(400, body).2.contains("InvalidModelState: m [Uic: a b] [X: ]"));
    assert!(code(400, r#"{"ErrorInfo":{"ErrorCode":"InvalidUic"}}"#).2.contains("HTTP 400 InvalidUic"));
    assert_eq!(code(404, "").0, "refused");
    assert!(code(200, "nonsense").2.contains("JSON breaks at byte 1"));
    assert_eq!(code(200, "{}").2, "GET /port/v1/users/me: the answer cannot be used: it has no UserKey");
    assert_eq!((error(Err(lost())).0, error(Err(lost())).1), ("not_answered", false));
    assert_eq!((error(Err(not_sent())).0, error(Err(not_sent())).1), ("not_sent", true));
}

#[test]
fn a_list_is_whole_or_an_error_and_the_token_goes_to_no_other_host() {
    let row = r#"{"AccountKey":"k","AccountId":"1","Currency":"EUR"}"#;
    let page = move |next: &str| ok(&format!(r#"{{"Data":[{row}],"__next":"{next}"}}"#));
    let list = |answers| {
        let mut venue = in_turn(answers);
        let read = venue.broker.client().accounts(at(0)).map(|rows| rows.len());
        (read.map_err(|error| error.to_string()), venue)
    };
    let second = format!("{REST}/port/v1/accounts/me?$skiptoken=2");
    let (read, venue) = list(vec![page(&second), ok(&format!(r#"{{"Data":[{row},{row}]}}"#))]);
    assert_eq!(read, Ok(3));
    assert_eq!(venue.asked(), ["GET /port/v1/accounts/me", "GET /port/v1/accounts/me?$skiptoken=2"]);
    for elsewhere in ["http://127.0.0.2/x", "http://127.0.0.1:9/sim/openapi@evil/x", "/port/v1/accounts/me"] {
        let (read, venue) = list(vec![page(elsewhere)]);
        assert!(read.unwrap_err().contains("next page is not below http://127.0.0.1:9/sim/openapi/"));
        assert_eq!(venue.requests().len(), 1);
    }
    let (read, _) = list(vec![page(&format!("{REST}/port/v1/accounts/me"))]);
    assert!(read.unwrap_err().contains("the same page"));
    let (read, _) = list(vec![page(&second), ok("{}")]);
    assert!(read.unwrap_err().contains("it has no Data"));
    let (read, _) = list(vec![page(&second), Ok(Response::new(503, ""))]);
    assert!(read.unwrap_err().contains("HTTP 503"));
    let mut count = 0;
    let mut venue = scripted(move |_| {
        count += 1;
        page(&format!("{REST}/port/v1/accounts/me?$skiptoken={count}"))
    });
    let error = venue.broker.client().accounts(at(0)).unwrap_err();
    assert!(error.code() == "incomplete" && error.to_string().contains("more than 100 pages"), "{error}");
}

#[test]
fn numbers_keep_every_digit_and_a_floats_tail_is_rounded_once() {
    let balances = |cash: &str| {
        let mut venue = always(200, &format!(r#"{{"Currency":"EUR","CashBalance":{cash}}}"#));
        venue
            .broker
            .client()
            .balances(at(0))
            .map(|balances| balances.cash.to_string())
            .map_err(|error| error.to_string())
    };
    for (text, exact) in [
        ("100012.55", "100012.55"),
        ("1E+2", "100"),
        ("-0.000000001", "-0.000000001"),
        ("90071992547409931234.5", "90071992547409931234.5"),
        ("0.1000000000000000055511151231257827", "0.1"),
        ("1.0000000005", "1"),
        ("1.0000000015", "1.000000002"),
    ] {
        assert_eq!(balances(text).as_deref(), Ok(exact), "{text}");
    }
    for (text, why) in [
        ("NaN", "not a decimal number"),
        ("1e40", "out of range"),
        ("\"1\"", "a number was expected"),
        ("true", "a boolean"),
        ("[1]", "an array"),
        ("{}", "an object"),
        ("0.1234567890123456789012345678901234567890123", "out of range"),
    ] {
        let error = balances(text).unwrap_err();
        assert!(error.contains("CashBalance") && error.contains(why), "{text}: {error}");
    }
    assert!(balances("null").unwrap_err().contains("no CashBalance"), "null is absent");
}

#[test]
fn of_two_fields_of_one_name_the_last_counts_and_escapes_are_read() {
    let node = parse(br#"{"a":1,"a":"x\u00e9","b":[true,null,-1.50],"c":{"d":false}}"#).unwrap();
    assert_eq!((node.text("a"), node.get("a").unwrap().whole()), (Some("x\u{e9}"), None));
    assert_eq!(node.get("b").unwrap().items().len(), 3);
    assert_eq!(node.get("c").unwrap().flag("d"), Some(false));
    assert_eq!((node.id("b"), node.flag("a"), node.get("none")), (None, None, None));
    assert!(node.items().is_empty() && parse(b"[1]").unwrap().get("a").is_none());
    assert!(parse(b"{} x").is_err() && parse(b"").is_err());
    assert_eq!(parse(br#"{"a":"\ud800"}"#).unwrap().get("a"), None, "half a character is none");
}

#[test]
fn the_environments_differ_in_every_address_and_a_stream_names_its_context() {
    let (sim, live) = (SaxoConfig::sim("c", "a"), SaxoConfig::live("c", "a"));
    assert_eq!(
        (sim.rest.as_str(), live.rest.as_str()),
        ("https://gateway.saxobank.com/sim/openapi", "https://gateway.saxobank.com/openapi")
    );
    for (a, b) in [
        (&sim.authorize, &live.authorize),
        (&sim.token, &live.token),
        (&sim.stream, &live.stream),
        (&sim.reauthorize, &live.reauthorize),
    ] {
        assert!(a != b && a.replace("/sim/", "/").replace("sim", "live") == *b, "{a} {b}");
    }
    let venue = &mut always(202, "").broker;
    let request = venue.client().stream_request(Some(u64::MAX)).unwrap();
    let url = "ws://127.0.0.1:9/sim/oapi/streaming/ws/connect?contextId=exuvia&messageid=18446744073709551615";
    assert_eq!((request.url.as_str(), header(&request, "Authorization")), (url, Some("BEARER s3cret-token")));
    assert!(!venue.client().stream_request(None).unwrap().url.contains("messageid"));
}

#[test]
fn a_new_token_is_told_to_the_stream() {
    let mut venue = in_turn(vec![Ok(Response::new(202, "")), Ok(Response::new(401, ""))]);
    assert_eq!(venue.broker.client().reauthorize(at(0)), Ok(()));
    let request = venue.last();
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("PUT", "http://127.0.0.1:9/sim/oapi/streaming/ws/authorize?contextid=exuvia")
    );
    assert_eq!(venue.broker.client().reauthorize(at(0)).unwrap_err().code(), "unauthorized");
    assert_eq!(venue.broker.client().counts().unauthorized, 1);
}

#[test]
fn names_are_ours_where_we_have_one_and_the_venues_where_not() {
    let config = config();
    assert_eq!(
        (config.name(211, "Stock"), config.name(211, "CfdOnStock")),
        ("AAPL:xnas".to_owned(), "211__CfdOnStock".to_owned())
    );
    assert_eq!(config.find("211__CfdOnStock").map(|contract| contract.uic), Some(211));
    for bad in ["211", "0__Stock", "-1__Stock", "x__Stock", "211__", "211__St ock", "211__\"", "__"] {
        assert_eq!(config.find(bad), None, "{bad}");
    }
}
