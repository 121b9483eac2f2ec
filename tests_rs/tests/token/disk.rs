//! A disk that is full, read-only or failing, and a power cut at every step of a renewal.

use std::path::Path;

use exuvia_ports::{Create, Files as _, SimFault, Survives};

use crate::kit::{PATH, Turn, World, codes, number};

#[test]
fn on_a_full_disk_the_token_is_renewed_at_the_last_moment_and_written_when_there_is_space() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 100);
    world.files.set_capacity(Some(0));
    let told = world.run_events(&mut keeper, 900);
    assert_eq!(codes(&told), ["files"], "told once");
    assert!(told[0].loud && told[0].words.contains("the disk is full"), "{}", told[0]);
    assert_eq!(world.venue().asked, 0, "what is on the disk is worth more than a minute");
    assert_eq!(world.run(&mut keeper, 150), ["files", "refreshed"], "told again after a quarter of an hour");
    assert_eq!((number(&world.pair()), number(&keeper.tokens().current().unwrap())), (0, 1));
    // For hours: brokers of this process have a token all the time.
    let told = world.run(&mut keeper, 2 * 3_600);
    assert!(told.iter().filter(|code| **code == "refreshed").count() >= 7, "{told:?}");
    let newest = number(&keeper.tokens().current().unwrap());
    assert_eq!((number(&world.pair()), world.venue().current), (0, newest));
    world.files.set_capacity(None);
    world.run(&mut keeper, 301);
    assert_eq!((number(&world.pair()), world.venue().spent_again), (newest, 0));
    assert!(world.status().saved && world.status().problems.is_empty(), "{:?}", world.status());
}

#[test]
fn on_a_read_only_disk_a_keeper_does_not_start_and_says_why() {
    let world = World::new(1);
    world.files.set_read_only(true);
    let mut keeper = world.keeper("one", "nas");
    let told = world.run_events(&mut keeper, 600);
    assert_eq!((codes(&told), world.venue().asked), (vec!["files"], 0));
    assert!(told[0].loud && told[0].words.contains("read-only file system"), "{}", told[0]);
    world.files.set_read_only(false);
    assert_eq!(world.run(&mut keeper, 301)[0], "took");
}

#[test]
fn a_keeper_that_is_closed_on_a_full_disk_says_that_the_pair_is_nowhere_else() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 10);
    let files = world.files.clone();
    world.meanwhile(move || files.set_capacity(Some(0)));
    assert_eq!(world.run(&mut keeper, 900), ["refreshed", "files"]);
    let told = keeper.close();
    assert!(codes(&told.events).contains(&"stopped"), "{told:?}");
    assert!(keeper.status().problems.iter().any(|problem| problem.code == "not_rescued"), "{:?}", keeper.status());
    // It is tried again as long as the process lives.
    assert!(keeper.tick().wait.unwrap() > 0);
    world.files.set_capacity(None);
    assert_eq!(world.run(&mut keeper, 10), ["rescued"]);
    assert_eq!(keeper.tick().wait, None);
    let mut next = world.keeper("two", "nas");
    world.pass(200);
    next.tick();
    world.run(&mut next, 200);
    assert_eq!(number(&world.pair()), 1);
}

#[test]
fn a_close_writes_what_was_not_written() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 10);
    let files = world.files.clone();
    world.meanwhile(move || files.set_capacity(Some(0)));
    world.run(&mut keeper, 900);
    world.files.set_capacity(None);
    assert_eq!(codes(&keeper.close().events), ["stopped"]);
    assert_eq!((number(&world.pair()), world.lease().released, world.status().state.as_str()), (1, true, "stopped"));
}

/// What a machine finds after a power cut at operation `at`, and what its next keeper makes of it.
fn cut(at: u64, survives: Survives, turn: Turn) -> (World, u64) {
    let world = World::new(at);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 10);
    world.turns([turn]);
    world.files.fault_at(world.files.operations() + at, SimFault::PowerCut);
    world.run(&mut keeper, 1_000);
    let held = world.venue().handed_out;
    drop(keeper);
    world.files.power_on(survives);
    (world, held)
}

#[test]
fn after_a_power_cut_at_any_step_the_file_is_whole_private_and_the_session_goes_on_or_is_told_lost() {
    let (mut went_on, mut lost) = (0, 0);
    let survivals =
        [Survives::Nothing, Survives::Everything, Survives::Names, Survives::Data, Survives::Some { seed: 3 }];
    for survives in survivals {
        for turn in [Turn::Answer, Turn::LostAnswer, Turn::LostRequest] {
            for at in 0..260 {
                let (world, held) = cut(at, survives, turn);
                let what = format!("operation {at}, {survives:?}, {turn:?}");
                assert!(world.files.stamp(Path::new(PATH)).unwrap().is_private(), "{what}");
                let found = number(&world.pair());
                assert!(found + 1 >= held, "{what}: {found} of {held}");
                let mut next = world.keeper("two", "nas");
                let told = world.run(&mut next, 2_000);
                if told.contains(&"needs_login") {
                    assert!(told.contains(&"doubt"), "{what}: {told:?}");
                    lost += 1;
                } else {
                    assert_eq!(world.venue().current, number(&world.pair()), "{what}");
                    went_on += 1;
                }
                let litter = world.files.list(Path::new("/run")).unwrap();
                assert!(!litter.iter().any(|path| path.to_string_lossy().ends_with(".tmp")), "{what}: {litter:?}");
                assert!(world.venue().arrived.len() <= 5, "{what}");
            }
        }
    }
    assert!(went_on > 2_000 && lost > 100, "{went_on} went on, {lost} told lost");
}

#[test]
fn a_pair_that_was_written_and_not_yet_named_is_found_by_the_next_keeper() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 10);
    let files = world.files.clone();
    // lock, read, create, write, sync: the rename fails, and so does the removal of what was written.
    let before = world.files.operations();
    world.meanwhile(move || {
        let at = files.operations() + 4;
        assert!(at > before);
        files.fault_at(at, SimFault::PowerCut);
    });
    world.run(&mut keeper, 900);
    drop(keeper);
    world.files.power_on(Survives::Everything);
    assert_eq!(number(&world.pair()), 0);
    let mut next = world.keeper("two", "nas");
    let told = world.run(&mut next, 1);
    assert_eq!(told, ["recovered", "took"]);
    assert_eq!((number(&world.pair()), world.venue().arrived.len()), (1, 1));
}

#[test]
fn a_single_failure_of_the_disk_at_any_step_costs_nothing() {
    for at in 0..120 {
        let world = World::new(at);
        let mut keeper = world.keeper("one", "nas");
        world.files.fault_at(world.files.operations() + at, SimFault::Error);
        world.run(&mut keeper, 3_000);
        assert_eq!(number(&world.pair()), world.venue().current, "operation {at}");
        assert_eq!((world.venue().spent_again, keeper.status().state.as_str()), (0, "keeping"), "operation {at}");
        assert!(world.status().saved && world.status().problems.is_empty(), "operation {at}: {:?}", world.status());
    }
}

#[test]
fn left_over_pieces_of_a_killed_writer_are_cleared_and_files_of_others_are_not() {
    let world = World::new(1);
    for name in ["/run/.saxo.json.3.tmp", "/run/.saxo.json.lease.0.tmp", "/run/.other.json.0.tmp"] {
        world.files.create(Path::new(name), Create::default().private()).unwrap().write(b"{\"access").unwrap();
    }
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 1);
    let left = world.files.list(Path::new("/run")).unwrap();
    let left: Vec<_> = left.iter().filter(|path| path.to_string_lossy().ends_with(".tmp")).collect();
    assert_eq!(left, [Path::new("/run/.other.json.0.tmp")]);
}

#[test]
fn a_folder_full_of_pieces_is_told_and_the_next_keeper_clears_it() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 10);
    for number in 0..1_000 {
        let path = format!("/run/.saxo.json.{number}.tmp");
        drop(world.files.create(Path::new(&path), Create::default().private()).unwrap());
    }
    let told = world.run_events(&mut keeper, 900);
    assert_eq!(codes(&told), ["refreshed", "files"]);
    assert!(told[1].words.contains("cannot write /run/saxo.json") && told[1].words.contains("1000"), "{}", told[1]);
    assert_eq!(codes(&keeper.close().events), ["stopped", "rescued"], "beside the file there is a name");
    let mut next = world.keeper("two", "nas");
    assert_eq!(world.run(&mut next, 1), ["recovered", "took"]);
    assert_eq!(number(&world.pair()), 1);
    assert!(!world.files.list(Path::new("/run")).unwrap().iter().any(|path| path.to_string_lossy().ends_with(".tmp")));
}
