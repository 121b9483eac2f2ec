//! Login and refresh: what is sent, and what each answer becomes.

use exuvia_brokers::saxo::{
    App, AuthError, Bearer, Secret, Verifier, authorize_url, exchange_request, parse_token_answer, read_redirect,
    read_token, refresh_request,
};
use exuvia_model::SECOND;
use exuvia_ports::{HttpError, Response};

use crate::kit::{at, flat, header, lost, not_sent};

const TOKENS: &str = r#"{"access_token":"eyJhbGciOiJFUzI1NiJ9.x.y","token_type":"Bearer","expires_in":1200,
 "refresh_token":"0d5b2a1e-4c1d-4a55-9a31-6d1a2f7e0c11","refresh_token_expires_in":2400,"base_uri":null}"#;

fn app(secret: Option<&str>) -> App {
    App { key: "app/key".into(), secret: secret.map(Secret::new), redirect_uri: "http://localhost:7/cb?x=1".into() }
}

fn read(status: u16, body: &str) -> Result<exuvia_brokers::saxo::TokenPair, AuthError> {
    parse_token_answer(&Response::new(status, body.as_bytes()), at(0))
}

fn code(status: u16, body: &str) -> &'static str {
    read(status, body).unwrap_err().code()
}

#[test]
fn the_login_address_carries_the_challenge_and_never_the_verifier() {
    let verifier = Verifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    let plain = authorize_url("http://127.0.0.1/authorize", &app(None), "s&1", None);
    let start = "http://127.0.0.1/authorize?response_type=code&client_id=app%2Fkey&state=s%261";
    assert_eq!(plain, format!("{start}&redirect_uri=http%3A%2F%2Flocalhost%3A7%2Fcb%3Fx%3D1"));
    let challenge = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let url = authorize_url("http://127.0.0.1/authorize", &app(None), "s&1", Some(&verifier));
    assert_eq!(url, format!("{plain}&{challenge}"));
    assert!(!url.contains(verifier.reveal()));
}

#[test]
fn a_verifier_has_43_to_128_of_the_standards_letters_and_is_not_shown() {
    for (text, fits) in
        [("a".repeat(42), false), ("a".repeat(43), true), ("~".repeat(128), true), ("a".repeat(129), false)]
    {
        assert_eq!(Verifier::new(&text).is_ok(), fits, "{text}");
    }
    let error = Verifier::new(&"ö".repeat(30)).unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("60 characters")), ("bad_verifier", true));
    let random = Verifier::from_random(&[0xfb; 32]);
    assert_eq!((random.reveal().len(), &random.reveal()[..8]), (43, "-_v7-_v7"));
    assert_eq!(Verifier::new(random.reveal()).unwrap(), random);
    assert!(!format!("{random:?}").contains("-_v7"));
}

#[test]
fn a_redirect_gives_its_code_to_the_login_that_it_answers_and_to_no_other() {
    let read =
        |query: &str| read_redirect(&format!("http://localhost/cb{query}"), "s 1").map(|code| code.reveal().to_owned());
    assert_eq!(read("?code=a%2Bb&state=s+1#top"), Ok("a+b".to_owned()));
    assert_eq!(read("?code=ab%2&state=s%201"), Ok("ab%2".to_owned()), "what is no escape stays");
    assert_eq!(read("?code=ab&state=other").unwrap_err(), AuthError::State);
    assert_eq!(read("").unwrap_err().code(), "foreign_login");
    assert_eq!(read("?code=&state=s+1").unwrap_err().code(), "no_code");
    let declined = read("?error=access_denied&error_description=free%20text&state=s+1").unwrap_err();
    assert_eq!(declined, AuthError::Declined { error: "access_denied".into() });
    assert_eq!(declined.code(), "login_declined");
    let odd = read("?code=x&error=%3Cscript%3E&state=s+1").unwrap_err();
    assert_eq!(odd, AuthError::Declined { error: "-".into() }, "only the standard's words are repeated");
}

#[test]
fn the_token_requests_have_the_fields_of_their_flow_in_one_order() {
    let body = |request: exuvia_ports::Request| String::from_utf8(request.body).unwrap();
    let verifier = Verifier::new(&"v".repeat(43)).unwrap();
    let with_secret = exchange_request("http://127.0.0.1/token", &app(Some("a b")), &Secret::new("c=1"), None);
    assert_eq!(header(&with_secret, "Content-Type"), Some("application/x-www-form-urlencoded"));
    assert_eq!((with_secret.method.as_str(), with_secret.url.as_str()), ("POST", "http://127.0.0.1/token"));
    let redirect = "redirect_uri=http%3A%2F%2Flocalhost%3A7%2Fcb%3Fx%3D1&client_id=app%2Fkey";
    assert_eq!(body(with_secret), format!("grant_type=authorization_code&code=c%3D1&{redirect}&client_secret=a%20b"));
    let refresh = refresh_request("http://127.0.0.1/token", &app(None), &Secret::new("r1"), Some(&verifier));
    let kept = format!("code_verifier={}", "v".repeat(43));
    assert_eq!(body(refresh), format!("grant_type=refresh_token&refresh_token=r1&{redirect}&{kept}"));
}

#[test]
fn a_token_answer_of_any_2xx_is_a_pair_whose_ends_are_counted_from_the_request() {
    for status in [200, 201] {
        let pair = read(status, &flat(TOKENS)).unwrap();
        assert_eq!(pair.access.reveal(), "eyJhbGciOiJFUzI1NiJ9.x.y");
        assert_eq!(pair.refresh.unwrap().reveal(), "0d5b2a1e-4c1d-4a55-9a31-6d1a2f7e0c11");
        assert_eq!((pair.expires, pair.refresh_expires), (at(1200), Some(at(2400))));
    }
    let slow = read(200, r#"{"access_token":"a","expires_in":-3}"#).unwrap();
    assert_eq!((slow.expires, slow.refresh, slow.refresh_expires), (at(-3), None, None));
    assert_eq!(slow.access.bearer().unwrap().reveal(), "a");
    assert_eq!(at(1).0 - at(0).0, SECOND);
}

#[test]
fn an_answer_that_is_no_pair_says_what_is_wrong_with_it() {
    for (body, why) in [
        ("<html>", "not JSON"),
        ("{}", "no access_token"),
        (r#"{"access_token":"","expires_in":1}"#, "no access_token"),
        (r#"{"access_token":"ä","expires_in":1}"#, "no access_token"),
        (r#"{"access_token":"a","token_type":"mac","expires_in":1}"#, "not Bearer"),
        (r#"{"access_token":"a"}"#, "no expires_in"),
        (r#"{"access_token":"a","expires_in":"soon"}"#, "number of seconds"),
        (r#"{"access_token":"a","expires_in":1e3}"#, "number of seconds"),
        (r#"{"access_token":"a","expires_in":99999999999}"#, "number of seconds"),
        (r#"{"access_token":"a","expires_in":9,"refresh_token_expires_in":1.5}"#, "number of seconds"),
    ] {
        let error = read(200, body).unwrap_err();
        assert!(error.code() == "token_nonsense" && error.to_string().contains(why), "{body}: {error}");
    }
    assert_eq!(code(302, ""), "token_nonsense");
}

#[test]
fn a_spent_token_needs_a_login_and_an_outage_does_not() {
    for (status, body) in [(400, r#"{"error":"invalid_grant"}"#), (401, r#"{"error":"invalid_grant"}"#), (401, "")] {
        let error = read(status, body).unwrap_err();
        assert_eq!(error, AuthError::Revoked { status }, "{body}");
        assert!(error.needs_login() && error.code() == "token_revoked");
        assert!(error.to_string().contains("log in again"));
    }
    for (status, body, word) in [
        (400, r#"{"error":"invalid_client"}"#, "invalid_client"),
        (401, r#"{"error":"A B"}"#, "-"),
        (400, "<html>", "-"),
    ] {
        assert_eq!(read(status, body).unwrap_err(), AuthError::Refused { status, error: word.into() });
        assert_eq!(code(status, body), "token_refused");
    }
    for status in [500, 503] {
        let error = read(status, "").unwrap_err();
        assert_eq!((error.code(), error.needs_login()), ("token_server", false));
    }
    let limited = |after: Option<&str>| {
        let mut response = Response::new(429, "");
        response.headers.extend(after.map(|after| ("Retry-After".to_owned(), after.to_owned())));
        parse_token_answer(&response, at(0)).unwrap_err()
    };
    assert_eq!(limited(Some(" 7 ")), AuthError::Limited { seconds: Some(7) });
    assert!(limited(Some("7")).to_string().ends_with("(HTTP 429) for 7 s"));
    assert!(limited(None).to_string().ends_with("(HTTP 429)"));
    assert_eq!(limited(Some("later")).code(), "token_limited");
}

#[test]
fn a_refresh_without_an_answer_may_have_spent_the_token_and_one_that_never_left_has_not() {
    let lost = read_token(Err(lost()), at(0)).unwrap_err();
    assert_eq!((lost.code(), lost.needs_login()), ("token_unanswered", false));
    assert!(lost.to_string().contains("may be spent"));
    let not_sent = read_token(Err(not_sent()), at(0)).unwrap_err();
    assert_eq!(not_sent.code(), "token_not_sent");
    assert!(not_sent.to_string().contains("still good"));
    let taped = HttpError::NotTaped { method: "POST".into(), url: "u".into(), at: 0, expected: "has ended".into() };
    assert_eq!(read_token(Err(taped), at(0)).unwrap_err(), AuthError::NotSent { reason: "has ended".into() });
    assert!(read_token(Ok(Response::new(200, flat(TOKENS).as_bytes())), at(0)).is_ok());
}

#[test]
fn no_error_and_no_debug_text_holds_a_secret() {
    let pair = read(200, &flat(TOKENS)).unwrap();
    let shown = format!("{pair:?} {:?} {:?}", app(Some("hush")), Secret::new("hush"));
    assert!(!shown.contains("eyJ") && !shown.contains("0d5b") && !shown.contains("hush"), "{shown}");
    let echo = r#"{"error":"invalid_request","error_description":"token r-3f9 is bad","access_token":"r-3f9"}"#;
    for status in [200, 400, 401, 403, 500] {
        let error = read(status, echo).map(|_| ()).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("r-3f9"), "{error}");
    }
}
