//! Where between bid and ask a fill is assumed: the price fill ratios of options desks, in millionths instead of floats. The
//! same models as `exuvia_market::options::fills` has for whole columns of analytics.

use exuvia_model::{Price, Quantity, Quote, Side};

/// Where a fill is assumed, by the quote. Ratios are in millionths. An order is filled when the price of its model is within its limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FillModel {
    /// At the ask or the bid.
    #[default]
    Touch,
    /// mid ± f·half spread: 0 the mid, a million the far side.
    Ratio {
        /// f.
        ratio: i32,
        /// How it comes to a price.
        rounding: PriceRounding,
    },
    /// near side ± g·(ask − bid): g = (1 + f)/2.
    Width {
        /// g.
        share: i32,
        /// How it comes to a price.
        rounding: PriceRounding,
    },
    /// As `Ratio`, with f + (1 − f)·(1 − min(volume/reference, 1)); f itself where no volume is known.
    Liquidity {
        /// f of a liquid contract.
        ratio: i32,
        /// The volume from which a contract is liquid, positive.
        reference: Quantity,
        /// How it comes to a price.
        rounding: PriceRounding,
    },
    /// As `Ratio`, with min(f + extra·(legs − 1), 1).
    PerLeg {
        /// f of a single leg.
        ratio: i32,
        /// What each further leg adds.
        extra: i32,
        /// How it comes to a price.
        rounding: PriceRounding,
    },
    /// ask·(1 + slip) for a buy, bid·(1 − slip) for a sale.
    Slip {
        /// slip.
        slip: i32,
        /// How it comes to a price.
        rounding: PriceRounding,
    },
}

/// How the price of a model becomes one that can be booked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PriceRounding {
    /// To the tick that is worse for the order.
    #[default]
    WorseTick,
    /// To the nearest tick, a tie to the worse one.
    NearestTick,
    /// Not to a tick: to 10⁻⁹, what is finer against the order.
    Exact,
}

const MILLION: i128 = super::MILLION as i128;

impl FillModel {
    pub(super) fn fault(&self) -> Option<String> {
        let within = |ratio: i32| (-1_000_000..=2_000_000).contains(&ratio);
        let wrong = match *self {
            Self::Touch => false,
            Self::Ratio { ratio, .. } | Self::Width { share: ratio, .. } => !within(ratio),
            Self::Liquidity { ratio, reference, .. } => !within(ratio) || reference <= Quantity::ZERO,
            Self::PerLeg { ratio, extra, .. } => !within(ratio) || !within(extra),
            Self::Slip { slip, .. } => !(0..1_000_000).contains(&slip),
        };
        wrong.then(|| format!("{self:?}: ratios lie between −1,000,000 and 2,000,000 millionths, a slip between 0 and 999,999, a reference is positive"))
    }

    /// The price at which an order of `side` and so many legs is filled by this quote.
    pub(super) fn price(&self, side: Side, quote: &Quote, tick: Price, legs: u32, volume: Option<Quantity>) -> Price {
        let (bid, ask) = (i128::from(quote.bid.raw()), i128::from(quote.ask.raw()));
        let sign = i128::from(side.sign());
        let (near, far) = if side == Side::Buy { (bid, ask) } else { (ask, bid) };
        // All in units of 2 × 10⁶ × 10⁹ of the price, so that mid and half spread are whole.
        let at = |ratio: i128| (bid + ask) * MILLION + sign * ratio * (ask - bid);
        let (price, rounding) = match *self {
            Self::Touch => return Price::from_raw(if side == Side::Buy { quote.ask.raw() } else { quote.bid.raw() }),
            Self::Ratio { ratio, rounding } => (at(i128::from(ratio)), rounding),
            Self::Width { share, rounding } => {
                (2 * (near * MILLION + sign * i128::from(share) * (ask - bid)), rounding)
            }
            Self::Liquidity { ratio, reference, rounding } => {
                let ratio = i128::from(ratio);
                let short = volume.map_or(0, |volume| {
                    let share = i128::from(volume.raw()).max(0) * MILLION / i128::from(reference.raw());
                    MILLION - share.min(MILLION)
                });
                (at(ratio + (MILLION - ratio) * short / MILLION), rounding)
            }
            Self::PerLeg { ratio, extra, rounding } => {
                let more = i128::from(extra) * i128::from(legs.saturating_sub(1));
                (at((i128::from(ratio) + more).min(MILLION)), rounding)
            }
            Self::Slip { slip, rounding } => (2 * (far * MILLION + sign * far.abs() * i128::from(slip)), rounding),
        };
        let unit = 2 * MILLION;
        let step = if rounding == PriceRounding::Exact { 1 } else { i128::from(tick.raw()) };
        // Seen from the order more is worse: upwards for a buy, downwards for a sale.
        let worse = sign * price;
        let steps = match rounding {
            PriceRounding::WorseTick | PriceRounding::Exact => -(-worse).div_euclid(unit * step),
            PriceRounding::NearestTick => (2 * worse + unit * step).div_euclid(2 * unit * step),
        };
        Price::from_raw(i64::try_from(sign * steps * step).unwrap_or(if sign > 0 { i64::MAX } else { i64::MIN }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exuvia_model::{Symbol, Time};

    fn prices(model: FillModel, legs: u32, volume: Option<&str>) -> (String, String) {
        let size = Quantity::ZERO;
        let (bid, ask) = ("1.00".parse().unwrap(), "1.40".parse().unwrap());
        let quote = Quote { symbol: Symbol(0), time: Time(0), bid, ask, bid_size: size, ask_size: size };
        let volume = volume.map(|volume| volume.parse().unwrap());
        let of = |side| model.price(side, &quote, "0.01".parse().unwrap(), legs, volume).to_string();
        (of(Side::Buy), of(Side::Sell))
    }

    fn pair(buy: &str, sell: &str) -> (String, String) {
        (buy.to_owned(), sell.to_owned())
    }

    const WORSE: PriceRounding = PriceRounding::WorseTick;

    #[test]
    fn the_published_vectors_come_out_to_the_tick() {
        let ratio = |ratio| prices(FillModel::Ratio { ratio, rounding: WORSE }, 1, None);
        assert_eq!(ratio(250_000), pair("1.25", "1.15"));
        assert_eq!(ratio(500_000), pair("1.3", "1.1"));
        assert_eq!(ratio(1_000_000), pair("1.4", "1"));
        assert_eq!(ratio(0), pair("1.2", "1.2"));
        assert_eq!(prices(FillModel::Touch, 1, None), pair("1.4", "1"));
        let width = |share| prices(FillModel::Width { share, rounding: WORSE }, 1, None);
        assert_eq!((width(625_000), width(1_000_000)), (ratio(250_000), ratio(1_000_000)), "g = (1 + f)/2");
    }

    #[test]
    fn legs_and_volume_move_the_ratio_as_the_sources_say() {
        let per_leg = |legs| {
            prices(FillModel::PerLeg { ratio: 250_000, extra: 73_000, rounding: PriceRounding::Exact }, legs, None).0
        };
        // 1.2 + 0.2 × 0.25, 0.323, 0.396, 0.469, and 1 at most.
        assert_eq!([1, 2, 3, 4, 40].map(per_leg), ["1.25", "1.2646", "1.2792", "1.2938", "1.4"]);
        let liquid = |volume| {
            prices(
                FillModel::Liquidity { ratio: 500_000, reference: "1000".parse().unwrap(), rounding: WORSE },
                1,
                volume,
            )
            .0
        };
        assert_eq!(
            [None, Some("1000"), Some("9000"), Some("500"), Some("0")].map(liquid),
            ["1.3", "1.3", "1.3", "1.35", "1.4"]
        );
        assert_eq!(
            prices(FillModel::Slip { slip: 10_000, rounding: PriceRounding::Exact }, 1, None),
            pair("1.414", "0.99")
        );
    }

    #[test]
    fn what_lies_between_ticks_goes_against_the_order_unless_declared() {
        let at = |ratio, rounding| prices(FillModel::Ratio { ratio, rounding }, 1, None);
        assert_eq!(at(260_000, WORSE), pair("1.26", "1.14"), "1.252 and 1.148");
        assert_eq!(at(260_000, PriceRounding::NearestTick), pair("1.25", "1.15"));
        assert_eq!(at(275_000, PriceRounding::NearestTick), pair("1.26", "1.14"), "1.255 is a tie");
        assert_eq!(at(260_000, PriceRounding::Exact), pair("1.252", "1.148"));
        assert_eq!(at(-500_000, WORSE), pair("1.1", "1.3"), "below zero it is better than the mid");
    }

    #[test]
    fn a_model_that_cannot_be_is_named() {
        for model in [
            FillModel::Ratio { ratio: 2_000_001, rounding: WORSE },
            FillModel::Width { share: -1_000_001, rounding: WORSE },
            FillModel::Liquidity { ratio: 0, reference: Quantity::ZERO, rounding: WORSE },
            FillModel::PerLeg { ratio: 0, extra: i32::MAX, rounding: WORSE },
            FillModel::Slip { slip: 1_000_000, rounding: WORSE },
        ] {
            assert!(model.fault().is_some_and(|fault| fault.contains("millionths")), "{model:?}");
        }
        assert_eq!((FillModel::Touch.fault(), FillModel::Slip { slip: 0, rounding: WORSE }.fault()), (None, None));
    }
}
