//! HTTP as one question and one answer. The error says whether the request may have arrived: an order
//! whose answer was lost is *unknown*, not rejected.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use thiserror::Error;

use crate::locked;

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Names and values in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// Body; empty if there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Self {
        Self { method: method.to_owned(), url: url.to_owned(), ..Self::default() }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Names and values as they came.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Response {
    /// A response without headers.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// The first header of this name, whatever the case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HttpError {
    /// No byte of the request left: it is safe to send it again.
    #[error("{method} {url} was not sent: {reason}")]
    NotSent {
        /// Method of the request.
        method: String,
        /// URL of the request.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The request left, or part of it, and no whole answer came: time-out, reset, broken answer.
    #[error(
        "{method} {url} was sent and not answered: {reason}; whether the venue took it is unknown until it is asked"
    )]
    NotAnswered {
        /// Method of the request.
        method: String,
        /// URL of the request.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The recording has another request at this place, or ends before it.
    #[error(
        "{method} {url} is not on the tape: the recording {expected} at exchange {at}; a taped port never asks the network"
    )]
    NotTaped {
        /// Method of the request.
        method: String,
        /// URL of the request.
        url: String,
        /// Index of the exchange on the tape.
        at: usize,
        /// What the tape has there.
        expected: String,
    },
}

impl HttpError {
    /// Whether the other side may have acted on the request.
    #[must_use]
    pub const fn may_have_arrived(&self) -> bool {
        matches!(self, Self::NotAnswered { .. })
    }
}

/// A client.
pub trait Http: fmt::Debug + Send + Sync {
    /// Sends and waits for the answer. A status such as 500 is an answer, not an error.
    ///
    /// # Errors
    /// [`HttpError`] if there is no answer.
    fn send(&self, request: &Request) -> Result<Response, HttpError>;
}

type Handler = dyn FnMut(&Request) -> Result<Response, HttpError> + Send;

/// A client that asks a function instead of a network, and keeps what was asked.
///
/// ```
/// use exuvia_ports::{Http, Request, Response, SimHttp};
/// let http = SimHttp::new(|request| Ok(Response::new(200, request.url.as_bytes())));
/// assert_eq!(http.send(&Request::new("GET", "http://127.0.0.1/a"))?.body, b"http://127.0.0.1/a");
/// assert_eq!(http.requests().len(), 1);
/// # Ok::<(), exuvia_ports::HttpError>(())
/// ```
pub struct SimHttp {
    handler: Mutex<Box<Handler>>,
    requests: Mutex<Vec<Request>>,
}

impl SimHttp {
    /// A client answered by `handler`, which may also fail as a network does.
    pub fn new(handler: impl FnMut(&Request) -> Result<Response, HttpError> + Send + 'static) -> Self {
        Self { handler: Mutex::new(Box::new(handler)), requests: Mutex::new(Vec::new()) }
    }

    /// What was asked so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        locked(&self.requests).clone()
    }
}

impl fmt::Debug for SimHttp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SimHttp").field("requests", &locked(&self.requests).len()).finish_non_exhaustive()
    }
}

impl Http for SimHttp {
    fn send(&self, request: &Request) -> Result<Response, HttpError> {
        locked(&self.requests).push(request.clone());
        (locked(&self.handler))(request)
    }
}

/// A client that answers from a recording, in its order, and refuses everything else: method, URL and
/// body must be the recorded ones (headers may differ, for tokens do).
#[derive(Debug)]
pub struct TapedHttp {
    tape: Mutex<(usize, VecDeque<(Request, Response)>)>,
}

impl TapedHttp {
    /// A client over recorded exchanges.
    #[must_use]
    pub fn new(exchanges: impl IntoIterator<Item = (Request, Response)>) -> Self {
        Self { tape: Mutex::new((0, exchanges.into_iter().collect())) }
    }

    /// How many recorded exchanges were not asked for yet.
    #[must_use]
    pub fn left(&self) -> usize {
        locked(&self.tape).1.len()
    }
}

impl Http for TapedHttp {
    fn send(&self, request: &Request) -> Result<Response, HttpError> {
        let mut tape = locked(&self.tape);
        let refuse = |at: usize, expected: String| {
            Err(HttpError::NotTaped { method: request.method.clone(), url: request.url.clone(), at, expected })
        };
        let at = tape.0;
        let Some((recorded, response)) = tape.1.pop_front() else { return refuse(at, "has ended".to_owned()) };
        let expected = if (&recorded.method, &recorded.url) != (&request.method, &request.url) {
            format!("has {} {}", recorded.method, recorded.url)
        } else if recorded.body != request.body {
            "has another body".to_owned()
        } else {
            tape.0 += 1;
            return Ok(response);
        };
        // What was not asked for stays on the tape.
        tape.1.push_front((recorded, response));
        refuse(at, expected)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_header_is_found_whatever_its_case_and_the_first_of_two_counts() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![header("retry-after", "1"), header("X-Left", "0"), header("Retry-After", "2")];
        let response = Response { headers, ..Response::new(429, "") };
        assert_eq!((response.header("Retry-After"), response.header("x-left")), (Some("1"), Some("0")));
        assert_eq!((response.header("Retry"), Response::new(200, "").header("Retry-After")), (None, None));
    }

    #[test]
    fn only_a_request_that_left_may_have_arrived() {
        let (method, url, reason) = ("POST".to_owned(), "http://127.0.0.1/orders".to_owned(), "refused".to_owned());
        let not_sent = HttpError::NotSent { method: method.clone(), url: url.clone(), reason: reason.clone() };
        let not_taped =
            HttpError::NotTaped { method: method.clone(), url: url.clone(), at: 0, expected: String::new() };
        assert!(!not_sent.may_have_arrived() && !not_taped.may_have_arrived());
        assert!(HttpError::NotAnswered { method, url, reason }.may_have_arrived());
    }

    #[test]
    fn a_client_in_a_log_says_how_often_it_was_asked_and_shows_no_token() {
        let http = SimHttp::new(|_| Ok(Response::new(200, "")));
        let secret = Request::new("GET", "http://127.0.0.1/a").header("Authorization", "Bearer s3cret");
        for _ in 0..2 {
            http.send(&secret).unwrap();
        }
        assert_eq!(format!("{http:?}"), "SimHttp { requests: 2, .. }");
    }

    #[test]
    fn a_refused_request_leaves_the_tape_where_it_is() {
        let asked = |body: &str| Request::new("POST", "http://127.0.0.1/orders").body(body);
        let http = TapedHttp::new([(asked("1"), Response::new(200, "a")), (asked("2"), Response::new(201, "b"))]);
        for _ in 0..2 {
            let error = http.send(&asked("2")).unwrap_err().to_string();
            assert!(error.contains("the recording has another body at exchange 0"), "{error}");
            let error = http.send(&Request::new("GET", "http://127.0.0.1/orders")).unwrap_err().to_string();
            assert!(error.contains("the recording has POST http://127.0.0.1/orders at exchange 0"), "{error}");
            assert_eq!(http.left(), 2);
        }
        assert_eq!(http.send(&asked("1")).unwrap().status, 200);
        assert_eq!((http.send(&asked("2")).unwrap().status, http.left()), (201, 0));
        let error = http.send(&asked("2")).unwrap_err().to_string();
        assert!(error.contains("the recording has ended at exchange 2"), "{error}");
    }
}
