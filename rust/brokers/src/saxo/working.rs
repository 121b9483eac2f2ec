//! Open orders as `/port/v1/orders` lists them and as its subscription streams them.

use std::collections::BTreeMap;

use exuvia_execution::{VenueOrder, VenueStatus};
use exuvia_model::Quantity;

use super::activity::{order_type, prices};
use super::config::SaxoConfig;
use super::parse::{Node, ParseError};

/// Reads the rows of a list of open orders, each with the order that it hangs on.
///
/// # Errors
/// The first row that cannot be read: a list without it is not whole.
pub(super) fn read_open(rows: &[Node], config: &SaxoConfig) -> Result<Vec<VenueOrder>, ParseError> {
    let parents = parents(rows);
    rows.iter()
        .map(|row| {
            let mut order = read_row(row, config)?;
            order.parent = parents.get(order.venue_id.as_str()).map(|parent| (*parent).to_owned());
            Ok(order)
        })
        .collect()
}

/// Which orders hang on which: an if-done master names its slaves; the legs of an OCO name one another and hang on nothing.
fn parents(rows: &[Node]) -> BTreeMap<&str, &str> {
    let masters = rows.iter().filter(|row| row.text("OrderRelation") == Some("IfDoneMaster"));
    let slaves = masters.filter_map(|row| Some((row.id("OrderId")?, row.get("RelatedOpenOrders")?.items())));
    slaves
        .flat_map(|(master, slaves)| slaves.iter().filter_map(move |slave| Some((slave.id("OrderId")?, master))))
        .collect()
}

/// Reads one row.
///
/// # Errors
/// `Missing` and `Value`.
pub(super) fn read_row(row: &Node, config: &SaxoConfig) -> Result<VenueOrder, ParseError> {
    let kind = row.text("OpenOrderType").and_then(order_type);
    let (limit, stop) = prices(kind, row.price("Price")?, row.price("StopLimitPrice")?);
    let status = match row.text("Status").unwrap_or_default() {
        "Working" | "WorkingLockedCancelPending" | "WorkingLockedChangePending" => VenueStatus::Working,
        "NotWorking" | "Parked" | "NotWorkingLockedCancelPending" | "NotWorkingLockedChangePending" => {
            VenueStatus::Held
        }
        "Filled" => VenueStatus::Filled,
        _ => VenueStatus::Unclear,
    };
    Ok(VenueOrder {
        client_id: row.text("ExternalReference").filter(|text| !text.is_empty()).map(str::to_owned),
        venue_id: row.need("OrderId")?.to_owned(),
        instrument: config.name(row.need_whole("Uic")?, row.need("AssetType")?),
        side: row.word("BuySell")?,
        order_type: kind,
        quantity: row.quantity("Amount")?.ok_or(ParseError::Missing { field: "Amount" })?,
        filled: row.quantity("FilledAmount")?.unwrap_or(Quantity::ZERO),
        average: None,
        limit,
        stop,
        status,
        words: row.text("Status").unwrap_or_default().to_owned(),
        parent: None,
        updated: row.time("OrderTime")?.unwrap_or_default(),
    })
}

/// Open orders by their ids, as a snapshot and its deltas leave them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OpenOrders(BTreeMap<String, Node>);

impl OpenOrders {
    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Merges one element: fields that are there overwrite, those that are not stay, arrays are replaced whole. Gives the row as
    /// it is now, `None` if it is gone.
    ///
    /// # Errors
    /// `Missing` without an order id.
    pub(super) fn merge(&mut self, element: &Node) -> Result<Option<&Node>, ParseError> {
        let id = element.need("OrderId")?.to_owned();
        if element.flag("__meta_deleted") == Some(true) {
            self.0.remove(&id);
            return Ok(None);
        }
        let row = self.0.entry(id).or_insert_with(|| Node::Object(Vec::new()));
        merge(row, element);
        Ok(Some(row))
    }
}

fn merge(row: &mut Node, delta: &Node) {
    let (Node::Object(fields), Node::Object(news)) = (&mut *row, delta) else {
        *row = delta.clone();
        return;
    };
    for (name, value) in news {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => merge(known, value),
            None => fields.push((name.clone(), value.clone())),
        }
    }
}
