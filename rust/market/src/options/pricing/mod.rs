//! One contract: its value by Black and Scholes (1973), Merton (1973) or Black (1976), its greeks, and the volatility that a
//! price implies. Rates and yields are continuous, time is in years, volatility a fraction a year.

mod black;
mod contract;
mod cubic;
mod greeks;
mod implied;
mod normal;
mod tables;

pub use contract::{Contract, Model, Right};
pub use greeks::{GREEKS, Greek, Need, Scale, greeks, greeks_for};
pub use implied::implied_total;
pub use normal::{density, mills, upper_tail};

pub use black::normalised;

#[cfg(test)]
mod tests;
