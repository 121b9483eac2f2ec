//! `/trade/v2/orders`: order requests as Saxo takes them, its refusals, and the activities they cause.

use exuvia_execution::matching::{Execution, NewOrder, Refusal, WorkingOrder};
use exuvia_model::{NANO, Price, Quantity, Side, Time};
use serde_json::{Map, Value, json};

use super::http::{Request, Response, error_info, invalid, kind_of, text};
use super::instrument::{ACCOUNT_KEY, ASSET_TYPE, CLIENT_ID, LOT, NAME, SYMBOL, TICK, UIC};
use super::prices::decimal;

/// Order ids count from here.
const FIRST_ID: u64 = 5_000_000;

/// The venue's order id of a working order.
pub(super) fn order_id(order: &WorkingOrder) -> String {
    (FIRST_ID + order.id).to_string()
}

/// The working order that an order id names.
pub(super) fn number(order_id: &str) -> Option<u64> {
    order_id.trim().parse::<u64>().ok()?.checked_sub(FIRST_ID)
}

/// An order request that was understood.
pub(super) struct Placement {
    pub(super) order: NewOrder,
    /// How long it works; this venue keeps every order until it is filled or cancelled.
    pub(super) duration: &'static str,
    pub(super) has_reference: bool,
}

/// Reads and checks the body of an order request.
pub(super) fn placement(request: &Request<'_>, now: Time) -> Result<Placement, Response> {
    let fields = request.json()?;
    if fields.contains_key("Orders") {
        return Err(invalid("Orders", "related orders are not supported by this simulator"));
    }
    let asset_type = text(&fields, "AssetType")?;
    let uic = match fields.get("Uic") {
        Some(Value::Number(uic)) => uic.as_i64(),
        None | Some(Value::Null) => return Err(invalid("Uic", "Uic is required")),
        Some(other) => return Err(invalid("Uic", &format!("Uic must be a number, not {}", kind_of(other)))),
    };
    let side: Side =
        text(&fields, "BuySell")?.parse().map_err(|_| invalid("BuySell", "BuySell must be Buy or Sell"))?;
    let amount = number_text(&fields, "Amount")?;
    let limit = match text(&fields, "OrderType")? {
        "Market" => None,
        "Limit" => Some(number_text(&fields, "OrderPrice")?),
        _ => return Err(invalid("OrderType", "OrderType must be Market or Limit: this simulator has no other")),
    };
    let duration = duration(&fields, limit.is_some())?;
    let reference = match fields.get("ExternalReference") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.chars().count() <= 50 => Some(text.clone()),
        Some(_) => return Err(invalid("ExternalReference", "ExternalReference must be text of at most 50 characters")),
    };
    if fields.get("AccountKey").is_some_and(|key| !key.is_null() && key != ACCOUNT_KEY) {
        return Err(error_info(400, "IllegalAccount", "The account key is not one of this client"));
    }
    if uic != Some(UIC) || asset_type != ASSET_TYPE {
        return Err(error_info(400, "IllegalInstrumentId", "Instrument is unknown: this venue has Uic 21, FxSpot"));
    }
    let quantity = lots(&amount)?;
    let limit = limit.map(|text| grid_price(&text)).transpose()?;
    let has_reference = reference.is_some();
    let reference = reference.unwrap_or_default();
    let order = NewOrder { reference, symbol: SYMBOL, side, quantity, limit, decided: now };
    Ok(Placement { order, duration, has_reference })
}

/// The text of a JSON number, so that it can be read as fixed point.
fn number_text(fields: &Map<String, Value>, name: &str) -> Result<String, Response> {
    match fields.get(name) {
        Some(Value::Number(number)) => Ok(number.to_string()),
        None | Some(Value::Null) => Err(invalid(name, &format!("{name} is required"))),
        Some(other) => Err(invalid(name, &format!("{name} must be a number, not {}", kind_of(other)))),
    }
}

fn duration(fields: &Map<String, Value>, limit: bool) -> Result<&'static str, Response> {
    match fields.get("OrderDuration") {
        None | Some(Value::Null) => Ok("DayOrder"),
        Some(Value::Object(duration)) => match text(duration, "DurationType")? {
            "DayOrder" => Ok("DayOrder"),
            "GoodTillCancel" if limit => Ok("GoodTillCancel"),
            other => Err(error_info(400, "DurationNotSupported", &format!("Duration {other:?} is not supported here"))),
        },
        Some(other) => Err(invalid("OrderDuration", &format!("must be an object, not {}", kind_of(other)))),
    }
}

fn lots(text: &str) -> Result<Quantity, Response> {
    let illegal = |_| error_info(400, "IllegalAmount", &format!("Amount {text} is out of range"));
    let least = LOT * NANO;
    // More decimals than fit cannot be a whole number of lots.
    let quantity = match text.parse::<Quantity>() {
        Err(exuvia_model::ModelError::TooPrecise { .. }) => {
            return Err(error_info(400, "AmountNotInLotSize", &format!("Amount {text} is not a multiple of {LOT}")));
        }
        other => other.map_err(illegal)?,
    };
    if quantity <= Quantity::ZERO {
        return Err(invalid("Amount", "Amount must be greater than 0"));
    }
    if quantity.raw() < least {
        return Err(error_info(400, "AmountBelowMinimumLotSize", &format!("Amount {text} is below {LOT}")));
    }
    if quantity.raw() % least != 0 {
        return Err(error_info(400, "AmountNotInLotSize", &format!("Amount {text} is not a multiple of {LOT}")));
    }
    Ok(quantity)
}

fn grid_price(text: &str) -> Result<Price, Response> {
    let off = || error_info(400, "PriceNotInTickSizeIncrements", &format!("Price {text} is not a multiple of 0.00001"));
    let price: Price = text.parse().map_err(|_| off())?;
    if price <= Price::ZERO {
        return Err(invalid("OrderPrice", "OrderPrice must be greater than 0"));
    }
    if price.raw() % TICK == 0 { Ok(price) } else { Err(off()) }
}

/// The paper exchange's refusal in the venue's words.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let code = match refusal {
        Refusal::MarketClosed(_) => "MarketClosed",
        Refusal::Margin { .. } => "WouldExceedMargin",
        // What else placing refuses is an amount: a limit was checked when it was read.
        _ => "IllegalAmount",
    };
    error_info(400, code, &refusal.to_string())
}

/// An amount as JSON: whole numbers of currency units here.
pub(super) fn amount(quantity: Quantity) -> Value {
    (quantity.raw() / NANO).into()
}

/// What the venue keeps of a working order beside what the exchange has.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) duration: &'static str,
    pub(super) has_reference: bool,
}

/// The activity that tells what became of an order.
pub(super) fn activity(
    working: &WorkingOrder,
    ticket: &Ticket,
    status: &str,
    time: Time,
    sequence: u64,
    fill: Option<&Execution>,
) -> Value {
    let order = &working.order;
    let mut body = json!({
        "ActivityType": "Orders", "SequenceId": sequence.to_string(), "ActivityTime": time.to_string(),
        "AccountId": CLIENT_ID, "ClientId": CLIENT_ID, "OrderId": order_id(working), "Uic": UIC,
        "AssetType": ASSET_TYPE, "Symbol": NAME, "BuySell": order.side.as_str(), "Amount": amount(order.quantity),
        "OrderType": working.order_type().as_str(),
    });
    if let Some(limit) = order.limit {
        body["Price"] = decimal(limit);
    }
    body["Duration"] = json!({"DurationType": ticket.duration});
    body["OrderRelation"] = "StandAlone".into();
    body["Status"] = status.into();
    body["SubStatus"] = "Confirmed".into();
    body["CorrelationKey"] = format!("sim-order-{}", order_id(working)).into();
    body["HandledBy"] = CLIENT_ID.into();
    if ticket.has_reference {
        body["ExternalReference"] = order.reference.as_str().into();
    }
    if let Some(fill) = fill {
        body["FillAmount"] = amount(order.quantity);
        body["FilledAmount"] = amount(order.quantity);
        body["AveragePrice"] = decimal(fill.price);
        body["ExecutionPrice"] = decimal(fill.price);
    }
    body
}
