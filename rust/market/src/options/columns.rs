//! Columns of contracts: a result and a status for each row. A single number stands for a whole column.

use std::ops::Range;

use super::parallel::{ranges, share};
use super::pricing::{Contract, GREEKS, Greek, Model, Need, Scale, greeks_for};
use super::status::Status;

/// A column, or one number for all rows.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// For all rows.
    One(f64),
    /// A row each.
    Many(&'a [f64]),
}

impl Input<'_> {
    #[inline]
    fn at(self, row: usize) -> f64 {
        match self {
            Self::One(value) => value,
            // Lengths are compared before the first row.
            Self::Many(values) => values.get(row).copied().unwrap_or(f64::NAN),
        }
    }
}

/// The columns that say which contract a row is.
#[derive(Debug, Clone, Copy)]
pub struct Priced<'a> {
    /// Spot or forward.
    pub model: Model,
    /// Rows.
    pub rows: usize,
    /// Positive for calls, negative for puts.
    pub right: Input<'a>,
    /// Spot or forward.
    pub spot: Input<'a>,
    /// Strike.
    pub strike: Input<'a>,
    /// Years to expiry.
    pub years: Input<'a>,
    /// Rate.
    pub rate: Input<'a>,
    /// Dividend yield.
    pub dividend: Input<'a>,
}

impl Priced<'_> {
    #[inline]
    fn contract(&self, row: usize) -> Result<Contract, Status> {
        Contract::new(
            self.model,
            self.right.at(row),
            self.spot.at(row),
            self.strike.at(row),
            self.years.at(row),
            self.rate.at(row),
            self.dividend.at(row),
        )
    }

    fn each(
        &self,
        threads: usize,
        compute: impl Fn(usize, &Contract) -> Result<f64, Status> + Sync,
    ) -> (Vec<f64>, Vec<i32>) {
        let part = |rows: &Range<usize>| {
            let mut values = Vec::with_capacity(rows.len());
            let mut codes = Vec::with_capacity(rows.len());
            for row in rows.clone() {
                let (value, status) = match self.contract(row).and_then(|contract| compute(row, &contract)) {
                    Ok(value) => (value, Status::Ok),
                    Err(Status::NoTimeValue) => (0.0, Status::NoTimeValue),
                    Err(status) => (f64::NAN, status),
                };
                values.push(value);
                codes.push(status as i32);
            }
            (values, codes)
        };
        joined(share(&ranges(self.rows, threads), threads, part))
    }
}

fn joined(parts: Vec<(Vec<f64>, Vec<i32>)>) -> (Vec<f64>, Vec<i32>) {
    let mut parts = parts.into_iter();
    let (mut values, mut codes) = parts.next().unwrap_or_default();
    for (more, statuses) in parts {
        values.extend(more);
        codes.extend(statuses);
    }
    (values, codes)
}

/// The value of each row at its volatility, and the number of its status.
pub fn price_columns(rows: &Priced<'_>, volatility: Input<'_>, threads: usize) -> (Vec<f64>, Vec<i32>) {
    rows.each(threads, |row, contract| contract.price(volatility.at(row)))
}

/// The volatility that each row's price implies, within `bounds`, and the number of its status.
pub fn implied_columns(
    rows: &Priced<'_>,
    price: Input<'_>,
    bounds: (f64, f64),
    threads: usize,
) -> (Vec<f64>, Vec<i32>) {
    rows.each(threads, |row, contract| {
        let found = contract.implied(price.at(row))?;
        if found < bounds.0 || found > bounds.1 { Err(Status::OutsideBounds) } else { Ok(found) }
    })
}

/// The greeks of each row at its volatility, a column for each of `wanted`, and the number of its status.
pub fn greek_columns(
    rows: &Priced<'_>,
    volatility: Input<'_>,
    wanted: &[Greek],
    scale: Scale,
    threads: usize,
) -> (Vec<Vec<f64>>, Vec<i32>) {
    let need = Need::of(wanted, rows.model);
    let wanted: Vec<(usize, f64)> = wanted.iter().map(|greek| (*greek as usize, scale.divisor(*greek))).collect();
    let part = |range: &Range<usize>| {
        let mut columns: Vec<Vec<f64>> = wanted.iter().map(|_| Vec::with_capacity(range.len())).collect();
        let mut codes = Vec::with_capacity(range.len());
        for row in range.clone() {
            let made =
                rows.contract(row).and_then(|contract| greeks_for(&contract, rows.model, volatility.at(row), need));
            let (all, status) = match made {
                Ok(all) => (all, Status::Ok),
                Err(status) => ([f64::NAN; GREEKS.len()], status),
            };
            for (column, (at, divisor)) in columns.iter_mut().zip(&wanted) {
                column.push(all.get(*at).copied().unwrap_or(f64::NAN) / divisor);
            }
            codes.push(status as i32);
        }
        (columns, codes)
    };
    let mut parts = share(&ranges(rows.rows, threads), threads, part).into_iter();
    let (mut columns, mut codes) = parts.next().unwrap_or_else(|| (vec![Vec::new(); wanted.len()], Vec::new()));
    for (more, statuses) in parts {
        columns.iter_mut().zip(more).for_each(|(column, values)| column.extend(values));
        codes.extend(statuses);
    }
    (columns, codes)
}
