//! Placing and cancelling on the venue: the duplicate rule, the exchange, the activities.

use exuvia_execution::matching::{Execution, WorkingOrder};
use exuvia_model::{Quantity, SECOND, Time};
use serde_json::{Value, json};

use super::http::{Request, Response, error, error_info};
use super::orders::{self, Ticket, order_id};
use super::streams::{Activity, Entry};
use super::{Opening, SaxoVenue};

/// The same order body within this time is a duplicate, unless its x-request-id differs.
const WINDOW: i64 = 15 * SECOND;
/// Most order bodies that are remembered.
const REMEMBERED: usize = 10_000;

/// An order body that was sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    time: Time,
    body: Vec<u8>,
    request_id: Option<String>,
}

impl SaxoVenue {
    pub(super) fn place(&mut self, request: &Request<'_>) -> Result<Response, Response> {
        let placement = orders::placement(request, self.clock)?;
        self.refuse_duplicate(request)?;
        let working = self.exchange.place(placement.order).map_err(|refusal| orders::refused(&refusal))?;
        let ticket = Ticket { duration: placement.duration, has_reference: placement.has_reference };
        let mut body = json!({"OrderId": order_id(&working)});
        if ticket.has_reference {
            body["ExternalReference"] = working.order.reference.as_str().into();
        }
        self.publish(|venue| venue.note(&working, &ticket, "Placed", venue.clock, None));
        self.tickets.insert(working.id, ticket);
        Ok(Response::json(200, &body))
    }

    /// Cancels one order or several with commas between; 404 if none of them works.
    pub(super) fn cancel(&mut self, ids: &str) -> Response {
        let ids = ids.replace("%2C", ",").replace("%2c", ",");
        let mut rows = Vec::new();
        let mut cancelled = 0;
        for id in ids.split(',').map(str::trim) {
            match orders::number(id).and_then(|number| self.exchange.cancel(number).ok()) {
                Some(working) => {
                    cancelled += 1;
                    if let Some(ticket) = self.tickets.remove(&working.id) {
                        self.publish(|venue| venue.note(&working, &ticket, "Cancelled", venue.clock, None));
                    }
                    rows.push(json!({"OrderId": id}));
                }
                None => rows.push(json!({
                    "OrderId": id, "ErrorInfo": {"ErrorCode": "OrderNotFound", "Message": "Order not found"},
                })),
            }
        }
        if cancelled == 0 {
            return error_info(404, "OrderNotFound", "Order not found");
        }
        Response::json(200, &json!({"Orders": rows}))
    }

    /// Notes a fill: its activity, and the opening of the position if it opened one.
    pub(super) fn note_fill(&mut self, fill: &Execution, before: Quantity, after: Quantity) {
        let Some(ticket) = self.tickets.remove(&fill.order.id) else { return };
        if before.raw().signum() != after.raw().signum() && after != Quantity::ZERO {
            self.opening = Opening {
                order_id: order_id(&fill.order),
                reference: ticket.has_reference.then(|| fill.order.order.reference.clone()),
                time: fill.time,
                trades: self.opening.trades + 1,
            };
        }
        self.note(&fill.order, &ticket, "FinalFill", fill.time, Some(fill));
    }

    /// Adds an activity to the log.
    fn note(&mut self, order: &WorkingOrder, ticket: &Ticket, status: &str, time: Time, fill: Option<&Execution>) {
        self.sequence += 1;
        let body: Value = orders::activity(order, ticket, status, time, self.sequence, fill);
        self.log.push(Entry::Activity(Activity { sequence: self.sequence, body }));
    }

    /// Lets `work` add to the log, and shows it at once to the contexts that had read all before it.
    fn publish(&mut self, work: impl FnOnce(&mut Self)) {
        let before = self.log.len();
        work(self);
        for context in self.contexts.values_mut().filter(|context| context.place() == before) {
            context.read(&self.log, None);
            context.frames.flush();
        }
    }

    fn refuse_duplicate(&mut self, request: &Request<'_>) -> Result<(), Response> {
        let from = self.clock.0.saturating_sub(WINDOW);
        while self.recent.front().is_some_and(|sent| sent.time.0 <= from) || self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        let same = |sent: &Sent| sent.body == request.body && sent.request_id.as_deref() == request.request_id;
        if self.recent.iter().any(same) {
            return Err(error(
                409,
                "DuplicateRequest",
                "the same order was sent less than 15 s ago: give it another x-request-id if it is meant",
            ));
        }
        let request_id = request.request_id.map(str::to_owned);
        self.recent.push_back(Sent { time: self.clock, body: request.body.to_vec(), request_id });
        Ok(())
    }
}
