//! Fills of options: the price that a fill is assumed at, how far real fills were from the mid, and what share of a quote's half
//! spread that gives.
//!
//! Two things are called fill ratio. The *price* fill ratio f says where between mid and far side a fill is: mid ± f·half spread, 0 at
//! the mid, 1 at the ask for a buy and at the bid for a sale. The *quantity* fill ratio is the share of what was asked for that was
//! filled. They have nothing in common.

mod calibrate;
mod price;
mod probability;
#[cfg(test)]
mod tests;

pub use calibrate::{Bucket, Calibration, Centre, calibrate};
pub use price::{Fill, Quote, QuoteStatus, fill_price, fill_ratio, quantity_ratio};
pub use probability::{Step, fill_probability};
