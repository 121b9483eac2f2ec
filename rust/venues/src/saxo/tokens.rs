//! `POST /token`: authorization codes and refresh tokens in, bearer tokens out. Tokens are counters. A
//! refresh token works once; bearers do not run out, because the venue's clock runs faster than a client's.

use std::collections::BTreeSet;

use serde_json::json;

use super::http::{Request, Response};

#[derive(Debug, Clone, Default)]
pub(super) struct Tokens {
    issued: u64,
    bearers: BTreeSet<String>,
    refreshers: BTreeSet<String>,
}

impl Tokens {
    /// Whether an `Authorization` header names a bearer that this venue issued; the scheme has no case.
    pub(super) fn knows(&self, authorization: Option<&str>) -> bool {
        let Some((scheme, token)) = authorization.and_then(|text| text.trim().split_once(' ')) else { return false };
        scheme.eq_ignore_ascii_case("bearer") && self.bearers.contains(token.trim())
    }

    pub(super) fn grant(&mut self, request: &Request<'_>) -> Response {
        let refuse = |status, code: &str| Response::json(status, &json!({"error": code}));
        let form: Vec<_> = form_urlencoded::parse(request.body).collect();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
        match (field("grant_type"), field("code"), field("refresh_token")) {
            (Some("authorization_code"), Some(code), _) if !code.is_empty() => self.issue(),
            (Some("refresh_token"), _, Some(token)) => {
                if self.refreshers.remove(token) {
                    self.issue()
                } else {
                    refuse(401, "invalid_grant")
                }
            }
            (Some("authorization_code" | "refresh_token") | None, _, _) => refuse(400, "invalid_request"),
            _ => refuse(400, "unsupported_grant_type"),
        }
    }

    fn issue(&mut self) -> Response {
        self.issued += 1;
        let (bearer, refresher) = (format!("sim-access-{:06}", self.issued), format!("sim-refresh-{:06}", self.issued));
        let body = json!({
            "access_token": bearer, "token_type": "Bearer", "expires_in": 1200,
            "refresh_token": refresher, "refresh_token_expires_in": 2400, "base_uri": null,
        });
        self.bearers.insert(bearer);
        self.refreshers.insert(refresher);
        Response::json(201, &body)
    }
}
