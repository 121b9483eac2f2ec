//! One question to the gateway and what its answer is worth: HTTP status, envelope and code become an answer or an error that
//! says whether the gateway may have acted.

use std::sync::Arc;

use exuvia_model::{SECOND, Time};
use exuvia_ports::{Http, HttpError, Request, Response};

use super::codes::{Meaning, Table};
use super::json::Node;
use super::limits::Window;
use super::{Pace, ProjectXError, Refusal, Secret};

/// One of the gateway's calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// Its name: the path after `/api/`.
    pub name: &'static str,
    /// Its codes.
    pub table: Table,
    /// How many requests of its window it leaves to others.
    pub rank: Rank,
}

/// Who may use the last requests of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// Orders, cancels and what they need.
    Order,
    /// Questions that can wait.
    Question,
    /// Bars: they have a window of their own.
    Bars,
}

impl Call {
    pub const fn order(name: &'static str, table: Table) -> Self {
        Self { name, table, rank: Rank::Order }
    }

    pub const fn question(name: &'static str, table: Table) -> Self {
        Self { name, table, rank: Rank::Question }
    }
}

/// What came of one question.
#[derive(Debug)]
pub(super) enum Came {
    /// The answer to a success.
    Answer(Node),
    /// The token is missing, wrong or too old; nothing was done.
    Unauthorised,
}

/// The way to the gateway, with its pace.
#[derive(Debug)]
pub(super) struct Wire {
    http: Arc<dyn Http>,
    base: String,
    rest: Window,
    bars: Window,
    kept: usize,
}

impl Wire {
    pub fn new(http: Arc<dyn Http>, base: &str, rest: Pace, bars: Pace, kept: usize) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { http, base, rest: Window::new(rest), bars: Window::new(bars), kept }
    }

    /// Asks once. `hidden` is what must not stand in an error.
    pub fn ask(
        &mut self,
        call: Call,
        body: Vec<u8>,
        token: Option<&Secret>,
        hidden: &[&Secret],
        now: Time,
    ) -> Result<Came, ProjectXError> {
        let clean = |words: String| hidden.iter().fold(words, |words, secret| secret.out_of(&words));
        let kept = if call.rank == Rank::Question { self.kept } else { 0 };
        let window = if call.rank == Rank::Bars { &mut self.bars } else { &mut self.rest };
        if let Err(wait) = window.take(now, kept) {
            let why = "as many requests as the gateway allows were sent, or it asked for a pause".to_owned();
            return Err(ProjectXError::NotSent { call: call.name, why, wait });
        }
        let mut request = Request::new("POST", &format!("{}/api/{}", self.base, call.name))
            .header("Content-Type", "application/json")
            .header("Accept", "text/plain");
        if let Some(token) = token {
            request = request.header("Authorization", &format!("Bearer {}", token.text()));
        }
        let response = self.http.send(&request.body(body)).map_err(|error| lost(call, &error, &clean))?;
        if response.status == 429 {
            let wait = window.refused(now, retry_after(&response));
            let why = "the gateway had too many requests (HTTP 429)".to_owned();
            return Err(ProjectXError::NotSent { call: call.name, why, wait });
        }
        window.answered();
        worth(call, &response, &clean)
    }
}

fn lost(call: Call, error: &HttpError, clean: &dyn Fn(String) -> String) -> ProjectXError {
    let why = clean(error.to_string());
    if error.may_have_arrived() {
        ProjectXError::Unknown { call: call.name, why }
    } else {
        ProjectXError::NotSent { call: call.name, why, wait: 0 }
    }
}

/// Whole seconds of a `Retry-After`; a date is passed over.
fn retry_after(response: &Response) -> Option<i64> {
    response.header("Retry-After")?.trim().parse::<u32>().ok().map(|seconds| i64::from(seconds).saturating_mul(SECOND))
}

/// What a response says. Evidence is only what the gateway itself has written: a page that a proxy puts in its place proves nothing.
fn worth(call: Call, response: &Response, clean: &dyn Fn(String) -> String) -> Result<Came, ProjectXError> {
    let unknown = |why: String| ProjectXError::Unknown { call: call.name, why: clean(why) };
    let unread = |why: String| ProjectXError::NotSent { call: call.name, why: clean(why), wait: 0 };
    match response.status {
        200 => envelope(call, &response.body, clean),
        401 => Ok(Came::Unauthorised),
        400 => match problem(&response.body) {
            Some(words) => Err(ProjectXError::Malformed { call: call.name, why: clean(words) }),
            None => Err(unknown("HTTP 400 without the gateway's own description of what is wrong".to_owned())),
        },
        404 => Err(unread("HTTP 404, the gateway has no such path: check its address in the configuration".to_owned())),
        status @ (403 | 405 | 413 | 415) => {
            Err(unread(format!("HTTP {status}, turned away before it was read: check address, proxy and network")))
        }
        status => Err(unknown(format!("HTTP {status}"))),
    }
}

/// The words of a problem description (RFC 9457) in a body, with the fields it names.
fn problem(body: &[u8]) -> Option<String> {
    let node = Node::read(body).ok()?;
    let title =
        node.get("title").and_then(Node::text).filter(|_| node.get("status").and_then(Node::whole) == Some(400))?;
    let mut words = title.to_owned();
    if let Some(detail) = node.get("detail").and_then(Node::text) {
        words = format!("{words}: {detail}");
    }
    if let Some(Node::Object(fields)) = node.get("errors") {
        for (field, said) in fields {
            let said: Vec<&str> = said.list().unwrap_or_default().iter().filter_map(Node::text).collect();
            words = format!("{words}; {field}: {}", said.join(", "));
        }
    }
    Some(words)
}

/// What an envelope says. Where its parts contradict one another nothing is concluded.
fn envelope(call: Call, body: &[u8], clean: &dyn Fn(String) -> String) -> Result<Came, ProjectXError> {
    let unknown = |why: String| ProjectXError::Unknown { call: call.name, why: clean(why) };
    let node = Node::read(body).map_err(|error| unknown(format!("the answer cannot be read, {error}")))?;
    let success = node.get("success").and_then(Node::flag);
    let code = node.get("errorCode").and_then(Node::whole);
    match (success, code) {
        (Some(true), Some(0)) => Ok(Came::Answer(node)),
        (Some(false), Some(code)) if code > 0 => {
            let meaning = call.table.meaning(code);
            let words = clean(node.get("errorMessage").and_then(Node::text).unwrap_or_default().to_owned());
            let order_id = node.get("orderId").and_then(Node::whole);
            let refusal = Refusal { call: call.name, code, name: meaning.name(), words, order_id };
            Err(match meaning {
                Meaning::Refused(_) => ProjectXError::Refused(refusal),
                Meaning::InDoubt(_) => ProjectXError::InDoubt(refusal),
            })
        }
        _ => {
            let shown = |flag: Option<String>| flag.unwrap_or_else(|| "nothing".to_owned());
            let (success, code) =
                (shown(success.map(|flag| flag.to_string())), shown(code.map(|code| code.to_string())));
            Err(unknown(format!(
                "the answer says {success} as \"success\" and {code} as \"errorCode\", which cannot be"
            )))
        }
    }
}
