//! Numbers and instants under a numeric rule. A rule is a tolerance, never a way around NaN, infinity
//! or a lost sign of infinity: those must be equal.

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
    if let (Rule::Window(..) | Rule::Unit(..), _) | (_, Value::Moment { .. }) = (rule, legacy) {
        return moments(legacy, candidate, rule);
    }
    match (read(legacy)?, read(candidate)?) {
        (Number::Float(a), Number::Float(b)) => floats(a, b, rule),
        (Number::Exact(a), Number::Exact(b)) => exacts(a, b, rule, (float(legacy)?, float(candidate)?)),
        (Number::Float(a), Number::Exact(_)) => same_number(a, candidate),
        (Number::Exact(_), Number::Float(b)) => same_number(b, legacy),
    }
}

/// Instants of one awareness, within a window or in the same unit.
fn moments(legacy: &Value, candidate: &Value, rule: &Rule) -> Option<bool> {
    let (Value::Moment { ns: a, aware: one }, Value::Moment { ns: b, aware: two }) = (legacy, candidate) else {
        return None;
    };
    match rule {
        Rule::Window(most, _) if one == two => Some(a.checked_sub(*b)?.checked_abs()? <= *most),
        Rule::Unit(unit, _) if one == two => Some(a.div_euclid(*unit) == b.div_euclid(*unit)),
        _ => None,
    }
}

/// Whether two columns of floats are equal under `rule` wherever they are equal at all: `false` says
/// that each pair has to be looked at.
pub(crate) fn all_floats(one: &[f64], two: &[f64], rule: &Rule) -> bool {
    match rule {
        Rule::Abs(most, _) => every(one, two, |a, b| (a - b).abs() <= *most),
        Rule::Sum(sum) => every(one, two, |a, b| (a - b).abs() <= sum.bound()),
        Rule::Rel(share) => every(one, two, |a, b| {
            let (x, y) = (a.abs(), b.abs());
            let most = if x > y { x } else { y };
            // A share of infinity is infinity, to which everything would be near.
            (most <= f64::MAX) & ((a - b).abs() <= share * most)
        }),
        Rule::Ulp(steps) => every(one, two, |a, b| {
            (a.abs() <= f64::MAX) & (b.abs() <= f64::MAX) & (ordered(a).abs_diff(ordered(b)) <= *steps)
        }),
        Rule::Tick(tick, _) => {
            every(one, two, |a, b| ((a - b).abs() < tick / 2.0) & (on_grid(a, *tick) == on_grid(b, *tick)))
        }
        _ => false,
    }
}

/// Whether all pairs are near; counted without a branch, so that the compiler makes vectors of it. NaN and
/// infinities are near to nothing.
fn every(one: &[f64], two: &[f64], near: impl Fn(f64, f64) -> bool) -> bool {
    one.chunks(1_024)
        .zip(two.chunks(1_024))
        .all(|(one, two)| one.iter().zip(two).fold(0_u64, |far, (a, b)| far + u64::from(!near(*a, *b))) == 0)
}

/// Two floats under a rule; `None` if it does not speak of floats.
pub(crate) fn floats(a: f64, b: f64, rule: &Rule) -> Option<bool> {
    if a.to_bits() == b.to_bits() && rule.is_numeric() && !matches!(rule, Rule::Window(..) | Rule::Unit(..)) {
        return Some(true);
    }
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
        Rule::Tick(tick, _) => apart < tick / 2.0 && on_grid(a, *tick) == on_grid(b, *tick),
        Rule::Sum(sum) => apart <= sum.bound(),
        Rule::Ulp(steps) => ordered(a).abs_diff(ordered(b)) <= *steps,
        Rule::Number => a == b,
        _ => return None,
    })
}

fn exacts(a: Exact, b: Exact, rule: &Rule, near: (f64, f64)) -> Option<bool> {
    match rule {
        Rule::Abs(..) => a.within(b, rule.exact_amount()?, 1, false),
        Rule::Tick(..) => {
            let tick = rule.exact_amount()?;
            Some(a.within(b, tick, 2, true)? && a.is_multiple(tick)? == b.is_multiple(tick)?)
        }
        Rule::Quantum(_) => {
            let quantum = rule.exact_amount()?;
            Some(a.quanta(quantum)? == b.quanta(quantum)?)
        }
        Rule::Number => a.within(b, Exact::int(0), 1, false),
        // Beyond the range of floats all numbers look alike: there only the same is the same.
        Rule::Rel(_) if spans(a, near.0) && spans(b, near.1) => floats(near.0, near.1, rule),
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

/// Whether a price stands on the grid of ticks, up to the noise of binary floats: a thousandth of a
/// tick, or a few representable steps where those are wider.
fn on_grid(value: f64, tick: f64) -> bool {
    let off = (value - nearest(value / tick) * tick).abs();
    off <= (tick * 1e-3).max(value.abs() * 4.0 * f64::EPSILON)
}

/// The nearest whole number: adding 1.5 · 2^52 leaves no place for a fraction.
fn nearest(value: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    if value.abs() < SHIFT / 3.0 { (value + SHIFT) - SHIFT } else { value }
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
    fn a_price_off_the_grid_is_no_neighbour_of_one_on_it() {
        let off = (Value::Float(25_299.8), Value::Float(25_299.75));
        assert_eq!(under("tick:0.25", off.0, off.1), Some(false));
        let averages = (Value::Float(25_299.8), Value::Float(25_299.81));
        assert_eq!(under("tick:0.25", averages.0, averages.1), Some(true));
        let exact = (Value::Decimal("25299.80".into()), Value::Decimal("25299.75".into()));
        assert_eq!(under("tick:0.25", exact.0, exact.1), Some(false));
        let far = (Value::Float(1e15 + 0.125), Value::Float(1e15));
        assert_eq!(under("tick:0.01", far.0, far.1), Some(false));
    }

    #[test]
    fn quanta_windows_and_units_speak_of_their_own_types_only() {
        let decimal = |text: &str| Value::Decimal(text.into());
        assert_eq!(under("quantum:0.01", decimal("1.104"), decimal("1.10")), Some(true));
        assert_eq!(under("quantum:0.01", decimal("1.106"), decimal("1.10")), Some(false));
        assert_eq!(under("quantum:0.01", decimal("NaN"), decimal("1.10")), None);
        assert_eq!(under("quantum:0.01", Value::Float(1.1), Value::Float(1.2)), None);
        let at = |ns: i128, aware: bool| Value::Moment { ns, aware };
        assert_eq!(under("window:1us", at(0, true), at(1_000, true)), Some(true));
        assert_eq!(under("window:1us", at(0, true), at(1_001, true)), Some(false));
        assert_eq!(under("window:1us", at(0, true), at(0, false)), None);
        assert_eq!(under("unit:ms", at(-1, true), at(0, true)), Some(false));
        assert_eq!(under("unit:ms", at(1, true), at(999_999, true)), Some(true));
        assert_eq!(under("abs:1", at(1, true), at(2, true)), None);
        assert_eq!(under("window:1s", Value::Int(1), Value::Int(2)), None);
    }

    #[test]
    fn columns_pass_as_a_whole_where_every_pair_passes() {
        let rule = |text: &str| Rule::parse(&Pattern::parse("$").unwrap(), text).unwrap();
        let one: Vec<f64> = (0..3_000).map(f64::from).collect();
        let mut two: Vec<f64> = one.iter().map(|x| x + 1e-9).collect();
        for text in ["abs:1e-8", "sum:any(n=3, total=1e9)"] {
            assert!(all_floats(&one, &two, &rule(text)), "{text}");
        }
        assert!(!all_floats(&one, &two, &rule("rel:1e-12")));
        assert!(!all_floats(&one, &two, &rule("ulp:4")));
        assert!(all_floats(&one, &two, &rule("tick:1")) && !all_floats(&one, &two, &rule("tick:1e-9")));
        for text in ["ulp:4", "rel:1e-9", "rel:0.9", "abs:1", "tick:1", "sum:any(n=10, max=1)"] {
            for (one, two) in [
                (f64::INFINITY, f64::MAX),
                (1.0, f64::INFINITY),
                (f64::NEG_INFINITY, f64::INFINITY),
                (f64::NAN, 1.0),
                (f64::INFINITY, f64::NAN),
                (1.7e308, -1.7e308),
            ] {
                assert!(!all_floats(&[one, 2.0], &[two, 2.0], &rule(text)), "{text}: {one} and {two}");
                assert!(!all_floats(&[two, 2.0], &[one, 2.0], &rule(text)), "{text}: {two} and {one}");
            }
        }
        assert!(all_floats(&[1.0, -0.0], &[1.0 + f64::EPSILON, 0.0], &rule("ulp:1")));
        two[2_999] = f64::NAN;
        assert!(!all_floats(&one, &two, &rule("abs:1e-8")));
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
