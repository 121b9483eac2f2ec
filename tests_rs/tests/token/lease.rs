//! One writer: how a lease is had, kept, lost and taken.

use std::path::Path;

use exuvia_engine::tokens::{Settings, TokenError, read_lease, takeover};
use exuvia_model::{SECOND, Time};
use exuvia_ports::{Clock as _, Files as _};

use crate::kit::{PATH, World, number, put};

#[test]
fn the_second_keeper_waits_and_says_for_whom() {
    let world = World::new(1);
    let (mut one, mut two) = (world.keeper("one", "nas"), world.keeper("two", "nas"));
    assert_eq!(world.run(&mut one, 1), ["took"]);
    let tick = two.tick();
    assert_eq!((tick.events[0].code, tick.events[0].loud, tick.wait), ("held", false, Some(30 * SECOND)));
    assert!(tick.events[0].words.contains("/run/saxo.json is kept by one (fencing token 1)"), "{}", tick.events[0]);
    for _ in 0..40 {
        world.run(&mut one, 20);
        assert!(two.tick().events.is_empty(), "told once");
    }
    assert_eq!((two.fence(), two.status().state.as_str(), world.status().keeper.as_str()), (0, "waiting", "one"));
}

#[test]
fn a_keeper_that_was_closed_is_followed_at_once() {
    let world = World::new(1);
    let (mut one, mut two) = (world.keeper("one", "nas"), world.keeper("two", "desk"));
    one.tick();
    let tick = one.close();
    assert_eq!((tick.events[0].code, tick.wait), ("stopped", None));
    assert_eq!(one.tick().wait, None, "and does nothing more");
    let told = two.tick().events;
    assert!(told[0].words.contains("fencing token 2 (released)"), "{}", told[0]);
    assert_eq!(world.pair().fence, Some(2));
}

#[test]
fn on_one_machine_a_killed_keeper_is_followed_at_once_for_its_lock_is_gone() {
    let world = World::new(1);
    let (mut one, mut two) = (world.keeper("one", "nas"), world.keeper("two", "nas"));
    one.tick();
    two.tick();
    drop(one);
    world.pass(31);
    let told = two.tick().events;
    assert!(told[0].words.contains("fencing token 2 (gone)"), "{}", told[0]);
}

#[test]
fn from_another_machine_only_a_lease_that_stands_still_is_taken_whatever_the_clocks_say() {
    for jump in [0, -86_400, 86_400] {
        let world = World::new(1);
        let (mut one, mut two) = (world.keeper("one", "nas"), world.keeper("two", "desk"));
        one.tick();
        two.tick();
        world.clock.set_utc(Time(world.clock.utc().0 + jump * SECOND));
        // It lives: its beats are seen.
        for _ in 0..20 {
            world.run(&mut one, 30);
            two.tick();
        }
        assert_eq!(two.fence(), 0, "{jump}");
        drop(one);
        let told = world.run(&mut two, 119);
        assert!(told.is_empty(), "{jump}: {told:?}");
        let told = world.run_events(&mut two, 61);
        assert!(told[0].words.contains("fencing token 2 (stale)"), "{jump}: {}", told[0]);
    }
}

#[test]
fn a_keeper_from_whom_was_taken_stops_at_its_next_look_and_writes_nothing() {
    let world = World::new(1);
    let mut one = world.keeper("one", "nas");
    world.run(&mut one, 10);
    let taking = Settings { takeover: Some(("ann".into(), "one hangs".into())), ..Settings::default() };
    let mut two = world.keeper_with("two", "nas", taking);
    let told = two.tick().events;
    assert!(told[0].words.contains("fencing token 2 (takeover by ann: one hangs)"), "{}", told[0]);
    let (before, status) = (world.files.read(Path::new(PATH)).unwrap(), world.status());
    world.pass(900);
    let told = one.tick();
    assert_eq!((told.events[0].code, told.wait), ("fenced", None));
    assert!(told.events[0].words.contains("taken over by two (fencing token 2, ours was 1)"), "{}", told.events[0]);
    assert_eq!((world.files.read(Path::new(PATH)).unwrap(), world.status()), (before, status));
    assert_eq!(world.venue().asked, 0);
    // The takeover was for once, and the process's lock is had when the other one lets it go.
    assert!(!world.lease().locked);
    world.run(&mut two, 31);
    assert!(world.lease().locked);
    let again = Settings { takeover: Some(("bob".into(), "back".into())), ..Settings::default() };
    let mut three = world.keeper_with("three", "nas", again);
    three.tick();
    assert_eq!((three.fence(), two.tick().events[0].code), (3, "fenced"));
}

#[test]
fn an_answer_that_comes_after_a_takeover_is_laid_beside_the_file_and_found_by_the_next_keeper() {
    let world = World::new(1);
    let mut one = world.keeper("one", "nas");
    world.run(&mut one, 10);
    let (files, paths) = (world.files.clone(), world.paths());
    world.meanwhile(move || {
        let lease = takeover(&files, &paths, "ann", "it hangs", Time(0)).unwrap();
        assert_eq!((lease.fencing_token, lease.released, lease.asked.unwrap().count), (2, true, 1));
    });
    world.pass(900);
    let told = crate::kit::codes(&one.tick().events);
    assert_eq!(told, ["refreshed", "fenced", "rescued"]);
    assert_eq!(number(&world.pair()), 0, "the file is not its own any more");
    let mut two = world.keeper("two", "nas");
    let told = world.run(&mut two, 1);
    assert_eq!(told, ["recovered", "took"]);
    assert_eq!((number(&world.pair()), world.venue().arrived.len(), world.pair().fence), (1, 1, Some(3)));
    assert!(!world.files.exists(&world.paths().rescue(1)));
}

#[test]
fn a_rescued_pair_that_comes_after_the_refusal_ends_it() {
    let world = World::new(1);
    let mut one = world.keeper("one", "nas");
    world.run(&mut one, 10);
    let files = world.files.clone();
    let paths = world.paths();
    world.meanwhile(move || drop(takeover(&files, &paths, "ann", "it hangs", Time(0)).unwrap()));
    world.pass(900);
    // Between the answer and its rescue a third keeper has tried the old token.
    let late = {
        one.tick();
        let path = world.paths().rescue(1);
        let text = String::from_utf8(world.files.read(&path).unwrap()).unwrap();
        world.files.remove(&path).unwrap();
        text
    };
    let mut two = world.keeper("two", "nas");
    assert_eq!(world.run(&mut two, 300), ["took", "doubt", "needs_login"]);
    put(&world.files, &world.paths().rescue(1), &late, true);
    let told = world.run(&mut two, 910);
    assert_eq!(told[..2], ["recovered", "foreign"], "{told:?}");
    assert_eq!((number(&world.pair()), two.status().state.as_str()), (2, "keeping"));
}

#[test]
fn a_lease_that_was_removed_is_put_back_by_its_keeper_and_never_gives_one_number_twice() {
    let world = World::new(1);
    let mut one = world.keeper("one", "nas");
    world.run(&mut one, 1);
    world.files.remove(&world.paths().lease()).unwrap();
    assert!(world.run(&mut one, 31).is_empty());
    assert_eq!((world.lease().fencing_token, world.lease().holder.as_str()), (1, "one"));
    world.files.remove(&world.paths().lease()).unwrap();
    let mut two = world.keeper("two", "desk");
    two.tick();
    assert_eq!(two.fence(), 2, "the token file remembers");
    assert_eq!(world.run(&mut one, 60), ["fenced"]);
    // Removed again, and the new one had written the file: the old number says all.
    let mut three = world.keeper("three", "nas");
    world.files.remove(&world.paths().lease()).unwrap();
    three.tick();
    world.files.remove(&world.paths().lease()).unwrap();
    assert_eq!(world.run(&mut two, 31), ["fenced"]);
}

#[test]
fn a_lease_that_is_none_stops_a_keeper_and_only_a_takeover_gets_past_it() {
    let world = World::new(1);
    let mut one = world.keeper("one", "nas");
    world.run(&mut one, 1);
    put(&world.files, &world.paths().lease(), "{\"fencing_token\": \"x\"", true);
    assert_eq!(world.run(&mut one, 31), ["fenced"]);
    let mut two = world.keeper("two", "nas");
    let told = two.tick().events;
    assert_eq!((told[0].code, told[0].loud), ("unreadable", true));
    assert!(told[0].words.contains("/run/saxo.json.lease: it is no lease (line 1"), "{}", told[0]);
    let lease = takeover(&world.files, &world.paths(), "ann", "lease damaged", world.clock.utc()).unwrap();
    assert_eq!((lease.fencing_token, lease.taken.as_str()), (2, "takeover by ann: lease damaged"));
    world.pass(10);
    assert_eq!(world.run(&mut two, 1), ["took"]);
    put(
        &world.files,
        &world.paths().lease(),
        "{\"format_version\": 2, \"fencing_token\": 9, \"holder\": \"\", \"nonce\": 1}",
        true,
    );
    let error = read_lease(&world.files, &world.paths()).unwrap_err();
    assert!(matches!(&error, TokenError::Newer { found: 2, known: 1, .. }) && error.code() == "newer", "{error}");
    assert_eq!(world.run(&mut two, 31), ["newer"], "told, and nothing is written over it");
    assert!(takeover(&world.files, &world.paths(), "ann", "lease damaged", Time(0)).is_err());
}

#[test]
fn a_takeover_with_garbage_in_the_place_of_the_lease_is_had_by_a_keeper_too() {
    let world = World::new(1);
    put(&world.files, &world.paths().lease(), "", true);
    let taking = Settings { takeover: Some(("ann".into(), "damaged".into())), ..Settings::default() };
    let mut one = world.keeper_with("one", "nas", taking);
    assert_eq!((world.run(&mut one, 1), one.fence()), (vec!["took"], 1));
}

#[test]
fn nothing_is_taken_without_a_name_and_a_reason() {
    let world = World::new(1);
    for (by, reason, what) in [("", "why", "the name of who orders it"), ("ann", " ", "a reason")] {
        let error = takeover(&world.files, &world.paths(), by, reason, Time(0)).unwrap_err();
        assert_eq!((error.to_string().contains(what), error.code()), (true, "unsigned"));
        let settings = Settings { takeover: Some((by.into(), reason.into())), ..Settings::default() };
        assert_eq!(settings.check().unwrap_err(), error);
    }
    assert!(!world.files.exists(&world.paths().lease()));
}

#[test]
fn a_change_under_way_is_waited_for() {
    let world = World::new(1);
    let mut one = world.keeper("one", "nas");
    let lock = world.files.lock(&world.paths().lock(), "backup").unwrap();
    let told = one.tick();
    assert_eq!((told.events[0].code, told.events[0].loud), ("busy", false));
    assert!(told.events[0].words.contains("backup holds it") && told.wait.unwrap() <= 5 * SECOND);
    drop(lock);
    assert_eq!(world.run(&mut one, 6), ["took"]);
    assert!(one.status().problems.is_empty());
}
