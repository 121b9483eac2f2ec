//! How long requests and reports are on their way.

use super::chance::Draw;

/// How long one message takes, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delay {
    /// No time at all.
    #[default]
    None,
    /// Always as long.
    Fixed(i64),
    /// Anything from `least` to `most`, both possible, each as likely.
    Uniform {
        /// Shortest.
        least: i64,
        /// Longest.
        most: i64,
    },
    /// Log-normal: half of all messages take longer than `median`, few of them much longer.
    LogNormal {
        /// The middle.
        median: i64,
        /// The deviation of the logarithm, in thousandths: with 500 a sixth takes more than 1.65 times the median. At most 3,000.
        spread: u32,
        /// Longest; what is drawn beyond it takes as long.
        most: i64,
    },
}

/// How long messages take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// An order, until the exchange has it.
    pub place: Delay,
    /// A change of an order.
    pub replace: Delay,
    /// A cancel.
    pub cancel: Delay,
    /// What the exchange reports, until its owner has it.
    pub report: Delay,
    /// Whether a message of an account may overtake another one that goes the same way; one connection keeps them in order.
    pub overtaking: bool,
}

/// Longest delay: an hour.
const LONGEST: i64 = 3_600_000_000_000;
/// Greatest spread of a log-normal delay.
const WIDEST: u32 = 3_000;

impl Delay {
    /// What is wrong with it, if something is.
    pub(super) fn fault(&self) -> Option<String> {
        let span = |least: i64, most: i64| !(0 <= least && least <= most && most <= LONGEST);
        let wrong = match *self {
            Self::None => false,
            Self::Fixed(nanos) => span(nanos, nanos),
            Self::Uniform { least, most } => span(least, most),
            Self::LogNormal { median, spread, most } => span(median, most) || spread > WIDEST,
        };
        wrong.then(|| {
            format!("{self:?}: a delay lies between 0 and an hour, least before most, a spread is at most {WIDEST}")
        })
    }

    pub(super) fn nanos(&self, mut draw: Draw) -> i64 {
        match *self {
            Self::None => 0,
            Self::Fixed(nanos) => nanos,
            Self::Uniform { least, most } => {
                least + i64::try_from(draw.below((most - least + 1).unsigned_abs())).unwrap_or(0)
            }
            Self::LogNormal { median, spread, most } => {
                let exponent = i128::from(draw.normal()) * i128::from(spread) / 1_000;
                let nanos = (i128::from(median) * exponential(exponent)) >> 32;
                i64::try_from(nanos).unwrap_or(most).min(most)
            }
        }
    }
}

/// eˣ for x in units of 2⁻³², in the same units: 2 to a whole power by a shift, the rest by its series. Integers only.
fn exponential(x: i128) -> i128 {
    /// ln 2 to the powers 8 to 1, each by its factorial, × 2³².
    const SERIES: [i128; 8] =
        [5_676, 65_510, 661_577, 5_726_720, 41_309_550, 238_388_332, 1_031_764_991, 2_977_044_472];
    /// log₂ e × 2³².
    const LOG2_E: i128 = 6_196_328_019;
    let power = (x * LOG2_E) >> 32;
    let (whole, part) = (power >> 32, power & 0xFFFF_FFFF);
    let series = SERIES.iter().fold(0, |sum, factor| ((sum + factor) * part) >> 32) + (1 << 32);
    if whole >= 0 { series << whole.min(62) } else { series >> (-whole).min(62) }
}

#[cfg(test)]
mod tests {
    use super::super::chance::{Chance, Lane};
    use super::*;

    fn drawn(delay: Delay) -> Vec<i64> {
        let mut drawn: Vec<_> =
            (0..10_001).map(|number| delay.nanos(Chance::seeded(5).draw(Lane::Report, number, 0))).collect();
        drawn.sort_unstable();
        drawn
    }

    #[test]
    fn the_exponential_is_that_of_floats_to_seven_digits() {
        for thousandth in (-18_000..=18_000).step_by(7) {
            let x = f64::from(thousandth) / 1_000.0;
            let got = exponential((x * 4_294_967_296.0) as i128) as f64 / 4_294_967_296.0;
            assert!((got - x.exp()).abs() <= 1e-7 * x.exp() + 1e-9, "{x}: {got} and not {}", x.exp());
        }
    }

    #[test]
    fn delays_are_spread_as_declared() {
        assert_eq!((drawn(Delay::None)[10_000], drawn(Delay::Fixed(7))[0]), (0, 7));
        let even = drawn(Delay::Uniform { least: 100, most: 199 });
        assert_eq!((even[0], even[10_000]), (100, 199));
        assert!((145..=155).contains(&even[5_000]), "{}", even[5_000]);
        let long = drawn(Delay::LogNormal { median: 1_000_000, spread: 500, most: 4_000_000 });
        assert!((980_000..1_020_000).contains(&long[5_000]), "{}", long[5_000]);
        // e^0.5 = 1.6487: 84.13 % lie below it.
        let below = long.iter().filter(|nanos| **nanos < 1_648_721).count();
        assert!((8_300..8_530).contains(&below), "{below}");
        assert_eq!(long[10_000], 4_000_000, "what is drawn beyond the longest takes as long");
        assert!(long[0] > 100_000);
    }

    #[test]
    fn a_delay_that_cannot_be_is_named() {
        for delay in [
            Delay::Fixed(-1),
            Delay::Uniform { least: 5, most: 4 },
            Delay::Uniform { least: 0, most: LONGEST + 1 },
            Delay::LogNormal { median: 5, spread: 3_001, most: 9 },
            Delay::LogNormal { median: 5, spread: 10, most: 4 },
        ] {
            assert!(delay.fault().is_some_and(|fault| fault.contains("an hour")), "{delay:?}");
        }
        assert_eq!(Delay::LogNormal { median: 5, spread: 3_000, most: LONGEST }.fault(), None);
    }
}
