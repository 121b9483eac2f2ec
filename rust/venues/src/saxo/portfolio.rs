//! `/port/v1`: balances, positions and working orders of the one account, in the shapes of Saxo's answers.

use exuvia_execution::matching::{Matching, WorkingOrder};
use exuvia_model::{Money, NANO, Position, Price, Quantity, Time};
use serde_json::{Value, json};

use super::instrument::{ACCOUNT_KEY, ASSET_TYPE, CLIENT_ID, CLIENT_KEY, CURRENCY, LEVERAGE, NAME, SYMBOL, UIC};
use super::orders::{Ticket, amount, order_id};
use super::prices::{Market, decimal};

/// The opening of the position that is held.
#[derive(Debug, Clone, Default)]
pub(super) struct Opening {
    pub(super) order_id: String,
    pub(super) reference: Option<String>,
    pub(super) time: Time,
    pub(super) trades: u64,
}

const FORMAT: &str = "AllowDecimalPips";

/// Money with two decimals as a JSON number.
fn cents(money: Money) -> Value {
    let rounded = money.round_to(NANO / 100).unwrap_or(money);
    rounded.to_string().parse::<f64>().unwrap_or_default().into()
}

/// Price × quantity; amounts are whole here, so only the range could be left.
fn value(price: Price, quantity: Quantity) -> Money {
    price.times(quantity).unwrap_or_default()
}

/// What is held at its closing price, less what it cost.
fn open_profit(position: &Position, closing: Option<Price>) -> Money {
    let worth = closing.map(|price| value(price, position.quantity));
    worth.and_then(|worth| worth.checked_sub(position.cost).ok()).unwrap_or_default()
}

fn closing_price(position: &Position, market: &Market) -> Option<Price> {
    market.prices.map(|(bid, ask)| if position.quantity < Quantity::ZERO { ask } else { bid })
}

/// Cost ÷ quantity on a grid of 10⁻⁷.
fn open_price(position: &Position) -> Price {
    let quantity = i128::from(position.quantity.raw());
    let raw = (position.cost.raw() * i128::from(NANO)).checked_div(quantity).unwrap_or_default();
    let price = Price::from_raw(i64::try_from(raw).unwrap_or_default());
    price.round_to(100).unwrap_or(price)
}

/// `/port/v1/balances`.
pub(super) fn balances(exchange: &Matching, market: &Market) -> Value {
    let position = exchange.position(SYMBOL);
    let held = i64::from(position.quantity != Quantity::ZERO);
    let profit = open_profit(&position, closing_price(&position, market));
    let exposure = market.mid().map(|mid| value(mid, position.quantity)).unwrap_or_default();
    let used = Money::from_raw(-(exposure.raw().abs() / i128::from(LEVERAGE)));
    let cash = exchange.cash();
    let total = cash.checked_add(profit).unwrap_or(cash);
    let available = total.checked_add(used).unwrap_or(total);
    let used_percent = if total > Money::ZERO {
        Money::from_raw(-used.raw() * 100 * i128::from(NANO) / total.raw())
    } else {
        Money::ZERO
    };
    json!({
        "CalculationReliability": if held == 0 || market.prices.is_some() { "Ok" } else { "PricePending" },
        "CashAvailableForTrading": cents(available), "CashBalance": cents(cash), "CashBlocked": 0,
        "ChangesScheduled": false, "ClosedPositionsCount": 0, "CollateralAvailable": cents(available),
        "CostToClosePositions": 0, "Currency": CURRENCY, "CurrencyDecimals": 2,
        "InitialMargin": {
            "MarginAvailable": cents(available), "MarginUsedByCurrentPositions": cents(used),
            "MarginUtilizationPct": cents(used_percent), "NetEquityForMargin": cents(total),
        },
        "IsPortfolioMarginModelSimple": true, "MarginAvailableForTrading": cents(available),
        "MarginCollateralNotAvailable": 0, "MarginNetExposure": cents(exposure),
        "MarginUsedByCurrentPositions": cents(used), "MarginUtilizationPct": cents(used_percent),
        "NetEquityForMargin": cents(total), "NetPositionsCount": held, "NonMarginPositionsValue": 0,
        "OpenPositionsCount": held, "OrdersCount": exchange.working().len(), "OtherCollateral": 0,
        "TotalValue": cents(total), "TransactionsNotBooked": 0, "UnrealizedMarginClosedProfitLoss": 0,
        "UnrealizedMarginOpenProfitLoss": cents(profit), "UnrealizedMarginProfitLoss": cents(profit),
        "UnrealizedPositionsValue": cents(profit),
    })
}

/// The prices and profit of a position, as both kinds of position show them.
fn view(position: &Position, market: &Market) -> Value {
    let closing = closing_price(position, market);
    let profit = cents(open_profit(position, closing));
    let exposure = cents(closing.map(|price| value(price, position.quantity)).unwrap_or_default());
    let mut body = json!({});
    if let Some((bid, ask)) = market.prices {
        body["Ask"] = decimal(ask);
        body["Bid"] = decimal(bid);
    }
    body["CalculationReliability"] = if closing.is_some() { "Ok" } else { "PricePending" }.into();
    body["ConversionRateCurrent"] = 1.into();
    body["ConversionRateOpen"] = 1.into();
    if let Some(price) = closing {
        body["CurrentPrice"] = decimal(price);
    }
    body["CurrentPriceDelayMinutes"] = 0.into();
    body["CurrentPriceType"] = if position.quantity < Quantity::ZERO { "Ask" } else { "Bid" }.into();
    body["Exposure"] = exposure.clone();
    body["ExposureCurrency"] = CURRENCY.into();
    body["ExposureInBaseCurrency"] = exposure;
    body["MarketState"] = if market.open { "Open" } else { "Closed" }.into();
    body["MarketValue"] = profit.clone();
    body["MarketValueInBaseCurrency"] = profit.clone();
    body["ProfitLossOnTrade"] = profit.clone();
    body["ProfitLossOnTradeInBaseCurrency"] = profit;
    body["TradeCostsTotal"] = 0.into();
    body["TradeCostsTotalInBaseCurrency"] = 0.into();
    body
}

fn display() -> Value {
    json!({
        "Currency": CURRENCY, "Decimals": 4, "Description": "Euro/US Dollar", "Format": FORMAT, "OrderDecimals": 5,
        "Symbol": NAME,
    })
}

fn list(rows: Vec<Value>) -> Value {
    json!({"__count": rows.len(), "Data": rows})
}

/// `/port/v1/positions`: the account nets at once, so there is at most one row.
pub(super) fn positions(exchange: &Matching, market: &Market, opening: &Opening, groups: &str) -> Value {
    let position = exchange.position(SYMBOL);
    if position.quantity == Quantity::ZERO {
        return list(Vec::new());
    }
    let mut base = json!({
        "AccountId": CLIENT_ID, "AccountKey": ACCOUNT_KEY, "Amount": amount(position.quantity),
        "AssetType": ASSET_TYPE, "CanBeClosed": true, "ClientId": CLIENT_ID, "CloseConversionRateSettled": false,
        "CorrelationKey": format!("sim-order-{}", opening.order_id), "ExecutionTimeOpen": opening.time.to_string(),
    });
    if let Some(reference) = &opening.reference {
        base["ExternalReference"] = reference.as_str().into();
    }
    base["IsForceOpen"] = false.into();
    base["IsMarketOpen"] = market.open.into();
    base["LockedByBackOffice"] = false.into();
    base["OpenPrice"] = decimal(open_price(&position));
    base["OpenPriceIncludingCosts"] = decimal(open_price(&position));
    base["RelatedOpenOrders"] = json!([]);
    base["SourceOrderId"] = opening.order_id.as_str().into();
    base["Status"] = "Open".into();
    base["Uic"] = UIC.into();
    let mut row = json!({
        "NetPositionId": format!("{NAME}__{ASSET_TYPE}"), "PositionId": (6_000_000 + opening.trades).to_string(),
        "PositionBase": base, "PositionView": view(&position, market),
    });
    if groups.contains("DisplayAndFormat") {
        row["DisplayAndFormat"] = display();
    }
    list(vec![row])
}

/// `/port/v1/netpositions`.
pub(super) fn net_positions(exchange: &Matching, market: &Market, opening: &Opening, groups: &str) -> Value {
    let position = exchange.position(SYMBOL);
    if position.quantity == Quantity::ZERO {
        return list(Vec::new());
    }
    let long = position.quantity.max(Quantity::ZERO);
    let short = position.quantity.min(Quantity::ZERO);
    let working = exchange.working().len();
    let base = json!({
        "AccountId": CLIENT_ID, "Amount": amount(position.quantity), "AmountLong": amount(long),
        "AmountShort": amount(short), "AssetType": ASSET_TYPE, "CanBeClosed": true, "ClientId": CLIENT_ID,
        "HasForceOpenPositions": false, "IsMarketOpen": market.open, "NumberOfRelatedOrders": 0,
        "OpenOrdersCount": working, "OpenTriggerOrdersCount": 0,
        "SinglePositionId": (6_000_000 + opening.trades).to_string(), "SinglePositionStatus": "Open", "Uic": UIC,
    });
    let mut view = view(&position, market);
    view["AverageOpenPrice"] = decimal(open_price(&position));
    view["PositionCount"] = 1.into();
    view["PositionsNotClosedCount"] = 1.into();
    view["RealizedProfitLoss"] = cents(position.realised);
    view["Status"] = "Open".into();
    let mut row = json!({
        "NetPositionId": format!("{NAME}__{ASSET_TYPE}"), "NetPositionBase": base, "NetPositionView": view,
    });
    if groups.contains("DisplayAndFormat") {
        row["DisplayAndFormat"] = display();
    }
    list(vec![row])
}

/// One row of `/port/v1/orders`.
fn order_row(working: &WorkingOrder, ticket: Option<&Ticket>, market: &Market) -> Value {
    let order = &working.order;
    let buy = order.side == exuvia_model::Side::Buy;
    let mut row = json!({
        "AccountId": CLIENT_ID, "AccountKey": ACCOUNT_KEY, "Amount": amount(order.quantity), "AssetType": ASSET_TYPE,
        "BuySell": order.side.as_str(), "CalculationReliability": "Ok", "ClientKey": CLIENT_KEY,
        "CorrelationKey": format!("sim-order-{}", order_id(working)),
    });
    if let Some((bid, ask)) = market.prices {
        let price = if buy { ask } else { bid };
        row["CurrentPrice"] = decimal(price);
        row["CurrentPriceDelayMinutes"] = 0.into();
        row["CurrentPriceType"] = if buy { "Ask" } else { "Bid" }.into();
        if let Some(limit) = order.limit {
            row["DistanceToMarket"] = decimal(Price::from_raw((price.raw() - limit.raw()).abs()));
        }
        row["MarketPrice"] = decimal(price);
    }
    row["Duration"] = json!({"DurationType": ticket.map_or("DayOrder", |ticket| ticket.duration)});
    if ticket.is_some_and(|ticket| ticket.has_reference) {
        row["ExternalReference"] = order.reference.as_str().into();
    }
    row["FilledAmount"] = 0.into();
    row["IsForceOpen"] = false.into();
    row["IsMarketOpen"] = market.open.into();
    row["MarketState"] = if market.open { "Open" } else { "Closed" }.into();
    row["OpenOrderType"] = working.order_type().as_str().into();
    row["OrderAmountType"] = "Quantity".into();
    row["OrderId"] = order_id(working).into();
    row["OrderRelation"] = "StandAlone".into();
    row["OrderTime"] = order.decided.to_string().into();
    if let Some(limit) = order.limit {
        row["Price"] = decimal(limit);
    }
    row["RelatedOpenOrders"] = json!([]);
    row["Status"] = "Working".into();
    row["ToOpenClose"] = "Undefined".into();
    row["TradingStatus"] = "Tradable".into();
    row["Uic"] = UIC.into();
    row
}

/// `/port/v1/orders`, or the one that is named.
pub(super) fn orders<'a>(
    exchange: &Matching,
    ticket: impl Fn(u64) -> Option<&'a Ticket>,
    market: &Market,
    only: Option<&str>,
) -> Value {
    let rows = exchange.working().filter(|working| only.is_none_or(|id| order_id(working) == id));
    list(rows.map(|working| order_row(working, ticket(working.id), market)).collect())
}
