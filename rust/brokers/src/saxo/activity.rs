//! What became of orders, as the audit and the event stream tell it: one activity to one report, and all activities of an order
//! to the order as it stands. Both services name an execution by the amount that was filled with it, which only grows, so an
//! execution that is heard twice has one id.

use std::collections::BTreeMap;

use exuvia_execution::{ActivityStatus, Heard, Report, Step, SubStatus, VenueOrder, VenueStatus};
use exuvia_model::{OrderType, Price, Quantity, Side, Time};

use super::config::SaxoConfig;
use super::parse::{Node, ParseError};

/// One activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Activity {
    /// `LogId` of the audit, `SequenceId` of the stream: what it is sorted by.
    pub(super) id: String,
    pub(super) order_id: String,
    pub(super) reference: Option<String>,
    status: ActivityStatus,
    sub: SubStatus,
    instrument: Option<String>,
    side: Option<Side>,
    amount: Option<Quantity>,
    order_type: Option<OrderType>,
    price: Option<Price>,
    stop_limit: Option<Price>,
    fill: Option<Quantity>,
    filled: Option<Quantity>,
    average: Option<Price>,
    execution: Option<Price>,
    lasting: bool,
    time: Time,
}

impl Activity {
    /// Reads an activity of orders.
    ///
    /// # Errors
    /// `Missing` without an order, a status or a time; `Value` for what it must not be.
    pub(super) fn read(node: &Node, config: &SaxoConfig) -> Result<Self, ParseError> {
        let instrument = node.get("Uic").and_then(Node::whole).zip(node.text("AssetType"));
        let duration = node.get("Duration").and_then(|duration| duration.text("DurationType"));
        Ok(Self {
            id: node.id("LogId").or_else(|| node.id("SequenceId")).unwrap_or_default().to_owned(),
            order_id: node.need("OrderId")?.to_owned(),
            reference: node.text("ExternalReference").filter(|text| !text.is_empty()).map(str::to_owned),
            status: node.word("Status")?,
            sub: if node.get("SubStatus").is_some() { node.word("SubStatus")? } else { SubStatus::default() },
            instrument: instrument.map(|(uic, asset_type)| config.name(uic, asset_type)),
            side: if node.get("BuySell").is_some() { Some(node.word("BuySell")?) } else { None },
            amount: node.quantity("Amount")?,
            order_type: node.text("OrderType").and_then(order_type),
            price: node.price("Price")?,
            stop_limit: node.price("StopLimitPrice")?,
            fill: node.quantity("FillAmount")?.filter(|fill| *fill > Quantity::ZERO),
            filled: node.quantity("FilledAmount")?.filter(|filled| *filled > Quantity::ZERO),
            average: node.price("AveragePrice")?,
            execution: node.price("ExecutionPrice")?,
            lasting: duration.is_some_and(|word| word != "DayOrder"),
            time: node.time("ActivityTime")?.ok_or(ParseError::Missing { field: "ActivityTime" })?,
        })
    }

    /// What it says, if it says anything that is done.
    pub(super) fn heard(&self) -> Option<Heard> {
        use ActivityStatus as A;
        use SubStatus as S;
        let words = || format!("{} {}", self.status.as_str(), sub_word(self.sub));
        let step = match (self.status, self.sub) {
            (A::Fill | A::FinalFill, _) => return Some(self.execution()),
            (A::TrailingStopOrderMove, _) => return self.price.map(Heard::Trailed),
            (A::Placed, S::Rejected) => Step::Refused(words()),
            (A::Placed | A::Working, S::Confirmed) => Step::Accepted(Some(self.order_id.clone())),
            (A::Changed, S::Rejected) => Step::ReplaceRefused(words()),
            (A::Changed, S::Confirmed) => Step::Replaced,
            (A::Cancelled, S::Rejected) => Step::CancelRefused(words()),
            (A::Cancelled, S::Confirmed) => Step::Cancelled(words()),
            (A::Expired, S::Confirmed) => Step::Expired,
            // An order that lasts goes on tomorrow.
            (A::DoneForDay, S::Confirmed) if !self.lasting => Step::Expired,
            _ => return None,
        };
        Some(Heard::Step(step))
    }

    fn execution(&self) -> Heard {
        let last = self.status == ActivityStatus::FinalFill;
        match (self.fill, self.filled, self.execution, self.average) {
            (Some(quantity), Some(filled), Some(price), _) => {
                Heard::Execution { id: format!("filled-{filled}"), quantity, price, fee: None, last }
            }
            (_, Some(filled), _, Some(average)) => Heard::Total { filled, average, last },
            _ => Heard::Gap(format!(
                "order {} was executed, and the activity does not say how much at what price",
                self.order_id
            )),
        }
    }

    /// The report of it.
    pub(super) fn report(&self) -> Option<Report> {
        let (client_id, venue_id) = (self.reference.clone(), Some(self.order_id.clone()));
        Some(Report { client_id, venue_id, what: self.heard()?, time: self.time })
    }

    /// Whether it is an execution.
    pub(super) const fn is_fill(&self) -> bool {
        matches!(self.status, ActivityStatus::Fill | ActivityStatus::FinalFill)
    }
}

const fn sub_word(sub: SubStatus) -> &'static str {
    match sub {
        SubStatus::Requested => "Requested",
        SubStatus::Confirmed => "Confirmed",
        SubStatus::Rejected => "Rejected",
        SubStatus::Waiting => "Waiting",
    }
}

/// The type of an order in Saxo's words, if this product has it.
pub(super) fn order_type(word: &str) -> Option<OrderType> {
    Some(match word {
        "Market" => OrderType::Market,
        "Limit" => OrderType::Limit,
        "Stop" | "StopIfTraded" => OrderType::Stop,
        "StopLimit" => OrderType::StopLimit,
        "TrailingStop" | "TrailingStopIfTraded" => OrderType::TrailingStop,
        _ => return None,
    })
}

/// Limit and stop of an order, from the two prices that Saxo gives it.
pub(super) const fn prices(
    order_type: Option<OrderType>,
    price: Option<Price>,
    stop_limit: Option<Price>,
) -> (Option<Price>, Option<Price>) {
    match order_type {
        Some(OrderType::Limit) => (price, None),
        Some(OrderType::StopLimit) => (stop_limit, price),
        Some(OrderType::Stop | OrderType::TrailingStop) => (None, price),
        Some(OrderType::Market) | None => (None, None),
    }
}

/// Sorts activities as they happened: by their ids where those are numbers, then by time.
pub(super) fn sort(activities: &mut [Activity]) {
    activities.sort_by(|a, b| {
        let number = |activity: &Activity| activity.id.parse::<u128>().ok();
        match (number(a), number(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.time.cmp(&b.time),
        }
    });
}

/// The orders of a sorted list of activities, by their ids at the venue.
pub(super) fn folded(activities: &[Activity]) -> BTreeMap<String, VenueOrder> {
    let mut orders: BTreeMap<String, VenueOrder> = BTreeMap::new();
    for activity in activities {
        let order = orders.entry(activity.order_id.clone()).or_insert_with(|| blank(activity));
        let ended = order.status.is_terminal();
        if let Some(reference) = &activity.reference {
            order.client_id = Some(reference.clone());
        }
        if let Some(instrument) = &activity.instrument {
            order.instrument.clone_from(instrument);
        }
        order.side = activity.side.unwrap_or(order.side);
        order.quantity = activity.amount.unwrap_or(order.quantity);
        order.order_type = activity.order_type.or(order.order_type);
        let (limit, stop) = prices(order.order_type, activity.price, activity.stop_limit);
        (order.limit, order.stop) = (limit.or(order.limit), stop.or(order.stop));
        if let Some(filled) = activity.filled.filter(|filled| *filled >= order.filled) {
            (order.filled, order.average) = (filled, activity.average.or(order.average));
        }
        if ended {
            continue;
        }
        order.updated = activity.time;
        order.status = match activity.heard() {
            Some(Heard::Step(Step::Refused(words))) => {
                order.words = words;
                VenueStatus::Rejected
            }
            Some(Heard::Step(Step::Cancelled(words))) => {
                order.words = words;
                VenueStatus::Cancelled
            }
            Some(Heard::Step(Step::Expired)) => VenueStatus::Expired,
            _ if activity.status == ActivityStatus::FinalFill => VenueStatus::Filled,
            Some(_) => VenueStatus::Working,
            None => order.status,
        };
    }
    orders
}

fn blank(activity: &Activity) -> VenueOrder {
    VenueOrder {
        client_id: None,
        venue_id: activity.order_id.clone(),
        instrument: String::new(),
        side: Side::Buy,
        order_type: None,
        quantity: Quantity::ZERO,
        filled: Quantity::ZERO,
        average: None,
        limit: None,
        stop: None,
        status: VenueStatus::Unclear,
        words: String::new(),
        parent: None,
        updated: activity.time,
    }
}
