//! The normal distribution by Mills' ratio, tail over density, which neither underflows nor cancels.

use super::tables::{MILLS, QUANTILE, QUANTILE_ENDS};

/// √(2π).
pub const ROOT_2PI: f64 = 2.506_628_274_631_000_5;
/// 1/√(2π).
pub const DENSITY_0: f64 = 0.398_942_280_401_432_7;

/// Mills' ratio of `a` ≥ 0, (1 − Φ(a)) / φ(a), to about one unit in the last place.
///
/// ```
/// use exuvia_market::options::pricing::mills;
/// assert!((mills(0.0) - (std::f64::consts::PI / 2.0).sqrt()).abs() < 1e-15);
/// assert!((mills(1e8) * 1e8 - 1.0).abs() < 1e-14);
/// ```
#[inline]
pub fn mills(a: f64) -> f64 {
    // One division for both quotients: they are what this waits for.
    let (near, far) = (a + 1.0, a + 5.0);
    let both = 1.0 / (near * far);
    let place = (a * (near * both)) * MILLS.len() as f64;
    // NaN becomes 0 here and stays NaN in `place`.
    let part = (place as usize).min(MILLS.len() - 1);
    let v = 2.0 * (place - part as f64) - 1.0;
    let Some([c0, c1, c2, c3, c4, c5, c6, c7, c8]) = MILLS.get(part) else { return f64::NAN };
    // Two short chains instead of one long one: the processor does both at once.
    let w = v * v;
    let even = c0 + w * (c2 + w * (c4 + w * (c6 + w * c8)));
    let odd = c1 + w * (c3 + w * (c5 + w * c7));
    (even + v * odd) * (far * both)
}

/// The density φ(d).
#[inline]
pub fn density(d: f64) -> f64 {
    DENSITY_0 * (-0.5 * d * d).exp()
}

/// 1 − Φ(d), with full relative precision in the far tail.
#[inline]
pub fn upper_tail(d: f64) -> f64 {
    let tail = density(d) * mills(d.abs());
    if d >= 0.0 { tail } else { 1.0 - tail }
}

/// A guess of z ≥ 0 with 1 − Φ(z) = p, from ln p ≤ ln ½; good to 1e-5.
#[inline]
pub fn quantile_guess(ln_p: f64) -> f64 {
    let r = (-2.0 * ln_p).max(0.0).sqrt();
    let [low, high] = QUANTILE_ENDS;
    let y = ((r - 4.0) / (r + 4.0)).clamp(low, high);
    let v = (2.0 * y - low - high) / (high - low);
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10] = QUANTILE;
    let w = v * v;
    let even = c0 + w * (c2 + w * (c4 + w * (c6 + w * (c8 + w * c10))));
    let odd = c1 + w * (c3 + w * (c5 + w * (c7 + w * c9)));
    r - (even + v * odd)
}
