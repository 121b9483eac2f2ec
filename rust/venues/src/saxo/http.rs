//! Requests in and responses out, as plain values: the venue's side of HTTP without a socket.

use serde_json::{Map, Value, json};

/// A request as the venue sees it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// Path without the query.
    pub path: &'a str,
    /// Query without the question mark; empty if there is none.
    pub query: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The `x-request-id` header.
    pub request_id: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// The first value of a query parameter; names are compared without case.
    pub(super) fn param(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned())
    }

    /// The body as a JSON object.
    pub(super) fn json(&self) -> Result<Map<String, Value>, Response> {
        if self.content_type.is_some_and(|kind| !kind.to_ascii_lowercase().contains("json")) {
            return Err(Response::empty(415));
        }
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(other) => Err(invalid("", &format!("the body must be a JSON object, not {}", kind_of(&other)))),
            Err(error) => Err(invalid("", &format!("the body is not JSON: {error}"))),
        }
    }
}

/// What the venue answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The body, JSON or empty.
    pub body: Vec<u8>,
    /// The `X-Correlation` header: a counter.
    pub correlation: String,
    /// The `x-request-id` of the request, handed back.
    pub request_id: Option<String>,
}

impl Response {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string().into_bytes(), correlation: String::new(), request_id: None }
    }

    pub(super) const fn empty(status: u16) -> Self {
        Self { status, body: Vec::new(), correlation: String::new(), request_id: None }
    }
}

/// 400 for a request that is malformed; `field` may be empty.
pub(super) fn invalid(field: &str, why: &str) -> Response {
    Response::json(
        400,
        &json!({
            "Message": "One or more properties of the request are invalid!",
            "ModelState": {field: [why]},
            "ErrorCode": "InvalidModelState",
        }),
    )
}

/// The error body of services other than orders.
pub(super) fn error(status: u16, code: &str, message: &str) -> Response {
    Response::json(status, &json!({"ErrorCode": code, "Message": message}))
}

/// The error body of order services.
pub(super) fn error_info(status: u16, code: &str, message: &str) -> Response {
    Response::json(status, &json!({"ErrorInfo": {"ErrorCode": code, "Message": message}}))
}

pub(super) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A required string field.
pub(super) fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, Response> {
    match fields.get(name) {
        Some(Value::String(text)) => Ok(text),
        None | Some(Value::Null) => Err(invalid(name, &format!("{name} is required"))),
        Some(other) => Err(invalid(name, &format!("{name} must be a string, not {}", kind_of(other)))),
    }
}

/// Context and reference ids: 1 to 50 of letters, digits, `_` and `-`; compared without case.
pub(super) fn key(text: &str) -> Option<String> {
    let fits = (1..=50).contains(&text.len());
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    (fits && plain).then(|| text.to_ascii_lowercase())
}
