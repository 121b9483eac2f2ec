//! The refresh of OAuth 2: what is sent, and what each answer means.

use std::path::Path;
use std::sync::Arc;

use exuvia_engine::tokens::{OAuth2, Pair, RefreshError, Refresher, Renewal, Secret, read_answer};
use exuvia_ports::{HttpError, Request, Response, SimHttp, TapedHttp};

fn pair() -> Pair {
    Pair::from_json(br#"{"access_token":"a1","refresh_token":"r 1&x"}"#, Path::new("t.json")).unwrap()
}

fn answered(status: u16, body: &'static str) -> Result<Renewal, RefreshError> {
    let http = Arc::new(SimHttp::new(move |_| Ok(Response::new(status, body))));
    OAuth2::new(http, "https://127.0.0.1/token").refresh(&pair())
}

#[test]
fn a_form_is_sent_with_its_fields_encoded_and_its_headers() {
    let http = Arc::new(SimHttp::new(|_| Ok(Response::new(200, r#"{"access_token":"a2"}"#))));
    let mut venue = OAuth2::new(http.clone(), "https://127.0.0.1/token")
        .field("redirect_uri", "http://localhost/back?x=1")
        .header("Authorization", Secret::new("Basic s3cret"));
    assert!(venue.is_single_use());
    venue.refresh(&pair()).unwrap();
    let request = &http.requests()[0];
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://127.0.0.1/token"));
    let body = "grant_type=refresh_token&refresh_token=r+1%26x&redirect_uri=http%3A%2F%2Flocalhost%2Fback%3Fx%3D1";
    assert_eq!(String::from_utf8(request.body.clone()).unwrap(), body);
    let header = |name: &str| request.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(header("Content-Type"), Some("application/x-www-form-urlencoded"));
    assert_eq!((header("Authorization"), header("Accept")), (Some("Basic s3cret"), Some("application/json")));
    assert!(!format!("{venue:?}").contains("s3cret"), "{venue:?}");
}

#[test]
fn only_the_words_of_a_dead_token_kill_it() {
    for body in [
        r#"{"error":"invalid_grant","error_description":"r1 is spent"}"#,
        r#"{"error":"INVALID_GRANT"}"#,
        r#"{"error":"invalid_token"}"#,
        r#"{"error":"token_revoked"}"#,
        r#"{"error":"revoked"}"#,
    ] {
        for status in [400, 401, 403] {
            let error = answered(status, body).unwrap_err();
            assert!(matches!(error, RefreshError::Refused { .. }) && error.is_unauthorized(), "{error}");
            assert!(
                !error.may_have_rotated() && error.code() == "refused" && !error.to_string().contains("spent"),
                "{error}"
            );
        }
    }
    for (status, body, words) in [
        (401, "", "no word that OAuth 2 has for it"),
        (400, "<html>r1</html>", "no word that OAuth 2 has for it"),
        (401, r#"{"error":"invalid_client"}"#, "invalid_client"),
        (400, r#"{"error":"unsupported_grant_type"}"#, "unsupported_grant_type"),
        (403, r#"{"error":"access_denied"}"#, "access_denied"),
        (404, r#"{"error":"r1 was not found"}"#, "no word that OAuth 2 has for it"),
        (400, r#"{"error":["invalid_grant"]}"#, "no word that OAuth 2 has for it"),
    ] {
        let error = answered(status, body).unwrap_err();
        assert_eq!(error, RefreshError::Denied { status, words: words.to_owned() }, "{body}");
        assert_eq!((error.is_unauthorized(), error.may_have_rotated(), error.code()), (status == 401, false, "denied"));
    }
}

#[test]
fn an_answer_that_may_hide_a_new_pair_is_a_doubt() {
    for (status, body, code) in [
        (500, "", "server"),
        (503, "busy", "server"),
        (200, "", "nonsense"),
        (201, "<html>", "nonsense"),
        (200, "{\"access_token\":\"a2", "nonsense"),
        (200, "{\"refresh_token\":\"r2\"}", "nonsense"),
        (200, "{\"access_token\":\"a2\",\"refresh_token\":7}", "nonsense"),
        (200, "{\"access_token\":\"a2\",\"expires_in\":\"soon\"}", "nonsense"),
        (200, "{\"access_token\":\"a2\",\"refresh_token_expires_in\":[]}", "nonsense"),
        (302, "", "nonsense"),
        (101, "", "nonsense"),
    ] {
        let error = answered(status, body).unwrap_err();
        assert!(
            error.may_have_rotated() && error.code() == code && !error.is_unauthorized(),
            "{status} {body}: {error}"
        );
        assert!(!error.to_string().contains("a2"), "{error}");
    }
}

#[test]
fn a_wait_that_is_asked_for_is_taken_within_bounds() {
    for (header, wait) in [
        (Some("30"), Some(30)),
        (Some(" 7 "), Some(7)),
        (Some("99999"), Some(3_600)),
        (Some("-4"), Some(0)),
        (Some("Wed, 21 Oct"), None),
        (None, None),
    ] {
        let mut response = Response::new(429, "");
        response.headers.extend(header.map(|header| ("retry-after".to_owned(), header.to_owned())));
        let error = read_answer(Ok(&response)).unwrap_err();
        assert_eq!(error, RefreshError::Limited { retry_after: wait });
        assert_eq!((error.may_have_rotated(), error.code()), (false, "limited"));
        assert_eq!(error.to_string().contains("after"), wait.is_some(), "{error}");
    }
}

#[test]
fn what_did_not_leave_is_told_apart_from_what_was_not_answered_and_neither_repeats_the_url() {
    let (method, url, reason) =
        ("POST".to_owned(), "https://127.0.0.1/token?secret=s3cret".to_owned(), "reset".to_owned());
    let lost = HttpError::NotAnswered { method: method.clone(), url: url.clone(), reason: reason.clone() };
    let kept = HttpError::NotSent { method, url, reason };
    let lost = read_answer(Err(&lost)).unwrap_err();
    let kept = read_answer(Err(&kept)).unwrap_err();
    assert_eq!(
        (lost.code(), lost.may_have_rotated(), kept.code(), kept.may_have_rotated()),
        ("not_answered", true, "not_sent", false)
    );
    assert_eq!(lost.to_string(), "the request was sent and not answered: reset");
    assert_eq!(kept.to_string(), "the request was not sent: reset");
    let tape = TapedHttp::new([(Request::new("GET", "http://127.0.0.1"), Response::new(200, ""))]);
    let error = OAuth2::new(Arc::new(tape), "https://127.0.0.1/token").refresh(&pair()).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string()),
        ("not_sent", "the request was not sent: exchange 0 is not on the tape".to_owned())
    );
}

#[test]
fn without_a_refresh_token_nothing_is_sent() {
    let http = Arc::new(SimHttp::new(|_| Ok(Response::new(200, ""))));
    let pair = Pair::from_json(br#"{"access_token":"a1"}"#, Path::new("t.json")).unwrap();
    let error = OAuth2::new(http.clone(), "https://127.0.0.1/token").refresh(&pair).unwrap_err();
    assert_eq!((error.code(), http.requests().len()), ("refused", 0));
    assert!(error.to_string().contains("the file has no refresh_token"), "{error}");
}
