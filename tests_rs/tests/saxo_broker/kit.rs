//! A desk that trades at Saxo, and a venue that answers by a script.

use std::sync::{Arc, Mutex};

use exuvia_brokers::saxo::{Contract, SaxoBroker, SaxoConfig, Secret};
use exuvia_execution::{Change, CheckedOrder, Desk, Instrument, Link, Step};
use exuvia_model::{OrderIntent, OrderType, Price, Quantity, SECOND, Side, Symbol, Time, TimeInForce, Trail};
use exuvia_ports::{HttpError, Request, Response, SimHttp};

pub const CLIENT: &str = "aBc1dEf2gHi3jKl4mNoPqw==";
pub const REST: &str = "http://127.0.0.1:9/sim/openapi";
pub const TOKEN: &str = "s3cret-token";

/// Apple, in halves of shares and cents.
pub const AAPL: Symbol = Symbol(0);
/// An option on it.
pub const CALL: Symbol = Symbol(1);
/// Euro against dollar.
pub const EURO: Symbol = Symbol(2);
/// Something that Saxo does not have.
pub const ODD: Symbol = Symbol(3);

pub fn p(text: &str) -> Price {
    text.parse().unwrap()
}

pub fn q(text: &str) -> Quantity {
    text.parse().unwrap()
}

/// 15:00 on the day of the examples, and so many seconds.
pub fn at(seconds: i64) -> Time {
    let start: Time = "2026-02-03T15:00:00Z".parse().unwrap();
    Time(start.0 + seconds * SECOND)
}

pub fn config() -> SaxoConfig {
    SaxoConfig::at("http://127.0.0.1:9/", CLIENT, CLIENT)
        .contract("AAPL:xnas", Contract::new(211, "Stock"))
        .contract("AAPL/call", Contract::new(30001, "StockOption"))
}

fn instrument(name: &str, tick: &str, multiplier: &str) -> Instrument {
    let whole = Instrument::new(name, p(tick), q(multiplier), "USD".parse().unwrap()).unwrap();
    Instrument { lot: q("0.5"), ..whole }
}

/// A desk with four instruments, the last of which Saxo does not have.
pub fn desk() -> Desk {
    let mut desk = Desk::default();
    desk.apply(&Change::Opened { prefix: "exv".into(), counter: 0 }).unwrap();
    for (name, tick, multiplier) in [
        ("AAPL:xnas", "0.01", "1"),
        ("AAPL/call", "0.01", "100"),
        ("21__FxSpot", "0.00001", "1"),
        ("MESZ6", "0.25", "5"),
    ] {
        desk.apply(&Change::Listed(instrument(name, tick, multiplier))).unwrap();
    }
    desk
}

pub fn intent(symbol: Symbol, side: Side, amount: &str) -> OrderIntent {
    OrderIntent {
        scenario: "a".into(),
        symbol,
        side,
        quantity: q(amount),
        order_type: OrderType::Market,
        limit: None,
        stop: None,
        trail: None,
        duration: TimeInForce::Day,
        decided: at(0),
        reason: "entry".into(),
    }
}

pub fn limit(symbol: Symbol, side: Side, amount: &str, price: &str) -> OrderIntent {
    OrderIntent { order_type: OrderType::Limit, limit: Some(p(price)), ..intent(symbol, side, amount) }
}

pub fn stop(symbol: Symbol, side: Side, amount: &str, price: &str) -> OrderIntent {
    OrderIntent { order_type: OrderType::Stop, stop: Some(p(price)), ..intent(symbol, side, amount) }
}

pub fn trailing(side: Side, amount: &str, start: Option<&str>, trail: Trail) -> OrderIntent {
    let stop = start.map(p);
    OrderIntent { order_type: OrderType::TrailingStop, stop, trail: Some(trail), ..intent(AAPL, side, amount) }
}

/// Orders that were checked and whose bytes are about to leave.
pub fn checked(desk: &mut Desk, intents: Vec<OrderIntent>) -> Vec<(CheckedOrder, Instrument)> {
    let mut ready = Vec::new();
    for intent in intents {
        let instrument = desk.instrument(intent.symbol).unwrap().clone();
        let change = desk.intend(Link::Single, vec![intent]).unwrap();
        desk.apply(&change).unwrap();
        let Change::Intended { orders, .. } = change else { panic!("{change:?}") };
        let client_id = orders[0].client_id.clone();
        for step in [Step::Passed, Step::Sent] {
            desk.apply(&Change::Stepped { client_id: client_id.clone(), step, time: at(0) }).unwrap();
        }
        ready.push((desk.to_send(&client_id).unwrap(), instrument));
    }
    ready
}

pub fn one(intent: OrderIntent) -> (CheckedOrder, Instrument) {
    checked(&mut desk(), vec![intent]).remove(0)
}

/// A venue that answers by what is asked.
pub struct Scripted {
    pub broker: SaxoBroker,
    http: Arc<SimHttp>,
}

pub fn scripted(answer: impl FnMut(&Request) -> Result<Response, HttpError> + Send + 'static) -> Scripted {
    with(config(), answer)
}

pub fn with(
    config: SaxoConfig,
    answer: impl FnMut(&Request) -> Result<Response, HttpError> + Send + 'static,
) -> Scripted {
    let http = Arc::new(SimHttp::new(answer));
    Scripted { broker: SaxoBroker::new(http.clone(), Arc::new(Secret::new(TOKEN)), config), http }
}

/// A venue that answers everything with this.
pub fn always(status: u16, body: &str) -> Scripted {
    let body = body.to_owned();
    scripted(move |_| Ok(Response::new(status, body.as_bytes())))
}

/// A venue that answers these, in their order, and has nothing to say after them.
pub fn in_turn(answers: Vec<Result<Response, HttpError>>) -> Scripted {
    let answers = Mutex::new(answers.into_iter());
    scripted(move |_| answers.lock().unwrap().next().unwrap_or_else(|| Ok(Response::new(500, ""))))
}

pub fn ok(body: &str) -> Result<Response, HttpError> {
    Ok(Response::new(200, body.as_bytes()))
}

pub fn lost() -> HttpError {
    HttpError::NotAnswered { method: "POST".into(), url: "u".into(), reason: "time-out".into() }
}

pub fn not_sent() -> HttpError {
    HttpError::NotSent { method: "POST".into(), url: "u".into(), reason: "refused".into() }
}

impl Scripted {
    /// Method and path below the base of everything that was asked.
    pub fn asked(&self) -> Vec<String> {
        let short = |request: &Request| format!("{} {}", request.method, request.url.replace(REST, ""));
        self.http.requests().iter().map(short).collect()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.http.requests()
    }

    pub fn last(&self) -> Request {
        self.http.requests().pop().unwrap()
    }

    /// The body of the last request as text.
    pub fn body(&self) -> String {
        String::from_utf8(self.last().body).unwrap()
    }
}

/// A header of a request.
pub fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Example text as it stands in the protocol's description: line breaks between fields are the page's.
pub fn flat(text: &str) -> String {
    text.replace("\n ", "").replace('\n', "")
}
