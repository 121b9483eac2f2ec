//! Which keys a canary serves: a keyed hash of the key decides, so an account stays on one side in every
//! process and after every restart, and a greater share keeps those that were chosen. Also the stream of
//! numbers that decides which calls are sampled: it is no one else's.

/// What a key is; text, numbers and bytes never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// Text as UTF-8.
    Text(&'a [u8]),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A whole number.
    Whole(i64),
}

/// The hash of a key under a unit's salt. Part of what is on disk: it never changes.
pub fn sticky(salt: [u64; 2], key: Key<'_>) -> u64 {
    let number;
    let (tag, bytes): (u64, &[u8]) = match key {
        Key::Text(bytes) => (1, bytes),
        Key::Bytes(bytes) => (2, bytes),
        Key::Whole(whole) => {
            number = whole.to_le_bytes();
            (3, &number)
        }
    };
    let [first, second] = salt;
    let mut hash = fold(first ^ tag, second ^ bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0_u8; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        hash = fold(hash ^ u64::from_le_bytes(word), second | 1);
    }
    mix(hash)
}

/// Whether a number of 64 random bits lies in a share of 0 … 1.
pub fn within(share: f64) -> u64 {
    if share >= 1.0 { u64::MAX } else { (share.max(0.0) * 18_446_744_073_709_551_616.0) as u64 }
}

/// The `n`-th number of the stream that a seed starts: splitmix64,
/// <https://prng.di.unimi.it/splitmix64.c>.
pub const fn nth(seed: u64, n: u64) -> u64 {
    mix(seed.wrapping_add(n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn fold(left: u64, right: u64) -> u64 {
    let wide = u128::from(left ^ 0xa076_1d64_78bd_642f) * u128::from(right ^ 0xe703_7ed1_a0b4_28db);
    (wide as u64) ^ ((wide >> 64) as u64) ^ left.rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: [u64; 2] = [0x0123_4567_89ab_cdef, 0x0f1e_2d3c_4b5a_6978];

    #[test]
    fn a_key_keeps_its_hash_for_ever() {
        // On record, as a second hand computed them in another language: an account must not change sides
        // because of an upgrade.
        assert_eq!(sticky(SALT, Key::Text(b"ACC-1")), 11_895_281_524_557_514_986);
        assert_eq!(sticky(SALT, Key::Whole(-7)), 2_324_077_124_716_578_169);
        assert_eq!(sticky(SALT, Key::Bytes(b"")), 6_682_909_467_846_941_924);
        assert_eq!(nth(42, 0), 13_679_457_532_755_275_413, "splitmix64 of seed 42");
    }

    #[test]
    fn text_bytes_and_numbers_never_meet_and_units_choose_apart() {
        assert_ne!(sticky(SALT, Key::Text(b"abc")), sticky(SALT, Key::Bytes(b"abc")));
        assert_ne!(sticky(SALT, Key::Text(b"a")), sticky(SALT, Key::Text(b"a\0")));
        let other = [SALT[0], SALT[1] ^ 1];
        let both = (0..10_000)
            .filter(|n| [SALT, other].iter().all(|salt| sticky(*salt, Key::Whole(*n)) < within(0.5)))
            .count();
        assert!((2_300..2_700).contains(&both), "{both} of 10,000 in both halves");
    }

    #[test]
    fn a_share_is_kept_and_growing_it_keeps_who_was_chosen() {
        for kind in [false, true] {
            let hashes: Vec<u64> = (0..200_000_i64)
                .map(|n| {
                    let text = format!("ACC-{n:06}");
                    sticky(SALT, if kind { Key::Text(text.as_bytes()) } else { Key::Whole(n) })
                })
                .collect();
            for share in [0.001, 0.05, 0.5] {
                let chosen = hashes.iter().filter(|hash| **hash < within(share)).count() as f64 / 200_000.0;
                // Five standard deviations of a fair coin.
                assert!(
                    (chosen - share).abs() < 5.0 * (share * (1.0 - share) / 200_000.0).sqrt(),
                    "{chosen} of {share}"
                );
            }
            assert!(hashes.iter().all(|hash| *hash >= within(0.05) || *hash < within(0.2)));
        }
    }

    #[test]
    fn the_whole_share_is_everyone_and_none_is_no_one() {
        assert_eq!((within(1.0), within(0.0), within(-1.0), within(f64::NAN)), (u64::MAX, 0, 0, 0));
    }
}
