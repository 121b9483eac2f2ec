//! OAuth 2 as pure requests and answers: the code flow with a secret or with PKCE, and the refresh, whose token is good for
//! one use. Who stores the new pair, and when to ask for it, is the token keeper's to say.
//!
//! RFC 6749 (OAuth 2), RFC 7636 (PKCE).

use std::fmt;

use exuvia_model::{SECOND, Time};
use exuvia_ports::{HttpError, Request, Response};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::http::{encoded, pairs};
use super::parse::parse;

/// Text that is shown to nobody: its `Debug` says only that it is there.
///
/// ```
/// use exuvia_brokers::saxo::Secret;
/// let secret = Secret::new("s3cret");
/// assert_eq!((format!("{secret:?}"), secret.reveal()), ("Secret(…)".to_owned(), "s3cret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to be sent or stored and nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// The registered application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its key, which is public.
    pub key: String,
    /// Its secret; none where PKCE stands in its place.
    pub secret: Option<Secret>,
    /// Where a login comes back to, as it was registered.
    pub redirect_uri: String,
}

/// The secret half of PKCE: 43 to 128 of `[A-Za-z0-9-._~]`. The same one goes with the exchange and with each refresh.
///
/// ```
/// use exuvia_brokers::saxo::Verifier;
/// // RFC 7636, appendix B.
/// let verifier = Verifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")?;
/// assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
/// # Ok::<(), exuvia_brokers::saxo::AuthError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier(Secret);

impl Verifier {
    /// A verifier of 32 random bytes, which a `ports::Random` gives.
    #[must_use]
    pub fn from_random(bytes: &[u8; 32]) -> Self {
        Self(Secret(base64url(bytes)))
    }

    /// A verifier that was kept.
    ///
    /// # Errors
    /// `Verifier` with its length, never with its text.
    pub fn new(text: &str) -> Result<Self, AuthError> {
        let known = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        let fits = known && (43..=128).contains(&text.len());
        fits.then(|| Self(Secret::new(text))).ok_or(AuthError::Verifier { length: text.len() })
    }

    /// The public half: base64url, without padding, of its SHA-256.
    #[must_use]
    pub fn challenge(&self) -> String {
        base64url(&Sha256::digest(self.0.reveal().as_bytes()))
    }

    /// The text, to be sent or stored and nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// What is wrong with a login or a token answer. No message holds a code, a token or the venue's free text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// A PKCE verifier that the standard does not have.
    #[error(
        "a PKCE verifier has 43 to 128 of A-Z a-z 0-9 - . _ ~; this one has {length} characters, or others among them"
    )]
    Verifier {
        /// Its length.
        length: usize,
    },
    /// The redirect answers another login than ours.
    #[error("the redirect's state is not the one that was sent: it answers another login; begin anew")]
    State,
    /// The user or the service declined.
    #[error("the login was not granted: {error}; begin anew, and check that the app may be used by this user")]
    Declined {
        /// The standard's word, such as `access_denied`.
        error: String,
    },
    /// The redirect has neither a code nor an error.
    #[error("the redirect has neither a code nor an error: it is not the answer to a login")]
    NoCode,
    /// The request never left.
    #[error("the token request was not sent: {reason}; the refresh token is still good, try again")]
    NotSent {
        /// What happened.
        reason: String,
    },
    /// The request left and nobody knows what became of it.
    #[error(
        "the token request was not answered: {reason}; a refresh token is good for one use and may be spent: try it once more, and log in again if it is refused"
    )]
    Unanswered {
        /// What happened.
        reason: String,
    },
    /// The code or refresh token is spent, expired or revoked.
    #[error(
        "the code or refresh token was refused (HTTP {status}): it was used, has expired or was revoked; log in again"
    )]
    Revoked {
        /// HTTP status.
        status: u16,
    },
    /// The request itself was refused.
    #[error(
        "the token request was refused (HTTP {status}, {error}): check key, secret and redirect address of the app"
    )]
    Refused {
        /// HTTP status.
        status: u16,
        /// The standard's word, such as `invalid_client`; `-` if there is none.
        error: String,
    },
    /// Too many requests.
    #[error("the token service asks to wait (HTTP 429){}", .seconds.map(|seconds| format!(" for {seconds} s")).unwrap_or_default())]
    Limited {
        /// Its `Retry-After`, if it gave one.
        seconds: Option<u32>,
    },
    /// The service is down: nothing is known of the token.
    #[error("the token service failed (HTTP {status}): try again; if the refresh token is refused then, log in again")]
    Server {
        /// HTTP status.
        status: u16,
    },
    /// An answer that is no token answer.
    #[error(
        "the token answer (HTTP {status}) cannot be used: {why}; try again, and if the refresh token is refused then, log in again"
    )]
    Nonsense {
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl AuthError {
    /// A word for programs; it stays the same when the sentence changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Verifier { .. } => "bad_verifier",
            Self::State => "foreign_login",
            Self::Declined { .. } => "login_declined",
            Self::NoCode => "no_code",
            Self::NotSent { .. } => "token_not_sent",
            Self::Unanswered { .. } => "token_unanswered",
            Self::Revoked { .. } => "token_revoked",
            Self::Refused { .. } => "token_refused",
            Self::Limited { .. } => "token_limited",
            Self::Server { .. } => "token_server",
            Self::Nonsense { .. } => "token_nonsense",
        }
    }

    /// Whether only a new login helps.
    #[must_use]
    pub const fn needs_login(&self) -> bool {
        matches!(self, Self::Revoked { .. })
    }
}

/// A pair of tokens, and until when each is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPair {
    /// Goes with each request.
    pub access: Secret,
    /// When it ends; may be before it came.
    pub expires: Time,
    /// Buys the next pair, once; store it before the new pair is used.
    pub refresh: Option<Secret>,
    /// When it ends, where the answer says so.
    pub refresh_expires: Option<Time>,
}

/// The address that a user opens to log in. `state` is opaque and comes back; `verifier` makes it PKCE.
#[must_use]
pub fn authorize_url(authorize: &str, app: &App, state: &str, verifier: Option<&Verifier>) -> String {
    let mut fields = vec![
        ("response_type", "code".to_owned()),
        ("client_id", app.key.clone()),
        ("state", state.to_owned()),
        ("redirect_uri", app.redirect_uri.clone()),
    ];
    if let Some(verifier) = verifier {
        fields.push(("code_challenge", verifier.challenge()));
        fields.push(("code_challenge_method", "S256".to_owned()));
    }
    format!("{authorize}?{}", form(&fields))
}

/// Reads the code from the address that a login came back to.
///
/// # Errors
/// `State` if it answers another login, `Declined`, `NoCode`.
pub fn read_redirect(url: &str, state: &str) -> Result<Secret, AuthError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let fields = pairs(query);
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if field("state") != Some(state) {
        return Err(AuthError::State);
    }
    match (field("code").filter(|code| !code.is_empty()), field("error")) {
        (Some(code), None) => Ok(Secret::new(code)),
        (_, Some(error)) => Err(AuthError::Declined { error: word(error) }),
        (None, None) => Err(AuthError::NoCode),
    }
}

/// The request that turns a code into a pair of tokens.
#[must_use]
pub fn exchange_request(token: &str, app: &App, code: &Secret, verifier: Option<&Verifier>) -> Request {
    request(token, "authorization_code", ("code", code), app, verifier)
}

/// The request that turns a refresh token into the next pair. It is good for one use: do not send it twice at once.
#[must_use]
pub fn refresh_request(token: &str, app: &App, refresh: &Secret, verifier: Option<&Verifier>) -> Request {
    request(token, "refresh_token", ("refresh_token", refresh), app, verifier)
}

fn request(token: &str, grant: &str, what: (&'static str, &Secret), app: &App, verifier: Option<&Verifier>) -> Request {
    let mut fields = vec![
        ("grant_type", grant.to_owned()),
        (what.0, what.1.reveal().to_owned()),
        ("redirect_uri", app.redirect_uri.clone()),
        ("client_id", app.key.clone()),
    ];
    fields.extend(app.secret.iter().map(|secret| ("client_secret", secret.reveal().to_owned())));
    fields.extend(verifier.map(|verifier| ("code_verifier", verifier.reveal().to_owned())));
    Request::new("POST", token)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Accept", "application/json")
        .body(form(&fields))
}

/// Reads what came of a token request, `received` being the time at which it was sent: the tokens' ends are counted from it.
///
/// # Errors
/// Every [`AuthError`] that an answer can be; [`AuthError::needs_login`] tells those apart that only a new login mends.
pub fn read_token(answer: Result<Response, HttpError>, received: Time) -> Result<TokenPair, AuthError> {
    match answer {
        Ok(response) => parse_token_answer(&response, received),
        Err(HttpError::NotAnswered { reason, .. }) => Err(AuthError::Unanswered { reason }),
        Err(HttpError::NotSent { reason, .. }) => Err(AuthError::NotSent { reason }),
        Err(HttpError::NotTaped { expected, .. }) => Err(AuthError::NotSent { reason: expected }),
    }
}

/// Reads a token answer: any 2xx with tokens in it.
///
/// # Errors
/// As [`read_token`].
pub fn parse_token_answer(response: &Response, received: Time) -> Result<TokenPair, AuthError> {
    let status = response.status;
    let body = parse(&response.body);
    let nonsense = |why| AuthError::Nonsense { status, why };
    match status {
        200..=299 => {}
        400 | 401 => {
            let error = body.ok().and_then(|body| body.text("error").map(word));
            return Err(match error {
                Some(error) if error != "invalid_grant" => AuthError::Refused { status, error },
                None if status == 400 => AuthError::Refused { status, error: "-".to_owned() },
                _ => AuthError::Revoked { status },
            });
        }
        429 => {
            let seconds = response.header("Retry-After").and_then(|text| text.trim().parse().ok());
            return Err(AuthError::Limited { seconds });
        }
        500..=599 => return Err(AuthError::Server { status }),
        _ => return Err(nonsense("its status is none that a token service gives")),
    }
    let body = body.map_err(|_| nonsense("it is not JSON"))?;
    let secret = |name: &str| body.text(name).filter(|text| !text.is_empty() && text.is_ascii()).map(Secret::new);
    let access = secret("access_token").ok_or_else(|| nonsense("it has no access_token"))?;
    if body.text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(nonsense("its token_type is not Bearer"));
    }
    let until = |name: &str| match body.get(name) {
        None => Ok(None),
        Some(value) => {
            let seconds = value.whole().filter(|seconds| (-31_536_000..=31_536_000).contains(seconds));
            let seconds = seconds.ok_or_else(|| nonsense("the life of a token is no number of seconds"))?;
            Ok(Some(Time(received.0.saturating_add(seconds * SECOND))))
        }
    };
    let expires = until("expires_in")?.ok_or_else(|| nonsense("it has no expires_in"))?;
    Ok(TokenPair {
        access,
        expires,
        refresh: secret("refresh_token"),
        refresh_expires: until("refresh_token_expires_in")?,
    })
}

/// The tokens' holder, as the adapter sees it: the token of this moment, without a request.
pub trait Bearer: fmt::Debug + Send + Sync {
    /// The access token; `None` if there is none that is good.
    fn bearer(&self) -> Option<Secret>;
}

/// A token that is given once, such as the portal's token of 24 hours.
impl Bearer for Secret {
    fn bearer(&self) -> Option<Secret> {
        Some(self.clone())
    }
}

/// An error word of the standard, and nothing that could be more than one.
fn word(text: &str) -> String {
    let plain = (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if plain { text.to_owned() } else { "-".to_owned() }
}

fn form(fields: &[(&str, String)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

/// Base64 with the alphabet of URLs, without padding (RFC 4648, 5).
fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.extend(LETTERS.get(word >> (18 - 6 * place) & 63).copied().map(char::from));
        }
    }
    text
}
