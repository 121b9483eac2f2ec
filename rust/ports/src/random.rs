//! Randomness: for jitter, ids, nonces; and the documented generator of every simulation.

use std::fmt;
use std::sync::Mutex;

use crate::locked;

/// A source of random bits.
pub trait Random: fmt::Debug + Send + Sync {
    /// 64 random bits.
    fn next_u64(&self) -> u64;

    /// Fills `bytes` with random bits.
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// xoshiro256** 1.0 of Blackman and Vigna (<https://prng.di.unimi.it/xoshiro256starstar.c>), seeded through
/// splitmix64. The same seed gives the same numbers on every machine, for ever: evidence depends on it.
///
/// ```
/// use exuvia_ports::Xoshiro256;
/// let (mut one, mut two) = (Xoshiro256::seeded(7), Xoshiro256::seeded(7));
/// assert_eq!(one.next_u64(), two.next_u64());
/// assert!(one.below(6) < 6 && (0.0..1.0).contains(&one.unit()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xoshiro256 {
    state: [u64; 4],
}

impl Xoshiro256 {
    /// A generator whose four words are the first four of splitmix64 from `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let mut word = seed;
        Self { state: std::array::from_fn(|_| splitmix64(&mut word)) }
    }

    /// A generator with these four words; all zero is replaced by the words of seed 0, for it would stay zero.
    #[must_use]
    pub fn from_words(state: [u64; 4]) -> Self {
        if state == [0; 4] { Self::seeded(0) } else { Self { state } }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number in `0..bound` without bias (Lemire's multiplication with rejection); 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            // The low half decides about rejection, the high half is the number.
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number in `[0, 1)`: the upper 53 bits divided by 2⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// One step of splitmix64 (<https://prng.di.unimi.it/splitmix64.c>).
fn splitmix64(word: &mut u64) -> u64 {
    *word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *word;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The port over a seeded [`Xoshiro256`].
#[derive(Debug)]
pub struct SimRandom {
    generator: Mutex<Xoshiro256>,
}

impl SimRandom {
    /// A source that gives the numbers of `Xoshiro256::seeded(seed)`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { generator: Mutex::new(Xoshiro256::seeded(seed)) }
    }
}

impl Random for SimRandom {
    fn next_u64(&self) -> u64 {
        locked(&self.generator).next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published outputs: splitmix64 from 1234567, xoshiro256** from the words 1, 2, 3, 4.
    #[test]
    fn the_generators_give_their_published_numbers() {
        let mut word = 1_234_567;
        let got: Vec<u64> = (0..3).map(|_| splitmix64(&mut word)).collect();
        assert_eq!(got, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
        let mut generator = Xoshiro256::from_words([1, 2, 3, 4]);
        let got: Vec<u64> = (0..4).map(|_| generator.next_u64()).collect();
        assert_eq!(got, [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240]);
    }

    #[test]
    fn below_reaches_every_number_and_no_other() {
        let mut generator = Xoshiro256::seeded(3);
        let mut seen = [0_u32; 5];
        for _ in 0..5_000 {
            seen[generator.below(5) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
        assert_eq!(generator.below(0), 0);
    }

    #[test]
    fn below_a_bound_that_does_not_divide_the_words_is_as_even() {
        // A quarter of all words is rejected here; without that every third number would come twice as often.
        let bound = 3 << 62;
        let mut generator = Xoshiro256::seeded(5);
        let mut thirds = [0_u32; 3];
        for _ in 0..6_000 {
            let number = generator.below(bound);
            assert!(number < bound);
            thirds[(number % 3) as usize] += 1;
        }
        assert!(thirds.iter().all(|count| (1_850..2_150).contains(count)), "{thirds:?}");
    }

    #[test]
    fn a_unit_is_spread_over_zero_to_one_and_never_one() {
        let mut generator = Xoshiro256::seeded(7);
        let mut tenths = [0_u32; 10];
        for _ in 0..10_000 {
            let unit = generator.unit();
            assert!((0.0..1.0).contains(&unit));
            tenths[(unit * 10.0) as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (850..1150).contains(count)), "{tenths:?}");
    }
}
