//! Prices on the grid of a contract. What becomes of a price between two ticks is declared, and by default refused.

use exuvia_model::{ModelError, OrderType, Price, Side};

use super::ProjectXError;

/// What becomes of a price between two ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// It is refused, with the ticks beside it.
    #[default]
    Refuse,
    /// The nearer tick; from the middle, the even one.
    Nearest,
    /// The tick that is nearer to the market: a limit is sooner reached, a stop sooner triggered.
    TowardMarket,
    /// The tick that is farther from the market.
    AwayFromMarket,
    /// As the legacy bot has it: to the decimals of the tick and not to its multiples, ties to even. 25299.80 at a tick of 0.25
    /// stays 25299.8, which is between two ticks and which the venue may refuse.
    Legacy,
}

/// The price that an order of this side and type has at this tick.
///
/// ```
/// use exuvia_brokers::projectx::{Rounding, align};
/// use exuvia_model::{OrderType, Side};
/// let (price, tick) = ("25299.80".parse()?, "0.25".parse()?);
/// let at = |rounding| align(price, tick, rounding, Side::Buy, OrderType::Limit).map(|price| price.to_string());
/// assert_eq!(at(Rounding::Nearest)?, "25299.75");
/// assert_eq!(at(Rounding::TowardMarket)?, "25300", "the market is above the limit of a buy");
/// assert_eq!(at(Rounding::Legacy)?, "25299.8");
/// assert!(at(Rounding::Refuse).unwrap_err().to_string().contains("25299.75 or 25300"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `Unfit` if it is refused, or has no room.
pub fn align(
    price: Price,
    tick: Price,
    rounding: Rounding,
    side: Side,
    order_type: OrderType,
) -> Result<Price, ProjectXError> {
    if tick.raw() <= 0 {
        return Err(ModelError::BadTick(tick.to_string()).into());
    }
    let over = price.raw().rem_euclid(tick.raw());
    if over == 0 {
        return Ok(price);
    }
    let room = |raw: Option<i64>| {
        let text = format!("{price} at a tick of {tick}");
        raw.map(Price::from_raw).ok_or(ModelError::OutOfRange { what: "price", text })
    };
    let below = room(price.raw().checked_sub(over))?;
    let above = room(below.raw().checked_add(tick.raw()))?;
    // The market is above the limit of a buy and the stop of a sell.
    let market_above = (side == Side::Buy) != order_type.is_stop();
    Ok(match rounding {
        Rounding::Refuse => {
            let why = format!("it is no multiple of the tick {tick}: use {below} or {above}, or declare a rounding");
            return Err(ProjectXError::unfit(format!("price {price}"), why));
        }
        Rounding::Nearest => price.round_to(tick.raw())?,
        Rounding::TowardMarket if market_above => above,
        Rounding::TowardMarket => below,
        Rounding::AwayFromMarket if market_above => below,
        Rounding::AwayFromMarket => above,
        Rounding::Legacy => {
            // The last decimal of the tick.
            let mut unit = 1;
            while tick.raw() % (unit * 10) == 0 && unit < exuvia_model::NANO {
                unit *= 10;
            }
            price.round_to(unit)?
        }
    })
}
