//! The promises of the format of evidence: what was written is read, a cut end is seen wherever it is cut, a
//! changed bit is found wherever it is, and nothing that is read makes the reader fall.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use bytes::Bytes;
use exuvia_lake::{EvidenceColumn, EvidenceKind, EvidenceTable, decode_parquet, encode_evidence};
use exuvia_migrate::evidence::{
    Damage, EvidenceError, FORMAT, Frames, HEAD, LONGEST, Piece, append_frame, kind_of, scan,
};
use proptest::prelude::*;

fn framed(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for payload in payloads {
        append_frame(payload, &mut bytes).unwrap();
    }
    bytes
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    ("[a-z]{1,8}", "[ -~]{0,60}")
        .prop_map(|(kind, text)| serde_json::json!({"kind": kind, "at": 1, "text": text}).to_string().into_bytes())
}

fn read(bytes: &[u8]) -> Vec<Vec<u8>> {
    Frames::new(bytes)
        .filter_map(|piece| match piece {
            Piece::Frame { payload, .. } => Some(payload.to_vec()),
            _ => None,
        })
        .collect()
}

proptest! {
    #[test]
    fn what_was_written_is_read(payloads in prop::collection::vec(payload(), 0..20)) {
        let bytes = framed(&payloads);
        prop_assert_eq!(read(&bytes), payloads.clone());
        let found = scan(&bytes, true).unwrap();
        prop_assert_eq!((found.frames, found.damaged.len(), found.torn), (payloads.len(), 0, None));
    }

    #[test]
    fn an_end_that_was_cut_is_seen_unless_it_was_cut_between_two_frames(
        payloads in prop::collection::vec(payload(), 1..8), cut in 0.0..1.0_f64,
    ) {
        let bytes = framed(&payloads);
        let length = (cut * bytes.len() as f64) as usize;
        let found = scan(&bytes[..length], true).unwrap();
        let mut whole = 0;
        let mut end = 0;
        for payload in &payloads {
            if end + HEAD + payload.len() > length {
                break;
            }
            end += HEAD + payload.len();
            whole += 1;
        }
        prop_assert_eq!(found.frames, whole);
        prop_assert_eq!(found.torn, (end < length).then_some(Damage { offset: end, length: length - end }));
    }

    #[test]
    fn a_changed_bit_is_found_and_every_other_frame_is_read(
        payloads in prop::collection::vec(payload(), 1..8), at in any::<prop::sample::Index>(), bit in 0..8_u32,
    ) {
        let mut bytes = framed(&payloads);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let found = scan(&bytes, true).unwrap();
        prop_assert_eq!(found.damaged.len() + usize::from(found.torn.is_some()), 1);
        prop_assert_eq!(found.frames, payloads.len() - 1);
        let damage = found.damaged.first().copied().or(found.torn).unwrap();
        prop_assert!((damage.offset..damage.offset + damage.length).contains(&at));
    }

    #[test]
    fn any_bytes_are_read_without_a_fall_and_each_is_in_one_piece(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut end = 0;
        for piece in Frames::new(&bytes) {
            let (offset, length) = match piece {
                Piece::Frame { offset, payload } => (offset, HEAD + payload.len()),
                Piece::Damaged(damage) | Piece::Torn(damage) => (damage.offset, damage.length),
            };
            prop_assert_eq!(offset, end);
            prop_assert!(length > 0);
            end += length;
        }
        prop_assert_eq!(end, bytes.len());
    }

    #[test]
    fn spoiled_segments_never_give_a_line_that_nobody_wrote(
        payloads in prop::collection::vec(payload(), 1..8),
        spoils in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = framed(&payloads);
        for (at, byte, how) in spoils {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                _ => bytes.insert(at, byte),
            }
        }
        for line in read(&bytes) {
            prop_assert!(payloads.contains(&line));
        }
    }
}

#[test]
fn zeros_that_a_power_cut_leaves_are_a_torn_end_and_no_frames() {
    let mut bytes = framed(&[br#"{"kind":"beat","at":1}"#.to_vec()]);
    let whole = bytes.len();
    bytes.extend([0; 4096]);
    let found = scan(&bytes, true).unwrap();
    assert_eq!((found.frames, found.torn), (1, Some(Damage { offset: whole, length: 4096 })));
}

#[test]
fn of_counters_beats_and_sessions_only_the_last_of_each_key_is_kept() {
    let line = |text: &str| text.replace('\'', "\"").into_bytes();
    let bytes = framed(&[
        line("{'kind':'header','at':1,'format':2}"),
        line("{'kind':'counters','at':2,'units':{'a':1}}"),
        line("{'kind':'session','unit':'a','day':'2026-11-20','at':3,'last':1}"),
        line("{'kind':'mismatch','unit':'a','at':4}"),
        line("{'kind':'session','unit':'a','day':'2026-11-21','at':5,'last':2}"),
        line("{'kind':'mismatch','unit':'a','at':4}"),
        line("{'kind':'session','unit':'a','day':'2026-11-20','at':6,'last':3}"),
        line("{'kind':'beat','at':7}"),
        line("{'kind':'counters','at':8,'units':{'a':2}}"),
        line("{'kind':'beat','at':9}"),
    ]);
    let found = scan(&bytes, false).unwrap();
    let kinds: Vec<_> = found.kept.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["header", "mismatch", "session", "mismatch", "session", "counters", "beat"]);
    assert!(String::from_utf8_lossy(found.kept[4].1).contains("\"last\":3"));
    assert_eq!(found.frames, 10);
    assert_eq!(scan(&bytes, true).unwrap().kept.len(), 10);
}

#[test]
fn a_seal_counts_only_where_nothing_follows_it() {
    let (beat, seal) = (br#"{"kind":"beat","at":1}"#.to_vec(), br#"{"kind":"seal","at":2}"#.to_vec());
    let mut bytes = framed(&[beat.clone(), seal.clone()]);
    assert_eq!(scan(&bytes, false).unwrap().seal, Some(HEAD + beat.len()));
    bytes.push(0);
    assert_eq!(scan(&bytes, false).unwrap().seal, None);
    assert_eq!(scan(&framed(&[seal, beat]), false).unwrap().seal, None);
}

#[test]
fn a_newer_format_is_refused_with_a_sentence() {
    let header = format!(r#"{{"kind":"header","format":{}}}"#, FORMAT + 1).into_bytes();
    let error = scan(&framed(&[header]), false).unwrap_err();
    assert_eq!(error, EvidenceError::Newer { format: FORMAT + 1 });
    assert!(error.to_string().contains("newer exuvia"), "{error}");
}

#[test]
fn a_payload_that_is_no_object_or_too_long_is_not_written() {
    let mut bytes = vec![7];
    assert!(matches!(append_frame(b"[]", &mut bytes), Err(EvidenceError::NotAnObject { .. })));
    assert!(matches!(append_frame(b"", &mut bytes), Err(EvidenceError::NotAnObject { .. })));
    let long = vec![b'{'; LONGEST + 1];
    assert_eq!(append_frame(&long, &mut bytes), Err(EvidenceError::TooLong { length: LONGEST + 1 }));
    assert_eq!(bytes, [7]);
    assert_eq!(kind_of(b"{\"kin"), "");
    assert_eq!(kind_of(b"{ \"at\": 1, \"kind\": \"call\" }"), "call");
}

#[test]
fn damage_that_looks_like_a_thousand_frames_is_given_up_in_bounded_time() {
    // Each of these heads claims the rest of the file: without patience it would be summed over for each.
    let mut bytes = Vec::new();
    while bytes.len() < 3_000_000 {
        bytes.extend((2_000_000_u32).to_le_bytes());
        bytes.extend([1, 2, 3, 4, b'{']);
    }
    let found = scan(&bytes, true).unwrap();
    assert_eq!(found.frames, 0);
    assert_eq!(found.damaged.len() + usize::from(found.torn.is_some()), 1);
}

#[test]
fn rows_of_each_table_come_back_from_parquet() {
    for table in [EvidenceTable::Mismatches, EvidenceTable::Calls, EvidenceTable::Counters, EvidenceTable::Sessions] {
        let columns = table
            .columns()
            .map(|(name, kind)| match kind {
                EvidenceKind::Text => EvidenceColumn::Text(vec![Some(name.to_owned()), None]),
                EvidenceKind::Int => EvidenceColumn::Int(vec![Some(7), None]),
                EvidenceKind::Flag => EvidenceColumn::Flag(vec![Some(true), None]),
                EvidenceKind::Time => EvidenceColumn::Time(vec![Some(1_700_000_000_000_000_000), None]),
                EvidenceKind::Bytes => EvidenceColumn::Bytes(vec![Some(b"pickle".to_vec()), None]),
            })
            .collect();
        let metadata = BTreeMap::from([("day".to_owned(), "2026-11-20".to_owned())]);
        let bytes = encode_evidence(table, columns, metadata).unwrap();
        let read = decode_parquet("x.parquet", Bytes::from(bytes), None).unwrap();
        assert_eq!(read.rows(), 2);
        let names: Vec<_> = read.schema.fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, table.columns().map(|(name, _)| name).collect::<Vec<_>>());
        assert!(read.batches[0].columns().iter().all(|column| column.is_null(1) && !column.is_null(0)));
    }
    assert!(EvidenceTable::named("orders").unwrap_err().to_string().contains("sessions"));
    assert!(encode_evidence(EvidenceTable::Calls, Vec::new(), BTreeMap::new()).is_err());
}
