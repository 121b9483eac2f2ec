//! How requests come to the exchange and reports to their owners, and how an order comes to its end.

use exuvia_model::{OrderStatus, Time};

use super::chance::Lane;
use super::{Delay, Due, Event, Exchange, ExchangeError, PaperOrder, Removal, Report};

impl Exchange {
    /// Lets time pass before a request of an account.
    pub(super) fn ready(&mut self, now: Time, account: u32) -> Result<(), ExchangeError> {
        self.account(account)?;
        self.advance(now)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(super) fn send(&mut self, now: Time, account: u32, delay: Delay, request: Due) {
        let number = self.next();
        let mut arrives = Time(now.0.saturating_add(delay.nanos(self.chance.draw(Lane::Request, number, 0))));
        if let Some(seat) = self.seats.get_mut(&account).filter(|_| !self.latency.overtaking) {
            arrives = arrives.max(seat.sent);
            seat.sent = arrives;
        }
        self.due.insert((arrives, number), request);
        self.run(now);
    }

    /// Does what is due by `now`.
    pub(super) fn run(&mut self, now: Time) {
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((time, _), due) = entry.remove_entry();
            self.clock = time;
            self.happen(due, time);
        }
        self.clock = now;
    }

    pub(super) fn order_mut(&mut self, id: u64) -> Option<&mut PaperOrder> {
        self.orders.get_mut(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    /// Tells the owner of an order.
    pub(super) fn tell(&mut self, id: u64, event: Event, now: Time) {
        let Some(order) = self.order(id) else { return };
        let (account, client_id) = (order.placement.account, order.placement.client_id.clone());
        self.tell_to(account, id, client_id, event, now);
    }

    pub(super) fn tell_to(&mut self, account: u32, order: u64, client_id: String, event: Event, now: Time) {
        let number = self.next();
        let mut heard =
            Time(now.0.saturating_add(self.latency.report.nanos(self.chance.draw(Lane::Report, number, 0))));
        if let Some(seat) = self.seats.get_mut(&account).filter(|_| !self.latency.overtaking) {
            heard = heard.max(seat.heard);
            seat.heard = heard;
        }
        let report = Report { account, order, client_id, event, happened: now, heard };
        if matches!(report.event, Event::Executed { .. }) {
            self.executions.push(report.clone());
        }
        self.reports.insert((heard, number), report);
    }

    /// Ends an order: it stands no longer, and its account has its room back.
    pub(super) fn end(&mut self, id: u64, status: OrderStatus, words: String, event: Event, now: Time) {
        self.leave(id);
        if let Some(order) = self.order(id).filter(|order| order.is_live()).cloned() {
            self.reserve(&order, -order.open().raw());
        }
        if let Some(order) = self.order_mut(id) {
            (order.status, order.words, order.updated) = (status, words, now);
        }
        self.tell(id, event, now);
    }

    /// Takes an order out of the market, whether it stands or waits for its stop.
    pub(super) fn leave(&mut self, id: u64) {
        let Some(order) = self.order(id) else { return };
        let (symbol, side, place, rank) = (order.symbol(), order.side(), order.place(), order.rank);
        if let Some(market) = self.markets.get_mut(&symbol) {
            market.standing_mut(side).remove(&place);
            market.stops.remove(&rank);
        }
    }

    /// Notes that a working order may need so much more, or less.
    pub(super) fn reserve(&mut self, order: &PaperOrder, amount: i64) {
        if let Some(seat) = self.seats.get_mut(&order.placement.account) {
            seat.account.reserve(order.symbol(), order.side(), amount, order.reckoned);
        }
    }

    pub(super) fn remove(&mut self, id: u64, why: Removal, now: Time) {
        self.end(id, OrderStatus::Cancelled, why.to_string(), Event::Cancelled(why), now);
    }
}
