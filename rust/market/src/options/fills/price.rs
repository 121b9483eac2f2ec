//! The price that a model fills at, and the ratio that a fill had.

/// Bid, ask and the side that trades: 1 buys, −1 sells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quote {
    /// Best bid.
    pub bid: f64,
    /// Best ask.
    pub ask: f64,
    /// Positive for a buy, negative for a sale.
    pub side: f64,
}

/// Whether a quote can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum QuoteStatus {
    /// It can.
    Ok = 0,
    /// A price or the side is missing or no number.
    Missing = 1,
    /// The ask is zero or negative, or the bid negative.
    NotPositive = 2,
    /// The bid is above the ask.
    Crossed = 3,
    /// Bid and ask are equal: there is no half spread to take a share of.
    Locked = 4,
    /// The side is neither a buy nor a sale.
    BadSide = 5,
}

impl QuoteStatus {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [Self::Ok, Self::Missing, Self::NotPositive, Self::Crossed, Self::Locked, Self::BadSide];

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::NotPositive => "not_positive",
            Self::Crossed => "crossed",
            Self::Locked => "locked",
            Self::BadSide => "bad_side",
        }
    }
}

impl Quote {
    /// The side as ±1, the mid and half of the spread.
    ///
    /// # Errors
    /// Why the quote cannot be used; an equal bid and ask can.
    pub fn parts(&self) -> Result<(f64, f64, f64), QuoteStatus> {
        if !(self.bid.is_finite() && self.ask.is_finite() && self.side.is_finite()) {
            return Err(QuoteStatus::Missing);
        }
        if self.ask <= 0.0 || self.bid < 0.0 {
            return Err(QuoteStatus::NotPositive);
        }
        if self.bid > self.ask {
            return Err(QuoteStatus::Crossed);
        }
        if self.side == 0.0 {
            return Err(QuoteStatus::BadSide);
        }
        Ok((self.side.signum(), 0.5 * (self.bid + self.ask), 0.5 * (self.ask - self.bid)))
    }
}

/// Where a fill is assumed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// mid ± f·half spread.
    Ratio(f64),
    /// near side ± g·(ask − bid): of the full width, from the near side; g = (1 + f)/2.
    Width(f64),
    /// As `Ratio`, with f + (1 − f)·(1 − min(volume/reference, 1)); f itself where the volume is missing.
    Liquidity {
        /// The ratio of a liquid contract.
        ratio: f64,
        /// The volume from which a contract is liquid.
        reference: f64,
    },
    /// As `Ratio`, with min(f + extra·(legs − 1), 1).
    PerLeg {
        /// The ratio of a single leg.
        ratio: f64,
        /// What each further leg adds.
        extra: f64,
    },
    /// ask·(1 + slip) for a buy, bid·(1 − slip) for a sale.
    Slip(f64),
}

/// The price of a fill; `size` is the volume for [`Fill::Liquidity`] and the number of legs for [`Fill::PerLeg`].
///
/// ```
/// use exuvia_market::options::fills::{Fill, Quote, fill_price};
/// let quote = Quote { bid: 1.0, ask: 1.4, side: 1.0 };
/// assert!((fill_price(&quote, Fill::Ratio(0.25), f64::NAN).unwrap() - 1.25).abs() < 1e-15);
/// ```
///
/// # Errors
/// Why the quote cannot be used.
pub fn fill_price(quote: &Quote, fill: Fill, size: f64) -> Result<f64, QuoteStatus> {
    let (side, mid, half) = quote.parts()?;
    let at = |ratio: f64| mid + side * ratio * half;
    Ok(match fill {
        Fill::Ratio(ratio) => at(ratio),
        Fill::Width(share) => {
            let near = if side > 0.0 { quote.bid } else { quote.ask };
            near + side * share * (quote.ask - quote.bid)
        }
        Fill::Liquidity { ratio, reference } => {
            at(if size.is_nan() { ratio } else { ratio + (1.0 - ratio) * (1.0 - (size / reference).clamp(0.0, 1.0)) })
        }
        Fill::PerLeg { ratio, extra } => {
            if size.is_nan() || size < 1.0 {
                return Err(QuoteStatus::Missing);
            }
            at((ratio + extra * (size - 1.0)).min(1.0))
        }
        Fill::Slip(slip) => {
            if side > 0.0 {
                quote.ask * (1.0 + slip)
            } else {
                quote.bid * (1.0 - slip)
            }
        }
    })
}

/// The price fill ratio that a fill had: side·(fill − mid)/half spread; above 1 it was worse than the far side, below 0 better
/// than the mid.
///
/// # Errors
/// Why the quote cannot be used, or the fill is missing.
pub fn fill_ratio(quote: &Quote, fill: f64) -> Result<f64, QuoteStatus> {
    let (side, mid, half) = quote.parts()?;
    if !fill.is_finite() {
        return Err(QuoteStatus::Missing);
    }
    if half <= 0.0 {
        return Err(QuoteStatus::Locked);
    }
    Ok(side * (fill - mid) / half)
}

/// What was filled over what was asked for, and the share of orders that were filled at all; orders without a positive quantity,
/// or with a fill that is none, are left out and counted.
pub fn quantity_ratio(filled: &[f64], requested: &[f64]) -> (f64, f64, usize) {
    let (mut done, mut asked, mut hits, mut orders, mut skipped) = (0.0, 0.0, 0_usize, 0_usize, 0);
    for (filled, requested) in filled.iter().zip(requested) {
        if !(requested.is_finite() && *requested > 0.0 && filled.is_finite() && *filled >= 0.0) {
            skipped += 1;
            continue;
        }
        done += filled;
        asked += requested;
        hits += usize::from(*filled > 0.0);
        orders += 1;
    }
    (done / asked, hits as f64 / orders as f64, skipped)
}
