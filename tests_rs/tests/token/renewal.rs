//! When a pair is renewed, and what is done when it is not.

use std::path::Path;
use std::sync::{Arc, Mutex};

use exuvia_engine::tokens::{OAuth2, Pair, RefreshError, Refresher, Renewal, Settings, Tokens};
use exuvia_model::{HOUR, MINUTE, SECOND, Time};
use exuvia_ports::{Clock as _, Response, SimHttp};

use crate::kit::{LIFE, PATH, START, Turn, World, access, codes, login, number};

#[test]
fn a_pair_is_renewed_a_quarter_of_its_life_before_its_end_and_never_sooner_than_the_jitter_says() {
    let mut early = Vec::new();
    for seed in 0..50 {
        let world = World::new(seed);
        let mut keeper = world.keeper("one", "nas");
        let wait = keeper.tick().wait.unwrap();
        assert_eq!(wait, 30 * SECOND, "the next beat");
        world.run(&mut keeper, 889);
        assert_eq!(world.venue().asked, 0);
        world.run(&mut keeper, 11);
        world.run(&mut keeper, 0);
        assert_eq!((world.venue().asked, number(&world.pair())), (1, 1));
        early.push(world.pair().obtained.unwrap().0 / SECOND - START);
    }
    early.sort_unstable();
    assert!((890..=900).contains(&early[0]) && *early.last().unwrap() <= 900 && early[0] < early[49], "{early:?}");
}

#[test]
fn a_day_of_renewals_spends_every_token_once_and_in_order() {
    let world = World::new(3);
    let mut keeper = world.keeper("one", "nas");
    let told = world.run(&mut keeper, 24 * 3_600);
    let asked = world.venue().asked;
    assert!((96..=97).contains(&asked), "{asked}");
    assert_eq!(told.iter().filter(|code| **code == "refreshed").count() as u64, asked);
    assert_eq!(world.venue().arrived, (0..asked).collect::<Vec<_>>());
    assert_eq!((number(&world.pair()), keeper.status().refreshes, keeper.status().failures), (asked, asked, 0));
    let pair = world.pair();
    assert_eq!(pair.expires.unwrap().0 - pair.obtained.unwrap().0, LIFE * SECOND);
    assert!(pair.to_json().expose().contains("\"user\": \"ann\""), "what is not ours is kept");
}

#[test]
fn a_clock_that_jumps_neither_delays_a_renewal_nor_repeats_it() {
    for jump in [-86_400, -3_600, 3_600, 86_400 * 365] {
        let world = World::new(5);
        let mut keeper = world.keeper("one", "nas");
        world.run(&mut keeper, 100);
        world.clock.set_utc(Time(world.clock.utc().0 + jump * SECOND));
        world.run(&mut keeper, 1_100);
        let asked = world.venue().asked;
        // Forward: the file says that the token ended, so it is renewed at once; back: at its time.
        assert_eq!(asked, if jump < 0 { 1 } else { 2 }, "{jump}");
        world.clock.set_utc(Time(world.clock.utc().0 - jump * SECOND));
        world.run(&mut keeper, 2_700);
        assert!((2..=4).contains(&(world.venue().asked - asked)), "{jump}: {}", world.venue().asked);
        assert_eq!(world.venue().spent_again, 0);
    }
}

#[test]
fn a_file_found_with_a_clock_that_is_behind_is_not_believed_for_longer_than_the_token_was_given() {
    let world = World::new(1);
    world.clock.set_utc(Time((START - 7 * 86_400) * SECOND));
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 905);
    assert_eq!(world.venue().asked, 1);
}

#[test]
fn an_answer_that_is_dead_on_arrival_does_not_make_a_loop() {
    for life in [0, -5, 1] {
        let world = World::new(1);
        world.venue().life = Some(life);
        let mut keeper = world.keeper("one", "nas");
        world.run(&mut keeper, 900 + 300);
        assert!((9..=12).contains(&world.venue().asked), "{life}: {}", world.venue().asked);
    }
}

#[test]
fn a_pair_without_any_lifetime_is_renewed_by_the_declared_one() {
    let world = World::new(1);
    world.put(r#"{"access_token":"secret-a0","refresh_token":"secret-r0"}"#, true);
    let settings = Settings { lifetime: 40 * MINUTE, margin: 4 * MINUTE, jitter: 0, ..Settings::default() };
    let mut keeper = world.keeper_with("one", "nas", settings);
    world.run(&mut keeper, 36 * 60 - 1);
    assert_eq!(world.venue().asked, 0);
    world.run(&mut keeper, 2);
    assert_eq!(world.venue().asked, 1);
}

#[test]
fn failures_are_tried_again_with_waits_that_double_to_a_bound() {
    for turn in [Turn::NotSent, Turn::Server, Turn::LostRequest, Turn::Denied] {
        let world = World::new(9);
        world.turns([turn; 400]);
        let mut keeper = world.keeper("one", "nas");
        world.run(&mut keeper, 900);
        let before = world.venue().asked;
        assert!(before <= 4, "{turn:?}: {before}");
        world.run(&mut keeper, 60);
        let minute = world.venue().asked;
        assert!((3..=6).contains(&minute), "{turn:?}: {minute} in the first minute");
        world.run(&mut keeper, 6 * 3_600);
        let hours = world.venue().asked - minute;
        assert!((72..=150).contains(&hours), "{turn:?}: {hours} in six hours, from 150 to 300 s apart");
        world.venue().turns.clear();
        world.run(&mut keeper, 301);
        assert_eq!((number(&world.pair()), keeper.status().problems.len()), (1, 0), "{turn:?}");
        assert_eq!(keeper.status().failures, minute + hours);
    }
}

#[test]
fn too_many_requests_are_answered_with_the_wait_that_was_asked_for() {
    let world = World::new(2);
    world.turns([Turn::Limited(Some(120)), Turn::Limited(None)]);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 901);
    assert_eq!(world.venue().asked, 1);
    world.run(&mut keeper, 108);
    assert_eq!(world.venue().asked, 1);
    world.run(&mut keeper, 30);
    assert_eq!((world.venue().asked, number(&world.pair())), (3, 1));
    assert_eq!(world.lease().asked.unwrap().count, 1, "a token that was not looked at is in no doubt");
}

#[test]
fn a_lost_request_is_a_doubt_that_the_next_try_ends() {
    for turn in [Turn::LostRequest, Turn::Server] {
        let world = World::new(4);
        world.turns([turn]);
        let mut keeper = world.keeper("one", "nas");
        let told = world.run(&mut keeper, 930);
        assert_eq!(told, ["took", "doubt", "refreshed"]);
        assert_eq!((number(&world.pair()), world.venue().spent_again), (1, 0));
        assert_eq!(world.lease().asked.unwrap().count, 2, "both times are on record");
    }
}

#[test]
fn a_lost_answer_is_tried_once_more_and_then_told_for_what_it_is() {
    for turn in [Turn::LostAnswer, Turn::ServerAfter, Turn::Nonsense] {
        let world = World::new(4);
        world.turns([turn]);
        let mut keeper = world.keeper("one", "nas");
        let events = world.run_events(&mut keeper, 3_600);
        assert_eq!(codes(&events)[..3], ["took", "doubt", "needs_login"]);
        assert!(events[2].loud && events[2].words.contains("its successor is nowhere"), "{}", events[2]);
        assert!(events[2].words.contains("log in anew and write the new pair to /run/saxo.json"), "{}", events[2]);
        assert_eq!(world.venue().arrived, [0, 0], "and never again");
        assert_eq!(
            events.iter().filter(|event| event.code == "needs_login").count(),
            3,
            "told again every quarter of an hour"
        );
        assert_eq!((keeper.status().state.as_str(), keeper.status().unauthorized), ("needs_login", 1));
    }
}

#[test]
fn a_venue_that_ends_the_session_at_a_second_use_gets_none() {
    let world = World::new(4);
    world.turns([Turn::LostAnswer]);
    let mut keeper = world.keeper_with("one", "nas", Settings { retry_lost: false, ..Settings::default() });
    let told = world.run(&mut keeper, 1_000);
    assert_eq!(told, ["took", "doubt", "needs_login"]);
    assert_eq!(world.venue().arrived, [0]);
}

#[test]
fn a_revoked_token_is_told_loudly_never_sent_again_and_a_login_ends_it() {
    let world = World::new(6);
    world.venue().revoked = true;
    let mut keeper = world.keeper("one", "nas");
    let events = world.run_events(&mut keeper, 1_000);
    assert_eq!(codes(&events), ["took", "needs_login"]);
    assert!(
        events[1].words.contains("invalid_grant; it was revoked, it expired, or somebody else spent it"),
        "{}",
        events[1]
    );
    assert_eq!(world.status().problems[0].code, "needs_login");
    // Neither a restart nor a takeover sends it again.
    keeper.close();
    let mut keeper = world.keeper("two", "nas");
    assert_eq!(world.run(&mut keeper, 600), ["took", "needs_login"]);
    assert_eq!(world.venue().arrived, [0]);
    // The login.
    world.venue().revoked = false;
    world.venue().current = 40;
    world.put(&login(40, world.clock.utc().0 / SECOND + LIFE), true);
    assert_eq!(world.run(&mut keeper, 950), ["foreign", "refreshed"]);
    assert_eq!((number(&world.pair()), world.status().problems.len()), (41, 0));
}

#[test]
fn a_401_of_a_broker_is_counted_and_brings_the_next_pair_no_faster_than_the_gap() {
    let world = World::new(6);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 60);
    keeper.unauthorized();
    assert_eq!(world.run(&mut keeper, 1), ["refreshed"]);
    for _ in 0..100 {
        keeper.unauthorized();
        world.run(&mut keeper, 1);
    }
    assert_eq!((world.venue().asked, keeper.status().unauthorized), (1 + 3, 101));
}

#[test]
fn brokers_read_the_newest_pair_from_the_file_and_from_the_keeper() {
    let world = World::new(8);
    let mut keeper = world.keeper("one", "nas");
    let (near, far) = (keeper.tokens(), Tokens::of(Arc::new(world.files.clone()), Path::new(PATH)));
    assert_eq!(access(&near.current().unwrap()), "secret-a0", "before the first turn it is the file's");
    world.run(&mut keeper, 910);
    for tokens in [&near, &far] {
        assert_eq!(access(&tokens.current().unwrap()), "secret-a1");
        assert!(Arc::ptr_eq(&tokens.current().unwrap(), &tokens.current().unwrap()), "read once");
    }
    // Somebody writes it in place and is not done.
    world.put("{\"access_token\": \"secr", true);
    assert_eq!(access(&far.current().unwrap()), "secret-a1");
    let late = Tokens::of(Arc::new(world.files.clone()), Path::new(PATH));
    assert_eq!(late.current().unwrap_err().code(), "unreadable");
}

/// Several tokens are good at once, and none is a refresh token: `ProjectX` validates the one it has.
#[derive(Debug)]
struct Validates {
    asked: Arc<Mutex<Vec<String>>>,
    lost: u32,
}

impl Refresher for Validates {
    fn refresh(&mut self, pair: &Pair) -> Result<Renewal, RefreshError> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(access(pair).to_owned());
        if asked.len() as u32 <= self.lost {
            return Err(RefreshError::NotAnswered { reason: "time-out".to_owned() });
        }
        let json = format!("{{\"access_token\": \"session-{}\"}}", asked.len());
        Ok(Renewal::from_json(json.as_bytes()).unwrap())
    }

    fn is_single_use(&self) -> bool {
        false
    }
}

#[test]
fn where_several_tokens_are_good_at_once_a_lost_answer_is_no_doubt() {
    let world = World::new(1);
    world.put(r#"{"access_token": "session-0"}"#, true);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let settings = Settings { lifetime: 24 * HOUR, retry_lost: false, ..Settings::default() };
    let way = Validates { asked: Arc::clone(&asked), lost: 2 };
    let mut keeper = world.keeper_by("one", "nas", settings, Box::new(way));
    let told = world.run(&mut keeper, 2 * 24 * 3_600);
    assert_eq!(told, ["took", "not_answered", "refreshed", "refreshed"]);
    assert_eq!(*asked.lock().unwrap(), ["session-0", "session-0", "session-0", "session-3"]);
    assert_eq!((access(&world.pair()), world.lease().asked), ("session-4", None));
}

/// A server that does not rotate: the refresh token comes back, or is not named at all.
#[derive(Debug)]
struct Lasting(&'static str);

impl Refresher for Lasting {
    fn refresh(&mut self, _pair: &Pair) -> Result<Renewal, RefreshError> {
        Ok(Renewal::from_json(self.0.as_bytes()).unwrap())
    }
}

#[test]
fn a_refresh_token_that_stays_good_is_in_no_doubt_after_it_was_answered() {
    for answer in [
        r#"{"access_token":"b","refresh_token":"secret-r0","expires_in":1200}"#,
        r#"{"access_token":"b","expires_in":1200}"#,
    ] {
        let world = World::new(1);
        let settings = Settings { retry_lost: false, ..Settings::default() };
        let mut keeper = world.keeper_by("one", "nas", settings.clone(), Box::new(Lasting(answer)));
        assert_eq!(world.run(&mut keeper, 1_900), ["took", "refreshed", "refreshed"]);
        assert_eq!((number(&world.pair()), world.lease().asked), (0, None));
        drop(keeper);
        let mut next = world.keeper_by("two", "nas", settings, Box::new(Lasting(answer)));
        assert_eq!(world.run(&mut next, 1_000), ["took", "refreshed"], "{answer}");
    }
}

#[test]
fn a_token_file_without_a_refresh_token_asks_for_a_login_where_one_is_needed() {
    let world = World::new(1);
    world.put(r#"{"access_token": "a", "expires_at": 1}"#, true);
    let http = Arc::new(SimHttp::new(|_| Ok(Response::new(500, ""))));
    let mut keeper =
        world.keeper_by("one", "nas", Settings::default(), Box::new(OAuth2::new(http.clone(), "https://127.0.0.1")));
    let events = world.run_events(&mut keeper, 60);
    assert_eq!((codes(&events), http.requests().len()), (vec!["took", "needs_login"], 0));
    assert!(events[1].words.contains("the file has no refresh_token"), "{}", events[1]);
}
