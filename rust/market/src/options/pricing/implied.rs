//! The total volatility σ√T that a normalised time value implies, in about two steps of order four.
//!
//! The method is that of P. Jäckel, "Let's be rational" (2013/2016): the range of values is cut in four at the point of inflection
//! s_c = √(2a) and at the two points where its tangent meets the bounds; a rational cubic in a suitable function of the value gives
//! the start; then Householder's method of third order works on 1/ln b, b, or ln of the distance to the bound. Below the
//! lowest cut ln b is taken without an exponential, so that the smallest positive price still has its volatility.

use std::f64::consts::{LN_2, PI};

use super::black::{SMALL_T, gap, rough_spread, slope, spread};
use super::cubic::{Knot, bend_left, bend_right, between};
use super::normal::{ROOT_2PI, mills, quantile_guess};

/// √3 and √27.
const ROOT_3: f64 = 1.732_050_807_568_877_2;
const ROOT_27: f64 = 5.196_152_422_706_632;
/// ln √(2π).
const LN_ROOT_2PI: f64 = 0.918_938_533_204_672_7;
/// A step below this share of s ends the search: the next would be its fourth power.
const LAST_STEP: f64 = 1e-5;
/// Steps at most; two are the rule.
const STEPS: usize = 8;

/// s with b(−a, s) = `value`, for 0 < `value` < e^{−a/2} and `a` ≥ 0.
///
/// ```
/// use exuvia_market::options::pricing::{implied_total, normalised};
/// let (value, _) = normalised(0.5, 0.3);
/// assert!((implied_total(value, 0.5) / 0.3 - 1.0).abs() < 1e-14);
/// ```
pub fn implied_total(value: f64, a: f64) -> f64 {
    let bound = (-0.5 * a).exp();
    let s_c = (2.0 * a).sqrt();
    // h = t at the point of inflection: v is e^{−a/2}/√(2π).
    let v_c = bound / ROOT_2PI;
    let d_c = if a > 0.0 { rough_spread(0.5 * s_c, 0.5 * s_c) } else { 0.0 };
    let middle = Knot { at: v_c * d_c, value: s_c, slope: 1.0 / v_c };
    if value < middle.at {
        let s_l = (s_c - d_c).max(0.0);
        let (h, t) = (a / s_l, 0.5 * s_l);
        let (v_l, d_l) = (slope(h, t), rough_spread(h, t));
        let low = Knot { at: v_l * d_l, value: s_l, slope: 1.0 / v_l };
        if value < low.at || low.at <= 0.0 || low.at.is_nan() {
            return lowest(value, a, &low, s_c);
        }
        let guess = between(low, middle, bend_right(low, middle, 0.0), value);
        return inner(value, a, bound, guess, s_l, s_c);
    }
    let s_u = s_c + (bound - middle.at) / v_c;
    let (h, t) = (a / s_u, 0.5 * s_u);
    let v_u = slope(h, t);
    let high = Knot { at: bound - v_u * gap(h, t), value: s_u, slope: 1.0 / v_u };
    if value <= high.at {
        let guess = between(middle, high, bend_left(middle, high, 0.0), value);
        return inner(value, a, bound, guess, s_c, s_u);
    }
    highest(value, a, bound, &high, v_u)
}

/// Householder's third-order step for ν = −g/g′ and the two quotients g″/g′ and g‴/g′.
#[inline]
fn step(newton: f64, second: f64, third: f64) -> f64 {
    let made = newton * (1.0 + 0.5 * second * newton) / (1.0 + newton * (second + newton * third / 6.0));
    if made.is_finite() { made } else { newton }
}

/// b″/b′ and b‴/b′ at s.
#[inline]
fn bends(h: f64, s: f64) -> (f64, f64) {
    let second = h * h / s - 0.25 * s;
    let ratio = h / s;
    (second, second * second - 3.0 * ratio * ratio - 0.25)
}

/// Between the lower and the upper cut: g = b − value.
#[inline]
fn inner(value: f64, a: f64, bound: f64, guess: f64, low: f64, high: f64) -> f64 {
    search(guess, low, high, |s, last| {
        let (h, t) = (a / s, 0.5 * s);
        let v = slope(h, t);
        let b = if t < h || (last && t < SMALL_T) { v * spread_for(last, h, t) } else { bound - v * gap(h, t) };
        let (second, third) = bends(h, s);
        step((value - b) / v, second, third)
    })
}

/// Below the lower cut: g = 1/ln b − 1/ln value.
fn lowest(value: f64, a: f64, cut: &Knot, s_c: f64) -> f64 {
    let ln_value = value.ln();
    // The start is a cubic in f = (2π/√27)·a·(1 − Φ(z))³, z = a/(√3 s), which goes to 0 as the value does.
    let scale = 2.0 * PI / ROOT_27 * a;
    let s = cut.value;
    let z = a / (ROOT_3 * s);
    let ratio = mills(z);
    // The densities of z in f and in its slope are those of v at the cut: 3z² is h².
    let growth = (0.125 * s * s).exp();
    let f_slope = (z * ratio).powi(2) * growth;
    let f_value = scale * ratio.powi(3) * growth / (2.0 * PI * cut.slope);
    let f_curve = f_slope * (2.0 * z * (1.0 / ratio - z) / s - 2.0 / s + 0.25 * s) * cut.slope;
    let left = Knot { at: 0.0, value: 0.0, slope: 1.0 };
    let right = Knot { at: cut.at, value: f_value, slope: f_slope };
    let f = between(left, right, bend_right(left, right, f_curve), value);
    let f = if f > 0.0 { f } else { value };
    let z = quantile_guess(((f / scale).ln() / 3.0).min(-LN_2));
    let guess = a / (ROOT_3 * z.max(1e-3));
    search(guess, 0.0, if s > 0.0 { s * (1.0 + 1e-9) } else { s_c }, |s, last| {
        let (h, t) = (a / s, 0.5 * s);
        let d = spread_for(last, h, t);
        let ln_b = -0.5 * (h * h + t * t) - LN_ROOT_2PI + d.ln();
        // b′/b
        let rate = 1.0 / d;
        let (second, third) = bends(h, s);
        let over = 1.0 / ln_b;
        let newton = (ln_value - ln_b) * (ln_b / ln_value) * d;
        let second_g = second - rate * (1.0 + 2.0 * over);
        let third_g =
            third + 2.0 * rate * rate * (1.0 + 3.0 * over * (1.0 + over)) - 3.0 * second * rate * (1.0 + 2.0 * over);
        step(newton, second_g, third_g)
    })
}

/// Above the upper cut: g = ln((bound − value)/(bound − b)).
fn highest(value: f64, a: f64, bound: f64, cut: &Knot, v: f64) -> f64 {
    // The start is a cubic in f = 1 − Φ(s/2), which goes to 0 as the value goes to its bound.
    let s = cut.value;
    let ratio = a / s;
    let f_slope = -0.5 * (0.5 * ratio * ratio).exp();
    let f_curve = -f_slope * ratio * ratio / (s * v);
    let tail = (-0.125 * s * s).exp() / ROOT_2PI * mills(0.5 * s);
    let left = Knot { at: cut.at, value: tail, slope: f_slope };
    let right = Knot { at: bound, value: 0.0, slope: -0.5 };
    let f = between(left, right, bend_left(left, right, f_curve), value);
    let rest = bound - value;
    let f = if f > 0.0 { f } else { 0.5 * rest };
    let ln_rest = rest.ln();
    search(2.0 * quantile_guess(f.ln().min(-LN_2)), s * (1.0 - 1e-9), f64::INFINITY, |s, _| {
        let (h, t) = (a / s, 0.5 * s);
        let sum = gap(h, t);
        // ln(bound − b), and b′/(bound − b).
        let ln_gap = -0.5 * (h * h + t * t) - LN_ROOT_2PI + sum.ln();
        let rate = 1.0 / sum;
        let (second, third) = bends(h, s);
        step((ln_gap - ln_rest) * sum, second + rate, third + rate * (3.0 * second + 2.0 * rate))
    })
}

/// The first step need not be exact: the second is.
#[inline]
fn spread_for(last: bool, h: f64, t: f64) -> f64 {
    if last { spread(h, t) } else { rough_spread(h, t) }
}

/// Steps from `guess` until they no longer matter, within the ends; `next` is told whether its step may be the last.
#[inline]
fn search(guess: f64, low: f64, high: f64, mut next: impl FnMut(f64, bool) -> f64) -> f64 {
    let inside = |s: f64, from: f64| {
        if s > low && s < high {
            s
        } else if s >= high {
            // A bound is no solution: halfway there, or twice as far where there is none.
            if high.is_finite() { 0.5 * (from.min(high) + high) } else { 2.0 * from }
        } else {
            0.5 * (from.max(low) + low)
        }
    };
    let start = if guess > low && guess < high {
        guess
    } else if high.is_finite() {
        if guess >= high { high } else { 0.5 * (low + high) }
    } else {
        low.max(1e-300)
    };
    let mut s = start;
    for made in 0..STEPS {
        let exact = made > 0;
        let by = next(s, exact);
        let moved = inside(s + by, s);
        let done = exact && (moved - s).abs() <= LAST_STEP * s;
        s = moved;
        if done {
            break;
        }
    }
    s
}
