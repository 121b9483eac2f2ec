//! The one volatility that stands for a chain on a day: what an IV rank is a rank of.

use super::chain::Row;

/// Which strikes of an expiry are at the money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// The strike nearest to the spot, the lower of two; the mean of its call and put.
    Nearest,
    /// All strikes within this fraction of the spot; their mean.
    Band(f64),
}

/// Which expiry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Maturity {
    /// The nearest that has not passed.
    Nearest,
    /// That many years from now: total variance between the expiries around it by a straight line in time.
    Constant {
        /// Years.
        years: f64,
        /// Whether the nearest expiry stands for a time before the first or after the last.
        outside: bool,
    },
}

/// The volatility and what it was made of.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Representative {
    /// The volatility; `None` if the chain does not say it.
    pub iv: Option<f64>,
    /// Years to the expiry before, or to the only one.
    pub near: Option<f64>,
    /// Years to the expiry after.
    pub far: Option<f64>,
    /// Where it stands between the least and the greatest volatility of the whole chain, from 0 to 1: another quantity that
    /// is called IV rank.
    pub chain_rank: Option<f64>,
    /// Contracts with a volatility.
    pub contracts: usize,
}

/// The representative volatility of one chain; only strike, volatility and years of its rows are looked at.
///
/// ```
/// use exuvia_market::options::representative::between;
/// // Halfway in time, halfway in total variance: (0.04·0.05 + 0.09·0.15)/2 over 0.1 years.
/// assert!((between((0.05, 0.2), (0.15, 0.3), 0.1) - 0.077_5_f64.sqrt()).abs() < 1e-15);
/// ```
pub fn representative(rows: &[Row], spot: f64, at: At, maturity: Maturity) -> Representative {
    let usable = |row: &&Row| row.iv.is_finite() && row.iv > 0.0 && row.years.is_finite() && row.years > 0.0;
    let mut sorted: Vec<&Row> = rows.iter().filter(usable).filter(|row| row.strike > 0.0).collect();
    sorted.sort_by(|one, other| one.years.total_cmp(&other.years));
    let mut term: Vec<(f64, f64)> = Vec::new();
    for expiry in sorted.chunk_by(|one, other| one.years == other.years) {
        if let (Some(first), Some(iv)) = (expiry.first(), at_the_money(expiry, spot, at)) {
            term.push((first.years, iv));
        }
    }
    let mut made = Representative { contracts: sorted.len(), ..Representative::default() };
    match maturity {
        Maturity::Nearest => {
            if let Some((years, iv)) = term.first() {
                (made.iv, made.near) = (Some(*iv), Some(*years));
            }
        }
        Maturity::Constant { years, outside } => {
            let before = term.iter().rev().find(|(at, _)| *at <= years).copied();
            let after = term.iter().find(|(at, _)| *at >= years).copied();
            (made.near, made.far) = (before.map(|(at, _)| at), after.map(|(at, _)| at));
            made.iv = match (before, after) {
                (Some(near), Some(far)) => Some(between(near, far, years)),
                (Some((_, iv)), None) | (None, Some((_, iv))) if outside => Some(iv),
                _ => None,
            };
        }
    }
    let low = sorted.iter().map(|row| row.iv).fold(f64::INFINITY, f64::min);
    let high = sorted.iter().map(|row| row.iv).fold(f64::NEG_INFINITY, f64::max);
    made.chain_rank = made.iv.filter(|_| high > low).map(|iv| (iv - low) / (high - low));
    made
}

/// The volatility at `years` between two expiries, each with its years and volatility.
pub fn between(near: (f64, f64), far: (f64, f64), years: f64) -> f64 {
    if far.0 <= near.0 {
        return near.1;
    }
    let weight = (far.0 - years) / (far.0 - near.0);
    let variance = weight * near.1 * near.1 * near.0 + (1.0 - weight) * far.1 * far.1 * far.0;
    (variance / years).sqrt()
}

fn at_the_money(expiry: &[&Row], spot: f64, at: At) -> Option<f64> {
    let away = |strike: f64| (strike - spot).abs();
    let chosen: Vec<f64> = match at {
        At::Band(band) => expiry.iter().filter(|row| away(row.strike) <= band * spot).map(|row| row.iv).collect(),
        At::Nearest => {
            let order = |one: &f64, other: &f64| away(*one).total_cmp(&away(*other)).then(one.total_cmp(other));
            let nearest = expiry.iter().map(|row| row.strike).min_by(order)?;
            expiry.iter().filter(|row| row.strike == nearest).map(|row| row.iv).collect()
        }
    };
    if chosen.is_empty() { None } else { Some(chosen.iter().sum::<f64>() / chosen.len() as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(right: f64, strike: f64, iv: f64, years: f64) -> Row {
        let nothing = f64::NAN;
        Row {
            right,
            strike,
            open_interest: nothing,
            gamma: nothing,
            iv,
            years,
            rate: 0.0,
            dividend: 0.0,
            multiplier: 100.0,
            side: nothing,
            expiry: 0,
        }
    }

    fn chain() -> Vec<Row> {
        vec![
            row(1.0, 100.0, 0.20, 0.05),
            row(-1.0, 100.0, 0.22, 0.05),
            row(1.0, 102.0, 0.30, 0.05),
            row(1.0, 100.5, 0.26, 0.15),
            row(-1.0, 90.0, 0.41, 0.15),
            row(1.0, 100.0, f64::NAN, 0.01),
            row(1.0, 100.0, 0.99, 0.0),
        ]
    }

    #[test]
    fn the_nearest_strike_of_the_nearest_expiry_is_the_mean_of_call_and_put() {
        let made = representative(&chain(), 100.2, At::Nearest, Maturity::Nearest);
        assert!((made.iv.unwrap() - 0.21).abs() < 1e-15);
        assert_eq!((made.near, made.contracts), (Some(0.05), 5));
        assert!((made.chain_rank.unwrap() - 0.01 / 0.21).abs() < 1e-12);
    }

    #[test]
    fn a_band_takes_the_mean_of_all_strikes_in_it() {
        let made = representative(&chain(), 100.0, At::Band(0.02), Maturity::Nearest);
        assert!((made.iv.unwrap() - 0.24).abs() < 1e-15);
        assert_eq!(representative(&chain(), 150.0, At::Band(0.02), Maturity::Nearest).iv, None);
    }

    #[test]
    fn a_constant_maturity_is_linear_in_total_variance() {
        let constant =
            |years, outside| representative(&chain(), 100.0, At::Nearest, Maturity::Constant { years, outside });
        let wanted = ((0.5 * 0.21 * 0.21 * 0.05 + 0.5 * 0.26 * 0.26 * 0.15) / 0.1_f64).sqrt();
        let made = constant(0.1, false);
        assert!((made.iv.unwrap() - wanted).abs() < 1e-15);
        assert_eq!((made.near, made.far), (Some(0.05), Some(0.15)));
        assert!((constant(0.15, false).iv.unwrap() - 0.26).abs() < 1e-15);
        assert_eq!(constant(0.3, false).iv, None);
        assert_eq!(constant(0.3, true).iv, Some(0.26));
        assert!((constant(0.01, true).iv.unwrap() - 0.21).abs() < 1e-15);
    }
}
