//! The trading mode: nothing goes live by accident.

use std::path::Path;

use exuvia_execution::trading_mode::{
    Approval, ApprovalError, Digest, LivePermit, LiveRequest, Mode, ModeError, Modes, NotLive, Route, Way,
};
use exuvia_model::Time;
use exuvia_ports::{Create, Files, SimFault, SimFiles, Survives};

const MODES: &str = r#"{"format": 1, "accounts": {"U1": "live", "U2": "paper", "U3": "research"}}"#;

fn modes_path() -> &'static Path {
    Path::new("/modes.json")
}

fn path() -> &'static Path {
    Path::new("/U1.approval")
}

fn write(files: &SimFiles, path: &Path, text: &str) {
    files.create(path, Create::default()).unwrap().write(text.as_bytes()).unwrap();
}

/// A configuration, and an approval of it from 100 to 200.
fn installed() -> (SimFiles, Modes, Digest, Approval) {
    let files = SimFiles::new();
    write(&files, modes_path(), MODES);
    let (modes, configuration) = Modes::read(&files, modes_path()).unwrap();
    let (account, person) = ("U1".into(), "Ada".into());
    let approval = Approval { format: 1, account, person, approved: Time(100), expires: Time(200), configuration };
    approval.record(&files, path()).unwrap();
    (files, modes, configuration, approval)
}

fn refused(files: &SimFiles, request: &LiveRequest<'_>) -> (&'static str, String) {
    let error = LivePermit::verify(files, path(), request).unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn a_new_installation_is_in_research_and_so_is_an_account_that_is_not_named() {
    let (modes, _) = Modes::read(&SimFiles::new(), modes_path()).unwrap();
    assert_eq!((modes.of("U1"), modes.iter().count(), Mode::default()), (Mode::Research, 0, Mode::Research));
    let (_, modes, ..) = installed();
    assert_eq!(
        ["U1", "U2", "U3", "U4"].map(|account| modes.of(account)),
        [Mode::Live, Mode::Paper, Mode::Research, Mode::Research]
    );
    assert_eq!(modes.iter().next(), Some(("U1", Mode::Live)));
    for mode in [Mode::Research, Mode::Paper, Mode::Live] {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    assert!("Live".parse::<Mode>().unwrap_err().to_string().contains("research, paper, live"));
}

#[test]
fn modes_that_cannot_be_read_are_an_error_that_shows_how_they_are_written() {
    for (text, says) in [
        ("live", "expected value"),
        (r#"{"format": 1, "accounts": {"U1": "LIVE"}}"#, "LIVE"),
        (r#"{"format": 2, "accounts": {}}"#, "format 2"),
        (r#"{"format": 1, "accounts": {}, "mode": "live"}"#, "mode"),
    ] {
        let files = SimFiles::new();
        write(&files, modes_path(), text);
        let error = Modes::read(&files, modes_path()).unwrap_err();
        assert_eq!(error.code(), "unreadable_modes");
        assert!(error.to_string().contains(says) && error.to_string().contains("\"accounts\""), "{error}");
    }
    let files = SimFiles::new();
    files.create_dir_all(modes_path()).unwrap();
    let error = Modes::read(&files, modes_path()).unwrap_err();
    assert!(matches!(error, ModeError::Files(_)) && error.code() == "files");
}

#[test]
fn live_needs_the_configuration_and_the_flag_and_the_approval() {
    let (files, modes, configuration, _) = installed();
    let request = LiveRequest { account: "U1", modes: &modes, flag: true, configuration, now: Time(150) };
    let permit = LivePermit::verify(&files, path(), &request).unwrap();
    assert_eq!((permit.account(), permit.person(), permit.expires()), ("U1", "Ada", Time(200)));
    for (request, code, says) in [
        (LiveRequest { account: "U2", ..request }, "not_configured_live", "configured for paper"),
        (LiveRequest { account: "U9", ..request }, "not_configured_live", "configured for research"),
        (LiveRequest { flag: false, ..request }, "no_live_flag", "--live was not given"),
        (LiveRequest { now: Time(99), ..request }, "approval_out_of_time", "now is 1970"),
        (LiveRequest { now: Time(200), ..request }, "approval_out_of_time", "until 1970"),
        (
            LiveRequest { configuration: Digest::of(b"other"), ..request },
            "approval_of_other_configuration",
            "have the change approved",
        ),
    ] {
        let (found, text) = refused(&files, &request);
        assert_eq!(found, code);
        assert!(text.contains(says) && text.contains(request.account), "{text}");
    }
    for now in [100, 199] {
        assert!(LivePermit::verify(&files, path(), &LiveRequest { now: Time(now), ..request }).is_ok(), "{now}");
    }
}

#[test]
fn an_approval_of_another_account_or_one_that_cannot_be_read_permits_nothing() {
    let (files, modes, configuration, approval) = installed();
    let request = LiveRequest { account: "U1", modes: &modes, flag: true, configuration, now: Time(150) };
    Approval { account: "U7".into(), ..approval.clone() }.record(&files, path()).unwrap();
    let (code, text) = refused(&files, &request);
    assert_eq!(code, "approval_of_other_account");
    assert!(text.contains("U7") && text.contains("Ada"), "{text}");
    Approval { format: 2, ..approval }.record(&files, path()).unwrap();
    let (code, text) = refused(&files, &request);
    assert_eq!((code, text.contains("format 2")), ("no_approval", true));
    for bad in ["", "yes", r#"{"format":1,"account":"U1","person":"Ada"}"#] {
        write(&files, path(), bad);
        assert_eq!(refused(&files, &request).0, "no_approval", "{bad}");
    }
    files.remove(path()).unwrap();
    let (code, text) = refused(&files, &request);
    assert_eq!(code, "no_approval");
    assert!(text.contains("no such file") && text.contains("/U1.approval"), "{text}");
}

#[test]
fn an_approval_says_who_and_until_when_and_is_durable_and_private() {
    let (files, modes, configuration, approval) = installed();
    for bad in [
        Approval { person: " ".into(), ..approval.clone() },
        Approval { account: String::new(), ..approval.clone() },
        Approval { expires: Time(100), ..approval.clone() },
    ] {
        assert!(matches!(bad.record(&files, path()), Err(ApprovalError::Incomplete(_))), "{bad:?}");
    }
    files.power_on(Survives::Nothing);
    write(&files, modes_path(), MODES);
    let request = LiveRequest { account: "U1", modes: &modes, flag: true, configuration, now: Time(150) };
    assert!(LivePermit::verify(&files, path(), &request).is_ok(), "it was durable");
    files.fault_at(files.operations(), SimFault::Error);
    let error = Approval { expires: Time(900), ..approval }.record(&files, path()).unwrap_err();
    assert!(error.to_string().contains("could not be recorded"), "{error}");
    assert_eq!(LivePermit::verify(&files, path(), &request).unwrap().expires(), Time(200), "the old one stands");
}

#[test]
fn every_status_says_where_orders_go_and_a_permit_ends_when_it_ends() {
    let (files, modes, configuration, _) = installed();
    let request = LiveRequest { account: "U1", modes: &modes, flag: true, configuration, now: Time(150) };
    let permit = LivePermit::verify(&files, path(), &request).unwrap();
    assert_eq!(permit.holds("U1", configuration, Time(199)), Ok(()));
    assert!(matches!(permit.holds("U1", configuration, Time(200)), Err(NotLive::OutOfTime { .. })));
    assert!(matches!(permit.holds("U2", configuration, Time(150)), Err(NotLive::OtherAccount { .. })));
    let mut routes = [Route::<u8, u8>::Research, Route::Paper(1), Route::Live(2, permit)];
    assert_eq!(routes.each_ref().map(Route::mode), [Mode::Research, Mode::Paper, Mode::Live]);
    let [research, paper, live] = routes.each_ref().map(|route| route.status("U1"));
    assert_eq!(research, "account U1: research (decides and records, nothing is sent)");
    assert_eq!(paper, "account U1: paper (orders go to a simulated exchange)");
    assert!(
        live.starts_with("account U1: LIVE (orders go to the venue, with money; approved by Ada until 1970-01-01"),
        "{live}"
    );
    assert!(!research.contains("LIVE") && !paper.contains("LIVE"));
    let [research, paper, live] = &mut routes;
    let closed = research.way("U1", configuration, Time(150)).unwrap_err();
    assert_eq!((closed.code(), closed.to_string().contains("nothing is sent")), ("research", true));
    assert_eq!(paper.way("U1", Digest::of(b"other"), Time(900)), Ok(Way::Paper(&mut 1)));
    assert_eq!(live.way("U1", configuration, Time(199)), Ok(Way::Live(&mut 2)));
    for (account, configuration, now, code) in [
        ("U1", configuration, 200, "approval_out_of_time"),
        ("U1", Digest::of(b"other"), 150, "approval_of_other_configuration"),
        ("U2", configuration, 150, "approval_of_other_account"),
    ] {
        assert_eq!(live.way(account, configuration, Time(now)).unwrap_err().code(), code);
    }
}

#[test]
fn a_digest_is_of_every_byte_and_is_read_as_it_is_shown() {
    let digest = Digest::of(MODES.as_bytes());
    assert_eq!(digest.to_string().parse(), Ok(digest));
    assert_ne!(Digest::of(MODES.replace("U3", "U4").as_bytes()), digest);
    for bad in ["", "ab", &"g".repeat(64), &format!("{digest}0"), &format!("{digest}é")] {
        assert!(bad.parse::<Digest>().unwrap_err().to_string().contains("64 digits"), "{bad}");
    }
}
