//! The control page: one mapped file in which every process of a fleet sees at once where a unit may
//! stand. In go the words of the mapping; out come the mode of a slot, checked, and what a canary may
//! still serve today. Whoever maps the file does it elsewhere: nothing here touches the disk.
//!
//! All numbers are 64-bit little-endian words. A header of 64 words; 512 slots of 8 words, one a unit;
//! 256 processes of 8 words, written and read by the pollers; 4,096 canary keys of 4 words. A slot's
//! mode word holds mode, epoch and a checksum over both and the unit, so a torn or foreign word is seen.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::Mode;

/// First word of the header, `EXUVPAGE`.
pub const MAGIC: u64 = u64::from_le_bytes(*b"EXUVPAGE");
/// Version of this layout.
pub const VERSION: u64 = 1;
/// Units that fit.
pub const SLOTS: usize = 512;
/// Processes that fit.
pub const PROCESSES: usize = 256;
/// Keys of canaries that fit, over all units and one day.
pub const KEYS: usize = 4096;

const HEADER_WORDS: usize = 64;
const SLOT_WORDS: usize = 8;
const PROCESS_WORDS: usize = 8;
const KEY_WORDS: usize = 4;
const KEYS_AT: usize = HEADER_WORDS + SLOTS * SLOT_WORDS + PROCESSES * PROCESS_WORDS;
/// Size of the file in words.
pub const WORDS: usize = KEYS_AT + KEYS * KEY_WORDS;

const HEADER_CHECKED: usize = 7;
const SLOT_WORD: usize = 2;
const SLOT_CALLS: usize = 3;
const SLOT_AMOUNT: usize = 4;
const PROBES: usize = 64;
const DAY_BITS: u32 = 12;
const USED_BITS: u32 = 64 - DAY_BITS;
const USED_MASK: u64 = (1 << USED_BITS) - 1;

/// The greatest number of calls or parts of an amount that one day can count.
pub const MOST: u64 = USED_MASK;

/// What a canary may serve in a day; `None` is no limit. Amounts are in ten-thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Caps {
    /// Calls of the unit.
    pub calls: Option<u64>,
    /// Calls of one key.
    pub calls_a_key: Option<u64>,
    /// Sum of the amounts of the unit.
    pub amount: Option<u64>,
    /// Sum of the amounts of one key.
    pub amount_a_key: Option<u64>,
}

impl Caps {
    /// Whether anything is capped.
    pub const fn any(&self) -> bool {
        self.calls.is_some() || self.amount.is_some() || self.a_key()
    }

    const fn a_key(&self) -> bool {
        self.calls_a_key.is_some() || self.amount_a_key.is_some()
    }
}

/// The words of a mapped page.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    words: &'a [AtomicU64],
}

impl<'a> Page<'a> {
    /// Takes the words if they are a page of ours: length, magic, version and the header's checksum.
    pub fn new(words: &'a [AtomicU64]) -> Option<Self> {
        let page = Self { words: words.get(..WORDS)? };
        let header = |at: usize| page.load(at);
        let known = header(0) == MAGIC
            && header(1) == VERSION
            && (header(2), header(3), header(4)) == (SLOTS as u64, PROCESSES as u64, KEYS as u64);
        let bytes: Vec<u8> = (0..HEADER_CHECKED).flat_map(|at| header(at).to_le_bytes()).collect();
        (known && header(HEADER_CHECKED) == fnv(&bytes)).then_some(page)
    }

    /// The slot of a unit, if it has one.
    pub fn slot(&self, unit: &str) -> Option<Slot<'a>> {
        let digest = digest(unit);
        (0..SLOTS).find_map(|index| {
            let at = HEADER_WORDS + index * SLOT_WORDS;
            ([self.load(at), self.load(at + 1)] == digest).then_some(())?;
            let cell = |offset: usize| self.words.get(at + offset);
            Some(Slot { digest, word: cell(SLOT_WORD)?, calls: cell(SLOT_CALLS)?, amount: cell(SLOT_AMOUNT)? })
        })
    }

    /// Takes one call and its amount from what a canary may serve today; takes nothing if any cap is
    /// reached, or if the key finds no place in the table.
    ///
    /// A call is one of `key`, a hash that differs from unit to unit; `day` is any number that changes at
    /// midnight.
    pub fn admit(&self, slot: &Slot<'_>, key: u64, day: u64, amount: u64, caps: &Caps) -> bool {
        let day = day % (1 << DAY_BITS);
        let own = if caps.a_key() {
            let Some(cells) = self.key(key.max(1), day) else { return false };
            Some(cells)
        } else {
            None
        };
        let wanted = [
            (own.map(|cells| cells.0), 1, caps.calls_a_key),
            (own.map(|cells| cells.1), amount, caps.amount_a_key),
            (Some(slot.calls), 1, caps.calls),
            (Some(slot.amount), amount, caps.amount),
        ];
        for (taken, (cell, add, cap)) in wanted.iter().enumerate() {
            let (Some(cell), Some(cap)) = (cell, cap) else { continue };
            if !take(cell, day, *add, *cap) {
                for (cell, add, cap) in wanted.iter().take(taken) {
                    if let (Some(cell), Some(_)) = (cell, cap) {
                        give_back(cell, day, *add);
                    }
                }
                return false;
            }
        }
        true
    }

    /// The counters of a key: its own, a free place, or one whose key was last seen on another day.
    fn key(&self, key: u64, day: u64) -> Option<(&'a AtomicU64, &'a AtomicU64)> {
        let place = |probe: usize| {
            let index = (key as usize).wrapping_add(probe) % KEYS;
            let at = KEYS_AT + index * KEY_WORDS;
            Some((self.words.get(at)?, self.words.get(at + 1)?, self.words.get(at + 2)?))
        };
        for probe in 0..PROBES {
            let (name, calls, amount) = place(probe)?;
            if name.load(Ordering::Acquire) == key {
                return Some((calls, amount));
            }
        }
        for probe in 0..PROBES {
            let (name, calls, amount) = place(probe)?;
            let held = name.load(Ordering::Acquire);
            let stale = [calls, amount].iter().all(|cell| cell.load(Ordering::Acquire) >> USED_BITS != day);
            let free = held == 0 || (held != key && stale);
            if held == key || (free && name.compare_exchange(held, key, Ordering::AcqRel, Ordering::Acquire).is_ok()) {
                // Held from here on, even by a call that a cap turns away.
                take(calls, day, 0, MOST);
                return Some((calls, amount));
            }
        }
        None
    }

    fn load(&self, at: usize) -> u64 {
        self.words.get(at).map_or(0, |word| word.load(Ordering::Acquire))
    }
}

/// One unit's place in the page.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    digest: [u64; 2],
    word: &'a AtomicU64,
    calls: &'a AtomicU64,
    amount: &'a AtomicU64,
}

impl<'a> Slot<'a> {
    /// The mode word, for whoever reads it at every call.
    pub const fn word(&self) -> &'a AtomicU64 {
        self.word
    }

    /// Reads a mode word; `None` if it is torn or was not written for this unit.
    pub fn read(&self, word: u64) -> Option<(Mode, u32)> {
        let [mode, e0, e1, e2, e3, ..] = word.to_le_bytes();
        let epoch = u32::from_le_bytes([e0, e1, e2, e3]);
        let mode = Mode::ALL.into_iter().find(|known| known.code() == mode)?;
        (seal(mode, epoch, self.digest) == word).then_some((mode, epoch))
    }

    /// What was served today, calls and amount in ten-thousandths.
    pub fn used(&self, day: u64) -> (u64, u64) {
        let today = |cell: &AtomicU64| {
            let held = cell.load(Ordering::Acquire);
            if held >> USED_BITS == day % (1 << DAY_BITS) { held & USED_MASK } else { 0 }
        };
        (today(self.calls), today(self.amount))
    }
}

/// The first 16 bytes of the SHA-256 of a unit's name, as the slot holds them.
pub fn digest(unit: &str) -> [u64; 2] {
    let hash = Sha256::digest(unit.as_bytes());
    let word = |from: usize| {
        let mut bytes = [0_u8; 8];
        bytes.iter_mut().zip(hash.iter().skip(from)).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(bytes)
    };
    [word(0), word(8)]
}

/// The mode word of a unit: mode, epoch, and 24 bits of checksum over both and the unit.
pub fn seal(mode: Mode, epoch: u32, digest: [u64; 2]) -> u64 {
    let mut bytes = Vec::with_capacity(21);
    bytes.push(mode.code());
    bytes.extend(epoch.to_le_bytes());
    bytes.extend(digest.iter().flat_map(|word| word.to_le_bytes()));
    let hash = fnv(&bytes);
    let check = (hash ^ (hash >> 24) ^ (hash >> 48)) & 0xff_ffff;
    u64::from(mode.code()) | (u64::from(epoch) << 8) | (check << 40)
}

/// FNV-1a, 64 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>. Against tearing, not against intent.
pub fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Adds to a day's counter unless that would pass the cap.
fn take(cell: &AtomicU64, day: u64, add: u64, cap: u64) -> bool {
    let mut held = cell.load(Ordering::Acquire);
    loop {
        let used = if held >> USED_BITS == day { held & USED_MASK } else { 0 };
        let Some(next) = used.checked_add(add).filter(|next| *next <= cap.min(MOST)) else { return false };
        match cell.compare_exchange_weak(held, (day << USED_BITS) | next, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return true,
            Err(now) => held = now,
        }
    }
}

fn give_back(cell: &AtomicU64, day: u64, add: u64) {
    let _ = cell.fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
        (held >> USED_BITS == day && held & USED_MASK >= add).then(|| held - add)
    });
}

#[cfg(test)]
mod tests;
