//! The formats: what a legacy keeper writes is read, what it knows is kept, what is wrong is named without its value.

use std::path::Path;
use std::sync::Arc;

use exuvia_engine::tokens::{Pair, Paths, Renewal, Secret, Settings, TokenError, Tokens, read_status};
use exuvia_model::{HOUR, MINUTE, SECOND, Time};
use exuvia_net::{SystemEnvironment, SystemFiles};
use exuvia_ports::{Create, Files, SimEnvironment, SimFiles};

use crate::kit::{START, World, put};

fn parsed(text: &str) -> Result<Pair, TokenError> {
    Pair::from_json(text.as_bytes(), Path::new("t.json"))
}

fn with(member: &str) -> String {
    format!("{{\"access_token\": \"a\", {member}}}")
}

#[test]
fn an_instant_is_read_in_every_form_that_legacy_writes_and_written_back_in_the_same() {
    for (written, read, back) in [
        ("1790000000", START * SECOND, "1790000000"),
        ("1790000000.5", START * SECOND + SECOND / 2, "1790000000.5"),
        ("1790000000.123457", START * SECOND + 123_457_000, "1790000000.123457"),
        ("1790000000.0", START * SECOND, "1790000000.0"),
        ("1.79e9", START * SECOND, "1790000000.0"),
        ("-1.25", -SECOND - SECOND / 4, "-1.25"),
        ("\"2026-09-21T14:13:20Z\"", START * SECOND, "\"2026-09-21T14:13:20.000000Z\""),
        ("\"2026-09-21T16:13:20.25+02:00\"", START * SECOND + SECOND / 4, "\"2026-09-21T14:13:20.250000Z\""),
        ("\"2026-09-21T14:13:20.123456\"", START * SECOND + 123_456_000, "\"2026-09-21T14:13:20.123456Z\""),
    ] {
        let pair = parsed(&with(&format!("\"expires_at\": {written}"))).unwrap();
        assert_eq!(pair.expires, Some(Time(read)), "{written}");
        assert!(pair.to_json().expose().contains(&format!("\"expires_at\": {back}\n")), "{}", pair.to_json().expose());
        assert_eq!(parsed(pair.to_json().expose()).unwrap().expires, pair.expires);
    }
    assert_eq!(parsed(&with("\"expires_at\": null")).unwrap().expires, None);
}

#[test]
fn whole_seconds_are_written_down_and_never_up() {
    let pair = parsed(&with("\"expires_at\": 1790000000")).unwrap();
    let renewal = Renewal::from_json(b"{\"access_token\": \"b\", \"expires_in\": 10}").unwrap();
    let next = pair.renewed(renewal, Time(START * SECOND + SECOND * 9 / 10), 3);
    let text = next.to_json();
    assert!(
        text.expose().contains("\"expires_at\": 1790000010,") && text.expose().contains("\"fencing_token\": 3"),
        "{}",
        text.expose()
    );
}

#[test]
fn what_is_no_token_file_is_refused_by_member_and_place_and_without_its_value() {
    for (text, why) in [
        ("", "it is empty"),
        ("\"zzz\"", "the top is not an object (line 1, column 5)"),
        ("{\"access_token\": \"zzz\"\n", "it is not whole JSON (line 2, column 0)"),
        ("{}", "there is no access_token"),
        ("{\"access_token\": null}", "there is no access_token"),
        ("{\"access_token\": \"\"}", "access_token is empty"),
        ("{\"access_token\": 7777}", "access_token is not a text"),
        (&with("\"refresh_token\": [\"zzz\"]"), "refresh_token is not a text"),
        (&with("\"expires_in\": \"zzz\""), "expires_in is not a whole number"),
        (&with("\"expires_at\": \"zzz\""), "expires_at is neither seconds since 1970 nor an ISO instant"),
        (&with("\"expires_at\": true"), "expires_at is neither seconds since 1970 nor an ISO instant"),
        (
            &with("\"expires_at\": 1790000000000"),
            "expires_at is too large for seconds since 1970: are they milliseconds?",
        ),
        (&with("\"obtained_at\": {}"), "obtained_at is neither seconds since 1970 nor an ISO instant"),
        (
            &with("\"refresh_token_expires_at\": []"),
            "refresh_token_expires_at is neither seconds since 1970 nor an ISO instant",
        ),
        (&with("\"fencing_token\": -1"), "fencing_token is negative"),
        (&with("\"fencing_token\": 1.5"), "fencing_token is not a whole number"),
        (&with("\"replaces\": 1"), "replaces is not a text"),
        (&with("\"refresh_token_expires_in\": {}"), "refresh_token_expires_in is not a whole number"),
        (&with("\"format_version\": \"zzz\""), "format_version is not a whole number"),
    ] {
        let error = parsed(text).unwrap_err();
        let told = error.to_string();
        assert_eq!(told, format!("token file t.json: {why}; it was left as it is"), "{text}");
        assert!(!told.contains("zzz") && !told.contains("7777") && error.code() == "unreadable", "{told}");
    }
    let newer = parsed(&with("\"format_version\": 2")).unwrap_err();
    assert_eq!((newer.code(), newer.to_string().contains("version 2 is newer than 1")), ("newer", true));
}

#[test]
fn of_a_repeated_member_the_last_counts_as_in_python_and_unknown_ones_are_kept_to_the_digit() {
    let text = r#"{"access_token": "x", "n": 1, "access_token": "a", "big": 123456789012345678901234567890, "n": 1.10, "o": {"b": [1, 2]}}"#;
    let pair = parsed(text).unwrap();
    assert_eq!(pair.access.expose(), "a");
    let written = pair.to_json();
    let expected = "{\n  \"format_version\": 1,\n  \"access_token\": \"a\",\n  \"n\": 1.10,\n  \"big\": 123456789012345678901234567890,\n  \"o\": {\"b\": [1, 2]}\n}\n";
    assert_eq!(written.expose(), expected);
}

#[test]
fn an_answer_without_a_refresh_token_leaves_the_old_one_good_and_new_members_take_the_place_of_old_ones() {
    let pair = parsed(&with(
        "\"refresh_token\": \"r\", \"refresh_token_expires_at\": 1790002400, \"scope\": \"old\", \"user\": \"ann\"",
    ))
    .unwrap();
    let renewal =
        Renewal::from_json(b"{\"access_token\": \"b\", \"scope\": \"new\", \"expires_in\": \"1200\"}").unwrap();
    assert_eq!(renewal.lifetime, Some(1_200), "some servers write numbers as text");
    let next = pair.renewed(renewal, Time(START * SECOND), 1);
    assert_eq!((next.key(), next.replaces.clone(), next.refresh_expires), (pair.key(), None, pair.refresh_expires));
    let text = next.to_json();
    assert!(
        text.expose().contains("\"user\": \"ann\"")
            && text.expose().contains("\"new\"")
            && !text.expose().contains("\"old\"")
    );
    let rotated =
        pair.renewed(Renewal::from_json(b"{\"access_token\": \"b\", \"refresh_token\": \"s\"}").unwrap(), Time(0), 1);
    assert_eq!((rotated.replaces, rotated.refresh_expires, rotated.expires), (Some(pair.key()), None, None));
}

#[test]
fn text_with_quotes_and_line_ends_comes_back_as_it_was() {
    let pair = parsed(r#"{"access_token": "a\"b\\c\nü", "we\"ird": 1}"#).unwrap();
    assert_eq!(pair.access.expose(), "a\"b\\c\nü");
    let again = parsed(pair.to_json().expose()).unwrap();
    assert_eq!((again.access.expose(), again.to_json()), ("a\"b\\c\nü", pair.to_json()));
    assert!(again.to_json().expose().contains("\"we\\\"ird\": 1"));
}

#[test]
fn everything_lies_beside_the_token_file_and_parallel_names_do_not_meet_canonical_ones() {
    let path = Path::new("/run/saxo.json");
    let (canonical, parallel) = (Paths::canonical(path), Paths::parallel(path));
    let names = |paths: &Paths| {
        [paths.token().to_path_buf(), paths.lease(), paths.lock(), paths.alive(), paths.status(), paths.rescue(1)]
    };
    assert!(names(&canonical).iter().all(|name| !names(&parallel).contains(name) && name.parent() == path.parent()));
    assert_eq!(Paths::parallel(Path::new("token")).token(), Path::new("token.exuvia"));
    // A relative name without a folder is in this one.
    let world = World::new(1);
    put(&world.files, Path::new("/run/x.json"), "{}", true);
    let tokens = Tokens::of(Arc::new(world.files.clone()), Path::new("nowhere.json"));
    assert_eq!(tokens.current().unwrap_err().code(), "files");
}

#[test]
fn a_status_that_is_none_is_told_and_one_of_a_newer_build_is_refused() {
    let world = World::new(1);
    assert_eq!(read_status(&world.files, &world.paths()).unwrap(), None);
    put(&world.files, &world.paths().status(), "{\"fo", true);
    let error = read_status(&world.files, &world.paths()).unwrap_err().to_string();
    assert!(
        error.contains("status file /run/saxo.json.status: it is no status (line 1, column 4): remove it"),
        "{error}"
    );
    // A keeper writes it anew.
    let mut keeper = world.keeper("one", "nas");
    keeper.tick();
    let status = world.status();
    assert_eq!(
        (status.state.as_str(), status.pid, status.fencing_token, status.keeper.as_str()),
        ("keeping", 7, 1, "one")
    );
    assert_eq!(status.heartbeat, "2026-09-21T14:13:20.000000Z");
    let newer = serde_json::to_string(&exuvia_engine::tokens::Status { format_version: 2, ..status }).unwrap();
    put(&world.files, &world.paths().status(), &newer, true);
    assert_eq!(read_status(&world.files, &world.paths()).unwrap_err().code(), "newer");
    world.files.set_read_only(true);
    assert_eq!(world.files.stamp(&world.paths().lease()).unwrap().mode, Some(0o600));
}

#[test]
fn counts_go_on_where_the_keeper_before_left_them() {
    let world = World::new(1);
    let mut one = world.keeper("one", "nas");
    world.turns([crate::kit::Turn::NotSent]);
    world.run(&mut one, 1_000);
    one.unauthorized();
    one.close();
    let mut two = world.keeper("two", "nas");
    world.run(&mut two, 1_000);
    let status = world.status();
    assert_eq!((status.refreshes, status.failures, status.unauthorized), (2, 1, 1));
    let until = world.pair().expires.unwrap().to_string();
    assert!(status.refreshed_at.is_some() && status.expires_at.unwrap().starts_with(&until[..19]), "{until}");
}

#[test]
fn a_secret_comes_from_a_variable_or_from_a_file_that_is_closed_to_others() {
    let environment: SimEnvironment = [("KEY", " s3cret\n"), ("EMPTY", " ")].into_iter().collect();
    assert_eq!(Secret::from_environment(&environment, "KEY").unwrap().expose(), "s3cret");
    for name in ["EMPTY", "NONE"] {
        let error = Secret::from_environment(&environment, name).unwrap_err();
        assert!(
            error.to_string().contains(&format!("environment variable {name} holds no secret"))
                && error.code() == "no_secret"
        );
    }
    assert!(Secret::from_environment(&SystemEnvironment, "EXUVIA_NO_SUCH_VARIABLE").is_err());
    let (files, path) = (SimFiles::new(), Path::new("/key"));
    put(&files, path, "s3cret\n", true);
    assert_eq!(Secret::from_file(&files, path).unwrap().expose(), "s3cret");
    put(&files, path, "s3cret\n", false);
    let error = Secret::from_file(&files, path).unwrap_err();
    assert!(error.to_string().contains("/key may be read or written by others (mode 644): run chmod 600"), "{error}");
    for bytes in [&b" \n"[..], b"\xff\xfe"] {
        files.remove(path).unwrap();
        files.create(path, Create::default().private()).unwrap().write(bytes).unwrap();
        assert_eq!(Secret::from_file(&files, path).unwrap_err().code(), "no_secret");
    }
    files.remove(path).unwrap();
    assert_eq!(Secret::from_file(&files, path).unwrap_err().code(), "files");
}

#[test]
fn a_setting_that_cannot_work_is_refused_by_name() {
    let good = Settings::default();
    assert!(good.check().is_ok());
    for (settings, field) in [
        (Settings { lifetime: 0, ..good.clone() }, "lifetime"),
        (Settings { gap: 0, ..good.clone() }, "gap"),
        (Settings { backoff: (0, MINUTE), ..good.clone() }, "backoff.0"),
        (Settings { backoff: (MINUTE, SECOND), ..good.clone() }, "backoff.1"),
        (Settings { backoff: (SECOND, 25 * HOUR), ..good.clone() }, "backoff.1"),
        (Settings { beat: SECOND / 2, ..good.clone() }, "beat"),
        (Settings { remind: -1, ..good.clone() }, "remind"),
        (Settings { margin: -1, ..good.clone() }, "margin"),
        (Settings { jitter: 25 * HOUR, ..good.clone() }, "jitter"),
        (Settings { stale: 90 * SECOND, ..good.clone() }, "stale"),
    ] {
        let error = settings.check().unwrap_err();
        assert!(error.to_string().starts_with(&format!("{field} is ")) && error.code() == "setting", "{error}");
    }
}

#[test]
fn on_a_real_disk_the_stamp_changes_with_the_file_and_shows_its_mode() {
    let folder = std::env::temp_dir().join(format!("exuvia-token-{}", std::process::id()));
    let path = folder.join("t.json");
    SystemFiles.create_dir_all(&folder).unwrap();
    SystemFiles.create(&path, Create::default().private()).unwrap().write(b"one").unwrap();
    let first = SystemFiles.stamp(&path).unwrap();
    assert_eq!((first.length, first.is_private(), first == SystemFiles.stamp(&path).unwrap()), (3, true, true));
    assert!(first.modified > START && first.identity > 0);
    exuvia_lake::write_atomic(&SystemFiles, &path, b"two", false).unwrap();
    let second = SystemFiles.stamp(&path).unwrap();
    assert!(second.identity != first.identity && !second.is_private(), "{second:?}");
    assert!(SystemFiles.stamp(&folder.join("none")).unwrap_err().is_not_found());
    SystemFiles.remove(&path).unwrap();
    std::process::Command::new("rmdir").arg(&folder).status().unwrap();
}
