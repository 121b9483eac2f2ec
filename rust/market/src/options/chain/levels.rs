//! Strikes that stand out: walls, the pin, the greatest and least net exposure, what lies near the spot, and the pain.

use super::exposure::{Group, Used};
use super::{Row, Settings};

/// What a wall is the greatest of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WallBy {
    /// Σ γ·OI.
    GammaOpenInterest,
    /// Σ OI.
    OpenInterest,
}

/// Strikes that stand out; `None` where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Levels {
    /// The strike that most calls hang on.
    pub call_wall: Option<f64>,
    /// The strike that most puts hang on.
    pub put_wall: Option<f64>,
    /// The strike with the greatest magnitude of net exposure.
    pub pin: Option<f64>,
    /// The strike with the greatest net exposure, and it.
    pub greatest: Option<(f64, f64)>,
    /// The strike with the least net exposure, and it.
    pub least: Option<(f64, f64)>,
    /// Σ |net| of the strikes near the spot.
    pub local: f64,
    /// The price at expiry at which all holders together get least.
    pub max_pain: Option<f64>,
}

pub(super) fn levels(used: &[Used], open: &[Row], strikes: &[(f64, Group)], spot: f64, settings: &Settings) -> Levels {
    let best = |better: fn(f64, f64) -> bool| {
        strikes.iter().filter(|(_, group)| group.call != 0.0 || group.put != 0.0).fold(None, |best, (strike, group)| {
            match best {
                Some((_, net)) if !better(group.net, net) => best,
                _ => Some((*strike, group.net)),
            }
        })
    };
    let near = strikes.iter().filter(|(strike, _)| (strike / spot - 1.0).abs() <= settings.local_band);
    Levels {
        call_wall: wall(used, open, true, spot, settings),
        put_wall: wall(used, open, false, spot, settings),
        pin: best(|one, other| one.abs() > other.abs()).map(|(strike, _)| strike),
        greatest: best(|one, other| one > other),
        least: best(|one, other| one < other),
        local: near.map(|(_, group)| group.net.abs()).sum(),
        max_pain: max_pain(open),
    }
}

/// The strike with the greatest sum; of equals the nearest to the spot.
fn wall(used: &[Used], open: &[Row], call: bool, spot: f64, settings: &Settings) -> Option<f64> {
    let sizes: Vec<(f64, f64)> = match settings.wall_by {
        WallBy::GammaOpenInterest => used
            .iter()
            .filter(|one| (one.row.right > 0.0) == call)
            .map(|one| (one.row.strike, one.row.gamma * one.row.open_interest))
            .collect(),
        WallBy::OpenInterest => {
            open.iter().filter(|row| (row.right > 0.0) == call).map(|row| (row.strike, row.open_interest)).collect()
        }
    };
    let mut by_strike: Vec<(f64, f64)> = Vec::new();
    let mut sorted = sizes;
    sorted.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    for (strike, size) in sorted {
        match by_strike.last_mut() {
            Some((last, sum)) if *last == strike => *sum += size,
            _ => by_strike.push((strike, size)),
        }
    }
    let away = settings.wall_distance * spot;
    let allowed = |strike: f64| {
        let ahead = if call { strike - spot } else { spot - strike };
        if settings.wall_sides { ahead >= away } else { ahead.abs() >= away }
    };
    by_strike
        .into_iter()
        .filter(|(strike, size)| allowed(*strike) && *size > 0.0)
        .fold(None, |best: Option<(f64, f64)>, (strike, size)| match best {
            Some((held, most)) if size < most || (size == most && (held - spot).abs() <= (strike - spot).abs()) => best,
            _ => Some((strike, size)),
        })
        .map(|(strike, _)| strike)
}

/// The listed strike at which calls and puts together pay least; of equals the lowest.
pub fn max_pain(open: &[Row]) -> Option<f64> {
    let mut by_strike: Vec<(f64, f64, f64)> = Vec::new();
    let mut sorted: Vec<&Row> = open.iter().collect();
    sorted.sort_by(|one, other| one.strike.total_cmp(&other.strike));
    for row in sorted {
        let (calls, puts) = if row.right > 0.0 { (row.open_interest, 0.0) } else { (0.0, row.open_interest) };
        match by_strike.last_mut() {
            Some((last, call, put)) if *last == row.strike => {
                *call += calls;
                *put += puts;
            }
            _ => by_strike.push((row.strike, calls, puts)),
        }
    }
    // What puts pay falls as the price rises and what calls pay grows: both change by what is open below or above.
    let (mut puts_above, mut puts_pay) =
        by_strike.iter().fold((0.0, 0.0), |(open, value), (strike, _, put)| (open + put, value + put * strike));
    let (mut calls_below, mut calls_pay) = (0.0, 0.0);
    let mut before: Option<f64> = None;
    let mut best: Option<(f64, f64)> = None;
    let first = by_strike.first().map_or(0.0, |(strike, _, _)| *strike);
    puts_pay -= puts_above * first;
    for (strike, call, put) in by_strike {
        let step = strike - before.unwrap_or(strike);
        calls_pay += calls_below * step;
        puts_pay -= puts_above * step;
        let pay = calls_pay + puts_pay;
        if best.is_none_or(|(_, least)| pay < least) {
            best = Some((strike, pay));
        }
        calls_below += call;
        puts_above -= put;
        before = Some(strike);
    }
    best.map(|(strike, _)| strike)
}
