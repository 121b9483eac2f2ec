//! Rounding as CPython does it: correctly rounded decimals of the float's exact value, ties to even.

/// What Python's `round(value, decimals)` gives for a finite float.
///
/// ```
/// use exuvia_engine::round_decimals;
/// assert_eq!(round_decimals(2.675, 2), 2.67); // the float is a little below 2.675
/// assert_eq!(round_decimals(0.015625, 5), 0.01562); // exactly half: to the even digit
/// ```
#[must_use]
pub fn round_decimals(value: f64, decimals: usize) -> f64 {
    // Rust writes the exact value correctly rounded, ties to even, and reads the nearest float:
    // the two steps of CPython's `double_round`.
    if value.is_finite() { format!("{value:.decimals$}").parse().unwrap_or(value) } else { value }
}

/// What Python's `round(round(price / tick) * tick, 5)` gives; `None` where Python would raise.
pub(crate) fn on_grid(price: f64, tick: f64) -> Option<f64> {
    let steps = (price / tick).round_ties_even();
    // The inner round gives an integer, which has no negative zero.
    let product = (steps + 0.0) * tick;
    (tick != 0.0 && steps.is_finite() && product.is_finite()).then(|| round_decimals(product, 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_digit_and_zero_keeps_its_sign() {
        for (value, want) in [(0.015625, 0.01562), (0.046875, 0.04688), (0.078125, 0.07812), (1.000005, 1.00001)] {
            assert_eq!(round_decimals(value, 5).to_bits(), f64::to_bits(want));
        }
        assert!(round_decimals(-0.000001, 5).is_sign_negative());
        assert_eq!(on_grid(-0.000001, 0.00001).map(f64::to_bits), Some(0));
        assert_eq!(on_grid(1.0, 0.0), None);
        assert_eq!(on_grid(f64::NAN, 0.1), None);
    }
}
