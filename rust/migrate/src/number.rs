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
    if *rule != Rule::Number && std::mem::discriminant(legacy) != std::mem::discriminant(candidate) {
        return None;
    }
    match (read(legacy)?, read(candidate)?) {
        (Number::Float(a), Number::Float(b)) => floats(a, b, rule),
        (Number::Exact(a), Number::Exact(b)) => exacts(a, b, rule, float(legacy)?, float(candidate)?),
        _ => floats(float(legacy)?, float(candidate)?, rule),
    }
}

fn floats(a: f64, b: f64, rule: &Rule) -> Option<bool> {
    if a.is_nan() || b.is_nan() {
        return Some(a.is_nan() && b.is_nan());
    }
    if a.is_infinite() || b.is_infinite() {
        return Some(a == b);
    }
    let apart = (a - b).abs();
    Some(match rule {
        Rule::Abs(most, _) => apart <= *most,
        Rule::Rel(share) => apart <= share * a.abs().max(b.abs()),
        Rule::Tick(tick, _) => apart < tick / 2.0,
        Rule::Ulp(steps) => ordered(a).abs_diff(ordered(b)) <= *steps,
        Rule::Number => a == b,
        _ => return None,
    })
}

fn exacts(a: Exact, b: Exact, rule: &Rule, near_a: f64, near_b: f64) -> Option<bool> {
    match rule {
        Rule::Abs(..) => a.within(b, rule.exact_amount()?, 1, false),
        Rule::Tick(..) => a.within(b, rule.exact_amount()?, 2, true),
        Rule::Number => a.within(b, Exact::int(0), 1, false),
        Rule::Rel(_) => floats(near_a, near_b, rule),
        _ => None,
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
