//! Rounding to nine decimals, where a declaration asks for it.

/// Rounds the text of a finite number to nine decimals, ties to even; `None` if it does not fit.
pub(super) fn round(text: &str) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) =
        mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa.trim_start_matches('-'), ""));
    // How many digits stand before the cut.
    let kept = i64::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(9)?;
    let (mut value, mut rest, mut place) = (0_i64, Rest::Nothing, 0_i64);
    for digit in whole.bytes().chain(fraction.bytes()).map(|byte| i64::from(byte.wrapping_sub(b'0'))) {
        if place < kept {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else {
            rest = rest.then(digit, place == kept);
        }
        place += 1;
    }
    while place < kept && value != 0 {
        value = value.checked_mul(10)?;
        place += 1;
    }
    if rest == Rest::OverHalf || (rest == Rest::Half && value % 2 != 0) {
        value = value.checked_add(1)?;
    }
    Some(if text.starts_with('-') { -value } else { value })
}

/// What was cut off, in parts of the last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Nothing,
    UnderHalf,
    Half,
    OverHalf,
}

impl Rest {
    fn then(self, digit: i64, first: bool) -> Self {
        match (first, digit, self) {
            (true, 0, _) | (false, 0, Self::Nothing) => Self::Nothing,
            (true, 5, _) => Self::Half,
            (true, 6.., _) => Self::OverHalf,
            (true, _, _) | (false, _, Self::Nothing | Self::UnderHalf) => Self::UnderHalf,
            (false, 0, same) => same,
            (false, _, Self::Half | Self::OverHalf) => Self::OverHalf,
        }
    }
}
