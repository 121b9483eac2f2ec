//! How far two sums of the same numbers may be apart when they were added in different ways.
//!
//! With u the unit roundoff and γ(k) = k·u / (1 − k·u), a sum of n terms that is built by additions in
//! a tree of height h is wrong by at most γ(h)·Σ|x| (N. J. Higham, *Accuracy and Stability of Numerical
//! Algorithms*, 2nd ed., SIAM 2002, §4.2, (4.4) and (4.6)); h is n − 1 in the worst order, and
//! ⌈log2 n⌉ if it is halved at each step. A compensated sum is wrong by at most (2u + O(n·u²))·Σ|x|
//! (ibid. §4.3, (4.8)). The two sides may err in opposite directions, so their bounds add up.

/// A way of adding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adding {
    /// One after the other or in any other order: height n − 1.
    Any,
    /// Halved again and again above blocks of 128, as NumPy does it.
    Pairwise,
    /// Kahan's or Neumaier's correction, or better, as `math.fsum`.
    Compensated,
}

/// What is declared of two sums: how each was made, of how many terms, and how large those are.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum {
    legacy: Adding,
    candidate: Adding,
    terms: u64,
    magnitude: f64,
    then: u64,
    single: bool,
    bound: f64,
}

/// The longest way from a term to the sum. NumPy adds up to 128 terms in eight lanes: 15 additions in
/// each, 3 that join them, at most 7 for what is left over. A longer range is cut near its middle at a
/// multiple of 8, so that after j cuts at most n / 2^j + 16 terms are left.
fn height(adding: Adding, terms: u64) -> u64 {
    let worst = terms.saturating_sub(1);
    match adding {
        Adding::Any => worst,
        Adding::Pairwise => {
            let mut cuts = 0;
            while terms.checked_shr(cuts).unwrap_or(0) >= 112 {
                cuts += 1;
            }
            worst.min(25 + u64::from(cuts))
        }
        Adding::Compensated => worst.min(3),
    }
}

fn wide(number: u64) -> f64 {
    // Exact up to 2^53; above, the bound is infinite before it matters.
    number.to_string().parse().unwrap_or(f64::INFINITY)
}

fn gamma(roundings: u64, unit: f64) -> f64 {
    let share = wide(roundings) * unit;
    if share < 1.0 { share / (1.0 - share) } else { f64::INFINITY }
}

impl Adding {
    /// The way of that name.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "any" => Some(Self::Any),
            "pairwise" => Some(Self::Pairwise),
            "compensated" => Some(Self::Compensated),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Pairwise => "pairwise",
            Self::Compensated => "compensated",
        }
    }

    /// The largest error of a sum as a share of Σ|x|. The term of second order of a compensated sum
    /// is taken sixteen times, and 3u instead of 2u, so that Kahan's and Neumaier's ways are both inside.
    fn share(self, terms: u64, then: u64, unit: f64) -> f64 {
        let first = gamma(height(self, terms).saturating_add(then), unit);
        match self {
            Self::Compensated => first + 16.0 * wide(terms) * unit * unit,
            _ => first,
        }
    }
}

impl Sum {
    /// Two sums of `terms` terms whose absolute values add up to at most `magnitude`, each rounded
    /// `then` more times; `single` if they were made in 32 bits.
    pub fn new(sides: (Adding, Adding), terms: u64, magnitude: f64, then: u64, single: bool) -> Self {
        let (legacy, candidate) = sides;
        let unit = if single { f64::from(f32::EPSILON) / 2.0 } else { f64::EPSILON / 2.0 };
        let share = legacy.share(terms, then, unit) + candidate.share(terms, then, unit);
        // The bound itself is rounded a few times: a hair wider keeps it a bound.
        let bound = share * magnitude * (1.0 + 16.0 * f64::EPSILON);
        Self { legacy, candidate, terms, magnitude, then, single, bound }
    }

    /// How far apart the two sums can be although both are made of the same terms.
    pub fn bound(&self) -> f64 {
        self.bound
    }

    /// The rule as it is written.
    pub(crate) fn text(&self) -> String {
        let mut text = self.legacy.name().to_owned();
        if self.candidate != self.legacy {
            text = format!("{text}+{}", self.candidate.name());
        }
        let then = if self.then > 0 { format!(", then={}", self.then) } else { String::new() };
        let single = if self.single { ", bits=32" } else { "" };
        format!("sum:{text}(n={}, total={}{then}{single})", self.terms, self.magnitude)
    }

    /// Reads what follows `sum:`, such as `pairwise(n=10000, max=1.5)` or `any+pairwise(n=390, total=1e6)`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let say = "write sum:any(n=390, max=2000.0): the way of adding (any, pairwise, compensated, or two with a +), \
                   the number of terms, and either the largest term (max=) or the sum of their absolute values (total=)";
        let (sides, inside) =
            text.strip_suffix(')').and_then(|text| text.split_once('(')).ok_or_else(|| say.to_owned())?;
        let (one, two) = sides.split_once('+').unwrap_or((sides, sides));
        let (Some(one), Some(two)) = (Adding::of(one.trim()), Adding::of(two.trim())) else {
            return Err(format!("'{sides}' is no way of adding; {say}"));
        };
        let (mut terms, mut largest, mut total, mut then, mut single) = (None, None, None, 0, false);
        for part in inside.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(|| say.to_owned())?;
            let value = value.trim();
            let positive = || {
                value
                    .parse::<f64>()
                    .ok()
                    .filter(|number| number.is_finite() && *number > 0.0)
                    .ok_or_else(|| format!("{} = {value} must be finite and above zero", name.trim()))
            };
            match name.trim() {
                "n" => {
                    let count = value.parse::<u64>().ok().filter(|count| (1..=1 << 52).contains(count));
                    terms = Some(count.ok_or_else(|| format!("n = {value} is no number of terms"))?);
                }
                "max" => largest = Some(positive()?),
                "total" => total = Some(positive()?),
                "then" => then = value.parse().map_err(|_| format!("then = {value} is no number of roundings"))?,
                "bits" if value == "32" || value == "64" => single = value == "32",
                _ => return Err(format!("'{}' is not known here; {say}", part.trim())),
            }
        }
        let terms = terms.ok_or_else(|| say.to_owned())?;
        let magnitude = match (largest, total) {
            (None, Some(total)) => total,
            (Some(largest), None) => largest * wide(terms),
            _ => return Err(say.to_owned()),
        };
        let made = Self::new((one, two), terms, magnitude, then, single);
        if made.bound.is_finite() {
            Ok(made)
        } else {
            Err(format!("n = {terms} terms have no bound at this precision"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_way_of_adding_has_a_smaller_bound() {
        let bound = |way| Sum::new((way, way), 1_000_000, 1.0, 0, false).bound();
        assert!(bound(Adding::Any) > 1e4 * bound(Adding::Pairwise));
        assert!(bound(Adding::Pairwise) > 8.0 * bound(Adding::Compensated));
        // Two numbers are added in one way only, with one rounding on each side.
        for way in [Adding::Any, Adding::Pairwise, Adding::Compensated] {
            let two = Sum::new((way, way), 2, 1.0, 0, false).bound();
            assert!((2.2e-16..2.3e-16).contains(&two), "{two}");
        }
        assert_eq!(height(Adding::Pairwise, 128), 26);
        assert_eq!(height(Adding::Pairwise, 8), 7);
    }

    #[test]
    fn what_is_written_is_read_and_what_is_missing_is_named() {
        let sum = Sum::parse("any+pairwise(n=390, max=2)").unwrap();
        assert_eq!(sum.text(), "sum:any+pairwise(n=390, total=780)");
        assert_eq!(Sum::parse(sum.text().strip_prefix("sum:").unwrap()), Ok(sum));
        let more = Sum::parse("compensated(n=4, total=1, then=2, bits=32)").unwrap();
        assert_eq!(more.text(), "sum:compensated(n=4, total=1, then=2, bits=32)");
        for (text, part) in [
            ("any", "number of terms"),
            ("any(n=3)", "number of terms"),
            ("any(max=3)", "number of terms"),
            ("any(n=3, max=1, total=3)", "number of terms"),
            ("neat(n=3, max=1)", "'neat'"),
            ("any(n=0, max=1)", "n = 0"),
            ("any(n=3, max=-1)", "max = -1"),
            ("any(n=3, max=1, bits=16)", "bits=16"),
            ("any(n=900000000, max=1, bits=32)", "no bound"),
        ] {
            let error = Sum::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn sums_in_any_order_stay_inside_of_the_bound() {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(state >> 33).unwrap_or(0)) / 2_147_483_648.0 - 0.5
        };
        for terms in [2_usize, 3, 9, 100, 1_000, 20_000] {
            let numbers: Vec<f64> = (0..terms).map(|_| next() * 1e6).collect();
            let magnitude: f64 = numbers.iter().map(|x| x.abs()).sum::<f64>() * (1.0 + 1e-9);
            let forward: f64 = numbers.iter().sum();
            let backward: f64 = numbers.iter().rev().sum();
            let n = u64::try_from(terms).unwrap();
            let bound = Sum::new((Adding::Any, Adding::Any), n, magnitude, 0, false).bound();
            assert!((forward - backward).abs() <= bound);
        }
    }
}
