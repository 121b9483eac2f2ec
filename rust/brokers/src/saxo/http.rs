//! One request and what came of it: the token, the limits, the typed errors, the pages of a list. It never sends twice.

use std::sync::Arc;

use exuvia_model::Time;
use exuvia_ports::{Http, HttpError, Request, Response};

use super::auth::Bearer;
use super::config::SaxoConfig;
use super::error::SaxoError;
use super::limits::{Limits, group};
use super::parse::{Node, parse, shown};

/// Longest `x-request-id`.
const LONGEST_ID: usize = 50;

/// What was counted of a client's requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that left, or may have.
    pub sent: u64,
    /// Answers with status 401.
    pub unauthorized: u64,
    /// Answers with status 429.
    pub limited: u64,
    /// Requests that a window held back.
    pub held_back: u64,
    /// Requests without a whole answer.
    pub unanswered: u64,
}

/// A way to the REST services.
#[derive(Debug, Clone)]
pub struct Client {
    http: Arc<dyn Http>,
    tokens: Arc<dyn Bearer>,
    config: SaxoConfig,
    limits: Limits,
    counts: Counts,
}

/// One request to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    method: &'static str,
    path: String,
    body: Option<String>,
    request_id: Option<String>,
    order: bool,
}

impl Ask {
    /// A question at a path below the base.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None, request_id: None, order: false }
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self { method: "DELETE", ..Self::get(path) }
    }

    pub(super) fn post(path: impl Into<String>, body: String) -> Self {
        Self { method: "POST", body: Some(body), ..Self::get(path) }
    }

    pub(super) fn patch(path: impl Into<String>, body: String) -> Self {
        Self { method: "PATCH", ..Self::post(path, body) }
    }

    /// With the id by which the venue knows a repetition: at most 50 characters, the last ones, for ids differ at their end.
    pub(super) fn request_id(self, id: &str) -> Self {
        let id = encoded(id);
        let from = id.len().saturating_sub(LONGEST_ID);
        Self { request_id: id.get(from..).map(str::to_owned), ..self }
    }

    /// Counted as an order.
    pub(super) fn order(self) -> Self {
        Self { order: true, ..self }
    }

    fn what(&self) -> String {
        format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default())
    }
}

impl Client {
    /// A client over a port and whoever has the token.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, tokens: Arc<dyn Bearer>, config: SaxoConfig) -> Self {
        Self { http, tokens, config, limits: Limits::default(), counts: Counts::default() }
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &SaxoConfig {
        &self.config
    }

    /// The windows of the rate limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What was counted.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The request that opens the stream; `resume` is the last message that came, if there was a stream a moment ago.
    ///
    /// # Errors
    /// `NoToken`.
    pub fn stream_request(&self, resume: Option<u64>) -> Result<Request, SaxoError> {
        let mut url = format!("{}?contextId={}", self.config.stream, encoded(&self.config.context));
        if let Some(id) = resume {
            url = format!("{url}&messageid={id}");
        }
        let token = self.tokens.bearer().ok_or_else(|| SaxoError::NoToken { what: "the stream".to_owned() })?;
        Ok(Request::new("GET", &url).header("Authorization", &format!("BEARER {}", token.reveal())))
    }

    /// Tells the open stream of a new token; without it the venue closes it when the old one ends.
    ///
    /// # Errors
    /// [`SaxoError`].
    pub fn reauthorize(&mut self, now: Time) -> Result<(), SaxoError> {
        let url = format!("{}?contextid={}", self.config.reauthorize, encoded(&self.config.context));
        let ask = Ask { method: "PUT", ..Ask::get("/stream/authorize") };
        let response = self.exchange(&ask, &url, now)?;
        accepted(&ask.what(), &response).map(|_| ())
    }

    /// Sends, and gives whatever was answered; 401 and 429 are answers too.
    pub(super) fn send(&mut self, ask: &Ask, now: Time) -> Result<Response, SaxoError> {
        let url = format!("{}{}", self.config.rest, ask.path);
        self.exchange(ask, &url, now)
    }

    /// Asks for one JSON value.
    pub(super) fn json(&mut self, ask: &Ask, now: Time) -> Result<Node, SaxoError> {
        let url = format!("{}{}", self.config.rest, ask.path);
        self.json_at(ask, &url, now)
    }

    /// Asks, and expects no more than a 2xx.
    pub(super) fn done(&mut self, ask: &Ask, now: Time) -> Result<(), SaxoError> {
        let response = self.send(ask, now)?;
        self.taken(ask, &response, now)
    }

    /// All rows of a list, page after page.
    pub(super) fn list(&mut self, path: &str, now: Time) -> Result<Vec<Node>, SaxoError> {
        let ask = Ask::get(path);
        let (what, base) = (ask.what(), format!("{}/", self.config.rest));
        let incomplete = |why: String| SaxoError::Incomplete { what: what.clone(), why };
        let mut url = format!("{}{path}", self.config.rest);
        let mut rows = Vec::new();
        for _ in 0..self.config.pages {
            let page = self.json_at(&ask, &url, now)?;
            let data = page.data().map_err(|why| SaxoError::Unreadable { what: what.clone(), why })?;
            rows.extend_from_slice(data);
            let Some(next) = page.text("__next") else { return Ok(rows) };
            // The token goes nowhere else.
            if !next.starts_with(&base) {
                return Err(incomplete(format!("its next page is not below {base}")));
            }
            if next == url {
                return Err(incomplete("its next page is the same page".to_owned()));
            }
            url = next.to_owned();
        }
        Err(incomplete(format!("it has more than {} pages; ask for less, or raise `pages`", self.config.pages)))
    }

    fn json_at(&mut self, ask: &Ask, url: &str, now: Time) -> Result<Node, SaxoError> {
        let response = self.exchange(ask, url, now)?;
        self.taken(ask, &response, now)?;
        parse(&response.body).map_err(|why| SaxoError::Unreadable { what: ask.what(), why })
    }

    fn taken(&self, ask: &Ask, response: &Response, now: Time) -> Result<(), SaxoError> {
        if response.status == 429 {
            let until = self.limits.until(group(&ask.path), ask.order, now).unwrap_or(now);
            return Err(SaxoError::Limited { what: ask.what(), until });
        }
        accepted(&ask.what(), response)
    }

    fn exchange(&mut self, ask: &Ask, url: &str, now: Time) -> Result<Response, SaxoError> {
        let token = self.tokens.bearer().ok_or_else(|| SaxoError::NoToken { what: ask.what() })?;
        if let Err((limit, until)) = self.limits.admit(group(&ask.path), ask.order, now) {
            self.counts.held_back += 1;
            return Err(SaxoError::Wait { what: ask.what(), limit, until });
        }
        let mut request = Request::new(ask.method, url)
            .header("Authorization", &format!("Bearer {}", token.reveal()))
            .header("Accept", "application/json");
        if let Some(id) = &ask.request_id {
            request = request.header("x-request-id", id);
        }
        if let Some(body) = &ask.body {
            request = request.header("Content-Type", "application/json; charset=utf-8").body(body.as_bytes());
        }
        match self.http.send(&request) {
            Ok(response) => {
                self.counts.sent += 1;
                self.counts.unauthorized += u64::from(response.status == 401);
                self.counts.limited += u64::from(response.status == 429);
                self.limits.heard(group(&ask.path), ask.order, &response, now);
                Ok(response)
            }
            Err(HttpError::NotAnswered { reason, .. }) => {
                self.counts.sent += 1;
                self.counts.unanswered += 1;
                Err(SaxoError::NotAnswered { what: ask.what(), reason })
            }
            Err(HttpError::NotSent { reason, .. }) => Err(SaxoError::NotSent { what: ask.what(), reason }),
            Err(HttpError::NotTaped { expected, .. }) => {
                Err(SaxoError::NotSent { what: ask.what(), reason: format!("the tape {expected}") })
            }
        }
    }
}

/// The error of every status that is no success.
fn accepted(what: &str, response: &Response) -> Result<(), SaxoError> {
    let what = what.to_owned();
    match response.status {
        200..=299 => Ok(()),
        401 => Err(SaxoError::Unauthorized { what }),
        status @ 500.. => Err(SaxoError::Server { what, status }),
        status => {
            let words = parse(&response.body).map_or_else(|_| shown(&response.body), |body| words(&body));
            Err(SaxoError::Refused { what, status, words })
        }
    }
}

/// What an error body says: code, message, and the fields of a malformed request.
fn words(body: &Node) -> String {
    let info = body.get("ErrorInfo").unwrap_or(body);
    let mut text = [info.text("ErrorCode"), info.text("Message")].into_iter().flatten().collect::<Vec<_>>().join(": ");
    if let Some(Node::Object(fields)) = info.get("ModelState") {
        for (field, complaints) in fields {
            text = format!("{text} [{field}: {}]", super::accounts::words(complaints.items()).join(" "));
        }
    }
    shown(text.as_bytes())
}

/// Percent-encoded, but for what RFC 3986 calls unreserved.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The names and values of a query; `+` is a space, and what is no UTF-8 is replaced.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let split = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    query.split('&').filter(|pair| !pair.is_empty()).map(split).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let hex = (byte == b'%').then(|| [ahead.next(), ahead.next()]);
        let value = match hex {
            Some([Some(high), Some(low)]) => char::from(high).to_digit(16).zip(char::from(low).to_digit(16)),
            _ => None,
        };
        match value.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(value) => {
                bytes.push(value);
                rest = ahead;
            }
            None => bytes.push(if byte == b'+' { b' ' } else { byte }),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
