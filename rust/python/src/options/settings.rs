//! The settings of an exposure, as Python's face hands them over.

use exuvia_market::options::chain::{
    Against, FlipMethod, On, Profile, Regime, Scale, Settings, Sign, Step, WallBy, Weight,
};
use pyo3::prelude::*;

use super::option_error;

/// All of them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Chosen {
    scale: String,
    sign: String,
    most_years: f64,
    strike_band: f64,
    need_iv: bool,
    flip: Option<String>,
    profile: ProfileChosen,
    wall_by: String,
    wall_sides: bool,
    wall_distance: f64,
    local_band: f64,
    second_order: bool,
    regime: Option<RegimeChosen>,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct ProfileChosen {
    widths: Vec<f64>,
    step: f64,
    margin: f64,
    floor: f64,
    floor_band: f64,
    most_distance: f64,
    weight: String,
    weight_days: f64,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct RegimeChosen {
    on: String,
    divisor: f64,
    rules: Vec<(String, f64, String)>,
    otherwise: String,
}

/// A word that is none of those that there are.
pub fn unknown(what: &str, found: &str, known: &str) -> PyErr {
    option_error(format!("{what}={found:?} is unknown: use {known}"))
}

impl Chosen {
    /// What the kernel takes.
    pub fn settings(self) -> PyResult<Settings> {
        let scale = match self.scale.as_str() {
            "shares" => Scale::Shares,
            "per_unit" => Scale::PerUnit,
            "per_percent" => Scale::PerPercent,
            "per_100_percent" => Scale::PerHundredPercent,
            other => return Err(unknown("scale", other, "shares, per_unit, per_percent or per_100_percent")),
        };
        let sign = match self.sign.as_str() {
            "calls_minus_puts" => Sign::CallsMinusPuts,
            "puts_minus_calls" => Sign::PutsMinusCalls,
            "absolute" => Sign::Absolute,
            "side" => Sign::Side,
            other => return Err(unknown("sign", other, "calls_minus_puts, puts_minus_calls, absolute or side")),
        };
        let flip = match self.flip.as_deref() {
            None => None,
            Some("adjacent") => Some(FlipMethod::Adjacent),
            Some("adjacent_up") => Some(FlipMethod::AdjacentUp),
            Some("cumulative") => Some(FlipMethod::Cumulative),
            Some("profile") => Some(FlipMethod::Profile(self.profile.profile()?)),
            Some(other) => return Err(unknown("flip", other, "adjacent, adjacent_up, cumulative, profile or None")),
        };
        let wall_by = match self.wall_by.as_str() {
            "gamma_open_interest" => WallBy::GammaOpenInterest,
            "open_interest" => WallBy::OpenInterest,
            other => return Err(unknown("wall_by", other, "gamma_open_interest or open_interest")),
        };
        Ok(Settings {
            scale,
            sign,
            most_years: self.most_years,
            strike_band: self.strike_band,
            need_iv: self.need_iv,
            flip,
            wall_by,
            wall_sides: self.wall_sides,
            wall_distance: self.wall_distance,
            local_band: self.local_band,
            second_order: self.second_order,
            regime: self.regime.map(RegimeChosen::regime).transpose()?,
        })
    }
}

impl ProfileChosen {
    fn profile(self) -> PyResult<Profile> {
        let share = |value: f64| (0.0..1.0).contains(&value);
        if self.widths.is_empty() || !self.widths.iter().all(|width| *width > 0.0 && *width < 1.0) {
            return Err(option_error(format!(
                "profile widths={:?}: use fractions of the spot between 0 and 1",
                self.widths
            )));
        }
        if !(self.step > 1e-6 && self.step < 1.0 && share(self.margin) && share(self.floor)) {
            return Err(option_error(format!(
                "profile step={}, margin={}, floor={}: use fractions, as 0.0025, 0.1 and 0.02",
                self.step, self.margin, self.floor
            )));
        }
        let days = self.weight_days;
        let weight = match self.weight.as_str() {
            "full" => Weight::Full,
            _ if !(days > 0.0 && days.is_finite()) => {
                return Err(option_error(format!("profile weight_days={days}: use a positive number of days")));
            }
            "linear" => Weight::Linear(days),
            "root" => Weight::Root(days),
            "exponential" => Weight::Exponential(days),
            other => return Err(unknown("profile weight", other, "full, linear, root or exponential")),
        };
        Ok(Profile {
            widths: self.widths,
            step: self.step,
            margin: self.margin,
            floor: self.floor,
            floor_band: self.floor_band,
            most_distance: self.most_distance,
            weight,
        })
    }
}

impl RegimeChosen {
    fn regime(self) -> PyResult<Regime> {
        let on = match self.on.as_str() {
            "net" => On::Net,
            "net_over_spot_squared" => On::NetOverSpotSquared,
            "flip_distance" => On::FlipDistance,
            other => return Err(unknown("regime on", other, "net, net_over_spot_squared or flip_distance")),
        };
        if !(self.divisor > 0.0 && self.divisor.is_finite()) {
            return Err(option_error(format!(
                "regime divisor={}: use a positive number, 1e9 for billions",
                self.divisor
            )));
        }
        let steps: PyResult<Vec<Step>> = self
            .rules
            .into_iter()
            .map(|(against, threshold, label)| {
                let against = match against.as_str() {
                    ">" => Against::Above,
                    ">=" => Against::AtLeast,
                    "<" => Against::Below,
                    "<=" => Against::AtMost,
                    other => return Err(unknown("regime rule", other, ">, >=, < or <=")),
                };
                if threshold.is_nan() {
                    return Err(option_error(format!("regime rule {label:?} has the threshold NaN: use a number")));
                }
                Ok(Step { against, threshold, label })
            })
            .collect();
        Ok(Regime { on, divisor: self.divisor, steps: steps?, otherwise: self.otherwise })
    }
}
