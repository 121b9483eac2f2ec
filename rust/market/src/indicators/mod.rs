//! Indicators that live with the bars: moving averages ([`Sma`], [`Ema`]), the average true range ([`Atr`]) and rolling
//! extremes ([`Rolling`]). Each takes one value at a time; the columnar functions push a column through the same code, so
//! both agree in every bit. What is not there yet, because too few values came, is `None`, in a column NaN.

mod atr;
mod extremes;
mod moving;

pub use atr::{Atr, atr};
pub use extremes::{Rolling, rolling};
pub use moving::{Ema, Seed, Sma, ema, sma};

use crate::bars::BarError;

/// Something that turns values into values, one at a time.
pub trait Indicator: Sized {
    /// What goes in.
    type Input: Copy;

    /// Takes a value that is a number; returns the indicator's, once enough of them came.
    fn push(&mut self, input: Self::Input) -> Option<f64>;

    /// The last value, if there is one yet.
    fn value(&self) -> Option<f64>;

    /// Its memory as numbers, for saved state.
    fn save(&self) -> Vec<f64>;

    /// Takes the memory that `save` returned of an indicator with the same settings.
    ///
    /// # Errors
    /// `BadState` if it cannot be that.
    fn load(&mut self, saved: &[f64]) -> Result<(), BarError>;
}

fn check_period(period: usize) -> Result<(), BarError> {
    if period > 0 { Ok(()) } else { Err(BarError::BadSize { what: "period", value: 0.0 }) }
}

/// Refuses NaN and infinity with their row.
fn check_finite(column: &'static str, values: &[f64]) -> Result<(), BarError> {
    match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((row, value)) => Err(BarError::NotFinite { column, row, value: *value }),
    }
}

fn column<I: Indicator>(mut indicator: I, inputs: impl Iterator<Item = I::Input>) -> Vec<f64> {
    inputs.map(|input| indicator.push(input).unwrap_or(f64::NAN)).collect()
}

fn bad_state() -> BarError {
    BarError::BadState("the saved state is not one of this indicator with these settings".to_owned())
}

#[cfg(test)]
mod tests;
