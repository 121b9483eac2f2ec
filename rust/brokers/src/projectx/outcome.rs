//! The gateway's words in those of a desk: what an error is for an order, what a row is for it.

use exuvia_execution::{
    ChangeOutcome, Fee, Heard, PlaceOutcome, Report, Unreachable, VenueOrder, VenuePosition, VenueStatus,
};
use exuvia_model::{ModelError, Quantity};

use super::{OrderRow, PositionRow, ProjectXError, RowStatus, TradeRow, TrailPrice};

/// What became of an order that was placed. What cannot be asked for at all is refused here, and never left.
pub(super) fn placed(answer: Result<i64, ProjectXError>) -> PlaceOutcome {
    match answer {
        Ok(id) => PlaceOutcome::Accepted(id.to_string()),
        Err(error) => match error {
            ProjectXError::NotSent { .. } => PlaceOutcome::NotSent(error.to_string()),
            ProjectXError::Unknown { .. } | ProjectXError::InDoubt(_) => PlaceOutcome::Unknown(error.to_string()),
            ProjectXError::Refused(_) | ProjectXError::Malformed { .. } | ProjectXError::Unfit { .. } => {
                PlaceOutcome::Rejected(error.to_string())
            }
        },
    }
}

/// What became of a change or a cancel; `done` is what success means.
pub(super) fn changed(answer: Result<(), ProjectXError>, done: ChangeOutcome) -> ChangeOutcome {
    match answer {
        Ok(()) => done,
        Err(error) => match error {
            ProjectXError::NotSent { .. } => ChangeOutcome::NotSent(error.to_string()),
            ProjectXError::Unknown { .. } | ProjectXError::InDoubt(_) => ChangeOutcome::Unknown(error.to_string()),
            ProjectXError::Refused(_) | ProjectXError::Malformed { .. } | ProjectXError::Unfit { .. } => {
                ChangeOutcome::Refused(error.to_string())
            }
        },
    }
}

/// Why a question has no answer.
pub(super) fn unreachable(error: &ProjectXError) -> Unreachable {
    Unreachable(error.to_string())
}

impl RowStatus {
    /// What it is for a desk.
    #[must_use]
    pub const fn standing(self) -> VenueStatus {
        match self {
            Self::Open | Self::PendingCancellation => VenueStatus::Working,
            Self::Filled => VenueStatus::Filled,
            Self::Cancelled => VenueStatus::Cancelled,
            Self::Expired => VenueStatus::Expired,
            Self::Rejected => VenueStatus::Rejected,
            Self::Pending | Self::Suspended => VenueStatus::Held,
            Self::Other(_) => VenueStatus::Unclear,
        }
    }
}

/// An order as a desk knows orders; its stop is the trail where that is a level.
pub(super) fn venue_order(row: &OrderRow, trail: TrailPrice) -> VenueOrder {
    let level = row.trail.filter(|_| trail == TrailPrice::Level);
    VenueOrder {
        client_id: row.tag.clone(),
        venue_id: row.id.to_string(),
        instrument: row.contract.clone(),
        side: row.side,
        order_type: row.order_type(),
        quantity: row.size,
        filled: row.filled,
        average: row.average,
        limit: row.limit,
        stop: row.stop.or(level),
        status: row.status.standing(),
        words: if let RowStatus::Other(number) = row.status { format!("status {number}") } else { String::new() },
        parent: row.parent.map(|parent| parent.to_string()),
        updated: row.updated,
    }
}

/// An execution as a desk hears of it.
///
/// # Errors
/// Never: the currency is one.
pub(super) fn execution(trade: &TradeRow, client_id: Option<String>) -> Result<Report, ModelError> {
    let fee = Fee { currency: "USD".parse()?, amount: trade.fees };
    Ok(Report {
        client_id,
        venue_id: Some(trade.order.to_string()),
        what: Heard::Execution {
            id: trade.id.to_string(),
            quantity: trade.size,
            price: trade.price,
            fee: Some(fee),
            last: false,
        },
        time: trade.created,
    })
}

/// What is held, one for each contract; the average of two rows of one contract is not said.
pub(super) fn positions(rows: &[PositionRow]) -> Result<Vec<VenuePosition>, ModelError> {
    let mut held: Vec<VenuePosition> = Vec::new();
    for row in rows.iter().filter(|row| row.quantity != Quantity::ZERO) {
        if let Some(same) = held.iter_mut().find(|held| held.instrument == row.contract) {
            (same.quantity, same.average) = (same.quantity.checked_add(row.quantity)?, None);
        } else {
            let (instrument, quantity, average) = (row.contract.clone(), row.quantity, row.average);
            held.push(VenuePosition { instrument, quantity, average });
        }
    }
    Ok(held)
}
