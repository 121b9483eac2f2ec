//! What an operator does and sees: a look at the files, and the cutover from the parallel name to the canonical one.

use std::path::Path;

use exuvia_engine::tokens::{Holder, Keeper, Paths, Settings, cutover, look};
use exuvia_model::Time;
use exuvia_ports::{Clock as _, Files as _, SimFault, Survives};

use crate::kit::{LIFE, PATH, START, Turn, World, login, number, put};

fn problems(world: &World) -> Vec<String> {
    look(&world.files, &world.paths(), world.clock.utc()).unwrap().problems
}

#[test]
fn a_token_that_is_kept_looks_healthy_and_says_nothing_secret() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 1_000);
    let seen = look(&world.files, &world.paths(), world.clock.utc()).unwrap();
    assert!(seen.healthy && seen.problems.is_empty(), "{seen:?}");
    let (token, lease, status) =
        (seen.token.clone().unwrap(), seen.lease.clone().unwrap(), seen.keeper.clone().unwrap());
    assert_eq!((token.fencing_token, token.mode.as_deref()), (Some(1), Some("0600")));
    assert!((LIFE - 110..LIFE - 90).contains(&token.seconds_left.unwrap()), "{token:?}");
    assert_eq!(
        (lease.holder.as_str(), lease.host.as_str(), lease.pid, lease.in_doubt, lease.refused),
        ("one", "nas", 7, false, false)
    );
    assert_eq!((status.state.as_str(), status.refreshes), ("keeping", 1));
    assert!(!serde_json::to_string(&seen).unwrap().contains("secret-"));
}

#[test]
fn each_thing_that_is_wrong_is_said_with_what_to_do() {
    let world = World::new(1);
    world.put(&login(0, START + LIFE), false);
    let told = problems(&world);
    assert!(
        told[0].contains("(mode 644): run chmod 600") && told[1].contains("nobody keeps it: there is no lease"),
        "{told:?}"
    );
    world.pass(2_000);
    assert!(problems(&world)[1].contains("the access token ended 800 s ago"));
    let mut keeper = world.keeper("one", "nas");
    world.turns([Turn::LostRequest; 20]);
    world.run(&mut keeper, 10);
    let told = problems(&world);
    assert!(told.iter().any(|told| told.contains("has no answer on record")), "{told:?}");
    assert!(told.iter().any(|told| told.starts_with("doubt: ")), "{told:?}");
    world.pass(1_000);
    let told = problems(&world);
    assert!(told.iter().any(|told| told.contains("its keeper one (process 7) was last at work at 2026-")), "{told:?}");
    world.venue().turns.clear();
    world.venue().revoked = true;
    world.run(&mut keeper, 10);
    assert!(problems(&world).iter().any(|told| told.contains("the venue refused the token: log in anew")));
    keeper.close();
    let told = problems(&world);
    assert!(told.iter().any(|told| told.contains("nobody keeps it: one gave its lease back")), "{told:?}");
    for (path, text, said) in [
        (world.paths().token().to_path_buf(), "{", "it is not whole JSON"),
        (world.paths().lease(), "{", "it is no lease"),
        (world.paths().status(), "{", "it is no status"),
    ] {
        put(&world.files, &path, text, true);
        assert!(problems(&world).iter().any(|told| told.contains(said)), "{said}");
    }
    world.files.remove(Path::new(PATH)).unwrap();
    assert!(problems(&world)[0].contains("there is no /run/saxo.json: log in"));
    world.files.create_dir_all(&world.paths().lease().with_file_name("folder")).unwrap();
    assert!(look(&world.files, &Paths::canonical(Path::new("/run/folder")), Time(0)).is_err());
    world.files.remove(&world.paths().lease()).unwrap();
    world.files.create_dir_all(&world.paths().lease()).unwrap();
    assert!(look(&world.files, &world.paths(), Time(0)).is_err());
}

fn parallel(world: &World) -> (Paths, Keeper) {
    let paths = Paths::parallel(Path::new(PATH));
    world.venue().current = 50;
    put(&world.files, paths.token(), &login(50, START + LIFE).replace("\"user\":\"ann\"", "\"scope\":\"all\""), true);
    let holder = Holder { name: "new".into(), host: "nas".into(), pid: 8 };
    let way = Box::new(world.way.clone());
    let keeper = Keeper::new(world.ports(), paths.clone(), holder, Settings::default(), way).unwrap();
    (paths, keeper)
}

fn cut_over(world: &World, paths: &Paths) -> Result<u64, exuvia_engine::tokens::TokenError> {
    cutover(&world.files, paths, &world.paths(), "ann", "gate passed", world.clock.utc())
        .map(|lease| lease.fencing_token)
}

#[test]
fn at_the_cutover_the_new_keepers_pair_takes_the_canonical_name_and_lies_nowhere_else() {
    let world = World::new(1);
    let (paths, mut new) = parallel(&world);
    world.run(&mut new, 1_000);
    let error = cut_over(&world, &paths).unwrap_err();
    assert!(error.code() == "held" && error.to_string().contains("saxo.exuvia.json is kept by new"), "{error}");
    new.close();
    assert_eq!(cutover(&world.files, &paths, &world.paths(), "ann", "", Time(0)).unwrap_err().code(), "unsigned");
    assert_eq!(cut_over(&world, &paths).unwrap(), 2);
    let pair = world.pair();
    assert_eq!((number(&pair), pair.fence), (51, Some(2)));
    assert!(
        pair.to_json().expose().contains("\"scope\": \"all\"") && pair.to_json().expose().contains("\"user\": \"ann\"")
    );
    assert!(!world.files.exists(paths.token()));
    let before = world.files.read(Path::new("/run/saxo.json.foreign-2-0")).unwrap();
    assert!(String::from_utf8(before).unwrap().contains("secret-r0"));
    let error = cut_over(&world, &paths).unwrap_err();
    assert!(error.to_string().contains("cannot read /run/saxo.exuvia.json"), "{error}");
    let mut keeper = world.keeper("new", "nas");
    assert_eq!(world.run(&mut keeper, 1_000), ["took", "refreshed"]);
    assert_eq!((keeper.fence(), number(&world.pair())), (3, 52));
    assert_eq!(cut_over(&world, &paths).unwrap_err().code(), "held");
}

#[test]
fn a_cutover_that_a_power_cut_breaks_off_is_ended_by_the_next() {
    for at in 0..40 {
        let world = World::new(1);
        let (paths, mut new) = parallel(&world);
        world.run(&mut new, 10);
        new.close();
        world.files.fault_at(world.files.operations() + at, SimFault::PowerCut);
        let first = cut_over(&world, &paths);
        world.files.power_on(Survives::Some { seed: at });
        if world.files.exists(paths.token()) {
            cut_over(&world, &paths).unwrap();
        }
        assert_eq!((number(&world.pair()), world.lease().released), (50, true), "operation {at}: {first:?}");
        assert!(world.files.stamp(Path::new(PATH)).unwrap().is_private());
    }
}
