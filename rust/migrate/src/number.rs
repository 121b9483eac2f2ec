//! Numbers under a numeric rule. A rule is a tolerance, never a way around NaN, infinity or a lost
//! sign of infinity: those must be equal.

use crate::decimal::Exact;
use crate::rule::Rule;
use crate::value::Value;

/// A number of any type.
#[derive(Debug, Clone, Copy)]
enum Number {
    Float(f64),
    Exact(Exact),
}

/// Whether two values are equal under a numeric rule; `None` if the rule does not speak of them.
pub(crate) fn within(legacy: &Value, candidate: &Value, rule: &Rule) -> Option<bool> {
    // Of subclasses the classes come first: the walk opens them once they are the same.
    let one_type = std::mem::discriminant(legacy) == std::mem::discriminant(candidate);
    if *rule != Rule::Number && (!one_type || matches!(legacy, Value::Sub { .. })) {
        return None;
    }
    match (read(legacy)?, read(candidate)?) {
        (Number::Float(a), Number::Float(b)) => Some(floats(a, b, rule)),
        (Number::Exact(a), Number::Exact(b)) => exacts(a, b, rule, (float(legacy)?, float(candidate)?)),
        (Number::Float(a), Number::Exact(_)) => same_number(a, candidate),
        (Number::Exact(_), Number::Float(b)) => same_number(b, legacy),
    }
}

fn floats(a: f64, b: f64, rule: &Rule) -> bool {
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    if a.is_infinite() || b.is_infinite() {
        return a == b;
    }
    let apart = (a - b).abs();
    match rule {
        Rule::Abs(most, _) => apart <= *most,
        Rule::Rel(share) => apart <= share * a.abs().max(b.abs()),
        Rule::Tick(tick, _) => apart < tick / 2.0,
        Rule::Ulp(steps) => ordered(a).abs_diff(ordered(b)) <= *steps,
        _ => a == b,
    }
}

fn exacts(a: Exact, b: Exact, rule: &Rule, near: (f64, f64)) -> Option<bool> {
    match rule {
        Rule::Abs(_, most) => a.within(b, Exact::parse(most)?, 1, false),
        Rule::Tick(_, tick) => a.within(b, Exact::parse(tick)?, 2, true),
        Rule::Number => a.within(b, Exact::int(0), 1, false),
        // Beyond the range of floats all numbers look alike: there only the same is the same.
        Rule::Rel(_) if spans(a, near.0) && spans(b, near.1) => Some(floats(near.0, near.1, rule)),
        _ => None,
    }
}

/// Whether `near` stands for the decimal: it lies in the range in which floats keep all their digits.
fn spans(exact: Exact, near: f64) -> bool {
    near.is_normal() || (near == 0.0 && exact.is_zero())
}

/// Whether a float is an integer to its last digit, or the float next to a decimal.
fn same_number(number: f64, other: &Value) -> Option<bool> {
    match other {
        Value::Int(whole) => Some(number.fract() == 0.0 && format!("{number:.0}").parse() == Ok(*whole)),
        Value::Sub { of, .. } => same_number(number, of),
        _ => {
            let (exact, near) = (read(other)?, float(other)?);
            Some(matches!(exact, Number::Exact(exact) if spans(exact, near)) && near == number)
        }
    }
}

/// Floats as integers in their order: neighbours differ by one, −0.0 and 0.0 are one place.
fn ordered(value: f64) -> i64 {
    let bits = i64::from_ne_bytes(value.to_bits().to_ne_bytes());
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}

fn read(value: &Value) -> Option<Number> {
    match value {
        Value::Float(value) => Some(Number::Float(*value)),
        Value::Int(value) => Some(Number::Exact(Exact::int(*value))),
        Value::Decimal(text) => Exact::parse(text).map(Number::Exact),
        Value::Sub { of, .. } => read(of),
        _ => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(value) => Some(*value),
        Value::Int(value) => value.to_string().parse().ok(),
        Value::Decimal(text) => text.parse().ok(),
        Value::Sub { of, .. } => float(of),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Pattern;

    fn under(rule: &str, a: Value, b: Value) -> Option<bool> {
        let rule = Rule::parse(&Pattern::parse("$").unwrap(), rule).unwrap();
        within(&a, &b, &rule)
    }

    #[test]
    fn a_tick_off_is_seen_and_the_noise_of_a_tick_is_not() {
        assert_eq!(under("tick:0.00001", Value::Float(1.1 + 1e-17), Value::Float(1.1)), Some(true));
        assert_eq!(under("tick:0.00001", Value::Float(1.10001), Value::Float(1.1)), Some(false));
        assert_eq!(under("tick:0.01", Value::Decimal("1.10".into()), Value::Decimal("1.11".into())), Some(false));
    }

    #[test]
    fn ulps_count_across_zero_and_nan_is_only_nan() {
        assert_eq!(under("ulp:1", Value::Float(-0.0), Value::Float(0.0)), Some(true));
        assert_eq!(under("ulp:1", Value::Float(-5e-324), Value::Float(5e-324)), Some(false));
        assert_eq!(under("ulp:2", Value::Float(-5e-324), Value::Float(5e-324)), Some(true));
        assert_eq!(under("ulp:4", Value::Float(f64::NAN), Value::Float(1.0)), Some(false));
        assert_eq!(under("abs:1", Value::Float(f64::INFINITY), Value::Float(f64::NEG_INFINITY)), Some(false));
    }

    #[test]
    fn a_tolerance_does_not_bridge_types_but_number_does() {
        assert_eq!(under("abs:1", Value::Int(1), Value::Float(1.0)), None);
        assert_eq!(under("number", Value::Int(1), Value::Float(1.0)), Some(true));
        assert_eq!(under("number", Value::Decimal("1.50".into()), Value::Decimal("1.5".into())), Some(true));
        assert_eq!(under("number", Value::Bool(true), Value::Int(1)), None);
    }
}
