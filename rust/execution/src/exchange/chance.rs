//! Chance by seed and place: what is drawn for an order, a request or a report depends on the seed, on what it is for and on
//! its number, and on nothing that was drawn before. So one more order does not change what another one meets.

/// What is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Request = 1,
    Report = 2,
    Hit = 3,
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// One of 2⁶⁴ sources of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The numbers for the `number`th thing of a lane, `turn` of it.
    pub(super) fn draw(self, lane: Lane, number: u64, turn: u64) -> Draw {
        let words = [lane as u64, number, turn];
        Draw(words.iter().fold(mixed(self.0), |sum, word| mixed((sum ^ word).wrapping_add(GOLDEN))))
    }
}

/// The numbers for one thing: splitmix64 (<https://prng.di.unimi.it/splitmix64.c>).
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mixed(self.0)
    }

    /// A number below `bound`; one in 2⁶⁴ / `bound` is off by one, which nobody will see.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.bits()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// Whether something happens that does so in `millionths` of a million cases.
    pub(super) fn happens(&mut self, millionths: u32) -> bool {
        self.below(1_000_000) < u64::from(millionths)
    }

    /// A standard normal number in units of 2⁻³²: twelve even ones less six, so never beyond ±6. No float, so it is the same on every machine.
    pub(super) fn normal(&mut self) -> i64 {
        let sum: u64 = (0..6).map(|_| self.bits()).map(|bits| (bits >> 32) + (bits & 0xFFFF_FFFF)).sum();
        i64::try_from(sum).unwrap_or(0) - (6 << 32)
    }
}

const fn mixed(word: u64) -> u64 {
    let z = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_depends_on_seed_lane_number_and_turn() {
        let first = |seed, lane, number, turn| Chance::seeded(seed).draw(lane, number, turn).bits();
        let one = first(7, Lane::Request, 3, 0);
        assert_eq!(one, first(7, Lane::Request, 3, 0));
        let others =
            [(8, Lane::Request, 3, 0), (7, Lane::Report, 3, 0), (7, Lane::Request, 4, 0), (7, Lane::Hit, 3, 1)];
        for (seed, lane, number, turn) in others {
            assert_ne!(one, first(seed, lane, number, turn));
        }
    }

    #[test]
    fn numbers_are_even_and_normal_ones_have_mean_zero_and_deviation_one() {
        let mut draw = Chance::seeded(1).draw(Lane::Request, 0, 0);
        let mut tenths = [0_u32; 10];
        let (mut sum, mut squares, mut beyond) = (0.0, 0.0, 0);
        for _ in 0..20_000 {
            tenths[usize::try_from(draw.below(10)).unwrap()] += 1;
            let normal = draw.normal() as f64 / 4_294_967_296.0;
            sum += normal;
            squares += normal * normal;
            beyond += u32::from(normal.abs() > 2.0);
        }
        assert!(tenths.iter().all(|count| (1_850..2_150).contains(count)), "{tenths:?}");
        assert!((sum / 20_000.0).abs() < 0.03 && (squares / 20_000.0 - 1.0).abs() < 0.04, "{sum} {squares}");
        assert!((750..1_050).contains(&beyond), "about 4.6 % lie beyond two deviations: {beyond}");
        let hits = (0..20_000).filter(|_| draw.happens(250_000)).count();
        assert!((4_700..5_300).contains(&hits), "{hits}");
    }
}
