//! The refresh of OAuth 2 (RFC 6749, 6) over a port: a form, and an answer that is a pair or an error of 5.2.

use std::sync::Arc;

use exuvia_ports::{Http, HttpError, Request, Response};

use super::document::Document;
use super::{Pair, RefreshError, Refresher, Renewal, Secret};

/// What a server calls a token that is not good (any more).
const DEAD: [&str; 4] = ["invalid_grant", "invalid_token", "token_revoked", "revoked"];
/// What it says of the request; nothing of these is about the token.
const REQUEST: [&str; 6] = [
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_request",
    "invalid_scope",
    "access_denied",
];
/// A server that asks for more is asked again all the same.
const LONGEST_WAIT: i64 = 3_600;

/// Asks a token endpoint with `grant_type=refresh_token`.
///
/// ```
/// use std::{path::Path, sync::Arc};
/// use exuvia_engine::tokens::{OAuth2, Pair, Refresher, Secret};
/// use exuvia_ports::{Response, SimHttp};
/// let http = Arc::new(SimHttp::new(|_| Ok(Response::new(201, r#"{"access_token": "a2", "refresh_token": "r2"}"#))));
/// let mut venue = OAuth2::new(http.clone(), "https://127.0.0.1/token")
///     .field("client_id", "app").secret_field("client_secret", Secret::new("s3cret"));
/// let pair = Pair::from_json(br#"{"access_token": "a1", "refresh_token": "r1"}"#, Path::new("token.json"))?;
/// assert_eq!(venue.refresh(&pair)?.access.expose(), "a2");
/// let body = String::from_utf8(http.requests()[0].body.clone())?;
/// assert_eq!(body, "grant_type=refresh_token&refresh_token=r1&client_id=app&client_secret=s3cret");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OAuth2 {
    http: Arc<dyn Http>,
    url: String,
    fields: Vec<(String, Secret)>,
    headers: Vec<(String, Secret)>,
}

impl OAuth2 {
    /// A client of the endpoint at `url`.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, url: &str) -> Self {
        Self { http, url: url.to_owned(), fields: Vec::new(), headers: Vec::new() }
    }

    /// With one more field of the form: `client_id`, `redirect_uri`.
    #[must_use]
    pub fn field(self, name: &str, value: &str) -> Self {
        self.secret_field(name, Secret::new(value))
    }

    /// With one more field that must not be seen: `client_secret`, `code_verifier`.
    #[must_use]
    pub fn secret_field(mut self, name: &str, value: Secret) -> Self {
        self.fields.push((name.to_owned(), value));
        self
    }

    /// With one more header: `Authorization: Basic …`.
    #[must_use]
    pub fn header(mut self, name: &str, value: Secret) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }
}

impl Refresher for OAuth2 {
    fn refresh(&mut self, pair: &Pair) -> Result<Renewal, RefreshError> {
        let Some(token) = &pair.refresh else {
            return Err(RefreshError::Refused { words: "the file has no refresh_token".to_owned() });
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose());
        form.extend_pairs(self.fields.iter().map(|(name, value)| (name, value.expose())));
        let mut request = Request::new("POST", &self.url)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Accept", "application/json")
            .body(form.finish());
        for (name, value) in &self.headers {
            request = request.header(name, value.expose());
        }
        let answer = self.http.send(&request);
        request.body.fill(0);
        read_answer(answer.as_ref())
    }
}

/// What an answer of a token endpoint means; for refreshers that make their own request.
///
/// # Errors
/// [`RefreshError`]; an error that has none of the words of OAuth 2 counts against the request, not the token.
pub fn read_answer(answer: Result<&Response, &HttpError>) -> Result<Renewal, RefreshError> {
    let response = answer.map_err(|error| match error {
        HttpError::NotAnswered { reason, .. } => RefreshError::NotAnswered { reason: reason.clone() },
        // Without the URL: some put a secret into its query.
        HttpError::NotSent { reason, .. } => RefreshError::NotSent { reason: reason.clone() },
        HttpError::NotTaped { at, .. } => RefreshError::NotSent { reason: format!("exchange {at} is not on the tape") },
    })?;
    let status = response.status;
    match status {
        200..=299 => Renewal::from_json(&response.body).map_err(|why| RefreshError::Nonsense { status, why }),
        429 => {
            let wait = response.header("Retry-After").and_then(|text| text.trim().parse::<i64>().ok());
            Err(RefreshError::Limited { retry_after: wait.map(|wait| wait.clamp(0, LONGEST_WAIT)) })
        }
        400..=499 => Err(refusal(status, &response.body)),
        500..=599 => Err(RefreshError::Server { status }),
        // A redirect, or something that speaks another language: whether the token was looked at is unknown.
        _ => Err(RefreshError::Nonsense { status, why: "it is neither a success nor an error".to_owned() }),
    }
}

/// Only words of the standard are repeated: what else a server says may be what it was sent.
fn refusal(status: u16, body: &[u8]) -> RefreshError {
    let said = Document::parse(body).and_then(|mut document| document.take_text("error")).ok().flatten();
    let said = said.as_ref().map(|said| said.expose().to_ascii_lowercase()).unwrap_or_default();
    if let Some(word) = DEAD.iter().find(|word| said == **word) {
        return RefreshError::Refused { words: (*word).to_owned() };
    }
    let words = REQUEST.iter().find(|word| said == **word).map_or("no word that OAuth 2 has for it", |word| *word);
    RefreshError::Denied { status, words: words.to_owned() }
}
