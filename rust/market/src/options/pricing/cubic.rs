//! Rational cubic interpolation (Delbourgo & Gregory, "Shape preserving piecewise rational interpolation", 1985).

/// A point with its slope.
#[derive(Clone, Copy)]
pub struct Knot {
    pub at: f64,
    pub value: f64,
    pub slope: f64,
}

/// The interpolant between two knots; `r` bends it, 3 gives the plain cubic.
#[inline]
pub fn between(left: Knot, right: Knot, r: f64, at: f64) -> f64 {
    let width = right.at - left.at;
    let part = (at - left.at) / width;
    let rest = 1.0 - part;
    let both = part * rest;
    // For a very large r it is the line.
    if r.is_nan() || r > 1e15 {
        return left.value * rest + right.value * part;
    }
    let numerator = right.value * part * part * part
        + (r * right.value - width * right.slope) * part * both
        + (r * left.value + width * left.slope) * rest * both
        + left.value * rest * rest * rest;
    numerator / (1.0 + (r - 3.0) * both)
}

/// The `r` that gives the interpolant the second derivative `curve` at its right end.
#[inline]
pub fn bend_right(left: Knot, right: Knot, curve: f64) -> f64 {
    let width = right.at - left.at;
    let line = (right.value - left.value) / width;
    usable((0.5 * width * curve + (right.slope - left.slope)) / (right.slope - line))
}

/// The `r` that gives the interpolant the second derivative `curve` at its left end.
#[inline]
pub fn bend_left(left: Knot, right: Knot, curve: f64) -> f64 {
    let width = right.at - left.at;
    let line = (right.value - left.value) / width;
    usable((0.5 * width * curve + (right.slope - left.slope)) / (line - left.slope))
}

/// At −1 the denominator has a zero between the knots.
fn usable(r: f64) -> f64 {
    r.max(-0.9)
}
