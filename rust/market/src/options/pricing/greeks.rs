//! The greeks of Black-Scholes-Merton and Black-76 in closed form (Haug, "The Complete Guide to Option Pricing Formulas", 2007, ch. 2).

use super::contract::{Contract, Model};
use super::normal::{DENSITY_0, mills};
use crate::options::Status;

/// A derivative of the value; those by time are by calendar time: what passes as a year goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Greek {
    /// The value itself.
    Price = 0,
    /// By spot.
    Delta,
    /// By spot twice.
    Gamma,
    /// By volatility.
    Vega,
    /// By time.
    Theta,
    /// By the rate.
    Rho,
    /// By the dividend yield (psi); of a forward there is none.
    Epsilon,
    /// Relative change of the value by relative change of the spot (elasticity).
    Lambda,
    /// Delta by volatility.
    Vanna,
    /// Delta by time.
    Charm,
    /// Vega by volatility (volga).
    Vomma,
    /// Vega by time.
    Veta,
    /// Gamma by spot.
    Speed,
    /// Gamma by volatility.
    Zomma,
    /// Gamma by time.
    Color,
    /// Vomma by volatility.
    Ultima,
    /// By strike.
    DualDelta,
    /// By strike twice: the discounted density.
    DualGamma,
}

/// Each greek with its name, in the order of the enum.
pub const GREEKS: [(Greek, &str); 18] = [
    (Greek::Price, "price"),
    (Greek::Delta, "delta"),
    (Greek::Gamma, "gamma"),
    (Greek::Vega, "vega"),
    (Greek::Theta, "theta"),
    (Greek::Rho, "rho"),
    (Greek::Epsilon, "epsilon"),
    (Greek::Lambda, "lambda"),
    (Greek::Vanna, "vanna"),
    (Greek::Charm, "charm"),
    (Greek::Vomma, "vomma"),
    (Greek::Veta, "veta"),
    (Greek::Speed, "speed"),
    (Greek::Zomma, "zomma"),
    (Greek::Color, "color"),
    (Greek::Ultima, "ultima"),
    (Greek::DualDelta, "dual_delta"),
    (Greek::DualGamma, "dual_gamma"),
];

/// The units of greeks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// By 1.00 of volatility, rate and yield, and by a year.
    Natural,
    /// By a percentage point of volatility, rate and yield, and by a day of a year of that many days.
    Desk {
        /// Days of a year: 365, or 252 where only trading days count.
        days: f64,
    },
}

impl Scale {
    /// How often a greek is by volatility, rate or yield, and by time.
    const fn orders(greek: Greek) -> (i32, i32) {
        match greek {
            Greek::Vega | Greek::Rho | Greek::Epsilon | Greek::Vanna | Greek::Zomma => (1, 0),
            Greek::Vomma => (2, 0),
            Greek::Ultima => (3, 0),
            Greek::Veta => (1, 1),
            Greek::Theta | Greek::Charm | Greek::Color => (0, 1),
            _ => (0, 0),
        }
    }

    /// What a greek in natural units is divided by.
    pub fn divisor(self, greek: Greek) -> f64 {
        match self {
            Self::Natural => 1.0,
            Self::Desk { days } => {
                let (points, time) = Self::orders(greek);
                100.0_f64.powi(points) * days.powi(time)
            }
        }
    }
}

/// All greeks at a volatility, in natural units, in the order of [`GREEKS`].
///
/// ```
/// use exuvia_market::options::pricing::{greeks, Contract, Greek, Model};
/// let call = Contract::new(Model::Spot, 1.0, 100.0, 100.0, 1.0, 0.05, 0.0).unwrap();
/// let all = greeks(&call, Model::Spot, 0.2).unwrap();
/// assert!((all[Greek::Delta as usize] - 0.636_830_651_175_619_1).abs() < 1e-15);
/// ```
///
/// # Errors
/// The status that says why there are none; at expiry and without volatility there are none.
pub fn greeks(contract: &Contract, model: Model, volatility: f64) -> Result<[f64; GREEKS.len()], Status> {
    greeks_for(contract, model, volatility, Need { price: true, higher: true })
}

/// Which greeks of [`greeks_for`] are wanted besides delta, gamma, vega and theta; what is not is NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The price, lambda, and rho of a forward.
    pub price: bool,
    /// All from vanna on.
    pub higher: bool,
}

impl Need {
    /// What a choice of greeks needs.
    pub fn of(wanted: &[Greek], model: Model) -> Self {
        let price = |greek: &Greek| match greek {
            Greek::Price | Greek::Lambda => true,
            Greek::Rho => model == Model::Forward,
            _ => false,
        };
        Self {
            price: wanted.iter().any(price),
            higher: wanted.iter().any(|greek| *greek as usize >= Greek::Vanna as usize),
        }
    }
}

/// As [`greeks`], for some of them.
///
/// # Errors
/// As [`greeks`].
pub fn greeks_for(
    contract: &Contract,
    model: Model,
    volatility: f64,
    need: Need,
) -> Result<[f64; GREEKS.len()], Status> {
    if volatility.is_nan() {
        return Err(Status::Missing);
    }
    if contract.years <= 0.0 {
        return Err(Status::BadTime);
    }
    if !(volatility > 0.0 && volatility.is_finite()) {
        return Err(Status::BadVolatility);
    }
    let price = if need.price { contract.price(volatility)? } else { f64::NAN };
    let Contract { spot, strike, years, rate, dividend, .. } = *contract;
    let (sign, legs, root) = (contract.right.sign(), contract.legs(), years.sqrt());
    let s = volatility * root;
    if s <= 0.0 {
        return Err(Status::BadVolatility);
    }
    let (carry, discount) = (legs.spot / spot, legs.strike / strike);
    let d1 = legs.x / s + 0.5 * s;
    let d2 = d1 - s;
    let density = DENSITY_0 * (-0.5 * d1 * d1).exp();
    // Both legs times their densities are equal; far out, where one has vanished, each for itself.
    let density2 =
        if density > 1e-280 { density * (legs.spot / legs.strike) } else { DENSITY_0 * (-0.5 * d2 * d2).exp() };
    let (first, second) = (below(sign * d1, density), below(sign * d2, density2));

    let delta = sign * carry * first;
    let gamma = carry * density / (spot * s);
    let vega = legs.spot * density * root;
    let theta =
        -0.5 * vega * volatility / years - sign * rate * legs.strike * second + sign * dividend * legs.spot * first;
    let (rho, epsilon) = match model {
        Model::Spot => (sign * years * legs.strike * second, -sign * years * legs.spot * first),
        Model::Forward => (-years * price, f64::NAN),
    };
    // Of a price that has vanished there is no elasticity.
    let lambda = if price > 0.0 { delta * spot / price } else { f64::NAN };
    let mut all = [f64::NAN; GREEKS.len()];
    if let Some(low) = all.first_chunk_mut() {
        *low = [price, delta, gamma, vega, theta, rho, epsilon, lambda];
    }
    if let (true, Some(high)) = (need.higher, all.last_chunk_mut()) {
        let both = d1 * d2;
        // ∂d1/∂T
        let drift = (rate - dividend) / s - 0.5 * d2 / years;
        *high = [
            -carry * density * d2 / volatility,
            dividend * delta - carry * density * drift,
            vega * both / volatility,
            vega * (dividend + d1 * drift - 0.5 / years),
            -gamma / spot * (d1 / s + 1.0),
            gamma * (both - 1.0) / volatility,
            gamma * (dividend + d1 * drift + 0.5 / years),
            -vega / (volatility * volatility) * (both * (1.0 - both) + d1 * d1 + d2 * d2),
            -sign * discount * second,
            discount * density2 / (strike * s),
        ];
    }
    if all.iter().any(|value| value.is_infinite()) { Err(Status::NotFinite) } else { Ok(all) }
}

/// Φ(d), from φ(d).
#[inline]
fn below(d: f64, density: f64) -> f64 {
    let tail = density * mills(d.abs());
    if d > 0.0 { 1.0 - tail } else { tail }
}
