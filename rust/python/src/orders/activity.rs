//! An activity of the venue's event stream, from the dict that `json.loads` made of it.

use exuvia_execution::{Activity, ActivityStatus, SubStatus};
use exuvia_model::{Quantity, Symbol, Time};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::money::exact_or_shortest;
use crate::failure::Failure;
use crate::integers;

/// What says whether the activity is news: our reference and the sequence id.
pub fn identity(activity: &Bound<'_, PyDict>) -> PyResult<(Option<String>, Option<String>)> {
    let py = activity.py();
    Ok((text(activity, intern!(py, "ExternalReference"))?, text(activity, intern!(py, "SequenceId"))?))
}

/// The whole of it, typed.
pub fn read(activity: &Bound<'_, PyDict>) -> PyResult<Activity> {
    let py = activity.py();
    let (reference, sequence) = identity(activity)?;
    let status = text(activity, intern!(py, "Status"))?.unwrap_or_default();
    let status: ActivityStatus = known(status.parse(), &reference, &sequence)?;
    let sub_status = match text(activity, intern!(py, "SubStatus"))? {
        Some(text) => known(text.parse(), &reference, &sequence)?,
        None => SubStatus::default(),
    };
    let fill = matches!(status, ActivityStatus::Fill | ActivityStatus::FinalFill);
    let amount = activity.get_item(intern!(py, "FillAmount"))?.filter(|value| fill && !value.is_none());
    let price = activity.get_item(intern!(py, "ExecutionPrice"))?.filter(|value| fill && !value.is_none());
    let time = text(activity, intern!(py, "ActivityTime"))?;
    let uic = activity.get_item(intern!(py, "Uic"))?.filter(|value| !value.is_none());
    let side = text(activity, intern!(py, "BuySell"))?;
    let side = side.map(|text| known(text.parse(), &reference, &sequence)).transpose()?;
    Ok(Activity {
        reference,
        sequence,
        venue_id: text(activity, intern!(py, "OrderId"))?,
        symbol: uic.map(|value| integers::uic(&value)).transpose()?.map(Symbol),
        side,
        status,
        sub_status,
        fill_quantity: amount.map(|value| units(&value)).transpose()?,
        execution_price: price.map(|value| exact_or_shortest(&value, "ExecutionPrice")).transpose()?,
        time: time.map(|text| text.parse::<Time>()).transpose().map_err(Failure::from)?,
    })
}

fn known<T>(
    parsed: Result<T, exuvia_model::ModelError>,
    reference: &Option<String>,
    sequence: &Option<String>,
) -> PyResult<T> {
    parsed.map_err(|error| {
        let (order, sequence) = (reference.as_deref().unwrap_or("?"), sequence.as_deref().unwrap_or("?"));
        Failure::text("OrderError", format!("activity {sequence:?} of order {order}: {error}")).into()
    })
}

/// Whole units: amounts at this boundary are integers.
fn units(value: &Bound<'_, PyAny>) -> PyResult<Quantity> {
    let quantity: Quantity = exact_or_shortest(value, "FillAmount")?.to_string().parse().map_err(Failure::from)?;
    if quantity.raw() % exuvia_model::NANO == 0 {
        return Ok(quantity);
    }
    let message = format!("FillAmount {quantity} is not a whole number: amounts of orders are integers");
    Err(Failure::text("ValueRangeError", message).into())
}

fn text(activity: &Bound<'_, PyDict>, key: &Bound<'_, PyString>) -> PyResult<Option<String>> {
    match activity.get_item(key)?.filter(|value| !value.is_none()) {
        Some(value) => Ok(Some(value.str()?.to_str()?.to_owned())),
        None => Ok(None),
    }
}
