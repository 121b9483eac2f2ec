//! The level at which net exposure changes its sign, by four methods that are in use under one name.

use super::profile::Profile;

/// How the level is found.
#[derive(Debug, Clone, PartialEq)]
pub enum FlipMethod {
    /// The first pair of neighbouring strikes whose net exposures differ in sign, upwards; between them by a straight line.
    /// Without one the strike nearest to the spot, which is an arbitrary number and marked so.
    Adjacent,
    /// The first such pair from − to +; without one the lowest strike if the total is positive, else the highest.
    AdjacentUp,
    /// Where the sum of all strikes up to one changes its sign, by a straight line between the two strikes.
    Cumulative,
    /// Gammas priced anew on a grid of spots.
    Profile(Profile),
}

/// What a level is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The sign changes there.
    Crossing,
    /// It does not; the level is what the method takes instead.
    Fallback,
    /// There is no level.
    Nothing,
    /// The sign changes, but too far from the spot or too near to the grid's edge.
    TooFar,
    /// There are no rows that the method could use.
    NoRows,
}

impl Found {
    /// The word for tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crossing => "crossing",
            Self::Fallback => "fallback",
            Self::Nothing => "no_crossing",
            Self::TooFar => "too_far",
            Self::NoRows => "no_rows",
        }
    }
}

/// A level and what it is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flip {
    /// Price, if there is one.
    pub level: Option<f64>,
    /// What it is worth.
    pub found: Found,
}

impl Flip {
    pub(super) const fn none(found: Found) -> Self {
        Self { level: None, found }
    }

    pub(super) const fn at(level: f64) -> Self {
        Self { level: Some(level), found: Found::Crossing }
    }
}

/// Where the line between two points is zero.
pub(super) fn zero(left: (f64, f64), right: (f64, f64)) -> f64 {
    let fall = left.1 - right.1;
    if fall == 0.0 { left.0 } else { left.0 + (right.0 - left.0) * (left.1 / fall) }
}

/// Pairs of neighbours, upwards.
fn pairs(points: &[(f64, f64)]) -> impl Iterator<Item = ((f64, f64), (f64, f64))> + '_ {
    points.iter().copied().zip(points.iter().copied().skip(1))
}

pub(super) fn adjacent(nets: &[(f64, f64)], spot: f64) -> Flip {
    let Some((nearest, _)) =
        nets.iter().copied().min_by(|(one, _), (other, _)| (one - spot).abs().total_cmp(&(other - spot).abs()))
    else {
        return Flip::none(Found::NoRows);
    };
    match pairs(nets).find(|(left, right)| left.1 * right.1 < 0.0) {
        Some((left, right)) => Flip::at(zero(left, right)),
        None => Flip { level: Some(nearest), found: Found::Fallback },
    }
}

pub(super) fn adjacent_up(nets: &[(f64, f64)], total: f64) -> Flip {
    let (Some((lowest, _)), Some((highest, _))) = (nets.first(), nets.last()) else {
        return Flip::none(Found::NoRows);
    };
    match pairs(nets).find(|(left, right)| left.1 < 0.0 && right.1 > 0.0) {
        Some((left, right)) => Flip::at(zero(left, right)),
        None => Flip { level: Some(if total > 0.0 { *lowest } else { *highest }), found: Found::Fallback },
    }
}

pub(super) fn cumulative(nets: &[(f64, f64)]) -> Flip {
    if nets.is_empty() {
        return Flip::none(Found::NoRows);
    }
    let mut sum = 0.0;
    let sums: Vec<(f64, f64)> = nets
        .iter()
        .map(|(strike, net)| {
            sum += net;
            (*strike, sum)
        })
        .collect();
    pairs(&sums)
        .find(|(left, right)| left.1 * right.1 < 0.0)
        .map_or(Flip::none(Found::Nothing), |(left, right)| Flip::at(zero(left, right)))
}
