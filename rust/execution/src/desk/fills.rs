//! Executions on their way into a desk: each is counted once, whether the venue names it or tells totals only, whether
//! it comes in order, twice or after the order's end.
//!
//! Where a venue does both, a total counts what no execution has named yet; the executions that come later name it, and put
//! their own prices in the place of the average. Once all are named, amount and value are theirs alone.

use exuvia_model::{Price, Quantity};

use super::{Desk, Edit, Execution, Link, Notice, Outcome, Plan, Total};
use crate::holding::{Value, share};
use crate::{Holding, Order, OrderError, OrderEvent};

/// What is new of an execution or a total.
#[derive(Default)]
struct News {
    quantity: Quantity,
    /// By how much the sum of price × amount changes.
    value: Value,
    last: bool,
    beyond: bool,
    /// What of it had been counted from a total.
    named: Quantity,
    notices: Vec<Notice>,
}

impl Desk {
    pub(super) fn execute(&self, execution: &Execution) -> Result<Plan, OrderError> {
        let Execution { client_id, execution_id, quantity, price, fee, last, beyond, .. } = execution;
        let (at, order) = self.at(client_id)?;
        self.check_price(order, *price)?;
        if let Some(known) = self.executions.get(&(at, execution_id.clone())) {
            if *known == (*quantity, *price) {
                return Ok(Plan::told(Notice::Repeated { client_id: client_id.clone(), what: execution_id.clone() }));
            }
            return Err(OrderError::Contradiction {
                client_id: client_id.clone(),
                sequence: execution_id.clone(),
                field: "execution",
                said: format!("{quantity} at {price}"),
                ours: format!("{} at {}", known.0, known.1),
            });
        }
        let named = order.unattributed.min(*quantity).max(Quantity::ZERO);
        let new = Quantity::from_raw(quantity.raw().saturating_sub(named.raw()));
        let mut next = order.clone();
        next.unattributed = Quantity::from_raw(order.unattributed.raw() - named.raw());
        let (left, all) = (i128::from(next.unattributed.raw()), i128::from(order.unattributed.raw()));
        next.unattributed_value = share(order.unattributed_value, left, all);
        let corrected = next.unattributed_value - order.unattributed_value;
        let value = i128::from(quantity.raw()) * i128::from(price.raw()) + corrected;
        let mut news = News { quantity: new, value, last: *last, beyond: *beyond, named, ..News::default() };
        if named > Quantity::ZERO {
            let execution_id = execution_id.clone();
            news.notices.push(Notice::Attributed { client_id: client_id.clone(), execution_id });
        }
        let (next, mut holding, outcome) = self.book(at, next, news)?;
        if let Some(fee) = fee {
            holding = holding.after_fee(fee.currency, fee.amount)?;
        }
        let execution = Some((execution_id.clone(), *quantity, *price));
        Ok(Plan { outcome, edit: Edit::Put { at, order: Box::new(next), holding: Some(holding), execution } })
    }

    pub(super) fn total(&self, total: &Total) -> Result<Plan, OrderError> {
        let (at, order) = self.at(&total.client_id)?;
        self.check_price(order, total.average)?;
        let known = order.state().filled();
        if total.filled <= known {
            let what = total.filled.to_string();
            return Ok(Plan::told(Notice::Repeated { client_id: total.client_id.clone(), what }));
        }
        let quantity = total.filled.checked_sub(known)?;
        // The average of all, less what is booked of it: the value of the rest, whatever its own price.
        let value = i128::from(total.filled.raw()) * i128::from(total.average.raw()) - order.value;
        let mut next = order.clone();
        next.unattributed = order.unattributed.checked_add(quantity)?;
        next.unattributed_value = order.unattributed_value.saturating_add(value);
        let news = News { quantity, value, last: total.last, beyond: total.beyond, ..News::default() };
        let (next, holding, outcome) = self.book(at, next, news)?;
        let edit = Edit::Put { at, order: Box::new(next), holding: Some(holding), execution: None };
        Ok(Plan { outcome, edit })
    }

    fn check_price(&self, order: &Order, price: Price) -> Result<(), OrderError> {
        let instrument = self.instrument(order.intent().symbol)?;
        if price <= Price::ZERO && !instrument.negative_prices {
            return Err(OrderError::NotPositive { instrument: instrument.name.clone(), price });
        }
        Ok(())
    }

    /// The order with the news in it, the holding with them, and what is to be told.
    fn book(&self, at: usize, mut next: Order, news: News) -> Result<(Order, Holding, Outcome), OrderError> {
        let News { quantity, value, last, beyond, named, mut notices } = news;
        let client_id = next.client_id().to_owned();
        let state = next.state();
        let over = i128::from(state.filled().raw()) + i128::from(quantity.raw()) - i128::from(state.ceiling().raw());
        let over = crate::book::fitting("executed amount", over)?;
        if named == Quantity::ZERO || quantity > Quantity::ZERO {
            let event = if over > Quantity::ZERO && beyond {
                OrderEvent::Overexecuted { quantity }
            } else {
                OrderEvent::Executed { quantity, last: last || over >= Quantity::ZERO }
            };
            next.step(event).map_err(|source| OrderError::Step { client_id: client_id.clone(), source })?;
            if state.status().is_terminal() {
                let (client_id, status) = (client_id.clone(), state.status());
                notices.push(Notice::LateFill { client_id, quantity, status });
            }
            if over > Quantity::ZERO {
                notices.push(Notice::Overfill { client_id: client_id.clone(), by: over });
            }
            if let Some(by) = self.excess(at, &next) {
                notices.push(Notice::Excess { client_id, by });
            }
        }
        next.value = next.value.saturating_add(value);
        let intent = next.intent();
        let holding = self.holding(&intent.scenario, intent.symbol).after_value(intent.side, quantity, value)?;
        Ok((next, holding, Outcome { changed: true, booked: quantity, notices }))
    }

    /// What the order's link has executed too much with the order as it is next.
    fn excess(&self, at: usize, next: &Order) -> Option<Quantity> {
        let group = self.group(at);
        if group.link == Link::Single {
            return None;
        }
        let mut members = self.members(group).to_vec();
        if let Some(place) = members.get_mut(at - group.first) {
            place.clone_from(next);
        }
        let by = i64::try_from(group.excess(&members)).unwrap_or(i64::MAX);
        (by > 0).then(|| Quantity::from_raw(by))
    }
}
