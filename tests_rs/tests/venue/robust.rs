//! What nobody should send: the venue answers it with a clear status and is as before.

use std::net::{SocketAddr, TcpListener};

use exuvia_model::Money;
use exuvia_venues::VenueError;
use exuvia_venues::saxo::{Request, SaxoVenue};
use exuvia_venues::server::SaxoServer;
use exuvia_venues::ticks;
use proptest::prelude::*;
use serde_json::Value;

use crate::desk::{Desk, SIM, body, market};

const PATHS: [&str; 14] = [
    "/token",
    "/lockstep/clock",
    "/lockstep/advance",
    "/sim/openapi/port/v1/clients/me",
    "/sim/openapi/port/v1/orders/me",
    "/sim/openapi/trade/v1/infoprices",
    "/sim/openapi/trade/v1/infoprices/list",
    "/sim/openapi/trade/v2/orders",
    "/sim/openapi/trade/v2/orders/5000001,,x",
    "/sim/openapi/trade/v1/infoprices/subscriptions",
    "/sim/openapi/trade/v1/infoprices/subscriptions/ctx/px",
    "/sim/openapi/ens/v1/activities/subscriptions",
    "/sim/openapi/root/v1/subscriptions/ctx",
    "/sim/openapi/",
];

/// JSON with the field names that the venue looks for, and values that it does not expect.
fn json_like() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![
            Just("Buy"),
            Just("Market"),
            Just("Limit"),
            Just("FxSpot"),
            Just("ctx"),
            Just("21"),
            Just("2014-05-07T00:00:09Z")
        ]
        .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let names = prop_oneof![
        Just("Uic"),
        Just("AssetType"),
        Just("BuySell"),
        Just("Amount"),
        Just("OrderType"),
        Just("OrderPrice"),
        Just("OrderDuration"),
        Just("ContextId"),
        Just("ReferenceId"),
        Just("Arguments"),
        Just("Uics"),
        Just("Activities"),
        Just("SequenceId"),
        Just("To"),
        Just("ExternalReference"),
        Just("DurationType"),
    ];
    leaf.prop_recursive(3, 40, 8, move |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => proptest::collection::vec((names.clone(), inner), 0..8)
                .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn no_request_breaks_the_venue(
        requests in proptest::collection::vec(
            (
                prop_oneof![Just("GET"), Just("POST"), Just("DELETE"), Just("PUT"), Just("PATCH"), Just("")],
                prop_oneof![3 => (0..PATHS.len()).prop_map(|at| PATHS[at].to_owned()), 1 => ".{0,40}"],
                prop_oneof![Just(String::new()), "[A-Za-z]{0,9}=[^ ]{0,9}", Just("Uic=21&AssetType=FxSpot".to_owned())],
                prop_oneof![
                    3 => json_like().prop_map(|value| value.to_string().into_bytes()),
                    1 => proptest::collection::vec(any::<u8>(), 0..60),
                ],
            ),
            1..40,
        )
    ) {
        let mut desk = Desk::listening(market(&[139_000; 20]));
        let bearer = desk.bearer.clone();
        for (method, path, query, content) in &requests {
            let request = Request {
                method, path, query, body: content, authorization: Some(&bearer), ..Request::default()
            };
            let answer = desk.ask(&request);
            prop_assert!([200, 201, 202, 204, 400, 401, 404, 405, 409].contains(&answer.status), "{}", answer.status);
            prop_assert!(answer.body.is_empty() || body(&answer).is_object());
            if answer.status == 400 && path != "/token" {
                let body = body(&answer);
                prop_assert!(body["ErrorCode"].is_string() || body["ErrorInfo"]["ErrorCode"].is_string(), "{}", body);
            }
        }
        // And it still works.
        desk.listen("ctx");
        prop_assert_eq!(&desk.get("/port/v1/clients/me")["ClientId"], "1234567");
        desk.advance(crate::desk::at(1_000_000));
    }
}

#[test]
fn a_malformed_body_is_told_what_is_wrong_with_it() {
    let mut desk = Desk::new(market(&[139_000]));
    for (content, words) in
        [("{\"Uic\":", "not JSON"), ("[]", "not an array"), ("", "not JSON"), ("{}", "AssetType is required")]
    {
        let answer = desk.send("POST", "/trade/v2/orders", "", content.as_bytes());
        assert_eq!(answer.status, 400);
        assert!(body(&answer).to_string().contains(words), "{content}: {}", body(&answer));
    }
    let answer = desk.post("/lockstep/advance", &serde_json::json!({"ContextId": "ctx", "To": "noon"}));
    assert!(body(&answer)["ModelState"]["To"][0].as_str().unwrap().contains("noon"));
    let path = format!("{SIM}/trade/v2/orders");
    let bearer = desk.bearer.clone();
    let form = Request {
        method: "POST",
        path: &path,
        authorization: Some(&bearer),
        content_type: Some("text/plain"),
        body: b"{}",
        ..Request::default()
    };
    assert_eq!(desk.ask(&form).status, 415);
    assert_eq!(desk.send("PATCH", "/trade/v2/orders", "", b"{}").status, 405);
    assert_eq!(desk.send("GET", "/no/such/service", "", b"").status, 404);
}

#[test]
fn contexts_are_bounded() {
    let mut desk = Desk::new(market(&[139_000]));
    let step = |desk: &mut Desk, context: usize| {
        let to = crate::desk::at(1).to_string();
        desk.post("/lockstep/advance", &serde_json::json!({"ContextId": format!("c{context}"), "To": to})).status
    };
    assert!((0..100).all(|context| step(&mut desk, context) == 200));
    assert_eq!(step(&mut desk, 100), 400);
    assert_eq!(step(&mut desk, 99), 200);
}

#[test]
fn the_server_refuses_every_address_but_127_0_0_1() {
    for address in ["0.0.0.0:0", "127.0.0.2:0", "[::1]:0", "[::]:0", "10.0.0.1:0"] {
        let venue = SaxoVenue::new(market(&[139_000]), Money::ZERO);
        let refused = SaxoServer::start(venue, address.parse().unwrap()).unwrap_err();
        assert!(matches!(refused, VenueError::NotLoopback { .. }) && refused.to_string().contains("127.0.0.1 only"));
    }
}

#[test]
fn a_port_in_use_is_named_and_a_closed_server_frees_it() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = held.local_addr().unwrap();
    let venue = SaxoVenue::new(market(&[139_000]), Money::ZERO);
    let refused = SaxoServer::start(venue.clone(), address).unwrap_err();
    assert!(refused.to_string().contains(&address.port().to_string()), "{refused}");
    drop(held);
    let mut server = SaxoServer::start(venue, address).unwrap();
    assert_eq!(server.address(), address);
    server.close();
    server.close();
    assert!(!server.is_open());
    TcpListener::bind(address).unwrap();
}

#[test]
fn a_source_that_is_not_understood_is_told_how_to_write_it() {
    for (source, words) in [
        ("", "no kind"),
        ("csv:a", "kind \"csv\""),
        ("sim:", "seed \"\""),
        ("sim:-1", "seed \"-1\""),
        ("sim:7?ticks=0", "ticks \"0\""),
        ("sim:7?ticks", "no value"),
        ("sim:7?bars=1", "option \"bars\""),
        ("sim:7?days=101", "days 101"),
        ("sim:7?ticks=20000000&days=2", "more than"),
        ("lean:a?tz=Paris", "tz \"Paris\""),
        ("lean:a,,b", "empty"),
        ("lean:a?x=1", "option \"x\""),
    ] {
        let refused = ticks::read(source).unwrap_err().to_string();
        assert!(refused.contains(words), "{source}: {refused}");
    }
    assert!(ticks::read("sim:7?ticks=1").unwrap_err().to_string().contains("holds no tick"));
}
