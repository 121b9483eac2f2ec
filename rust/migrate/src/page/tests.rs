use super::*;

const UNIT: &str = "legacy_bot.bars:aggregate";

fn blank() -> Vec<AtomicU64> {
    let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
    for (at, value) in [MAGIC, VERSION, SLOTS as u64, PROCESSES as u64, KEYS as u64, 7, 9].into_iter().enumerate() {
        words[at].store(value, Ordering::Relaxed);
    }
    let bytes: Vec<u8> = (0..7).flat_map(|at| words[at].load(Ordering::Relaxed).to_le_bytes()).collect();
    words[7].store(fnv(&bytes), Ordering::Relaxed);
    let [first, second] = digest(UNIT);
    words[HEADER_WORDS + 8].store(first, Ordering::Relaxed);
    words[HEADER_WORDS + 9].store(second, Ordering::Relaxed);
    words[HEADER_WORDS + 10].store(seal(Mode::Rust, 5, [first, second]), Ordering::Relaxed);
    words
}

#[test]
fn a_slot_is_found_by_its_unit_and_its_word_comes_back() {
    let words = blank();
    let page = Page::new(&words).expect("a page");
    let slot = page.slot(UNIT).expect("a slot");
    assert_eq!(slot.read(slot.word().load(Ordering::Relaxed)), Some((Mode::Rust, 5)));
    assert!(page.slot("legacy_bot.bars:other").is_none());
}

#[test]
fn a_word_with_any_bit_flipped_or_of_another_unit_is_refused() {
    let words = blank();
    let slot = Page::new(&words).and_then(|page| page.slot(UNIT)).expect("a slot");
    let word = seal(Mode::Rust, 5, digest(UNIT));
    for bit in 0..64 {
        assert_eq!(slot.read(word ^ (1 << bit)), None, "bit {bit}");
    }
    assert_eq!(slot.read(seal(Mode::Rust, 5, digest("another"))), None);
    assert_eq!(slot.read(0), None);
}

#[test]
fn a_page_that_is_short_foreign_or_torn_is_no_page() {
    let words = blank();
    assert!(Page::new(&words[..WORDS - 1]).is_none());
    for at in 0..8 {
        let torn = blank();
        torn[at].fetch_xor(1, Ordering::Relaxed);
        assert!(Page::new(&torn).is_none(), "word {at}");
    }
}

#[test]
fn no_cap_is_ever_passed_and_a_new_day_starts_at_zero() {
    let words = blank();
    let page = Page::new(&words).expect("a page");
    let slot = page.slot(UNIT).expect("a slot");
    let caps = Caps { calls: Some(5), calls_a_key: Some(2), amount: Some(1_000), amount_a_key: None };
    let served: Vec<bool> = [1, 1, 1, 2, 2, 3, 4].iter().map(|key| page.admit(&slot, *key, 10, 100, &caps)).collect();
    assert_eq!(served, [true, true, false, true, true, true, false]);
    assert_eq!(slot.used(10), (5, 500), "what a cap turned away was given back");
    assert!(page.admit(&slot, 1, 11, 100, &caps));
    assert!(!page.admit(&slot, 9, 11, 901, &caps), "the amount's cap");
    assert_eq!(slot.used(11), (1, 100));
}

#[test]
fn an_amount_that_would_overflow_is_turned_away() {
    let words = blank();
    let page = Page::new(&words).expect("a page");
    let slot = page.slot(UNIT).expect("a slot");
    let caps = Caps { amount: Some(MOST), ..Caps::default() };
    assert!(page.admit(&slot, 1, 1, MOST, &caps));
    assert!(!page.admit(&slot, 1, 1, 1, &caps));
    assert!(!page.admit(&slot, 1, 1, u64::MAX, &caps));
}

#[test]
fn a_table_without_room_turns_new_keys_away_until_the_next_day() {
    let words = blank();
    let page = Page::new(&words).expect("a page");
    let slot = page.slot(UNIT).expect("a slot");
    let caps = Caps { calls_a_key: Some(1), ..Caps::default() };
    // Neighbours in the table: the probes end before the 65th.
    let same = |n: u64| 77 + n * KEYS as u64;
    assert!((0..64).all(|n| page.admit(&slot, same(n), 3, 0, &caps)));
    assert!(!page.admit(&slot, same(64), 3, 0, &caps));
    assert!(page.admit(&slot, same(64), 4, 0, &caps), "places of yesterday are free");
    assert!(!page.admit(&slot, same(64), 4, 0, &caps), "and its own cap holds");
}

#[test]
fn eight_threads_together_never_pass_a_cap() {
    let words = blank();
    let page = Page::new(&words).expect("a page");
    let slot = page.slot(UNIT).expect("a slot");
    let caps = Caps { calls: Some(1_000), calls_a_key: Some(150), ..Caps::default() };
    let served: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..4_000_u64).filter(|n| page.admit(&slot, n % 8 + 1, 2, 0, &caps)).count()))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(served, 1_000);
    assert_eq!(slot.used(2).0, 1_000);
}
