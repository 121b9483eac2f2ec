//! Positions against plain rational numbers: longs, shorts, reversals, multipliers, fees.

use exuvia_execution::{Currency, Holding, Instrument, Rate};
use exuvia_model::{ModelError, Money, NANO, Price, Quantity, Side};
use proptest::prelude::*;

use crate::kit::*;

/// A fraction of two integers, in lowest terms, its denominator positive.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Frac(i128, i128);

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs().max(1) } else { gcd(b, a % b) }
}

impl Frac {
    fn new(top: i128, bottom: i128) -> Self {
        let by = gcd(top, bottom) * bottom.signum();
        Self(top / by, bottom / by)
    }
    fn of(raw: i64) -> Self {
        Self::new(i128::from(raw), i128::from(NANO))
    }
    fn plus(self, other: Self) -> Self {
        let by = gcd(self.1, other.1);
        Self::new(self.0 * (other.1 / by) + other.0 * (self.1 / by), self.1 / by * other.1)
    }
    fn times(self, other: Self) -> Self {
        let (one, two) = (gcd(self.0, other.1), gcd(other.0, self.1));
        Self::new((self.0 / one) * (other.0 / two), (self.1 / two) * (other.1 / one))
    }
    fn minus(self, other: Self) -> Self {
        self.plus(Self(-other.0, other.1))
    }
    /// Whether `raw` at 10⁻⁹ is within `units` of the last place.
    fn is_near(self, raw: i128, units: i128) -> bool {
        let gap = self.minus(Self::new(raw, i128::from(NANO)));
        gap.0.abs() * i128::from(NANO) <= units * gap.1
    }
}

/// The textbook: a signed amount, its average price, the profit of what was closed; no cost is kept, no unit is split.
#[derive(Debug, Clone, Copy)]
struct Textbook {
    held: Frac,
    average: Frac,
    profit: Frac,
}

impl Textbook {
    fn fill(mut self, signed: Frac, price: Frac) -> Self {
        let same_way = self.held.0 == 0 || self.held.0.signum() == signed.0.signum();
        if same_way {
            let total = self.held.plus(signed);
            let cost = self.held.times(self.average).plus(signed.times(price));
            self.average = cost.times(Frac::new(total.1, total.0));
            self.held = total;
            return self;
        }
        let closes_all = signed.0.abs() * self.held.1 >= self.held.0.abs() * signed.1;
        let closing = if closes_all { Frac(-self.held.0, self.held.1) } else { signed };
        self.profit = self.profit.minus(closing.times(price.minus(self.average)));
        self.held = self.held.plus(closing);
        let rest = signed.minus(closing);
        if rest.0 == 0 { self } else { Self { held: Frac(0, 1), ..self }.fill(rest, price) }
    }
}

fn instrument(multiplier: &str) -> Instrument {
    Instrument { multiplier: multiplier.parse().unwrap(), ..mes() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn a_position_is_the_one_of_the_textbook_to_the_cent_and_beyond(
        fills in prop::collection::vec((any::<bool>(), 1_i64..13, -40_i64..400), 1..9),
        parts in prop::sample::select(vec![NANO, NANO / 4, 1_000_000]),
        tick in prop::sample::select(vec![250_000_000_i64, 10_000, 1]),
        multiplier in prop::sample::select(vec!["1", "50", "0.1", "12.5", "100000"]),
        mark in -40_i64..400,
    ) {
        let instrument = instrument(multiplier);
        let point = Frac::of(instrument.multiplier.raw());
        let mut held = Holding::default();
        let mut book = Textbook { held: Frac(0, 1), average: Frac(0, 1), profit: Frac(0, 1) };
        for (buy, amount, ticks) in fills {
            let (side, sign) = if buy { (Side::Buy, 1) } else { (Side::Sell, -1) };
            let (quantity, price) = (Quantity::from_raw(amount * parts), Price::from_raw(ticks * tick));
            held = held.after(side, quantity, price).unwrap();
            book = book.fill(Frac::of(sign * quantity.raw()), Frac::of(price.raw()));
            prop_assert_eq!(Frac::of(held.quantity().raw()), book.held);
            prop_assert_eq!(held.average_price().is_some(), book.held.0 != 0);
            if let Some(average) = held.average_price() {
                prop_assert!(book.average.is_near(i128::from(average.raw()), 1), "{:?} {:?}", average, book.average);
            }
            let profit = book.profit.times(point);
            prop_assert!(profit.is_near(held.realised(&instrument).unwrap().raw(), 1), "{:?} {:?}", held, profit);
            let at = Price::from_raw(mark * tick);
            let open = book.held.times(Frac::of(at.raw()).minus(book.average)).times(point);
            prop_assert!(open.is_near(held.unrealised(&instrument, at).unwrap().raw(), 1), "{:?} {:?}", held, open);
        }
    }

    #[test]
    fn a_closed_position_has_made_what_was_paid_and_received_to_the_last_place(
        fills in prop::collection::vec((any::<bool>(), 1_i64..1_000_000, 1_i64..1_000_000_000), 1..40), last in 1_i64..1_000_000_000,
    ) {
        let mut held = Holding::default();
        let mut sum = 0_i128;
        let mut all = fills.iter().map(|(buy, amount, price)| (if *buy { *amount } else { -*amount }, *price)).collect::<Vec<_>>();
        let open: i64 = all.iter().map(|(amount, _)| amount).sum();
        all.push((-open, last));
        for (signed, price) in all.into_iter().filter(|(signed, _)| *signed != 0) {
            let side = if signed > 0 { Side::Buy } else { Side::Sell };
            held = held.after(side, Quantity::from_raw(signed.abs()), Price::from_raw(price)).unwrap();
            sum -= i128::from(signed) * i128::from(price);
        }
        prop_assert_eq!((held.quantity(), held.average_price()), (Quantity::ZERO, None));
        // A billion a point: what is shown at 10⁻⁹ is the sum at 10⁻¹⁸.
        let instrument = instrument("1000000000");
        prop_assert_eq!(held.realised(&instrument).unwrap().raw(), sum);
        prop_assert_eq!(held.unrealised(&instrument, p("7")).unwrap(), Money::ZERO);
    }

    #[test]
    fn money_goes_through_a_rate_and_back_within_its_last_place(amount in -1_000_000_000_000_i128..1_000_000_000_000, rate in 1_000_000_i64..10_000_000_000) {
        let (hkd, usd): (Currency, Currency) = ("HKD".parse().unwrap(), "USD".parse().unwrap());
        let pair = Rate { base: usd, quote: hkd, price: Price::from_raw(rate) };
        let (there, currency) = pair.convert(Money::from_raw(amount), hkd).unwrap();
        prop_assert_eq!(currency, usd);
        prop_assert!(Frac::new(amount, i128::from(rate)).is_near(there.raw(), 1));
        let (back, currency) = pair.convert(there, usd).unwrap();
        prop_assert_eq!(currency, hkd);
        let lost = (back.raw() - amount).abs();
        prop_assert!(lost <= i128::from(rate / NANO) + 1, "{} was lost of {}", lost, amount);
    }
}

#[test]
fn a_reversal_closes_at_its_price_and_opens_the_other_side_at_it() {
    let held =
        Holding::default().after(Side::Buy, q(3), p("6000")).unwrap().after(Side::Sell, q(5), p("6002")).unwrap();
    assert_eq!((held.quantity().to_string(), held.average_price()), ("-2".to_owned(), Some(p("6002"))));
    assert_eq!(held.realised(&mes()).unwrap().to_string(), "30");
    assert_eq!(held.unrealised(&mes(), p("6003")).unwrap().to_string(), "-10");
}

#[test]
fn thirds_are_split_without_losing_anything() {
    let bought = Holding::default().after(Side::Buy, q(1), p("1")).unwrap().after(Side::Buy, q(2), p("2")).unwrap();
    assert_eq!(bought.average_price(), Some(p("1.666666667")));
    let sold = bought.after(Side::Sell, q(1), p("2")).unwrap();
    assert_eq!(sold.realised(&instrument("1")).unwrap().to_string(), "0.333333333");
    let flat = sold.after(Side::Sell, q(2), p("2")).unwrap();
    assert_eq!(flat.realised(&instrument("1")).unwrap().to_string(), "1");
}

#[test]
fn sums_that_leave_their_range_are_refused_and_named() {
    let most = Quantity::from_raw(i64::MAX);
    let held = Holding::default().after(Side::Buy, most, Price::from_raw(i64::MAX)).unwrap();
    assert!(matches!(held.after(Side::Buy, q(1), p("1")), Err(ModelError::OutOfRange { .. })), "an amount");
    let mut value = Holding::default();
    let error = (0..9).find_map(|_| {
        let bought = value
            .after(Side::Buy, most, Price::from_raw(i64::MAX))
            .and_then(|held| held.after(Side::Sell, most, Price::from_raw(-i64::MAX)));
        bought.map(|next| value = next).err()
    });
    assert!(error.unwrap().to_string().contains("position"), "a cost");
    assert!(held.realised(&instrument("9000000000")).is_ok(), "nothing was closed");
    assert!(held.unrealised(&instrument("9000000000"), p("0")).is_err(), "a worth");
    let usd: Currency = "USD".parse().unwrap();
    let fee = held.after_fee(usd, Money::from_raw(i128::MAX)).unwrap();
    assert!(fee.after_fee(usd, Money::from_raw(1)).is_err());
}

#[test]
fn a_rate_refuses_currencies_that_it_does_not_have_and_prices_that_are_none() {
    let code = |text: &str| text.parse::<Currency>().unwrap();
    let rate = |price: &str| Rate { base: code("USD"), quote: code("HKD"), price: p(price) };
    let text = rate("7.8").convert(Money::ZERO, code("EUR")).unwrap_err().to_string();
    assert!(text.contains("\"EUR\"") && text.contains("the two currencies of the pair"), "{text}");
    assert!(rate("0").convert(Money::ZERO, code("USD")).is_err());
    assert!(rate("7.8").convert(Money::from_raw(i128::MAX), code("USD")).is_err());
}
