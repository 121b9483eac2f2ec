//! The Saxo-shaped venue, request by request and without a socket: `tests_py/test_venue*.py` does the same over HTTP.

#![allow(clippy::unwrap_used)]

mod desk;
mod refusals;
mod robust;
mod trading;

use desk::{Desk, at, body, code, market};
use exuvia_model::{MINUTE, Time};
use exuvia_venues::saxo::Request;
use exuvia_venues::ticks::{self, What};
use serde_json::{Value, json};
use sha2::Digest;

/// A day of orders, cancels and questions; what it gives back depends on nothing but the seed.
fn a_day(seed: u64) -> String {
    let mut desk = Desk::sim(seed);
    let mut to = desk.get("/lockstep/clock")["First"].as_str().unwrap().parse::<Time>().unwrap().floor(MINUTE, 0);
    let mut done = false;
    let mut minute = 0_i64;
    while !done {
        to = Time(to.0 + MINUTE);
        minute += 1;
        done = desk.advance(to);
        let side = if minute % 2 == 0 { "Buy" } else { "Sell" };
        match minute % 7 {
            1 => drop(desk.order(side, 10_000, None, &format!("m-{minute}"))),
            3 => drop(desk.order(side, 5_000, Some(1.39), &format!("l-{minute}"))),
            5 => drop(desk.delete(&format!("/trade/v2/orders/{}", 5_000_000 + minute / 7))),
            6 => drop(desk.get("/port/v1/netpositions/me")),
            _ => drop(desk.get("/port/v1/balances/me")),
        }
    }
    assert!(desk.activities().iter().any(|activity| activity["Status"] == "FinalFill"));
    assert!(desk.activities().iter().any(|activity| activity["Status"] == "Cancelled"));
    desk.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn ten_runs_of_one_script_give_one_digest() {
    let digests: std::collections::BTreeSet<String> = (0..10).map(|_| a_day(7)).collect();
    assert_eq!(digests.len(), 1);
    assert!(!digests.contains(&a_day(8)), "another seed, another day");
}

#[test]
fn every_tick_before_the_step_is_sent_once_and_in_order() {
    let beats = ticks::read("sim:3?ticks=3000").unwrap();
    let mut desk = Desk::listening(beats.clone());
    let mut to = at(0);
    while !desk.advance(to) {
        to = Time(to.0 + 17 * MINUTE);
    }
    let mut shown = json!({});
    let mut seen = Vec::new();
    for (_, _, payload) in desk.heard.iter().filter(|heard| heard.1 == "px") {
        let element = &payload[0];
        shown["LastUpdated"] = element["LastUpdated"].clone();
        for (name, value) in element["Quote"].as_object().into_iter().flatten() {
            shown[name] = value.clone();
        }
        seen.push((
            shown["LastUpdated"].to_string(),
            shown["Bid"].to_string(),
            shown["Ask"].to_string(),
            shown["MarketState"].to_string(),
        ));
    }
    let (mut bid, mut ask, mut state) = (String::new(), String::new(), "\"Open\"".to_owned());
    let expected: Vec<_> = beats
        .iter()
        .map(|beat| {
            match beat.what {
                What::Tick { bid: new_bid, ask: new_ask } => (bid, ask) = (new_bid.to_string(), new_ask.to_string()),
                What::Session { open } => state = if open { "\"Open\"" } else { "\"Closed\"" }.to_owned(),
            }
            (format!("\"{}\"", beat.time), bid.clone(), ask.clone(), state.clone())
        })
        .collect();
    assert_eq!(seen, expected);
    let ids: Vec<u64> = desk.heard.iter().map(|heard| heard.0).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
}

#[test]
fn the_first_element_is_whole_and_deltas_hold_only_what_changed() {
    let mut beats = market(&[139_000, 139_000, 139_010]);
    if let What::Tick { ask, .. } = &mut beats[2].what {
        *ask = "1.39005".parse().unwrap();
    }
    let mut desk = Desk::listening(beats);
    desk.advance(at(10));
    let payloads: Vec<String> =
        desk.heard.iter().filter(|heard| heard.1 == "px").map(|heard| heard.2.to_string()).collect();
    assert_eq!(
        payloads,
        [
            r#"[{"Uic":21,"AssetType":"FxSpot","LastUpdated":"2014-05-07T00:00:00.000000Z","PriceSource":"SIM","Quote":{"Amount":1000,"Ask":1.39005,"Bid":1.38995,"Mid":1.39,"DelayedByMinutes":0,"ErrorCode":"None","MarketState":"Open","PriceSource":"SIM","PriceTypeAsk":"Tradable","PriceTypeBid":"Tradable"}}]"#,
            r#"[{"Uic":21,"LastUpdated":"2014-05-07T00:00:01.000000Z"}]"#,
            r#"[{"Uic":21,"LastUpdated":"2014-05-07T00:00:02.000000Z","Quote":{"Bid":1.39005,"Mid":1.39005}}]"#,
        ]
    );
}

/// A client that refuses a crossed quote has not merged its half: the next one must not lean on it.
#[test]
fn after_a_crossed_quote_both_sides_are_sent() {
    let mut beats = market(&[139_000, 139_000, 139_000]);
    if let What::Tick { bid, .. } = &mut beats[1].what {
        *bid = "1.39020".parse().unwrap();
    }
    if let What::Tick { bid, ask } = &mut beats[2].what {
        (*bid, *ask) = ("1.39020".parse().unwrap(), "1.39030".parse().unwrap());
    }
    let mut desk = Desk::listening(beats);
    desk.placed("Buy", 1_000, None, "a");
    desk.advance(at(10));
    let last = desk.heard.iter().rev().find(|heard| heard.1 == "px").unwrap();
    assert_eq!(last.2[0]["Quote"], json!({"Bid": 1.3902, "Ask": 1.3903, "Mid": 1.39025}));
    // And nothing had traded on it.
    assert_eq!(desk.activities().last().unwrap()["ActivityTime"], at(2).to_string());
}

#[test]
fn the_clock_moves_only_by_the_client_and_never_back() {
    let mut desk = Desk::listening(market(&[139_000; 60]));
    let clock = desk.get("/lockstep/clock");
    assert_eq!(clock, desk.get("/lockstep/clock"));
    assert_eq!((&clock["Time"], &clock["MessageId"], &clock["Ticks"]), (&clock["First"], &json!(0), &json!(60)));
    assert!(!desk.advance(at(30)));
    assert_eq!(desk.heard.len(), 31, "ticks 0 to 29 and the heartbeat");
    assert!(!desk.advance(at(10)));
    assert_eq!(desk.get("/lockstep/clock")["Time"], at(30).to_string());
    assert!(desk.advance(at(60)));
    assert_eq!(desk.get("/lockstep/clock")["Done"], true);
    assert_eq!(desk.heard.iter().filter(|heard| heard.1 == "px").count(), 60);
}

#[test]
fn a_heartbeat_names_the_subscriptions_that_had_no_news() {
    let mut desk = Desk::listening(market(&[139_000]));
    desk.advance(at(1));
    assert_eq!(
        desk.heard.last().unwrap().2[0]["Heartbeats"],
        json!([{"OriginatingReferenceId": "ens", "Reason": "NoNewData"}])
    );
    desk.advance(at(2));
    assert_eq!(desk.heard.last().unwrap().2[0]["Heartbeats"].as_array().unwrap().len(), 2);
}

#[test]
fn two_contexts_step_independently_and_hear_the_same() {
    let mut desk = Desk::new(market(&(0..100).map(|tick| 139_000 + tick).collect::<Vec<_>>()));
    desk.subscribe("one");
    desk.subscribe("TWO");
    desk.advance_on("one", at(20));
    desk.placed("Buy", 1_000, None, "a");
    desk.advance_on("one", at(60));
    desk.advance_on("one", at(200));
    let one = std::mem::take(&mut desk.heard);
    // The second starts from the beginning and may take its steps elsewhere.
    assert!(!desk.advance_on("two", at(35)));
    assert_eq!(desk.activities().len(), 2, "placed at 20, filled at 21");
    assert!(desk.advance_on("two", at(300)));
    let news = |heard: &[desk::Heard]| -> Vec<(String, Value)> {
        let news = heard.iter().filter(|heard| heard.1 != "_heartbeat");
        news.map(|heard| (heard.1.clone(), heard.2.clone())).collect()
    };
    assert_eq!(news(&one), news(&desk.heard));
    assert_eq!(news(&one).len(), 102);
}

#[test]
fn a_subscription_made_later_hears_nothing_from_before() {
    let mut desk = Desk::new(market(&[139_000; 50]));
    desk.advance_on("ctx", at(20));
    desk.heard.clear();
    desk.subscribe("ctx");
    desk.advance(at(30));
    assert_eq!(desk.heard.len(), 11);
    assert_eq!(desk.heard[0].2[0]["LastUpdated"], at(20).to_string());
    assert_eq!(desk.delete("/trade/v1/infoprices/subscriptions/ctx/PX").status, 204);
    assert_eq!(desk.delete("/trade/v1/infoprices/subscriptions/ctx/px").status, 404);
    desk.heard.clear();
    desk.advance(at(40));
    assert_eq!(desk.heard.len(), 1, "the heartbeat");
}

#[test]
fn a_refresh_token_works_once() {
    let mut desk = Desk::new(market(&[139_000]));
    let refresh = |token: &str| format!("grant_type=refresh_token&refresh_token={token}&client_id=a&client_secret=b");
    let first = body(&desk.form("grant_type=authorization_code&code=demo"));
    assert_eq!(
        (&first["token_type"], &first["expires_in"], &first["refresh_token_expires_in"], first.get("base_uri")),
        (&json!("Bearer"), &json!(1200), &json!(2400), Some(&Value::Null))
    );
    let old = first["refresh_token"].as_str().unwrap();
    let second = desk.form(&refresh(old));
    assert_eq!(second.status, 201);
    let again = desk.form(&refresh(old));
    assert_eq!((again.status, body(&again)), (401, json!({"error": "invalid_grant"})));
    assert_eq!(desk.form(&refresh(body(&second)["refresh_token"].as_str().unwrap())).status, 201);
    assert_eq!(body(&desk.form("grant_type=password")), json!({"error": "unsupported_grant_type"}));
    assert_eq!(desk.form("grant_type=authorization_code").status, 400);
}

#[test]
fn without_a_known_bearer_every_service_answers_401_and_nothing_else() {
    let mut desk = Desk::new(market(&[139_000]));
    for authorization in [None, Some("Bearer nobody"), Some("sim-access-000001"), Some("Basic sim-access-000001")] {
        for (method, path) in [
            ("GET", "/port/v1/clients/me"),
            ("POST", "/trade/v2/orders"),
            ("DELETE", "/trade/v2/orders/1"),
            ("GET", "/no/such"),
        ] {
            let path = format!("{}{path}", desk::SIM);
            let answer = desk.ask(&Request { method, path: &path, authorization, body: b"{}", ..Request::default() });
            assert_eq!((answer.status, answer.body.len()), (401, 0), "{method} {path} {authorization:?}");
        }
        assert_eq!(desk.venue.connect(Some("ctx"), authorization).unwrap_err().status, 401);
    }
    let bearer = desk.bearer.replace("Bearer", "BEARER");
    assert_eq!(desk.venue.connect(Some("Ctx"), Some(&bearer)), Ok("ctx".to_owned()));
    assert_eq!(desk.venue.connect(Some("cTX"), Some(&bearer)).unwrap_err().status, 409);
    desk.venue.disconnect("ctx");
    assert!(desk.venue.connect(Some("ctx"), Some(&bearer)).is_ok());
    assert_eq!(desk.venue.connect(Some("no spaces"), Some(&bearer)).unwrap_err().status, 400);
}

#[test]
fn a_subscription_key_is_used_once_unless_it_is_replaced() {
    let mut desk = Desk::listening(market(&[139_000]));
    let mut wanted =
        json!({"ContextId": "CTX", "ReferenceId": "PX", "Arguments": {"Uics": "21,22", "AssetType": "FxSpot"}});
    let again = desk.post("/trade/v1/infoprices/subscriptions", &wanted);
    assert_eq!((again.status, code(&again).as_str()), (409, "SubscriptionKeyInUse"));
    wanted["ReplaceReferenceId"] = "px".into();
    let replaced = desk.post("/trade/v1/infoprices/subscriptions", &wanted);
    assert_eq!(replaced.status, 201);
    let rows = body(&replaced)["Snapshot"]["Data"].clone();
    assert_eq!((&rows[0]["Uic"], &rows[1]["ErrorCode"]), (&json!(21), &json!("IllegalInstrumentId")));
    assert_eq!(rows[0]["Quote"].get("Bid"), None, "no price before the first tick");
    for (field, value) in [("ReferenceId", "_px"), ("ContextId", "a b"), ("ReferenceId", "")] {
        let mut bad = wanted.clone();
        bad[field] = value.into();
        assert_eq!(desk.post("/trade/v1/infoprices/subscriptions", &bad).status, 400, "{bad}");
    }
}

#[test]
fn answers_count_their_correlation_and_hand_the_request_id_back() {
    let mut desk = Desk::new(market(&[139_000]));
    let bearer = desk.bearer.clone();
    let path = format!("{}/port/v1/clients/me", desk::SIM);
    let request = Request {
        method: "GET",
        path: &path,
        authorization: Some(&bearer),
        request_id: Some("r-1"),
        ..Request::default()
    };
    let (one, two) = (desk.ask(&request), desk.ask(&request));
    assert_eq!((one.correlation.as_str(), two.correlation.as_str()), ("sim-00000002", "sim-00000003"));
    assert_eq!((one.request_id.as_deref(), one.body), (Some("r-1"), two.body));
}

#[test]
fn the_simulated_market_has_what_a_market_has() {
    for seed in [0, 1, 7, 42, u64::MAX] {
        let beats = ticks::read(&format!("sim:{seed}")).unwrap();
        assert_eq!(beats, ticks::read(&format!("sim:{seed}")).unwrap());
        assert!(beats.is_sorted_by_key(|beat| beat.time));
        let (mut last, mut count, mut gaps, mut bursts, mut spreads) =
            (beats[0].time, 0, 0, 0, std::collections::BTreeSet::new());
        let (mut open, mut breaks) = (true, 0);
        for beat in &beats {
            match beat.what {
                What::Session { open: now } => {
                    breaks += i32::from(!now);
                    open = now;
                }
                What::Tick { bid, ask } => {
                    assert!(open && bid < ask && bid.raw() > 0, "{beat:?}");
                    assert!(bid.raw() % 10_000 == 0 && ask.raw() % 10_000 == 0, "off the grid: {beat:?}");
                    let pause = beat.time.0 - last.0;
                    gaps += i32::from(pause > MINUTE);
                    bursts += i32::from(pause < 100_000_000);
                    spreads.insert(ask.raw() - bid.raw());
                    count += 1;
                }
            }
            last = beat.time;
        }
        assert!(
            count >= 30_000 && gaps >= 3 && bursts > 1_000 && spreads.len() > 20,
            "{seed}: {count} {gaps} {bursts} {spreads:?}"
        );
        assert!(breaks == 1 && open, "one break, closed and opened again");
    }
    let days = ticks::read("sim:7?ticks=1000&days=7").unwrap();
    assert_eq!(days.last().unwrap().time.date(), (2014, 5, 13));
    assert!(!days.iter().any(|beat| beat.time.date() == (2014, 5, 10)), "no tick on a Saturday");
}
