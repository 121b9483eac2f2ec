//! Black's formula without units: with x = ln(forward / strike) and s = σ√T, the time value of an option over √(forward · strike)
//! is b(x, s) = e^{x/2} Φ(x/s + s/2) − e^{−x/2} Φ(x/s − s/2) for x ≤ 0 (Jäckel, "Let's be rational", 2013, whose notation this is).
//! Here `a` = −x = |x|, h = a/s, t = s/2.
//!
//! With Mills' ratio M and v = φ(h)·e^{−t²/2}, which is ∂b/∂s, it is v·(M(h−t) − M(h+t)) on the near side of h = t and
//! e^{−a/2} − v·(M(t−h) + M(t+h)) beyond. The difference is written [`spread`], the sum [`gap`].

use super::normal::{DENSITY_0, mills};

/// Below this t a difference of two ratios would cancel, so it is summed as a series in t.
pub const SMALL_T: f64 = 0.2;
/// Below this t even eight digits would cancel.
const TINY_T: f64 = 1e-4;
/// From this h on the series' coefficients come from a continued fraction.
const FAR_H: f64 = 3.0;
/// The continued fraction of n terms is off by about e^(−2h√n): this over h², at least [`LEAST_TERMS`], is enough.
const TERMS: f64 = 400.0;
/// As many as the series in t needs.
const LEAST_TERMS: f64 = 20.0;

/// b(−a, s) to nearly full relative precision for `a` ≥ 0, `s` ≥ 0, and ∂b/∂s.
///
/// ```
/// let (value, slope) = exuvia_market::options::pricing::normalised(0.0, 0.2);
/// assert!((value - 0.079_655_674_554_057_96).abs() < 1e-16 && (slope - 0.396_952_547_477_011_77).abs() < 1e-15);
/// ```
pub fn normalised(a: f64, s: f64) -> (f64, f64) {
    if s <= 0.0 {
        return (0.0, if a == 0.0 { DENSITY_0 } else { 0.0 });
    }
    let (h, t) = (a / s, 0.5 * s);
    let v = slope(h, t);
    let value = if t >= h && t >= SMALL_T {
        (-0.5 * a).exp() - v * gap(h, t)
    } else if t < SMALL_T || 12.0 * t < h {
        v * exact_series(h, t)
    } else {
        v * (mills(h - t) - mills(h + t))
    };
    (value, v)
}

/// ∂b/∂s, φ(h)·e^{−t²/2}.
#[inline]
pub fn slope(h: f64, t: f64) -> f64 {
    DENSITY_0 * (-0.5 * (h * h + t * t)).exp()
}

/// M(t−h) + M(t+h), for t ≥ h: how far b is below its bound, over v.
#[inline]
pub fn gap(h: f64, t: f64) -> f64 {
    mills(t - h) + mills(t + h)
}

/// M(h−t) − M(h+t), which is b over v; t may be a little beyond h where it is small.
///
/// What is lost in relative precision for large h is what an implied volatility does not feel: it moves by b's relative
/// error over h².
#[inline]
pub fn spread(h: f64, t: f64) -> f64 {
    if t < SMALL_T && h * t < 0.5 { series::<7>(h, t) } else { mills(h - t) - mills(h + t) }
}

/// As [`spread`] to eight digits, which is enough for a start and for what another step mends.
#[inline]
pub fn rough_spread(h: f64, t: f64) -> f64 {
    if t < TINY_T { series::<1>(h, t) } else { mills(h - t) - mills(h + t) }
}

/// The difference as 2t·Σ Mₙ tⁿ⁻¹/n! over odd n, where Mₙ = ∫ uⁿ e^{−hu − u²/2} du follows Mₙ₊₁ = n·Mₙ₋₁ − h·Mₙ; at most
/// `PAIRS` terms after the first.
#[inline]
fn series<const PAIRS: usize>(h: f64, t: f64) -> f64 {
    let square = t * t;
    let mut even = mills(h);
    let mut odd = 1.0 - h * even;
    let mut sum = odd;
    let mut weight = 1.0;
    for [before, now, factor] in STEPS.into_iter().take(PAIRS) {
        even = before * even - h * odd;
        odd = now * odd - h * even;
        weight *= square * factor;
        let term = odd * weight;
        sum += term;
        // The next term is smaller by a third of t² and more.
        if PAIRS > 1 && term.abs() * square < 3e-17 * sum {
            break;
        }
    }
    2.0 * t * sum
}

/// n − 1, n and 1/(n·(n + 1)) for the steps of [`series`], n = 2, 4, …
const STEPS: [[f64; 3]; 7] = [
    [1.0, 2.0, 1.0 / 6.0],
    [3.0, 4.0, 1.0 / 20.0],
    [5.0, 6.0, 1.0 / 42.0],
    [7.0, 8.0, 1.0 / 72.0],
    [9.0, 10.0, 1.0 / 110.0],
    [11.0, 12.0, 1.0 / 156.0],
    [13.0, 14.0, 1.0 / 210.0],
];

/// As [`series`]; for large h by the backward recursion of its ratios (Laplace's continued fraction), whose terms are all positive.
fn exact_series(h: f64, t: f64) -> f64 {
    if h < FAR_H {
        return series::<7>(h, t);
    }
    // rₙ = (n+1)·cₙ₊₁/cₙ obeys rₙ₋₁ = n/(h + rₙ); two steps a turn, from an even n down to 0.
    let pairs = (0.5 * (TERMS / (h * h)).max(LEAST_TERMS)).ceil();
    let n = 2.0 * pairs;
    let mut ratio = 0.5 * ((h * h + 4.0 * (n + 1.0)).sqrt() - h);
    let mut sum = 1.0;
    for half in (1..=pairs as u32).rev() {
        let even = 2.0 * f64::from(half);
        let odd = even / (h + ratio);
        sum = 1.0 + t * t * sum * (odd / even) * (ratio / (even + 1.0));
        ratio = (even - 1.0) / (h + odd);
    }
    2.0 * t * sum * ratio / (h + ratio)
}
