//! What became of a row: computed, or why not.

/// Why a row has no result; the numbers and names are what Python and Arrow see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Computed.
    Ok = 0,
    /// The price is the intrinsic value to the last digits: the volatility is 0.
    NoTimeValue = 1,
    /// A number is null or NaN.
    Missing = 2,
    /// A number is infinite, or what comes out does not fit a float.
    NotFinite = 3,
    /// The price is negative or infinite.
    BadPrice = 4,
    /// The price is below the discounted intrinsic value: no volatility gives it.
    BelowIntrinsic = 5,
    /// The price is at or above what the option can ever be worth.
    AboveBound = 6,
    /// The time to expiry is negative, or zero where a volatility is asked for.
    BadTime = 7,
    /// The spot or forward is zero or negative.
    BadSpot = 8,
    /// The strike is zero or negative.
    BadStrike = 9,
    /// Neither call nor put.
    BadRight = 10,
    /// The volatility is negative or infinite, or zero where a greek is asked for.
    BadVolatility = 11,
    /// The volatility lies outside of the bounds that the caller gave.
    OutsideBounds = 12,
}

impl Status {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Ok,
        Self::NoTimeValue,
        Self::Missing,
        Self::NotFinite,
        Self::BadPrice,
        Self::BelowIntrinsic,
        Self::AboveBound,
        Self::BadTime,
        Self::BadSpot,
        Self::BadStrike,
        Self::BadRight,
        Self::BadVolatility,
        Self::OutsideBounds,
    ];

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoTimeValue => "no_time_value",
            Self::Missing => "missing",
            Self::NotFinite => "not_finite",
            Self::BadPrice => "bad_price",
            Self::BelowIntrinsic => "below_intrinsic",
            Self::AboveBound => "above_bound",
            Self::BadTime => "bad_time",
            Self::BadSpot => "bad_spot",
            Self::BadStrike => "bad_strike",
            Self::BadRight => "bad_right",
            Self::BadVolatility => "bad_volatility",
            Self::OutsideBounds => "outside_bounds",
        }
    }

    /// The sentence for a message.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Ok => "it was computed",
            Self::NoTimeValue => "the price is the intrinsic value: the volatility is 0",
            Self::Missing => "a number is missing (NaN): leave the row out or fill it",
            Self::NotFinite => "a number is infinite, or the result does not fit a float: check the units",
            Self::BadPrice => "the price is negative or infinite: check the quote",
            Self::BelowIntrinsic => {
                "the price is below the discounted intrinsic value, no volatility gives it: check rate and dividend, and that quote and spot are of one time"
            }
            Self::AboveBound => {
                "the price is above what the option can be worth (a call its spot, a put its discounted strike): check right and units"
            }
            Self::BadTime => {
                "the time to expiry must be positive, in years: count the hours of the last day as a fraction"
            }
            Self::BadSpot => "the spot must be positive: this model has no negative prices",
            Self::BadStrike => "the strike must be positive: this model has no negative prices",
            Self::BadRight => "the right is neither call nor put: use \"C\" and \"P\", or 1 and -1",
            Self::BadVolatility => "the volatility must be positive and finite, as a fraction (0.2, not 20)",
            Self::OutsideBounds => "the volatility lies outside of the bounds: widen them if it is believed",
        }
    }
}
