//! A token file that somebody else writes: told, and never overwritten before.

use std::path::Path;

use exuvia_model::SECOND;
use exuvia_ports::{Clock as _, Files as _};

use crate::kit::{LIFE, PATH, START, World, codes, login, number, put};

#[test]
fn a_new_pair_of_another_program_is_told_and_taken_up() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 100);
    world.venue().current = 7;
    world.put(&login(7, START + 100 + LIFE), true);
    let events = world.run_events(&mut keeper, 31);
    assert_eq!(codes(&events), ["foreign"]);
    assert!(
        events[0].loud && events[0].words.contains("wrote a new pair to /run/saxo.json: it is taken up"),
        "{}",
        events[0]
    );
    assert_eq!(number(&keeper.tokens().current().unwrap()), 7);
    assert_eq!(world.run(&mut keeper, 900), ["refreshed"]);
    assert_eq!((number(&world.pair()), world.status().foreign), (8, 1));
}

#[test]
fn the_same_token_with_other_members_is_told_and_its_members_are_kept() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 100);
    let asked_before = world.venue().asked;
    for turn in 0..50 {
        world.put(&login(0, START + LIFE).replace("ann", &format!("bob {turn}")), true);
        assert_eq!(world.run(&mut keeper, 1), ["foreign"]);
    }
    assert_eq!(world.venue().asked, asked_before, "nobody is asked the more for it");
    world.run(&mut keeper, 900);
    assert!(world.pair().to_json().expose().contains("bob 49"));
    assert_eq!((number(&world.pair()), keeper.status().foreign), (1, 50));
}

#[test]
fn a_pair_that_comes_while_ours_is_on_its_way_is_not_overwritten_and_ours_is_not_lost() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 10);
    let (files, text) = (world.files.clone(), login(70, START + 910 + LIFE));
    world.meanwhile(move || put(&files, Path::new(PATH), &text, true));
    let events = world.run_events(&mut keeper, 900);
    assert_eq!(codes(&events), ["refreshed", "foreign", "rescued"]);
    assert_eq!(number(&world.pair()), 70);
    let rescued = world.files.read(&world.paths().rescue(1)).unwrap();
    assert!(String::from_utf8(rescued).unwrap().contains("secret-r1"));
    // It belongs to another login, so it stays for whoever can tell.
    keeper.close();
    let mut next = world.keeper("two", "nas");
    assert_eq!(world.run(&mut next, 1), ["took"]);
    assert!(world.files.exists(&world.paths().rescue(1)));
}

#[test]
fn an_old_backup_in_the_place_of_the_file_is_told_and_replaced_by_what_it_was_spent_for() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 905);
    assert_eq!(number(&world.pair()), 1);
    world.put(&login(0, START + LIFE), true);
    let events = world.run_events(&mut keeper, 31);
    assert_eq!(codes(&events), ["foreign"]);
    assert!(events[0].words.contains("a token into /run/saxo.json that was spent for ours"), "{}", events[0]);
    assert_eq!((number(&world.pair()), world.venue().spent_again), (1, 0));
}

#[test]
fn what_is_no_token_file_is_kept_beside_the_pair_that_is_put_back() {
    for text in [
        "",
        "{\"access_token\": \"secret-zzz",
        "[]",
        "{\"access_token\": \"secret-zzz\", \"expires_at\": 1790000000000}",
    ] {
        let world = World::new(1);
        let mut keeper = world.keeper("one", "nas");
        world.run(&mut keeper, 100);
        world.put(text, false);
        let tick = keeper.tick();
        assert_eq!(codes(&tick.events), ["foreign"], "{text:?}");
        assert!(!tick.events[0].words.contains("zzz"), "{}", tick.events[0]);
        assert_eq!(world.files.read(Path::new(PATH)).unwrap(), text.as_bytes(), "it may be in the middle of writing");
        assert_eq!(number(&keeper.tokens().current().unwrap()), 0, "brokers go on");
        assert_eq!(world.run(&mut keeper, 6), ["set_aside"], "{text:?}");
        assert_eq!(number(&world.pair()), 0);
        let aside = Path::new("/run/saxo.json.foreign-1-0");
        assert_eq!(world.files.read(aside).unwrap(), text.as_bytes());
        assert!(world.files.stamp(aside).unwrap().is_private());
        assert_eq!(world.run(&mut keeper, 900), ["refreshed"]);
        // A second time it does not take the first one's place.
        world.put("again", false);
        world.run(&mut keeper, 60);
        assert_eq!(world.files.read(Path::new("/run/saxo.json.foreign-1-1")).unwrap(), b"again");
    }
}

#[test]
fn a_program_that_ends_writing_after_a_moment_is_waited_for() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 100);
    let whole = login(9, START + 3_000);
    world.put(&whole[..40], true);
    assert_eq!(codes(&keeper.tick().events), ["foreign"]);
    world.pass(2);
    world.put(&whole, true);
    assert_eq!(world.run(&mut keeper, 60), ["foreign", "rescued"], "ours was nowhere else");
    assert_eq!(number(&world.pair()), 9);
    assert_eq!(
        world
            .files
            .list(Path::new("/run"))
            .unwrap()
            .iter()
            .filter(|path| path.to_string_lossy().contains(".foreign-"))
            .count(),
        0
    );
}

#[test]
fn a_file_that_was_removed_is_put_back() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 100);
    world.files.remove(Path::new(PATH)).unwrap();
    assert_eq!(world.run(&mut keeper, 31), ["removed"]);
    assert_eq!((number(&world.pair()), world.pair().fence), (0, Some(1)));
}

#[test]
fn a_second_program_that_renews_the_same_file_ends_this_keeper_before_they_end_the_session() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 1);
    let mut told = Vec::new();
    for turn in 0..4_u64 {
        world.pass(600);
        let now = world.clock.utc().0 / SECOND;
        world.put(&login(100 + turn, now + LIFE), true);
        told.extend(world.run(&mut keeper, 30));
    }
    assert_eq!(told, ["foreign", "foreign", "foreign", "foreign", "contended"]);
    assert_eq!((number(&world.pair()), world.lease().released, keeper.tick().wait), (103, true, None));
    let problem = &world.status().problems[0];
    assert!(
        problem.words.contains("changed 4 times within an hour") && world.status().state == "stopped",
        "{problem:?}"
    );
}

#[test]
fn logins_that_are_hours_apart_are_logins() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    for turn in 1..9_u64 {
        world.run(&mut keeper, 1_300);
        world.venue().current = 100 * turn;
        let now = world.clock.utc().0 / SECOND;
        world.put(&login(100 * turn, now + LIFE), true);
    }
    assert_eq!(keeper.status().state, "keeping");
}

#[test]
fn a_file_of_a_keeper_with_a_larger_number_ends_this_one() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 10);
    world.put(&login(5, START + LIFE).replace("\"user\"", "\"fencing_token\": 9, \"user\""), true);
    let events = world.run_events(&mut keeper, 60);
    assert_eq!(codes(&events), ["fenced"]);
    assert!(events[0].words.contains("fencing token 9, ours was 1"), "{}", events[0]);
    assert_eq!(number(&world.pair()), 5);
    let mut next = world.keeper("two", "nas");
    next.tick();
    assert_eq!(next.fence(), 10);
}

#[test]
fn a_file_that_others_may_read_is_told_and_closed() {
    let world = World::new(1);
    world.put(&login(0, START + LIFE), false);
    let mut keeper = world.keeper("one", "nas");
    let events = world.run_events(&mut keeper, 1);
    assert_eq!(codes(&events), ["took", "exposed"]);
    assert!(events[1].words.contains("(mode 644): run chmod 600 on it"), "{}", events[1]);
    assert!(world.files.stamp(Path::new(PATH)).unwrap().is_private());
}

#[test]
fn without_a_file_or_with_none_that_can_be_read_a_keeper_asks_for_a_login_and_takes_it_up() {
    for text in [None, Some("nonsense"), Some("{\"format_version\": 2, \"access_token\": \"secret-x\"}")] {
        let world = World::new(1);
        match text {
            None => world.files.remove(Path::new(PATH)).unwrap(),
            Some(text) => world.put(text, true),
        }
        let mut keeper = world.keeper("one", "nas");
        let events = world.run_events(&mut keeper, 100);
        assert_eq!(codes(&events), ["took", "needs_login"], "{text:?}");
        assert!(events[1].words.contains("log in"), "{}", events[1]);
        assert_eq!(
            keeper.tokens().current().unwrap_err().code(),
            if text.is_none() {
                "files"
            } else if text == Some("nonsense") {
                "unreadable"
            } else {
                "newer"
            }
        );
        world.put(&login(0, START + 100 + LIFE), true);
        assert_eq!(world.run(&mut keeper, 31), ["foreign"]);
        assert_eq!(world.run(&mut keeper, 910), ["refreshed"]);
        // Removed while nobody is logged in: there is nothing to put back, and nothing happens.
    }
}
