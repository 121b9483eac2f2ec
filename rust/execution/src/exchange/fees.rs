//! What trading costs: by contract, by share with a minimum, or by value; other for who provides than for who takes.

use exuvia_model::{ModelError, Money, NANO, Price, Quantity};

use super::Role;
use crate::holding::half_even;

/// One side of a tariff. Negative is a rebate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tariff {
    /// Nothing.
    #[default]
    Free,
    /// So much for each unit of amount: a contract, a share.
    PerUnit(Money),
    /// So many millionths of the value; a basis point is 100.
    OfValue(i32),
}

/// How a sum is rounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FeeRounding {
    /// To the nearest step, ties to even.
    #[default]
    Nearest,
    /// To the step above: a charge grows, a rebate shrinks.
    Up,
}

/// What an order is charged. The sum over all its executions is reckoned, raised to the minimum, lowered to the maximum and rounded; each
/// execution pays what the sum has grown by. So it does not matter in how many parts an order was filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// For an execution that an order waited for.
    pub maker: Tariff,
    /// For one that it came for.
    pub taker: Tariff,
    /// Least charge of an order that was executed at all.
    pub least: Option<Money>,
    /// Greatest charge of an order.
    pub most: Option<Money>,
    /// The step of rounding; 10⁻⁹ by default, a cent is `"0.01"`.
    pub step: Money,
    /// How it is rounded.
    pub rounding: FeeRounding,
}

impl Default for Fees {
    fn default() -> Self {
        let (least, most) = (None, None);
        Self {
            maker: Tariff::Free,
            taker: Tariff::Free,
            least,
            most,
            step: Money::from_raw(1),
            rounding: FeeRounding::Nearest,
        }
    }
}

/// What an order was charged so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Charged {
    /// Before minimum, maximum and rounding, at 10⁻¹⁸.
    exact: i128,
    /// What its executions paid.
    paid: Money,
}

impl Fees {
    /// The same tariff for both.
    #[must_use]
    pub fn flat(tariff: Tariff) -> Self {
        Self { maker: tariff, taker: tariff, ..Self::default() }
    }

    pub(super) fn fault(&self) -> Option<String> {
        if self.step <= Money::ZERO {
            return Some(format!("fees rounded to steps of {}: the step must be positive", self.step));
        }
        let crossed = self.least.zip(self.most).filter(|(least, most)| least > most);
        crossed.map(|(least, most)| format!("fees of at least {least} and at most {most}"))
    }

    /// What an order was charged after one more execution, and what that one pays.
    pub(super) fn after(
        &self,
        charged: Charged,
        role: Role,
        amount: Quantity,
        price: Price,
        multiplier: Quantity,
    ) -> Result<(Charged, Money), ModelError> {
        let too_large = || ModelError::OutOfRange { what: "fee", text: format!("{amount} × {price} × {multiplier}") };
        let tariff = if role == Role::Maker { self.maker } else { self.taker };
        let nano = i128::from(NANO);
        let more = match tariff {
            Tariff::Free => Some(0),
            Tariff::PerUnit(each) => each.raw().checked_mul(i128::from(amount.raw())),
            Tariff::OfValue(millionths) => {
                let value = i128::from(amount.raw()) * i128::from(price.raw()).abs();
                // Divided in the middle: value × multiplier × millionths need not fit.
                let value = (value / nano)
                    .checked_mul(i128::from(multiplier.raw()))
                    .zip((value % nano).checked_mul(i128::from(multiplier.raw())));
                value
                    .and_then(|(whole, rest)| (whole + half_even(0, rest, nano)).checked_mul(i128::from(millionths)))
                    .map(|sum| half_even(0, sum, 1_000_000))
            }
        };
        let exact = more.and_then(|more| charged.exact.checked_add(more)).ok_or_else(too_large)?;
        let (least, most) = (
            self.least.map(|least| least.raw().saturating_mul(nano)),
            self.most.map(|most| most.raw().saturating_mul(nano)),
        );
        let bound = exact.max(least.unwrap_or(exact));
        let bound = bound.min(most.unwrap_or(bound));
        let step = self.step.raw().saturating_mul(nano);
        let steps = match self.rounding {
            FeeRounding::Nearest => half_even(0, bound, step),
            FeeRounding::Up => -(-bound).div_euclid(step),
        };
        let total = Money::from_raw(steps.saturating_mul(self.step.raw()));
        let pays = total.checked_sub(charged.paid)?;
        Ok((Charged { exact, paid: total }, pays))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(fees: &Fees, fills: &[(Role, &str, &str)], multiplier: &str) -> Vec<String> {
        let mut charged = Charged::default();
        let multiplier = multiplier.parse().unwrap();
        let each = fills.iter().map(|(role, amount, price)| {
            let (after, pays) =
                fees.after(charged, *role, amount.parse().unwrap(), price.parse().unwrap(), multiplier).unwrap();
            charged = after;
            pays.to_string()
        });
        each.collect()
    }

    const TAKER: Role = Role::Taker;
    const MAKER: Role = Role::Maker;

    #[test]
    fn by_contract_each_pays_the_same() {
        let fees = Fees::flat(Tariff::PerUnit("0.85".parse().unwrap()));
        assert_eq!(paid(&fees, &[(TAKER, "2", "6000"), (MAKER, "1", "6001")], "50"), ["1.7", "0.85"]);
    }

    #[test]
    fn the_minimum_is_of_the_order_and_not_of_its_parts() {
        let each = Tariff::PerUnit("0.005".parse().unwrap());
        let fees = Fees { least: Some("1".parse().unwrap()), most: Some("2".parse().unwrap()), ..Fees::flat(each) };
        let fills = [(TAKER, "100", "20"), (TAKER, "50", "20"), (TAKER, "150", "20"), (TAKER, "500", "20")];
        assert_eq!(paid(&fees, &fills, "1"), ["1", "0", "0.5", "0.5"]);
    }

    #[test]
    fn by_value_with_a_rebate_for_who_provides_rounded_to_cents() {
        let fees = Fees {
            maker: Tariff::OfValue(-25),
            taker: Tariff::OfValue(500),
            step: "0.01".parse().unwrap(),
            ..Fees::default()
        };
        // 5 basis points of 2 × 1000.10 × 10 = 10.001; less 0.25 of 1 × 1000 × 10 = 0.25.
        assert_eq!(paid(&fees, &[(TAKER, "2", "1000.1"), (MAKER, "1", "1000")], "10"), ["10", "-0.25"]);
        let up = Fees { rounding: FeeRounding::Up, ..fees };
        assert_eq!(paid(&up, &[(TAKER, "2", "1000.1"), (MAKER, "1", "1000")], "10"), ["10.01", "-0.25"]);
        assert_eq!(
            paid(&up, &[(MAKER, "0.1", "1001")], "10"),
            ["-0.02"],
            "of a rebate of 0.025025 two cents are given"
        );
        assert_eq!(paid(&fees, &[(MAKER, "1", "-1000")], "10"), ["-0.25"], "a price below zero has a value too");
    }

    #[test]
    fn what_cannot_be_is_named() {
        assert!(
            Fees { step: Money::ZERO, ..Fees::default() }.fault().is_some_and(|fault| fault.contains("steps of 0"))
        );
        let crossed = Fees { least: Some(Money::from_raw(2)), most: Some(Money::from_raw(1)), ..Fees::default() };
        assert!(crossed.fault().is_some_and(|fault| fault.contains("at most 0.000000001")));
        assert_eq!(Fees::default().fault(), None);
        let (most, fees) = (Quantity::from_raw(i64::MAX), Fees::flat(Tariff::OfValue(i32::MAX)));
        let error = fees.after(Charged::default(), TAKER, most, Price::from_raw(i64::MAX), most).unwrap_err();
        assert!(error.to_string().contains("9223372036.854775807 × 9223372036.854775807"), "{error}");
    }
}
