//! A client of the venue without a socket: a token, a context, and everything that came back.

use exuvia_market::wire::saxo::decode_frame;
use exuvia_model::{Money, Time};
use exuvia_venues::saxo::{Request, Response, SaxoVenue};
use exuvia_venues::ticks::{self, Beat, What};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const SIM: &str = "/sim/openapi";

/// What a stream brought: message id, reference id, payload.
pub type Heard = (u64, String, Value);

pub struct Desk {
    pub venue: SaxoVenue,
    pub bearer: String,
    pub heard: Vec<Heard>,
    pub digest: Sha256,
}

pub fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or(Value::Null)
}

pub fn code(response: &Response) -> String {
    let body = body(response);
    body["ErrorInfo"]["ErrorCode"].as_str().or(body["ErrorCode"].as_str()).unwrap_or_default().to_owned()
}

/// A tick every second from 2014-05-07, with the mids that are given, in points; the spread is 10 points.
pub fn market(mids: &[i64]) -> Vec<Beat> {
    let tick = |points: i64| format!("{}e-5", points).parse().unwrap();
    let beat = |(second, mid): (usize, &i64)| Beat {
        time: at(second as i64),
        what: What::Tick { bid: tick(mid - 5), ask: tick(mid + 5) },
    };
    mids.iter().enumerate().map(beat).collect()
}

pub fn at(second: i64) -> Time {
    Time(Time::from_date(2014, 5, 7).unwrap().0 + second * 1_000_000_000)
}

impl Desk {
    pub fn new(beats: Vec<Beat>) -> Self {
        let venue = SaxoVenue::new(beats, Money::from_whole(1_000_000).unwrap());
        let mut desk = Self { venue, bearer: String::new(), heard: Vec::new(), digest: Sha256::new() };
        let token = desk.form("grant_type=authorization_code&code=demo&client_id=a&client_secret=b");
        assert_eq!(token.status, 201);
        desk.bearer = format!("Bearer {}", body(&token)["access_token"].as_str().unwrap());
        desk
    }

    /// A desk that hears prices (`px`) and orders (`ens`) on the context `ctx`.
    pub fn listening(beats: Vec<Beat>) -> Self {
        let mut desk = Self::new(beats);
        desk.subscribe("ctx");
        desk
    }

    pub fn sim(seed: u64) -> Self {
        Self::listening(ticks::read(&format!("sim:{seed}")).unwrap())
    }

    pub fn subscribe(&mut self, context: &str) {
        let prices =
            json!({"ContextId": context, "ReferenceId": "px", "Arguments": {"Uics": "21", "AssetType": "FxSpot"}});
        assert_eq!(self.post("/trade/v1/infoprices/subscriptions", &prices).status, 201);
        let orders = json!({"ContextId": context, "ReferenceId": "ens", "Arguments": {"Activities": ["Orders"]}});
        assert_eq!(self.post("/ens/v1/activities/subscriptions", &orders).status, 201);
    }

    pub fn ask(&mut self, request: &Request<'_>) -> Response {
        let response = self.venue.handle(request);
        self.digest.update(response.status.to_le_bytes());
        self.digest.update(&response.body);
        self.digest.update(&response.correlation);
        response
    }

    pub fn form(&mut self, form: &str) -> Response {
        self.ask(&Request { method: "POST", path: "/token", body: form.as_bytes(), ..Request::default() })
    }

    pub fn send(&mut self, method: &str, path: &str, query: &str, content: &[u8]) -> Response {
        let bearer = self.bearer.clone();
        let path = if path.starts_with("/lockstep") { path.to_owned() } else { format!("{SIM}{path}") };
        self.ask(&Request {
            method,
            path: &path,
            query,
            authorization: Some(&bearer),
            body: content,
            ..Request::default()
        })
    }

    pub fn get(&mut self, path: &str) -> Value {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        body(&self.send("GET", path, query, b""))
    }

    pub fn post(&mut self, path: &str, content: &Value) -> Response {
        self.send("POST", path, "", content.to_string().as_bytes())
    }

    pub fn delete(&mut self, path: &str) -> Response {
        self.send("DELETE", path, "AccountKey=k", b"")
    }

    /// Moves the clock and hears what that brings on `context`; gives `Done`.
    pub fn advance_on(&mut self, context: &str, to: Time) -> bool {
        let answer = self.post("/lockstep/advance", &json!({"ContextId": context, "To": to.to_string()}));
        assert_eq!(answer.status, 200, "{}", body(&answer));
        let answer = body(&answer);
        self.listen(context);
        let last = self.heard.last().unwrap();
        assert_eq!((last.0, last.1.as_str()), (answer["MessageId"].as_u64().unwrap(), "_heartbeat"));
        answer["Done"].as_bool().unwrap()
    }

    pub fn advance(&mut self, to: Time) -> bool {
        self.advance_on("ctx", to)
    }

    pub fn listen(&mut self, context: &str) {
        for frame in self.venue.take_frames(context) {
            self.digest.update(&frame);
            for message in decode_frame(&frame).unwrap() {
                let payload = serde_json::from_slice(message.payload).unwrap();
                self.heard.push((message.id, message.reference.to_owned(), payload));
            }
        }
    }

    /// All activities heard so far.
    pub fn activities(&self) -> Vec<Value> {
        self.heard.iter().filter(|heard| heard.1 == "ens").map(|heard| heard.2[0].clone()).collect()
    }

    pub fn order(&mut self, side: &str, amount: i64, limit: Option<f64>, reference: &str) -> Response {
        let mut order = json!({
            "AccountKey": "ZXh1dmlhLWFjY291bnQ=", "Uic": 21, "AssetType": "FxSpot", "BuySell": side, "Amount": amount,
            "OrderType": if limit.is_some() { "Limit" } else { "Market" },
            "OrderDuration": {"DurationType": "DayOrder"}, "ManualOrder": false, "ExternalReference": reference,
        });
        if let Some(limit) = limit {
            order["OrderPrice"] = limit.into();
        }
        self.post("/trade/v2/orders", &order)
    }

    pub fn placed(&mut self, side: &str, amount: i64, limit: Option<f64>, reference: &str) -> String {
        let answer = self.order(side, amount, limit, reference);
        assert_eq!(answer.status, 200, "{}", body(&answer));
        assert_eq!(body(&answer)["ExternalReference"], reference);
        body(&answer)["OrderId"].as_str().unwrap().to_owned()
    }
}
