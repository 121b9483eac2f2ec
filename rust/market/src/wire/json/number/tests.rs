//! What is promised of numbers.
#![allow(clippy::unwrap_used)]
use super::*;

fn number(text: &str) -> Number<'_> {
    let mut reader = Reader::new(text.as_bytes());
    let number = reader.number().unwrap().unwrap();
    reader.end().unwrap();
    number
}

#[test]
fn a_float_has_the_bits_of_a_correct_rounding() {
    for text in [
        "0",
        "1.39286",
        "-1.5e-3",
        "9007199254740993",
        "0.1",
        "123456789012345678",
        "5e-324",
        "1e308",
        "-0.0",
        "0.000000000000000000000001",
        "2.2250738585072011e-308",
        "179769313486231570000000000000000000000",
    ] {
        assert_eq!(number(text).to_f64().unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
    assert!(number("-0").to_f64().unwrap().is_sign_positive(), "an int has no negative zero");
}

#[test]
fn what_is_not_finite_is_recognised_and_is_no_value() {
    for text in ["NaN", "Infinity", "-Infinity", "1e999", "-1e400"] {
        assert_eq!(number(text).to_f64(), None, "{text}");
        assert!(number(text).to_price().is_err(), "{text}");
    }
}

#[test]
fn a_price_is_exact_or_an_error() {
    assert_eq!(number("1.39286").to_price().unwrap().raw(), 1_392_860_000);
    assert_eq!(number("-12e-1").to_price().unwrap().raw(), -1_200_000_000);
    assert_eq!(number("9223372036.854775807").to_price().unwrap().raw(), i64::MAX);
    assert!(matches!(number("0.1234567891").to_price(), Err(ModelError::TooPrecise { .. })));
    assert!(matches!(number("10000000000").to_price(), Err(ModelError::OutOfRange { .. })));
    assert_eq!(number("1.50000000000").to_price().unwrap().raw(), 1_500_000_000);
}

#[test]
fn the_common_form_is_read_as_the_long_way_reads_it() {
    for text in [
        "0",
        "-0",
        "0.0",
        "-0.0",
        "7",
        "61800.30",
        "-1.5",
        "123456789012345678",
        "1234567890123456789",
        "0.1",
        "9007199254740993",
        "1.000000000",
        "1.0000000000",
        "9223372036.854775807",
        "10000000000",
        "0.123456789",
    ] {
        let long = number(text);
        let Some(plain) = Plain::read(text.as_bytes()) else {
            assert!(text.trim_start_matches('-').len() > 18, "{text}");
            continue;
        };
        assert!(plain.scaled().is_none_or(|raw| long.to_price().map(Price::raw) == Ok(raw)), "{text}");
        assert!(plain.to_f64().is_none_or(|value| long.to_f64().map(f64::to_bits) == Some(value.to_bits())), "{text}");
        assert_eq!(plain.to_i64(), long.to_i64(), "{text}");
    }
    for text in ["", "-", ".", "1.", ".5", "-.5", "01", "00", "1.2.3", "1e5", "+1", "1,5", " 1", "1 ", "NaN", "--1"] {
        assert!(Plain::read(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn more_than_nine_decimals_are_rounded_half_to_even_and_said() {
    for (text, raw, rounded) in [
        ("1.5", 1_500_000_000, false),
        ("16.73101673101673", 16_731_016_731, true),
        ("0.0000000005", 0, true),
        ("0.0000000015", 2, true),
        ("0.00000000050000000000001", 1, true),
        ("0.00000000049999999999999", 0, true),
        ("-0.0000000025", -2, true),
        ("-2.5e-9", -2, true),
        ("1e-12", 0, true),
        ("0.12345678901234567", 123_456_789, true),
    ] {
        let (price, was) = number(text).to_rounded().unwrap();
        assert_eq!((price.raw(), was), (raw, rounded), "{text}");
    }
    assert!(number("99999999999.12345678901").to_rounded().is_err());
    assert!(number("NaN").to_rounded().is_err());
}

#[test]
fn what_a_price_cannot_hold_is_wide_and_exact() {
    let e = |power: u32| 10_i128.pow(power);
    for (text, value) in [
        ("1e-10", e(8)),
        ("0.0000016425", 1_642_500_000_000),
        ("9999999997.00000", 9_999_999_997 * e(18)),
        ("-0.12345678901234567", -123_456_789_012_345_670),
        ("100000000000000000000", e(38)),
        ("1.000000000000000000000", e(18)),
        ("120.0e1", 1_200 * e(18)),
        ("0e999", 0),
        ("10200.5000", 102_005 * e(17)),
    ] {
        assert_eq!(number(text).to_wide(), Ok(value), "{text}");
    }
    assert!(matches!(number("1e-19").to_wide(), Err(ModelError::TooPrecise { .. })));
    assert!(matches!(number("1000000000000000000000").to_wide(), Err(ModelError::OutOfRange { .. })));
    assert!(matches!(number("1e99").to_wide(), Err(ModelError::OutOfRange { .. })));
    assert!(number("NaN").to_wide().is_err());
}

#[test]
fn only_a_whole_number_is_an_integer() {
    assert_eq!(number("-21").to_i64(), Some(-21));
    for text in ["21.0", "2e1", "9223372036854775808", "NaN"] {
        assert_eq!(number(text).to_i64(), None, "{text}");
    }
}

#[test]
fn what_rfc_8259_forbids_is_refused_at_its_byte() {
    for (text, at) in [
        ("01", 1),
        ("-", 1),
        ("1.", 2),
        (".5", 0),
        ("1e", 2),
        ("1e+", 3),
        ("+1", 0),
        ("-NaN", 1),
        ("Nan", 2),
        ("-Inf", 4),
        ("0x1", 1),
        ("1_0", 1),
    ] {
        let mut reader = Reader::new(text.as_bytes());
        assert_eq!(reader.skip().and_then(|()| reader.end()).unwrap_err().at(), at, "{text}");
    }
}
