//! A gateway that answers from a script, in its order, and short words for what is asked of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use exuvia_brokers::projectx::{AccountChoice, Config, Place, ProjectX, ProjectXBroker, Secret};
use exuvia_execution::{Change, CheckedOrder, Desk, Instrument, Link, Step};
use exuvia_model::{OrderIntent, OrderType, Price, Quantity, Side, Symbol, Time, TimeInForce};
use exuvia_ports::{Http, HttpError, Request, Response, SimHttp};

pub const NOW: Time = Time(1_770_128_400_000_000_000); // 2026-02-03T14:20:00Z
pub const CONTRACT: &str = "CON.F.US.ENQ.H26";
pub const KEY: &str = "base64-ish";
pub const OK: &str = r#"{"success":true,"errorCode":0,"errorMessage":null}"#;
pub const LOGIN: &str = r#"{"token":"eyJ.first","success":true,"errorCode":0,"errorMessage":null}"#;
pub const ACCOUNT: &str = r#"{"accounts":[{"id":7001,"name":"PRAC-V2-7001","balance":50000.0,"canTrade":true,"isVisible":true,"simulated":true}],"success":true,"errorCode":0,"errorMessage":null}"#;
pub const PLACED: &str = r#"{"orderId":93001,"success":true,"errorCode":0,"errorMessage":null}"#;
pub const ORDER: &str = r#"{"id":93001,"accountId":7001,"contractId":"CON.F.US.ENQ.H26","symbolId":"F.US.ENQ","creationTimestamp":"2026-02-03T14:30:00.1234567+00:00","updateTimestamp":"2026-02-03T14:30:02.5+00:00",
 "status":2,"type":1,"side":0,"size":1,"limitPrice":21000.25,"stopPrice":null,"fillVolume":1,"filledPrice":21000.25,"customTag":"exv-77"}"#;
pub const TRADE: &str = r#"{"id":88001,"accountId":7001,"contractId":"CON.F.US.ENQ.H26","creationTimestamp":"2026-02-03T14:30:02.5+00:00","price":21000.25,"profitAndLoss":null,"fees":1.4,"side":0,"size":1,"voided":false,"orderId":93001}"#;
pub const POSITION: &str = r#"{"id":5501,"accountId":7001,"contractId":"CON.F.US.ENQ.H26","creationTimestamp":"2026-02-03T14:30:02.5+00:00","type":1,"size":2,"averagePrice":21000.25}"#;

pub fn p(text: &str) -> Price {
    text.parse().unwrap()
}

pub fn q(whole: i64) -> Quantity {
    Quantity::from_whole(whole).unwrap()
}

pub fn t(text: &str) -> Time {
    text.parse().unwrap()
}

/// `NOW` and so many seconds.
pub fn later(seconds: i64) -> Time {
    Time(NOW.0 + seconds * 1_000_000_000)
}

/// What the gateway does with a request.
#[derive(Debug, Clone)]
pub enum Does {
    Answers(Response),
    /// No byte left.
    IsNotReached,
    /// It left, and nothing came.
    IsSilent,
}

pub fn ok(body: &str) -> Does {
    status(200, body)
}

pub fn status(status: u16, body: &str) -> Does {
    Does::Answers(Response::new(status, body))
}

/// A refusal in an envelope.
pub fn no(code: i64) -> Does {
    ok(&format!(r#"{{"orderId":null,"success":false,"errorCode":{code},"errorMessage":"said so"}}"#))
}

/// A success with one list.
pub fn list(name: &str, rows: &[&str]) -> Does {
    ok(&format!(r#"{{"{name}":[{}],"success":true,"errorCode":0,"errorMessage":null}}"#, rows.join(",")))
}

pub type Script = Arc<Mutex<VecDeque<(String, Does)>>>;

pub struct Gate {
    pub http: Arc<SimHttp>,
    script: Script,
}

impl Gate {
    pub fn new() -> Self {
        let script: Script = Script::default();
        let mut left = Arc::clone(&script);
        let http = Arc::new(SimHttp::new(move |request| answer(&mut left, request)));
        Self { http, script }
    }

    /// The next request must be of this call, and is answered so.
    pub fn then(&self, call: &str, does: Does) -> &Self {
        self.script.lock().unwrap().push_back((call.to_owned(), does));
        self
    }

    pub fn done(&self) {
        let left = self.script.lock().unwrap();
        assert!(left.is_empty(), "never asked: {left:?}");
    }

    /// The body of the last request.
    pub fn body(&self) -> String {
        String::from_utf8(self.http.requests().last().unwrap().body.clone()).unwrap()
    }

    pub fn count(&self) -> usize {
        self.http.requests().len()
    }
}

fn answer(script: &mut Script, request: &Request) -> Result<Response, HttpError> {
    let (method, url) = (request.method.clone(), request.url.clone());
    let next = script.lock().unwrap().pop_front();
    let (call, does) = next.unwrap_or_else(|| panic!("{method} {url} is one request too many"));
    assert_eq!((method.as_str(), url.as_str()), ("POST", format!("http://127.0.0.1:8080/api/{call}").as_str()));
    match does {
        Does::Answers(response) => Ok(response),
        Does::IsNotReached => Err(HttpError::NotSent { method, url, reason: "connection refused".into() }),
        Does::IsSilent => Err(HttpError::NotAnswered { method, url, reason: "time-out after 10 s".into() }),
    }
}

pub fn config() -> Config {
    Config::new(Place::loopback(8080), "trader1", Secret::new(KEY), AccountChoice::Id(7001))
}

/// A gateway that is logged in and knows its account.
pub fn gateway(config: Config) -> (Gate, ProjectX) {
    let gate = Gate::new();
    let mut gateway = ProjectX::new(config, Arc::clone(&gate.http) as Arc<dyn Http>).unwrap();
    gate.then("Auth/loginKey", ok(LOGIN)).then("Account/search", ok(ACCOUNT));
    gateway.find_account(NOW).unwrap();
    (gate, gateway)
}

pub fn broker(config: Config) -> (Gate, ProjectXBroker) {
    let gate = Gate::new();
    let mut broker = ProjectXBroker::new(config, Arc::clone(&gate.http) as Arc<dyn Http>).unwrap();
    gate.then("Auth/loginKey", ok(LOGIN)).then("Account/search", ok(ACCOUNT));
    broker.gateway().find_account(NOW).unwrap();
    (gate, broker)
}

pub fn enq() -> Instrument {
    Instrument::new(CONTRACT, p("0.25"), q(20), "USD".parse().unwrap()).unwrap()
}

pub fn market(side: Side, size: i64) -> OrderIntent {
    OrderIntent {
        scenario: "trend".into(),
        symbol: Symbol(0),
        side,
        quantity: q(size),
        order_type: OrderType::Market,
        limit: None,
        stop: None,
        trail: None,
        duration: TimeInForce::Day,
        decided: NOW,
        reason: "entry".into(),
    }
}

pub fn limit(side: Side, size: i64, price: &str) -> OrderIntent {
    OrderIntent { order_type: OrderType::Limit, limit: Some(p(price)), ..market(side, size) }
}

/// An order that a desk has checked; its client id is `EX-trend-000001`.
pub fn checked(intent: OrderIntent) -> CheckedOrder {
    let mut desk = Desk::default();
    desk.apply(&Change::Opened { prefix: "EX".into(), counter: 0 }).unwrap();
    desk.apply(&Change::Listed(enq())).unwrap();
    let change = desk.intend(Link::Single, vec![intent]).unwrap();
    desk.apply(&change).unwrap();
    let Change::Intended { orders, .. } = change else { panic!("{change:?}") };
    let id = orders[0].client_id.clone();
    for step in [Step::Passed, Step::Sent] {
        desk.apply(&Change::Stepped { client_id: id.clone(), step, time: NOW }).unwrap();
    }
    desk.to_send(&id).unwrap()
}
