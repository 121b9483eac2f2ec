//! A contract and its value.

use super::black::normalised;
use super::implied::implied_total;
use crate::options::Status;

/// What the holder may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Buy at the strike.
    Call,
    /// Sell at the strike.
    Put,
}

impl Right {
    /// +1 for a call, −1 for a put.
    #[inline]
    pub const fn sign(self) -> f64 {
        match self {
            Self::Call => 1.0,
            Self::Put => -1.0,
        }
    }

    /// The right that a number stands for: positive a call, negative a put.
    #[inline]
    pub fn from_sign(sign: f64) -> Option<Self> {
        if sign > 0.0 {
            Some(Self::Call)
        } else if sign < 0.0 {
            Some(Self::Put)
        } else {
            None
        }
    }
}

/// What the underlying price of a contract is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// A spot that pays a continuous yield: Black-Scholes-Merton; with a yield of 0, Black-Scholes.
    Spot,
    /// A forward or future: Black (1976). The yield is not used.
    Forward,
}

/// A European option, all but its volatility.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contract {
    /// Call or put.
    pub right: Right,
    /// Spot or forward.
    pub spot: f64,
    /// Strike.
    pub strike: f64,
    /// Years to expiry.
    pub years: f64,
    /// Rate, continuous.
    pub rate: f64,
    /// Dividend or carry yield, continuous; for a forward the rate itself.
    pub dividend: f64,
}

/// What both sides of the exchange are worth today.
#[derive(Debug, Clone, Copy)]
pub(super) struct Legs {
    /// The underlying without what it pays until expiry.
    pub spot: f64,
    /// The strike.
    pub strike: f64,
    /// ln(forward / strike).
    pub x: f64,
}

impl Contract {
    /// A contract whose numbers are usable.
    ///
    /// # Errors
    /// The status that says which number is not.
    #[inline]
    pub fn new(
        model: Model,
        right: f64,
        spot: f64,
        strike: f64,
        years: f64,
        rate: f64,
        dividend: f64,
    ) -> Result<Self, Status> {
        let dividend = if model == Model::Forward { rate } else { dividend };
        // A sum of finite numbers is finite, or they are too large to work with.
        let sum = spot + strike + years + rate + dividend + right;
        if !sum.is_finite() {
            let all = [spot, strike, years, rate, dividend, right];
            return Err(if all.iter().any(|value| value.is_nan()) { Status::Missing } else { Status::NotFinite });
        }
        let Some(right) = Right::from_sign(right) else { return Err(Status::BadRight) };
        if spot <= 0.0 {
            return Err(Status::BadSpot);
        }
        if strike <= 0.0 {
            return Err(Status::BadStrike);
        }
        if years < 0.0 {
            return Err(Status::BadTime);
        }
        Ok(Self { right, spot, strike, years, rate, dividend })
    }

    #[inline]
    pub(super) fn legs(&self) -> Legs {
        let spot = self.spot * (-self.dividend * self.years).exp();
        let strike = self.strike * (-self.rate * self.years).exp();
        let moneyness = self.spot / self.strike;
        // Near the strike the difference is exact, its quotient nearly so.
        let log = if (0.5..2.0).contains(&moneyness) {
            ((self.spot - self.strike) / self.strike).ln_1p()
        } else {
            moneyness.ln()
        };
        Legs { spot, strike, x: log + (self.rate - self.dividend) * self.years }
    }

    /// What exercising at expiry is worth today, if the underlying grows as its forward says.
    #[inline]
    pub fn intrinsic(&self) -> f64 {
        let legs = self.legs();
        (self.right.sign() * (legs.spot - legs.strike)).max(0.0)
    }

    /// The value at a volatility.
    ///
    /// ```
    /// use exuvia_market::options::pricing::{Contract, Model};
    /// let call = Contract::new(Model::Spot, 1.0, 100.0, 100.0, 1.0, 0.05, 0.0).unwrap();
    /// assert!((call.price(0.2).unwrap() - 10.450_583_572_185_565).abs() < 1e-13);
    /// ```
    ///
    /// # Errors
    /// The status that says why there is none.
    #[inline]
    pub fn price(&self, volatility: f64) -> Result<f64, Status> {
        if volatility.is_nan() {
            return Err(Status::Missing);
        }
        if volatility < 0.0 || volatility.is_infinite() {
            return Err(Status::BadVolatility);
        }
        let legs = self.legs();
        let intrinsic = (self.right.sign() * (legs.spot - legs.strike)).max(0.0);
        let (value, _) = normalised(legs.x.abs(), volatility * self.years.sqrt());
        finite(intrinsic + value * legs.spot.sqrt() * legs.strike.sqrt())
    }

    /// The volatility that a price implies; 0 where the price is the intrinsic value to the last digits.
    ///
    /// ```
    /// use exuvia_market::options::Status;
    /// use exuvia_market::options::pricing::{Contract, Model};
    /// let call = Contract::new(Model::Spot, 1.0, 100.0, 100.0, 1.0, 0.05, 0.0).unwrap();
    /// assert!((call.implied(10.450_583_572_185_565).unwrap() - 0.2).abs() < 1e-15);
    /// assert_eq!(call.implied(1.0), Err(Status::BelowIntrinsic));
    /// ```
    ///
    /// # Errors
    /// The status that says why there is none.
    #[inline]
    pub fn implied(&self, price: f64) -> Result<f64, Status> {
        if price.is_nan() {
            return Err(Status::Missing);
        }
        if price < 0.0 || price.is_infinite() {
            return Err(Status::BadPrice);
        }
        if self.years <= 0.0 {
            return Err(Status::BadTime);
        }
        let legs = self.legs();
        // Rates times years of hundreds: a leg is infinite, or nothing is left of it.
        if !(legs.spot.min(legs.strike) > 0.0 && legs.spot.max(legs.strike).is_finite()) {
            return Err(Status::NotFinite);
        }
        let intrinsic = (self.right.sign() * (legs.spot - legs.strike)).max(0.0);
        let time_value = price - intrinsic;
        if time_value <= 0.0 {
            // The legs are known to a rounding, and a price was rounded where it came from.
            let rounding = 4.0 * f64::EPSILON * legs.spot.max(legs.strike);
            return if time_value >= -rounding { Err(Status::NoTimeValue) } else { Err(Status::BelowIntrinsic) };
        }
        let value = time_value / (legs.spot.sqrt() * legs.strike.sqrt());
        let a = legs.x.abs();
        if time_value >= legs.spot.min(legs.strike) || value >= (-0.5 * a).exp() {
            return Err(Status::AboveBound);
        }
        finite(implied_total(value, a) / self.years.sqrt())
    }
}

fn finite(value: f64) -> Result<f64, Status> {
    if value.is_finite() { Ok(value) } else { Err(Status::NotFinite) }
}
