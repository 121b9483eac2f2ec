//! Nothing that is shown, told or kept beside the token file holds any part of a token.

use std::path::Path;
use std::sync::Arc;

use exuvia_engine::tokens::{OAuth2, Secret, Tokens};
use exuvia_ports::{Files as _, SimHttp};

use crate::kit::{LIFE, PATH, START, Turn, World, login};

#[test]
fn no_event_error_status_lease_or_debug_text_holds_a_token() {
    let turns = [
        Turn::Answer,
        Turn::NotSent,
        Turn::Server,
        Turn::Limited(None),
        Turn::Denied,
        Turn::LostRequest,
        Turn::Nonsense,
    ];
    let world = World::new(1);
    world.turns(turns);
    let mut keeper = world.keeper("one", "nas");
    let mut shown = String::new();
    for step in 0..400 {
        for event in world.run_events(&mut keeper, 30) {
            shown += &format!("{event} {event:?}\n");
        }
        match step {
            100 => world.put(&login(1, START + LIFE)[..60], false),
            150 => world.put(&login(80, START + 6_000), true),
            200 => world.files.set_read_only(true),
            250 => world.files.set_read_only(false),
            _ => {}
        }
        shown += &format!("{keeper:?} {:?} {:?}\n", keeper.tokens(), keeper.status());
    }
    let tokens = Tokens::of(Arc::new(world.files.clone()), Path::new(PATH));
    shown += &format!("{:?} {tokens:?} {:?}\n", tokens.current(), world.pair());
    for path in [world.paths().lease(), world.paths().status(), world.paths().lock(), world.paths().alive()] {
        shown += &String::from_utf8(world.files.read(&path).unwrap()).unwrap();
    }
    assert!(shown.contains("***") && shown.contains("needs_login") && shown.len() > 100_000, "{}", shown.len());
    assert!(!shown.contains("secret-"), "{}", shown.lines().find(|line| line.contains("secret-")).unwrap_or_default());
    assert!(!shown.contains("\"ann"), "members that are not known may be secret too");
    let other = OAuth2::new(Arc::new(SimHttp::new(|_| unreachable!())), "u").secret_field("k", Secret::new("secret-k"));
    assert!(!format!("{other:?}").contains("secret-k"));
}

#[test]
fn files_with_tokens_are_0600_and_the_status_is_for_all() {
    let world = World::new(1);
    let mut keeper = world.keeper("one", "nas");
    world.run(&mut keeper, 1_000);
    for (path, private) in
        [(world.paths().token().to_path_buf(), true), (world.paths().lease(), true), (world.paths().status(), false)]
    {
        assert_eq!(world.files.stamp(&path).unwrap().is_private(), private, "{}", path.display());
    }
}
