//! Net exposure over a grid of hypothetical spots, each contract priced anew at its own volatility; the zero nearest to the spot.

use super::exposure::{Used, sign};
use super::flip::{Flip, Found, zero};
use super::sums::pairwise;
use super::{Scale, Settings};
use crate::options::pricing::density;

/// How much a contract that is about to expire counts, by its days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weight {
    /// All count in full.
    Full,
    /// min(1, d/n).
    Linear(f64),
    /// The root of that.
    Root(f64),
    /// 1 − e^(−d/n).
    Exponential(f64),
}

impl Weight {
    fn of(self, years: f64) -> f64 {
        let days = years * 365.0;
        match self {
            Self::Full => 1.0,
            Self::Linear(scale) => (days / scale).clamp(0.0, 1.0),
            Self::Root(scale) => (days / scale).clamp(0.0, 1.0).sqrt(),
            Self::Exponential(scale) => -(-days / scale).exp_m1(),
        }
    }
}

/// The grid, and what a zero of it must be to count.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Half-widths of the grid as fractions of the spot; the next one is tried where the sign does not change.
    pub widths: Vec<f64>,
    /// Step as a fraction of the spot.
    pub step: f64,
    /// Zeros in this share of the half-width at each edge do not count.
    pub margin: f64,
    /// On both sides of a zero the profile must reach this share of its 90th percentile (of magnitudes within `floor_band`).
    pub floor: f64,
    /// The band around the spot for that percentile, as a fraction of it.
    pub floor_band: f64,
    /// A zero further from the spot, as a fraction of it, does not count.
    pub most_distance: f64,
    /// What short-dated contracts count.
    pub weight: Weight,
}

/// What a contract adds, apart from the spot.
struct Term {
    strike: f64,
    /// (r − q + σ²/2)·T and σ√T.
    drift: f64,
    total: f64,
    /// Sign, weight, open interest, multiplier, e^(−qT).
    size: f64,
}

impl Profile {
    /// Net exposure at each of `spots`.
    pub(super) fn values(&self, used: &[Used], spots: &[f64], settings: &Settings) -> Vec<f64> {
        let terms: Vec<Term> = used.iter().filter_map(|one| self.term(one, settings)).collect();
        let mut each = Vec::with_capacity(terms.len());
        spots
            .iter()
            .map(|spot| {
                each.clear();
                each.extend(terms.iter().map(|term| {
                    let d1 = ((spot / term.strike).ln() + term.drift) / term.total;
                    Scale::of(settings.scale, density(d1) / (spot * term.total), term.size, 1.0, *spot)
                }));
                pairwise(&each)
            })
            .collect()
    }

    fn term(&self, one: &Used, settings: &Settings) -> Option<Term> {
        let row = &one.row;
        if !(row.iv > 0.0 && row.years > 0.0 && row.iv.is_finite() && row.years.is_finite()) {
            return None;
        }
        let total = row.iv * row.years.sqrt();
        let drift = (row.rate - row.dividend) * row.years + 0.5 * total * total;
        let size = sign(row, settings.sign)?
            * self.weight.of(row.years)
            * row.open_interest
            * row.multiplier
            * (-row.dividend * row.years).exp();
        (drift.is_finite() && size.is_finite()).then_some(Term { strike: row.strike, drift, total, size })
    }

    /// The grid of one half-width around a spot.
    pub(super) fn grid(&self, spot: f64, width: f64) -> Vec<f64> {
        // At most a million points each side, whatever the step.
        let steps = (width / self.step).round().clamp(1.0, 1e6) as i32;
        (-steps..=steps).map(|at| spot * (1.0 + f64::from(at) * self.step)).filter(|price| *price > 0.0).collect()
    }

    pub(super) fn find(&self, used: &[Used], spot: f64, settings: &Settings) -> Flip {
        if !used.iter().any(|one| self.term(one, settings).is_some()) {
            return Flip::none(Found::NoRows);
        }
        let mut seen = Found::Nothing;
        for width in &self.widths {
            let spots = self.grid(spot, *width);
            let points: Vec<(f64, f64)> = spots.iter().copied().zip(self.values(used, &spots, settings)).collect();
            let floor = self.floor * self.ninetieth(&points, spot);
            let zeros = crossings(&points, floor);
            let inner = zeros.iter().filter(|level| (**level / spot - 1.0).abs() <= width * (1.0 - self.margin));
            let nearest = inner.copied().min_by(|one, other| (one - spot).abs().total_cmp(&(other - spot).abs()));
            match nearest {
                Some(level) if (level / spot - 1.0).abs() <= self.most_distance => return Flip::at(level),
                Some(_) => return Flip::none(Found::TooFar),
                None if !zeros.is_empty() => seen = Found::TooFar,
                None => {}
            }
        }
        Flip::none(seen)
    }

    /// The 90th percentile of magnitudes near the spot, by a straight line between ranks as NumPy does.
    fn ninetieth(&self, points: &[(f64, f64)], spot: f64) -> f64 {
        let near = points.iter().filter(|(price, _)| (price / spot - 1.0).abs() <= self.floor_band);
        let mut sizes: Vec<f64> = near.map(|(_, value)| value.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let place = 0.9 * (sizes.len().max(1) - 1) as f64;
        let at = |rank: f64| sizes.get(rank as usize).copied().unwrap_or(0.0);
        at(place.floor()) + (at(place.ceil()) - at(place.floor())) * place.fract()
    }
}

/// Zeros between runs of one sign that both reach the floor; runs below it are passed over.
fn crossings(points: &[(f64, f64)], floor: f64) -> Vec<f64> {
    // Runs of one sign: where they begin and end, and how high they are.
    let mut runs: Vec<(usize, usize, f64)> = Vec::new();
    for (at, (_, value)) in points.iter().enumerate() {
        if *value == 0.0 || value.is_nan() {
            continue;
        }
        match runs.last_mut() {
            Some((first, last, high)) if same_sign(points, *first, *value) => {
                *last = at;
                *high = high.max(value.abs());
            }
            _ => runs.push((at, at, value.abs())),
        }
    }
    let real: Vec<(usize, usize, f64)> = runs.into_iter().filter(|(_, _, high)| *high >= floor).collect();
    real.iter()
        .zip(real.iter().skip(1))
        .filter_map(|((_, last, _), (first, _, _))| {
            let (left, right) = (points.get(*last)?, points.get(*first)?);
            (left.1 * right.1 < 0.0).then(|| zero(*left, *right))
        })
        .collect()
}

fn same_sign(points: &[(f64, f64)], at: usize, value: f64) -> bool {
    points.get(at).is_some_and(|(_, other)| other * value > 0.0)
}
