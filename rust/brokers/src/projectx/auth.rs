//! The token: login by key, renewal before its end, one new login after a 401. A login that was refused is not tried again at
//! once, and a renewal that fails does not keep an order from leaving while the old token lives.

use exuvia_model::{MINUTE, Time};

use super::codes::Table;
use super::http::{Call, Came};
use super::json::{Body, Node};
use super::{ProjectX, ProjectXError, Secret};

const LOGIN: Call = Call::order("Auth/loginKey", Table::Login);
const VALIDATE: Call = Call::order("Auth/validate", Table::Validate);
const LOGOUT: Call = Call::order("Auth/logout", Table::Logout);
/// How long after a renewal that brought no new token the next one is tried.
const AGAIN: i64 = 5 * MINUTE;

/// The token and its age.
#[derive(Debug, Default)]
pub(super) struct Session {
    token: Option<Secret>,
    issued: Time,
    /// When it was last tried to renew it.
    tried: Option<Time>,
    /// When a login was refused, and how.
    refused: Option<(Time, String)>,
}

impl Session {
    pub fn forget(&mut self) {
        self.token = None;
    }

    pub fn take(&mut self, token: Secret, issued: Time) {
        *self = Self { token: Some(token), issued, ..Self::default() };
    }

    /// `words` without the token.
    pub fn hide(&self, words: &str) -> String {
        self.token.as_ref().map_or_else(|| words.to_owned(), |token| token.out_of(words))
    }

    pub fn refuse(&mut self, now: Time, why: String) {
        self.refused = Some((now, why));
    }
}

impl ProjectX {
    /// Logs in with the key of the configuration. Calls do this themselves when they need a token.
    ///
    /// # Errors
    /// `Refused` with the code and what to do about it; `NotSent` for a while after that; what else can come of a call.
    pub fn login(&mut self, now: Time) -> Result<(), ProjectXError> {
        let config = &self.config;
        if let Some((since, why)) = &self.session.refused {
            let past = now.0.saturating_sub(since.0);
            if (0..config.login_pause).contains(&past) {
                let why = format!("{why}; nobody logs in again for a while, so that the account is not locked");
                return Err(ProjectXError::NotSent { call: LOGIN.name, why, wait: config.login_pause - past });
            }
        }
        self.session.refused = None;
        let body = Body::new().text("userName", &config.user_name).text("apiKey", config.api_key.text()).end();
        let came = self.wire.ask(LOGIN, body, None, &[&config.api_key], now);
        if let Err(ProjectXError::Refused(refusal)) = &came {
            let why = format!("the login was refused with {refusal}: check user name, key and API subscription");
            self.session.refuse(now, why);
        }
        let Came::Answer(node) = came? else {
            let why = "the login was refused with HTTP 401: check user name and key".to_owned();
            self.session.refuse(now, why.clone());
            return Err(ProjectXError::NotSent { call: LOGIN.name, why, wait: self.config.login_pause });
        };
        let why = || "it succeeded without a token".to_owned();
        let token = token_in(&node, "token");
        let token = token.ok_or_else(|| ProjectXError::Unknown { call: LOGIN.name, why: why() })?;
        self.session.take(token, now);
        Ok(())
    }

    /// Takes a token that somebody else was given, such as a token keeper.
    pub fn adopt(&mut self, token: Secret, issued: Time) {
        self.session.take(token, issued);
    }

    /// Asks whether the token is still good and takes the new one, if there is one; says whether there was.
    ///
    /// # Errors
    /// `Refused`, or `NotSent` after a 401, if it is not: the next call logs in then. `Unfit` without a token.
    pub fn validate(&mut self, now: Time) -> Result<bool, ProjectXError> {
        let none = || ProjectXError::unfit(VALIDATE.name, "there is no token yet: log in first");
        let token = self.session.token.clone().ok_or_else(none)?;
        self.session.tried = Some(now);
        let hidden = [&self.config.api_key, &token];
        let came = self.wire.ask(VALIDATE, Vec::new(), Some(&token), &hidden, now);
        if matches!(came, Err(ProjectXError::Refused(_)) | Ok(Came::Unauthorised)) {
            self.session.forget();
        }
        let Came::Answer(node) = came? else {
            let why = "HTTP 401, the token is no good any more: the next call logs in".to_owned();
            return Err(ProjectXError::NotSent { call: VALIDATE.name, why, wait: 0 });
        };
        let renewed = token_in(&node, "newToken");
        let is_new = renewed.is_some();
        if let Some(renewed) = renewed {
            self.session.take(renewed, now);
        }
        Ok(is_new)
    }

    /// Gives the token back; the next call would log in again.
    ///
    /// # Errors
    /// As any call; the token is forgotten all the same.
    pub fn logout(&mut self, now: Time) -> Result<(), ProjectXError> {
        let Some(token) = self.session.token.take() else { return Ok(()) };
        let hidden = [&self.config.api_key, &token];
        self.wire.ask(LOGOUT, Vec::new(), Some(&token), &hidden, now).map(drop)
    }

    /// A token that lives at `now`.
    pub(super) fn token(&mut self, now: Time) -> Result<Secret, ProjectXError> {
        let (life, margin) = (self.config.token_life, self.config.token_margin);
        let age = now.0.saturating_sub(self.session.issued.0);
        if age >= life {
            self.session.forget();
        }
        let tried = self.session.tried.is_some_and(|tried| (0..AGAIN).contains(&now.0.saturating_sub(tried.0)));
        if age >= life - margin && !tried && self.session.token.is_some() {
            // What fails here is tried again, and at the latest the login says so.
            drop(self.validate(now));
        }
        if self.session.token.is_none() {
            self.login(now)?;
        }
        self.session.token.clone().ok_or_else(|| ProjectXError::unfit(LOGIN.name, "there is no token"))
    }

    /// Asks with a token; after a 401 once more with that of a new login.
    pub(super) fn call(&mut self, call: Call, body: Vec<u8>, now: Time) -> Result<Node, ProjectXError> {
        for _ in 0..2 {
            // Whatever became of a login: the request itself did not leave.
            let token = self.token(now).map_err(|error| {
                let wait = if let ProjectXError::NotSent { wait, .. } = error { wait } else { 0 };
                ProjectXError::NotSent { call: call.name, why: format!("there is no token, {error}"), wait }
            })?;
            let hidden = [&self.config.api_key, &token];
            match self.wire.ask(call, body.clone(), Some(&token), &hidden, now)? {
                Came::Answer(node) => return Ok(node),
                Came::Unauthorised => self.session.forget(),
            }
        }
        let why = "HTTP 401 also with the token of a new login: is the API subscription still paid?".to_owned();
        self.session.refuse(now, why.clone());
        Err(ProjectXError::NotSent { call: call.name, why, wait: self.config.login_pause })
    }
}

/// The token in an answer; an empty one is none.
fn token_in(node: &Node, field: &str) -> Option<Secret> {
    node.get(field).and_then(Node::text).filter(|text| !text.is_empty()).map(Secret::new)
}
