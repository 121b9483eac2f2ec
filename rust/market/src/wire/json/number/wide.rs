//! Numbers at 10⁻¹⁸ in 128 bits, for what nine decimals cannot hold.

use exuvia_model::ModelError;

/// Powers of ten up to the scale of wide numbers.
pub(super) const TENS_WIDE: [i128; 19] = {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < 19 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Reads the text of a number at 10⁻¹⁸, the long way.
pub(super) fn wide(text: &str) -> Result<i128, ModelError> {
    let what = "number";
    let out_of_range = || ModelError::OutOfRange { what, text: text.to_owned() };
    let too_precise = || ModelError::TooPrecise { what, text: text.to_owned() };
    let not_a_number = || ModelError::NotANumber { what, text: text.to_owned() };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| out_of_range())?),
        None => (text, 0),
    };
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (mut value, mut zeros) = (0_i128, 0_i64);
    // Zeros at the end wait, so that they do not count as decimals.
    for byte in whole.bytes().chain(fraction.bytes()) {
        match byte {
            b'0' => zeros += 1,
            b'1'..=b'9' => {
                for _ in 0..if value == 0 { 0 } else { zeros } {
                    value = value.checked_mul(10).ok_or_else(out_of_range)?;
                }
                zeros = 0;
                let grown = value.checked_mul(10).and_then(|value| value.checked_add(i128::from(byte - b'0')));
                value = grown.ok_or_else(out_of_range)?;
            }
            _ => return Err(not_a_number()),
        }
    }
    let decimals = i64::try_from(fraction.len()).map_err(|_| out_of_range())?;
    let power = 18_i64.checked_sub(decimals).and_then(|power| power.checked_add(exponent)?.checked_add(zeros));
    let power = power.ok_or_else(out_of_range)?;
    if value == 0 {
        return Ok(0);
    }
    let power = usize::try_from(power).map_err(|_| too_precise())?;
    let scale = 10_i128.checked_pow(u32::try_from(power).map_err(|_| out_of_range())?).ok_or_else(out_of_range)?;
    let value = value.checked_mul(scale).ok_or_else(out_of_range)?;
    Ok(if text.starts_with('-') { -value } else { value })
}
