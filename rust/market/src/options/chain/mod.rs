//! Gamma exposure of a chain: contracts with their open interest go in; exposure by strike, by expiry and in total, the level where
//! it changes its sign, walls, pain and a regime come out.
//!
//! Whatever authors do differently is a field of [`Settings`]. Totals add pairwise, as NumPy does, so that what it summed comes out
//! again in every bit; strikes and expiries add with Kahan's compensation, in the order of the rows.

mod exposure;
mod flip;
mod levels;
mod profile;
mod regime;
mod sums;
#[cfg(test)]
mod tests;

pub use exposure::{Exposure, Group, Skipped, expose};
pub use flip::{Flip, FlipMethod, Found};
pub use levels::{Levels, WallBy, max_pain};
pub use profile::{Profile, Weight};
pub use regime::{Against, On, Regime, Step};
pub use sums::pairwise;

/// A contract of a chain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Positive for a call, negative for a put.
    pub right: f64,
    /// Strike.
    pub strike: f64,
    /// Contracts that are open.
    pub open_interest: f64,
    /// Gamma of one share by one unit of the price.
    pub gamma: f64,
    /// Volatility, a fraction a year; needed for a profile, or for gamma where there is none.
    pub iv: f64,
    /// Years to expiry.
    pub years: f64,
    /// Rate.
    pub rate: f64,
    /// Dividend yield.
    pub dividend: f64,
    /// Shares of a contract.
    pub multiplier: f64,
    /// What dealers hold of it, from −1 (short) to 1 (long); only for [`Sign::Side`].
    pub side: f64,
    /// Which expiry, counted from 0.
    pub expiry: u32,
}

/// The unit of an exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// γ·OI·M: shares by one unit of price.
    Shares,
    /// γ·OI·M·S: money by one unit of price.
    PerUnit,
    /// γ·OI·M·S²·0.01: money by one per cent of price.
    PerPercent,
    /// γ·OI·M·S²: money by a hundred per cent, which some texts call "per 1 %".
    PerHundredPercent,
}

impl Scale {
    /// The exposure of one contract, multiplied from the left.
    #[inline]
    pub fn of(self, gamma: f64, open_interest: f64, multiplier: f64, spot: f64) -> f64 {
        let shares = gamma * open_interest * multiplier;
        match self {
            Self::Shares => shares,
            Self::PerUnit => shares * spot,
            Self::PerPercent => shares * spot * spot * 0.01,
            Self::PerHundredPercent => shares * spot * spot,
        }
    }
}

/// Who is assumed to hold what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Calls +, puts −: the usual assumption.
    CallsMinusPuts,
    /// Puts +, calls −.
    PutsMinusCalls,
    /// All +: how much gamma there is at all.
    Absolute,
    /// As the row says.
    Side,
}

/// All that authors do differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Unit.
    pub scale: Scale,
    /// Sign.
    pub sign: Sign,
    /// Contracts that expire later, in years, are left out.
    pub most_years: f64,
    /// Strikes further from the spot, as a fraction of it, are left out.
    pub strike_band: f64,
    /// Whether a contract without volatility is left out although it has a gamma.
    pub need_iv: bool,
    /// How the level of zero gamma is found, if at all.
    pub flip: Option<FlipMethod>,
    /// What a wall is the greatest of.
    pub wall_by: WallBy,
    /// Whether a call wall lies at or above the spot and a put wall at or below it.
    pub wall_sides: bool,
    /// How far from the spot a wall is at least, as a fraction of it.
    pub wall_distance: f64,
    /// The band around the spot for the local exposure, as a fraction of it.
    pub local_band: f64,
    /// Whether vanna and charm are summed too, which price every contract anew.
    pub second_order: bool,
    /// How the result is named.
    pub regime: Option<Regime>,
}
