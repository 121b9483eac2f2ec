//! A pair of tokens and its file: the JSON of an OAuth 2 answer with the instants added, which a keeper written in Python
//! reads and writes too. Members that are not known here are kept as they are.

use std::path::Path;

use exuvia_model::{SECOND, Time};

use super::document::{Document, object, quoted};
use super::{Secret, TokenError};

/// The version that this build writes and the newest that it reads; a file without one is version 1.
pub const TOKEN_VERSION: i64 = 1;
/// Seconds since 1970 beyond this are milliseconds by mistake: the year is 5138.
const LAST_SECOND: f64 = 1e11;

/// How the file writes an instant: as it was found, so that the program that reads it beside us goes on reading it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Form {
    /// Whole seconds since 1970.
    #[default]
    Seconds,
    /// Seconds since 1970 with decimals, as Python's `time.time()`.
    Decimals,
    /// ISO 8601.
    Text,
}

/// What a venue answers to a refresh.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// The new access token.
    pub access: Secret,
    /// The new refresh token; `None` if the old one stays good, or where there is none.
    pub refresh: Option<Secret>,
    /// Seconds that the access token lives.
    pub lifetime: Option<i64>,
    /// Seconds that the refresh token lives.
    pub refresh_lifetime: Option<i64>,
    /// Other members of the answer and their JSON.
    pub extra: Vec<(String, Secret)>,
}

impl Renewal {
    /// Reads the JSON of an OAuth 2 answer (RFC 6749, 5.1).
    ///
    /// ```
    /// use exuvia_engine::tokens::Renewal;
    /// let answer = br#"{"access_token": "a2", "refresh_token": "r2", "expires_in": 1200}"#;
    /// let renewal = Renewal::from_json(answer)?;
    /// assert_eq!((renewal.access.expose(), renewal.lifetime), ("a2", Some(1200)));
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong, without any value.
    pub fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let mut document = Document::parse(bytes)?;
        Ok(Self {
            access: document.take_text("access_token")?.ok_or("there is no access_token")?,
            refresh: document.take_text("refresh_token")?,
            lifetime: document.take_number("expires_in")?,
            refresh_lifetime: document.take_number("refresh_token_expires_in")?,
            extra: document.rest(),
        })
    }
}

/// An access token, the refresh token that gets the next one, and until when they are good.
#[derive(Debug, Clone)]
pub struct Pair {
    /// What a request is signed with.
    pub access: Secret,
    /// What the next pair is asked for with; `None` where the access token itself is renewed.
    pub refresh: Option<Secret>,
    /// Until when the access token is good.
    pub expires: Option<Time>,
    /// Until when the refresh token is good.
    pub refresh_expires: Option<Time>,
    /// When the pair was received.
    pub obtained: Option<Time>,
    /// The fencing token of the keeper that wrote it; `None` if another program did.
    pub fence: Option<u64>,
    /// The digest of the token that was spent for this pair.
    pub replaces: Option<String>,
    lifetimes: [Option<i64>; 2],
    form: Form,
    extra: Vec<(String, Secret)>,
}

impl Pair {
    /// A pair as a venue answered it at `now`, before there was a file: after a login.
    #[must_use]
    pub fn received(renewal: Renewal, now: Time) -> Self {
        let after = |seconds: Option<i64>| seconds.map(|seconds| later(now, seconds));
        Self {
            access: renewal.access,
            refresh: renewal.refresh,
            expires: after(renewal.lifetime),
            refresh_expires: after(renewal.refresh_lifetime),
            obtained: Some(now),
            fence: None,
            replaces: None,
            lifetimes: [renewal.lifetime, renewal.refresh_lifetime],
            form: Form::default(),
            extra: renewal.extra,
        }
    }

    /// The pair that takes this one's place: members that the answer has not are kept, an answer without a refresh token leaves
    /// the old one good (RFC 6749, 6).
    #[must_use]
    pub fn renewed(&self, renewal: Renewal, now: Time, fence: u64) -> Self {
        let mut next = Self::received(renewal, now);
        if next.refresh.is_none() {
            next.refresh.clone_from(&self.refresh);
            next.refresh_expires = next.refresh_expires.or(self.refresh_expires);
        }
        let mut extra = self.extra.clone();
        for (name, raw) in next.extra {
            extra.retain(|(known, _)| *known != name);
            extra.push((name, raw));
        }
        next.extra = extra;
        next.form = self.form;
        next.fence = Some(fence);
        next.replaces = (next.key() != self.key()).then(|| self.key());
        next
    }

    /// Takes over members of another file that this pair has not.
    pub(super) fn keep_members(&mut self, other: &Self) {
        for (name, raw) in &other.extra {
            if self.extra.iter().all(|(known, _)| known != name) {
                self.extra.push((name.clone(), raw.clone()));
            }
        }
        self.form = other.form;
    }

    /// The digest of what the next pair is asked for with.
    #[must_use]
    pub fn key(&self) -> String {
        self.refresh.as_ref().unwrap_or(&self.access).digest()
    }

    /// How many seconds the venue gave the access token when it was new.
    #[must_use]
    pub const fn lifetime(&self) -> Option<i64> {
        self.lifetimes[0]
    }

    /// Reads a token file; `path` is for the message.
    ///
    /// ```
    /// use std::path::Path;
    /// use exuvia_engine::tokens::Pair;
    /// let text = br#"{"access_token": "a", "refresh_token": "r", "expires_at": 1790000000.5, "user": "ann"}"#;
    /// let pair = Pair::from_json(text, Path::new("token.json"))?;
    /// assert_eq!(pair.expires.unwrap().to_string(), "2026-09-21T14:13:20.500000Z");
    /// assert!(pair.to_json().expose().contains("\"expires_at\": 1790000000.5,") && pair.to_json().expose().contains("\"user\": \"ann\""));
    /// # Ok::<(), exuvia_engine::tokens::TokenError>(())
    /// ```
    ///
    /// # Errors
    /// `Unreadable` naming the member, never its value; `Newer`.
    pub fn from_json(bytes: &[u8], path: &Path) -> Result<Self, TokenError> {
        let unreadable = |why: String| TokenError::Unreadable { what: "token file", path: path.to_path_buf(), why };
        let mut document = Document::parse(bytes).map_err(unreadable)?;
        match document.take_number("format_version").map_err(unreadable)? {
            Some(found) if found > TOKEN_VERSION => {
                let (path, known) = (path.to_path_buf(), TOKEN_VERSION);
                return Err(TokenError::Newer { what: "token file", path, found, known });
            }
            _ => {}
        }
        Self::taken(&mut document).map(|pair| Self { extra: document.rest(), ..pair }).map_err(unreadable)
    }

    fn taken(document: &mut Document) -> Result<Self, String> {
        let mut form = Form::default();
        let fence = document.take_number("fencing_token")?.map(u64::try_from);
        Ok(Self {
            access: document.take_text("access_token")?.ok_or("there is no access_token")?,
            refresh: document.take_text("refresh_token")?,
            refresh_expires: take_instant(document, "refresh_token_expires_at", &mut form)?,
            obtained: take_instant(document, "obtained_at", &mut form)?,
            // Last: the form of what other programs read above all.
            expires: take_instant(document, "expires_at", &mut form)?,
            fence: fence.transpose().map_err(|_| "fencing_token is negative")?,
            replaces: document.take_text("replaces")?.map(|digest| digest.expose().to_owned()),
            lifetimes: [document.take_number("expires_in")?, document.take_number("refresh_token_expires_in")?],
            form,
            extra: Vec::new(),
        })
    }

    /// The text of the file.
    #[must_use]
    pub fn to_json(&self) -> Secret {
        let number = |number: Option<i64>| number.map(|number| Secret::new(number.to_string()));
        let instant = |time: Option<Time>| time.map(|time| written(time, self.form));
        let known = [
            ("format_version", number(Some(TOKEN_VERSION))),
            ("access_token", Some(quoted(self.access.expose()))),
            ("refresh_token", self.refresh.as_ref().map(|token| quoted(token.expose()))),
            ("expires_in", number(self.lifetimes[0])),
            ("expires_at", instant(self.expires)),
            ("refresh_token_expires_in", number(self.lifetimes[1])),
            ("refresh_token_expires_at", instant(self.refresh_expires)),
            ("obtained_at", instant(self.obtained)),
            ("fencing_token", self.fence.map(|fence| Secret::new(fence.to_string()))),
            ("replaces", self.replaces.as_deref().map(quoted)),
        ];
        let known = known.iter().filter_map(|(name, raw)| raw.as_ref().map(|raw| (*name, raw)));
        object(known.chain(self.extra.iter().map(|(name, raw)| (name.as_str(), raw))))
    }
}

fn later(now: Time, seconds: i64) -> Time {
    Time(now.0.saturating_add(seconds.saturating_mul(SECOND)))
}

fn take_instant(document: &mut Document, name: &str, form: &mut Form) -> Result<Option<Time>, String> {
    let Some(raw) = document.take(name) else { return Ok(None) };
    let text = raw.expose();
    if let Some(iso) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        *form = Form::Text;
        // Python's `datetime.utcnow().isoformat()` says no zone and means UTC.
        let parsed = iso.parse().or_else(|_| format!("{iso}Z").parse());
        return parsed.map(Some).map_err(|_| format!("{name} is neither seconds since 1970 nor an ISO instant"));
    }
    match text.parse::<f64>() {
        Ok(seconds) if seconds.abs() < LAST_SECOND => {
            *form = if text.contains(['.', 'e', 'E']) { Form::Decimals } else { Form::Seconds };
            let whole = seconds.floor();
            let nanos = ((seconds - whole) * 1e6).round() as i64 * 1_000;
            Ok(Some(Time((whole as i64).saturating_mul(SECOND).saturating_add(nanos))))
        }
        Ok(_) => Err(format!("{name} is too large for seconds since 1970: are they milliseconds?")),
        Err(_) => Err(format!("{name} is neither seconds since 1970 nor an ISO instant")),
    }
}

fn written(time: Time, form: Form) -> Secret {
    let seconds = time.0.div_euclid(SECOND);
    match form {
        // Down, so that nobody believes in it longer than the venue.
        Form::Seconds => Secret::new(seconds.to_string()),
        Form::Decimals => {
            Secret::new(format!("{:?}", seconds as f64 + (time.0.rem_euclid(SECOND) / 1_000) as f64 / 1e6))
        }
        Form::Text => quoted(&time.to_string()),
    }
}
