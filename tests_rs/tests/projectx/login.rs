//! Tokens: login, renewal, one new login after a 401, and no secret anywhere.

use std::sync::Arc;

use exuvia_brokers::projectx::{AccountChoice, Config, Place, ProjectX, ProjectXError, Secret};
use exuvia_model::{HOUR, Time};
use exuvia_ports::Http;

use crate::kit::*;

const RENEWED: &str = r#"{"success":true,"errorCode":0,"errorMessage":null,"newToken":"eyJ.second"}"#;
const KEPT: &str = r#"{"success":true,"errorCode":0,"errorMessage":null,"newToken":null}"#;

fn fresh() -> (Gate, ProjectX) {
    let gate = Gate::new();
    let gateway = ProjectX::new(config(), Arc::clone(&gate.http) as Arc<dyn Http>).unwrap();
    (gate, gateway)
}

fn bearer(gate: &Gate) -> Option<String> {
    let request = gate.http.requests().pop().unwrap();
    request.headers.into_iter().find(|(name, _)| name == "Authorization").map(|(_, value)| value)
}

fn hours(hours: i64) -> Time {
    Time(NOW.0 + hours * HOUR)
}

#[test]
fn a_login_sends_the_protocols_bytes_and_its_token_goes_with_every_call() {
    let (gate, mut gateway) = fresh();
    gate.then("Auth/loginKey", ok(LOGIN)).then("Account/search", ok(ACCOUNT));
    let accounts = gateway.accounts(true, NOW).unwrap();
    let requests = gate.http.requests();
    assert_eq!(requests[0].body, br#"{"userName":"trader1","apiKey":"base64-ish"}"#);
    assert_eq!(requests[0].header_named("Authorization"), None);
    assert_eq!(requests[0].header_named("Content-Type"), Some("application/json"));
    assert_eq!(requests[1].body, br#"{"onlyActiveAccounts":true}"#);
    assert_eq!(bearer(&gate).unwrap(), "Bearer eyJ.first");
    let account = &accounts[0];
    assert_eq!((account.id, account.name.as_str(), account.can_trade), (7001, "PRAC-V2-7001", true));
    assert_eq!((account.balance.unwrap().to_string().as_str(), account.simulated), ("50000", Some(true)));
}

trait Named {
    fn header_named(&self, name: &str) -> Option<&str>;
}

impl Named for exuvia_ports::Request {
    fn header_named(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[test]
fn a_token_is_renewed_by_the_margin_before_its_end_and_not_before() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Account/search", ok(ACCOUNT));
    gateway.accounts(true, Time(hours(23).0 - 1)).unwrap();
    gate.then("Auth/validate", ok(RENEWED)).then("Account/search", ok(ACCOUNT));
    gateway.accounts(true, hours(23)).unwrap();
    let validate = &gate.http.requests()[3];
    assert_eq!(
        (validate.body.as_slice(), validate.header_named("Authorization")),
        (&b""[..], Some("Bearer eyJ.first"))
    );
    assert_eq!(bearer(&gate).unwrap(), "Bearer eyJ.second");
    // The new one has its own 24 hours.
    gate.then("Account/search", ok(ACCOUNT));
    gateway.accounts(true, hours(45)).unwrap();
    gate.done();
}

#[test]
fn without_a_new_token_the_old_one_is_kept_to_its_end_and_asked_about_every_five_minutes() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Auth/validate", ok(KEPT)).then("Account/search", ok(ACCOUNT)).then("Account/search", ok(ACCOUNT));
    gateway.accounts(true, hours(23)).unwrap();
    gateway.accounts(true, Time(hours(23).0 + 299 * 1_000_000_000)).unwrap();
    assert_eq!(bearer(&gate).unwrap(), "Bearer eyJ.first");
    gate.then("Auth/validate", Does::IsSilent).then("Account/search", ok(ACCOUNT));
    gateway.accounts(true, Time(hours(23).0 + 300 * 1_000_000_000)).unwrap();
    assert_eq!(bearer(&gate).unwrap(), "Bearer eyJ.first", "a renewal that fails stops nothing");
    gate.then("Auth/loginKey", ok(LOGIN)).then("Account/search", ok(ACCOUNT));
    gateway.accounts(true, hours(24)).unwrap();
    gate.done();
}

#[test]
fn a_token_that_is_no_good_any_more_is_replaced_by_a_login() {
    for refused in [no(1), no(2), no(3), status(401, "")] {
        let (gate, mut gateway) = gateway(config());
        gate.then("Auth/validate", refused).then("Auth/loginKey", ok(LOGIN)).then("Account/search", ok(ACCOUNT));
        gateway.accounts(true, hours(23)).unwrap();
        gate.done();
    }
    let (gate, mut gateway) = gateway(config());
    gate.then("Auth/validate", no(4)).then("Account/search", ok(ACCOUNT));
    gateway.accounts(true, hours(23)).unwrap();
    gate.done();
}

#[test]
fn validate_says_whether_there_was_a_new_token() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Auth/validate", ok(RENEWED)).then("Auth/validate", ok(KEPT)).then("Auth/validate", no(3));
    assert_eq!(gateway.validate(NOW), Ok(true));
    assert_eq!(gateway.validate(NOW), Ok(false));
    assert_eq!(gateway.validate(NOW).unwrap_err().code(), "refused");
    assert_eq!(gateway.validate(NOW).unwrap_err().code(), "unfit", "the refused one was forgotten");
    gateway.adopt(Secret::new("eyJ.old"), NOW);
    gate.then("Auth/validate", status(401, ""));
    assert!(gateway.validate(NOW).unwrap_err().to_string().contains("no good any more"));
    assert_eq!(gateway.validate(NOW).unwrap_err().code(), "unfit");
    gate.done();
}

#[test]
fn a_401_to_a_login_is_a_wrong_key_and_is_not_tried_again_at_once() {
    let (gate, mut gateway) = fresh();
    gate.then("Auth/loginKey", status(401, ""));
    let error = gateway.login(NOW).unwrap_err().to_string();
    assert!(error.contains("HTTP 401: check user name and key"), "{error}");
    assert!(gateway.login(later(59)).unwrap_err().to_string().contains("HTTP 401: check user name and key"));
    gate.done();
}

#[test]
fn a_401_brings_one_login_and_the_same_request_once_more() {
    let (gate, mut gateway) = gateway(config());
    let second = LOGIN.replace("first", "second");
    gate.then("Order/cancel", status(401, "")).then("Auth/loginKey", ok(&second)).then("Order/cancel", ok(OK));
    gateway.cancel(93001, NOW).unwrap();
    let requests = gate.http.requests();
    assert_eq!(requests[2].body, requests[4].body);
    assert_eq!(bearer(&gate).unwrap(), "Bearer eyJ.second");
}

#[test]
fn a_second_401_is_a_clear_error_and_nobody_logs_in_again_for_a_minute() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Order/cancel", status(401, "")).then("Auth/loginKey", ok(LOGIN)).then("Order/cancel", status(401, ""));
    let error = gateway.cancel(93001, NOW).unwrap_err();
    assert_eq!(error.code(), "not_sent");
    assert!(error.to_string().contains("subscription still paid") && error.to_string().contains("60 s"), "{error}");
    let error = gateway.cancel(93001, later(59)).unwrap_err();
    assert!(matches!(error, ProjectXError::NotSent { wait: 1_000_000_000, .. }), "{error}");
    gate.done();
    gate.then("Auth/loginKey", ok(LOGIN)).then("Order/cancel", ok(OK));
    gateway.cancel(93001, later(60)).unwrap();
}

#[test]
fn a_refused_login_names_code_and_remedy_and_is_not_hammered() {
    let (gate, mut gateway) = fresh();
    gate.then("Auth/loginKey", no(9));
    let error = gateway.login(NOW).unwrap_err();
    assert_eq!(error.to_string(), "Auth/loginKey was refused with code 9 (ApiSubscriptionNotFound): said so");
    let error = gateway.place(&crate::orders::buy(), later(1)).unwrap_err();
    assert_eq!(error.code(), "not_sent", "an order that never left is not refused: {error}");
    assert!(error.to_string().contains("ApiSubscriptionNotFound") && error.to_string().contains("API subscription"));
    // A clock that was set back does not lock it for ever.
    gate.then("Auth/loginKey", ok(LOGIN));
    gateway.login(Time(NOW.0 - HOUR)).unwrap();
    gate.done();
}

#[test]
fn a_login_without_token_or_answer_leaves_the_order_unsent() {
    for odd in [ok(OK), ok(&LOGIN.replace("eyJ.first", "")), ok("<html>"), no(8), Does::IsSilent, Does::IsNotReached] {
        let (gate, mut gateway) = fresh();
        gate.then("Auth/loginKey", odd);
        let error = gateway.place(&crate::orders::buy(), NOW).unwrap_err();
        assert_eq!(error.code(), "not_sent", "{error}");
        gate.done();
    }
}

#[test]
fn a_logout_forgets_the_token_and_a_token_of_a_keeper_is_taken() {
    let (gate, mut gateway) = gateway(config());
    gate.then("Auth/logout", no(1));
    assert_eq!(gateway.logout(NOW).unwrap_err().code(), "refused");
    assert_eq!(gateway.logout(NOW), Ok(()));
    gateway.adopt(Secret::new("eyJ.kept"), NOW);
    gate.then("Account/search", ok(ACCOUNT));
    gateway.accounts(true, NOW).unwrap();
    assert_eq!(bearer(&gate).unwrap(), "Bearer eyJ.kept");
    gate.then("Auth/logout", ok(OK));
    assert_eq!(gateway.logout(NOW), Ok(()));
    gate.done();
}

#[test]
fn neither_key_nor_token_is_in_a_debug_text_or_an_error() {
    let (gate, mut gateway) = gateway(config());
    let echo = |text: &str| format!(r#"{{"success":false,"errorCode":2,"errorMessage":"bad {text} and {KEY}"}}"#);
    gate.then("Order/cancel", ok(&echo("eyJ.first")));
    let error = gateway.cancel(1, NOW).unwrap_err();
    assert!(error.to_string().contains("bad *** and ***"), "{error}");
    gate.then("Order/cancel", status(400, &format!(r#"{{"title":"key {KEY}","status":400}}"#)));
    let error = gateway.cancel(1, NOW).unwrap_err();
    assert!(error.to_string().contains("key ***"), "{error}");
    for text in [format!("{gateway:?}"), format!("{:?}", config()), format!("{error:?}")] {
        assert!(!text.contains(KEY) && !text.contains("eyJ.first"), "{text}");
    }
}

#[test]
fn a_configuration_that_cannot_be_is_refused_with_its_field() {
    let sound = |change: fn(&mut Config)| {
        let mut config = config();
        change(&mut config);
        config.sound().map(drop).map_err(|error| error.to_string())
    };
    let place = |rest: &str, hub: &str| Place { rest: rest.into(), user_hub: hub.into() };
    assert_eq!(sound(|config| config.place = Place::topstepx()), Ok(()));
    assert_eq!(sound(|config| config.place = Place::firm("thefuturesdesk")), Ok(()));
    assert_eq!(sound(|config| config.place.rest = "http://localhost:1/x".into()), Ok(()));
    assert_eq!(sound(|config| config.place.rest = "http://127.0.0.1".into()), Ok(()));
    for (at, says) in [
        (place("http://api.topstepx.com", "wss://a"), "place.rest"),
        (place("http://127.0.0.1@evil.com", "wss://a"), "place.rest"),
        (place("http://127.0.0.1:1@evil.com", "wss://a"), "place.rest"),
        (place("http://127.0.0.1.evil.com", "wss://a"), "place.rest"),
        (place("https://a", "ws://rtc.topstepx.com/hubs/user"), "place.user_hub"),
        (place("https://a", "https://rtc.topstepx.com/hubs/user"), "place.user_hub"),
    ] {
        let config = Config::new(at, "a", Secret::new("b"), AccountChoice::Id(1));
        let error = config.sound().unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("nothing was sent"), "{error}");
    }
    type Spoil = fn(&mut Config);
    let cases: [(Spoil, &str); 7] = [
        (|config| config.user_name.clear(), "user_name"),
        (|config| config.api_key = Secret::new(""), "api_key"),
        (|config| config.token_margin = config.token_life, "token_margin"),
        (|config| config.token_margin = -1, "token_margin"),
        (|config| config.kept_for_orders = 200, "kept_for_orders"),
        (|config| config.clock_margin = -1, "clock_margin"),
        (|config| config.first_look_back = -1, "first_look_back"),
    ];
    for (change, says) in cases {
        let error = sound(change).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(gateway(config()).1.config(), &config());
    let bad = Config { user_name: String::new(), ..config() };
    assert!(ProjectX::new(bad, Arc::new(exuvia_ports::SimHttp::new(|_| unreachable!()))).is_err());
}
