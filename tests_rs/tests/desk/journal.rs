//! The journal: what is in it is the desk; a torn tail is cut and told, everything else that is not as it was written is refused.

use std::path::{Path, PathBuf};

use exuvia_execution::{
    Amendment, Change, Desk, Durability, DurableDesk, Fee, Journal, JournalError, Link, Opening, Step, Torn,
};
use exuvia_model::{OrderIntent, OrderStatus, OrderType, Side, Time, Trail};
use exuvia_ports::{Create, Files, SimFault, SimFiles};
use proptest::prelude::*;

use crate::kit::*;

pub fn path() -> PathBuf {
    PathBuf::from("/orders.journal")
}

pub fn opened(durability: Durability) -> Opening {
    Opening { prefix: "EX".into(), holder: "desk 1, process 7".into(), durability, now: Time(5_000) }
}

/// A disk whose journal has these bytes.
fn disk(bytes: &[u8]) -> SimFiles {
    let files = SimFiles::new();
    files.create(&path(), Create::default()).unwrap().write(bytes).unwrap();
    files
}

/// The changes of a day with everything in it, and the desk after each.
fn day() -> Vec<(Change, Desk)> {
    let mut desk = Desk::default();
    let mut done = Vec::new();
    let mut take = |desk: &mut Desk, change: Change| {
        assert!(desk.apply(&change).unwrap().changed, "{change:?}");
        done.push((change, desk.clone()));
    };
    for change in opening() {
        take(&mut desk, change);
    }
    let bracket = vec![
        limit(Side::Buy, 5, "6000"),
        OrderIntent { order_type: OrderType::StopLimit, limit: Some(p("5989.5")), ..stop(Side::Sell, 5, "5990") },
        limit(Side::Sell, 2, "6010"),
        limit(Side::Sell, 3, "6020"),
    ];
    let wanted = desk.intend(Link::Bracket, bracket).unwrap();
    take(&mut desk, wanted);
    let quoted =
        OrderIntent { scenario: "a \"quote\",\nline".into(), ..trailing(Side::Sell, 1, Trail::BasisPoints(25)) };
    let wanted = desk.intend(Link::Single, vec![quoted]).unwrap();
    take(&mut desk, wanted);
    let ids: Vec<String> = desk.orders().iter().map(|order| order.client_id().to_owned()).collect();
    let say = |at: usize, step: Step| stepped(&ids[at], step);
    let terms = Amendment { quantity: q(6), limit: Some(p("6000.25")), stop: None };
    for change in [
        say(0, Step::Passed),
        say(1, Step::Passed),
        say(0, Step::Sent),
        say(0, Step::Lost("202 from the venue".into())),
        say(0, Step::Accepted(Some("7001".into()))),
        say(0, Step::ReplaceSent(terms)),
        say(0, Step::ReplaceRefused("too late".into())),
        Change::Executed(exuvia_execution::Execution {
            fee: Some(Fee { amount: "0.37".parse().unwrap(), currency: "USD".parse().unwrap() }),
            ..fill(&ids[0], "e-1", 2, "6000")
        }),
        Change::Totalled(total(&ids[0], 4, "5999.875")),
        say(1, Step::Sized(q(4))),
        say(1, Step::Sent),
        say(1, Step::Accepted(None)),
        say(0, Step::ReplaceSent(terms)),
        say(0, Step::Replaced),
        say(0, Step::CancelSent),
        say(0, Step::CancelRefused("not now".into())),
        say(0, Step::Expired),
        say(1, Step::CancelSent),
        say(1, Step::Cancelled("by us".into())),
        say(2, Step::Withdrawn("no position left".into())),
        say(3, Step::Refused("limits".into())),
        say(4, Step::Passed),
        say(4, Step::Sent),
        Change::Trailed { client_id: ids[4].clone(), stop: p("5990.25"), time: NOW },
    ] {
        take(&mut desk, change);
    }
    done
}

fn written(day: &[(Change, Desk)]) -> Vec<u8> {
    let files = SimFiles::new();
    let (mut journal, ..) = Journal::open(&files, &path(), "test", Durability::Always).unwrap();
    for (change, _) in day {
        journal.append(change).unwrap();
    }
    assert_eq!((journal.records(), journal.path()), (day.len() as u64, path().as_path()));
    files.read(&path()).unwrap()
}

fn replayed(files: &SimFiles) -> Result<(Desk, usize, Option<Torn>), JournalError> {
    let (_journal, records, torn) = Journal::open(files, &path(), "test", Durability::Always)?;
    let mut desk = Desk::default();
    for record in &records {
        desk.apply(&record.change).unwrap();
    }
    Ok((desk, records.len(), torn))
}

#[test]
fn a_journal_cut_at_any_byte_gives_the_desk_of_what_is_whole_and_tells_what_was_cut() {
    let day = day();
    let bytes = written(&day);
    let ends: Vec<usize> = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    assert_eq!(ends.len(), day.len() + 1, "a line for each change, and the first");
    for cut in 0..=bytes.len() {
        let files = disk(&bytes[..cut]);
        let (desk, count, torn) = replayed(&files).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(count, whole.saturating_sub(1), "cut at {cut}");
        assert_eq!(desk, if count == 0 { Desk::default() } else { day[count - 1].1.clone() }, "cut at {cut}");
        let kept = if whole == 0 { 0 } else { ends[whole - 1] };
        let expected = (cut > kept).then_some(Torn { offset: kept as u64, bytes: (cut - kept) as u64 });
        assert_eq!(torn, expected, "cut at {cut}");
        assert_eq!(replayed(&files).unwrap(), (desk, count, None), "it is cut once");
        let (journal, ..) = Journal::open(&files, &path(), "test", Durability::Always).unwrap();
        drop(journal);
        assert_eq!(files.read(&path()).unwrap(), bytes[..kept.max(ends[0])]);
    }
}

#[test]
fn a_bit_that_turned_anywhere_is_refused_with_file_and_place_and_the_file_stays() {
    let day = day();
    let bytes = written(&day);
    let mut line_starts = vec![0];
    line_starts.extend(bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut turned = bytes.clone();
            turned[at] ^= 1 << bit;
            let files = disk(&turned);
            let error = Journal::open(&files, &path(), "test", Durability::Always).unwrap_err();
            match &error {
                JournalError::Damaged { path: named, offset, .. } => {
                    let start = line_starts.iter().filter(|start| **start <= at).max().unwrap();
                    assert_eq!((named, *offset), (&path(), *start as u64), "byte {at}, bit {bit}: {error}");
                }
                JournalError::Newer { found, .. } => assert!(at < 16 && *found > 1),
                other => panic!("byte {at}, bit {bit}: {other}"),
            }
            assert!(error.to_string().contains("/orders.journal"), "{error}");
            assert_eq!(files.read(&path()).unwrap(), turned, "what cannot be read is not touched");
        }
    }
}

#[test]
fn lines_that_are_lost_repeated_or_changed_places_are_refused() {
    let bytes = written(&day());
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let refuse = |lines: Vec<&[u8]>| replayed(&disk(&lines.concat())).unwrap_err().to_string();
    let mut lost = lines.clone();
    lost.remove(4);
    assert!(refuse(lost).contains("it is record 4 where 3 was expected"));
    let mut twice = lines.clone();
    twice.insert(5, lines[4]);
    assert!(refuse(twice).contains("lines were lost or repeated"));
    let mut swapped = lines.clone();
    swapped.swap(6, 7);
    assert!(refuse(swapped).contains("it is record 6 where 5 was expected"));
    let mut blank = lines.clone();
    blank.insert(3, b"\n");
    assert!(refuse(blank).contains("a line of 0 bytes is no record"));
}

#[test]
fn a_newer_format_and_a_file_of_somebody_else_are_refused_and_left_alone() {
    for (bytes, code, says) in [
        ("exuvia-orders 2\n{}\n", "journal_newer", "has format 2, this exuvia reads up to 1"),
        ("exuvia-orders 0\n", "journal_damaged", "its first line is not"),
        ("time,side\n1,Buy\n", "journal_damaged", "at byte 0"),
        ("exuvia-orders 1x", "journal_damaged", "at byte 0"),
    ] {
        let files = disk(bytes.as_bytes());
        let error = replayed(&files).unwrap_err();
        assert!(error.code() == code && error.to_string().contains(says), "{error}");
        assert_eq!(files.read(&path()).unwrap(), bytes.as_bytes());
    }
}

/// A line as the format writes it, for content that no desk would write.
fn line(json: &str) -> String {
    let crc = json.bytes().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    format!("{:08x} {json}\n", !crc)
}

#[test]
fn records_that_are_whole_and_cannot_be_are_refused_at_their_place() {
    let first = line(r#"{"n":0,"change":"opened","prefix":"EX","counter":0}"#);
    let with = |second: &str| disk(format!("exuvia-orders 1\n{first}{}", line(second)).as_bytes());
    let place = 16 + first.len();
    for (json, says) in [
        (r#"{"n":1,"change":"danced"}"#, "danced"),
        (r#"{"n":1,"change":"opened","prefix":"EX","counter":0}"#, "its change cannot follow: a desk is opened once"),
        (r#"{"n":1,"change":"stepped","client_id":"EX-a-000001","step":"sent","time":"now"}"#, "not an ISO-8601"),
        (
            r#"{"n":1,"change":"stepped","client_id":"EX-a-000001","step":"sent","time":"2026-02-03T14:05:06Z"}"#,
            "EX-a-000001 is not in this book",
        ),
        (
            r#"{"n":1,"change":"trailed","client_id":"EX-a-000001","stop":1.25,"time":"2026-02-03T14:05:06Z"}"#,
            "invalid type: floating point",
        ),
        (r#"{"m":1}"#, "missing field"),
    ] {
        let error = DurableDesk::open(&with(json), &path(), &opened(Durability::Always)).unwrap_err();
        let text = error.to_string();
        assert!(error.code() == "journal_damaged" && text.contains(says), "{text}");
        assert!(text.contains(&format!("/orders.journal is damaged at byte {place}")), "{text}");
    }
    let fine = with(
        r#"{"n":1,"change":"listed","name":"ESZ6","tick":"0.25","lot":"1","multiplier":"50","currency":"USD","negative_prices":false}"#,
    );
    let (desk, recovery) = DurableDesk::open(&fine, &path(), &opened(Durability::Always)).unwrap();
    assert_eq!((recovery.records, desk.desk().instruments()[0].multiplier), (2, q(50)));
}

#[test]
fn a_second_writer_is_told_who_the_first_one_is_until_that_one_is_gone() {
    let files = SimFiles::new();
    let (first, _) = DurableDesk::open(&files, &path(), &opened(Durability::Always)).unwrap();
    let second = DurableDesk::open(&files, &path(), &opened(Durability::Always)).unwrap_err();
    assert_eq!(second.code(), "journal_locked");
    assert!(second.to_string().contains("desk 1, process 7 holds it"), "{second}");
    drop(first);
    assert!(DurableDesk::open(&files, &path(), &opened(Durability::Always)).is_ok());
}

#[test]
fn the_journal_of_another_desk_is_not_taken_up() {
    let files = SimFiles::new();
    drop(DurableDesk::open(&files, &path(), &opened(Durability::Always)).unwrap());
    let other = Opening { prefix: "LB".into(), ..opened(Durability::Always) };
    let error = DurableDesk::open(&files, &path(), &other).unwrap_err();
    assert_eq!(error.code(), "journal_of_other_desk");
    assert!(error.to_string().contains("\"EX\", not of \"LB\""), "{error}");
}

#[test]
fn a_full_disk_takes_no_order_and_what_was_half_written_is_cut_when_there_is_room_again() {
    let files = SimFiles::new();
    let (mut desk, _) = DurableDesk::open(&files, &path(), &opened(Durability::Always)).unwrap();
    desk.apply(&Change::Listed(mes())).unwrap();
    let before = desk.desk().clone();
    let held = files.read(&path()).unwrap().len();
    files.set_capacity(Some(held + 40 + "desk 1, process 7".len()));
    let error = desk.intend(Link::Single, vec![market(Side::Buy, 1)]).unwrap_err();
    assert_eq!((error.code(), desk.desk()), ("journal_full", &before));
    let error = desk.intend(Link::Single, vec![market(Side::Buy, 1)]).unwrap_err();
    assert!(error.code() == "journal_failed" && error.to_string().contains("open it anew"), "{error}");
    assert_eq!(desk.journal().sync().unwrap_err().code(), "journal_failed");
    drop(desk);
    files.set_capacity(None);
    let (mut desk, recovery) = DurableDesk::open(&files, &path(), &opened(Durability::Always)).unwrap();
    assert_eq!((recovery.torn.unwrap().offset, desk.desk()), (held as u64, &before));
    assert_eq!(
        desk.intend(Link::Single, vec![market(Side::Buy, 1)]).unwrap(),
        ["EX-trend-000001"],
        "the number was not used"
    );
}

#[test]
fn an_fsync_that_fails_ends_the_journal_and_a_file_that_cannot_be_read_is_told() {
    let files = SimFiles::new();
    let (mut desk, _) = DurableDesk::open(&files, &path(), &opened(Durability::Never)).unwrap();
    files.fault_at(files.operations(), SimFault::Error);
    assert_eq!(desk.journal().sync().unwrap_err().code(), "journal_files");
    assert_eq!(desk.apply(&Change::Listed(mes())).unwrap_err().code(), "journal_failed");
    drop(desk);
    files.create_dir_all(Path::new("/folder.journal")).unwrap();
    let folder = DurableDesk::open(&files, Path::new("/folder.journal"), &opened(Durability::Always)).unwrap_err();
    assert_eq!(folder.code(), "journal_files");
    let far = DurableDesk::open(&files, Path::new("/nowhere/orders.journal"), &opened(Durability::Always)).unwrap_err();
    assert_eq!(far.code(), "journal_files");
    let newer = JournalError::Newer { path: path(), found: 9 };
    let unwritable = JournalError::Unwritable { path: path(), why: "x".into() };
    assert_eq!((newer.code(), unwritable.code()), ("journal_newer", "journal_unwritable"));
}

#[test]
fn changes_are_durable_when_their_kind_says_so() {
    let synced = |durability, change: &dyn Fn(&mut DurableDesk)| {
        let files = SimFiles::new();
        let (mut desk, _) = DurableDesk::open(&files, &path(), &opened(durability)).unwrap();
        desk.apply(&Change::Listed(mes())).unwrap();
        desk.intend(Link::Single, vec![market(Side::Buy, 1)]).unwrap();
        desk.step("EX-trend-000001", Step::Passed, NOW).unwrap();
        let before = files.operations();
        change(&mut desk);
        files.operations() - before
    };
    let sent = |desk: &mut DurableDesk| drop(desk.step("EX-trend-000001", Step::Sent, NOW).unwrap());
    let sized = |desk: &mut DurableDesk| drop(desk.step("EX-trend-000001", Step::Sized(q(2)), NOW).unwrap());
    let nothing = |desk: &mut DurableDesk| drop(desk.apply(&Change::Listed(mes())).unwrap());
    let counts = [Durability::BeforeBytes, Durability::Always, Durability::Never]
        .map(|durability| [synced(durability, &sent), synced(durability, &sized), synced(durability, &nothing)]);
    assert_eq!(
        counts,
        [[2, 1, 0], [2, 2, 0], [1, 1, 0]],
        "a write, and an fsync where one is due; nothing for no change"
    );
    assert_eq!(Durability::default(), Durability::BeforeBytes);
}

#[test]
fn what_was_under_way_is_in_doubt_after_a_restart_and_is_never_sent_again() {
    let files = SimFiles::new();
    let (mut desk, _) = DurableDesk::open(&files, &path(), &opened(Durability::default())).unwrap();
    desk.apply(&Change::Listed(mes())).unwrap();
    let ids = (0..4)
        .map(|_| desk.intend(Link::Single, vec![limit(Side::Buy, 2, "6000")]).unwrap().remove(0))
        .collect::<Vec<_>>();
    let terms = Amendment { quantity: q(3), limit: None, stop: None };
    let sent = [Step::Passed, Step::Sent];
    let works = [&sent[..], &[Step::Accepted(None)]].concat();
    for (id, steps) in ids.iter().zip([
        sent.to_vec(),
        [&works[..], &[Step::CancelSent]].concat(),
        [&works[..], &[Step::ReplaceSent(terms)]].concat(),
        works.clone(),
    ]) {
        for step in steps {
            desk.step(id, step, NOW).unwrap();
        }
    }
    drop(desk);
    let (desk, recovery) = DurableDesk::open(&files, &path(), &opened(Durability::default())).unwrap();
    assert_eq!(recovery.in_doubt, ids[..3]);
    for id in &ids[..3] {
        assert_eq!(desk.desk().find(id).unwrap().status(), OrderStatus::Unknown);
        assert!(desk.desk().to_send(id).is_none());
    }
    assert_eq!(desk.desk().find(&ids[3]).unwrap().status(), OrderStatus::Working);
    drop(desk);
    let (_, again) = DurableDesk::open(&files, &path(), &opened(Durability::default())).unwrap();
    assert!(again.in_doubt.is_empty(), "the doubt is on record");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_random_life_comes_back_from_its_journal(
        moves in prop::collection::vec((0_usize..9, 0_usize..7, 1_i64..5, 0_i64..40), 0..60), stopped in any::<prop::sample::Index>(),
    ) {
        let files = SimFiles::new();
        let (mut live, _) = DurableDesk::open(&files, &path(), &opened(Durability::Never)).unwrap();
        for change in opening().into_iter().skip(1) {
            live.apply(&change).unwrap();
        }
        let stop_at = stopped.index(moves.len() + 1);
        for (at, (kind, order, amount, number)) in moves.into_iter().enumerate() {
            if at == stop_at {
                drop(live);
                live = DurableDesk::open(&files, &path(), &opened(Durability::Never)).unwrap().0;
            }
            let id = format!("EX-trend-{:06}", order + 1);
            let change = match kind {
                0 => {
                    let orders = vec![limit(Side::Sell, amount, "6010"), stop(Side::Sell, amount, "5990")];
                    drop(live.intend(Link::Oco, orders).unwrap());
                    continue;
                }
                1 => stepped(&id, Step::Passed),
                2 => stepped(&id, Step::Sent),
                3 => stepped(&id, Step::Accepted(Some(format!("V-{order}")))),
                4 => Change::Executed(fill(&id, &number.to_string(), amount, "6000.25")),
                5 => Change::Totalled(total(&id, amount, "5999.5")),
                6 => stepped(&id, Step::CancelSent),
                7 => stepped(&id, Step::ReplaceSent(Amendment { quantity: q(amount), limit: Some(p("6011")), stop: None })),
                _ => stepped(&id, [Step::Replaced, Step::Cancelled("x".into()), Step::CancelRefused("y".into()), Step::Lost("z".into())][order % 4].clone()),
            };
            let _ = live.apply(&change);
        }
        let before = live.desk().clone();
        drop(live);
        let (again, _, torn) = replayed(&files).unwrap();
        prop_assert_eq!(torn, None);
        prop_assert_eq!(again.wanted(), before.wanted());
        prop_assert_eq!(again.counter(), before.counter());
        prop_assert_eq!(again, before);
    }
}
