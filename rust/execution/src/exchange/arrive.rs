//! What happens when a request arrives at the exchange.

use exuvia_model::{Money, OrderIntent, OrderStatus, OrderType, Price, Quantity, Time, TimeInForce};

use super::account::Wish;
use super::fees::Charged;
use super::order::is_worse;
use super::{Closed, Due, Entry, Event, Exchange, PaperOrder, Queue, Refusal, Removal, Role};
use crate::{Amendment, checks};

/// What admission has found out about an order.
struct Admitted {
    expires: Option<Time>,
    reckoned: Price,
}

impl Exchange {
    pub(super) fn happen(&mut self, due: Due, now: Time) {
        match due {
            Due::Place(id) => self.arrive(id, now),
            Due::Replace(account, id, terms) => {
                if let Err(refusal) = self.amend(account, id, terms, now) {
                    self.answer(account, id, Event::ReplaceRefused(refusal), now);
                }
            }
            Due::Cancel(account, id) => match self.live(account, id) {
                Ok(_) => self.remove(id, Removal::Asked, now),
                Err(refusal) => self.answer(account, id, Event::CancelRefused(refusal), now),
            },
            Due::Expire(id) => {
                if self.order(id).is_some_and(PaperOrder::is_live) {
                    self.end(id, OrderStatus::Expired, "its session ended".to_owned(), Event::Expired, now);
                }
            }
        }
    }

    /// Answers a request, also one about an order that is not there.
    fn answer(&mut self, account: u32, id: u64, event: Event, now: Time) {
        let own = self.order(id).filter(|order| order.placement.account == account);
        let client_id = own.map(|order| order.placement.client_id.clone()).unwrap_or_default();
        self.tell_to(account, id, client_id, event, now);
    }

    /// An order of this account that can be changed.
    fn live(&self, account: u32, id: u64) -> Result<&PaperOrder, Refusal> {
        match self.order(id).filter(|order| order.placement.account == account) {
            Some(order) if order.is_live() => Ok(order),
            Some(order) if order.status.is_terminal() => Err(Refusal::Ended { order: id, status: order.status }),
            _ => Err(Refusal::NoSuchOrder(id)),
        }
    }

    fn arrive(&mut self, id: u64, now: Time) {
        let Some(order) = self.order(id).cloned() else { return };
        let (account, client_id) = (order.placement.account, order.placement.client_id.clone());
        let admitted = self.admit(&order, now);
        if let Some(seat) = self.seats.get_mut(&account).filter(|_| !matches!(admitted, Err(Refusal::Repeated { .. })))
        {
            seat.ids.insert(client_id, id);
        }
        let Admitted { expires, reckoned } = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                return self.end(id, OrderStatus::Rejected, refusal.to_string(), Event::Refused(refusal), now);
            }
        };
        let rank = self.next();
        if let Some(order) = self.order_mut(id) {
            *order =
                PaperOrder { status: OrderStatus::Working, expires, reckoned, rank, updated: now, ..order.clone() };
        }
        self.reserve(&PaperOrder { reckoned, ..order.clone() }, order.quantity.raw());
        if let Some(at) = expires {
            self.due.insert((at, rank), Due::Expire(id));
        }
        self.tell(id, Event::Accepted, now);
        if order.set_off { self.activate(id, now) } else { self.await_trigger(id, rank, now) }
    }

    fn admit(&mut self, order: &PaperOrder, now: Time) -> Result<Admitted, Refusal> {
        let intent = &order.placement.intent;
        let (account, client_id) = (order.placement.account, &order.placement.client_id);
        if let Some(earlier) = self.find(account, client_id).filter(|earlier| earlier.status != OrderStatus::Rejected) {
            return Err(Refusal::Repeated { client_id: client_id.clone(), earlier: earlier.id });
        }
        let Some(market) = self.markets.get_mut(&order.symbol()) else { return Err(Refusal::NoSuchOrder(order.id)) };
        let open = market.is_open(now)?;
        let listing = &market.listing;
        listing.instrument.on_lot(intent.quantity)?;
        for price in [intent.limit, intent.stop].into_iter().flatten() {
            listing.instrument.on_tick(price)?;
        }
        checks::complete(intent)?;
        let at_once = matches!(intent.duration, TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill);
        if !open && (at_once || listing.rules.closed == Closed::Refuse) {
            return Err(Refusal::Closed { instrument: listing.instrument.name.clone(), time: now });
        }
        let expires = if intent.duration == TimeInForce::Day { market.day_ends(now)? } else { None };
        let reckoned = self.check_room(order)?;
        Ok(Admitted { expires, reckoned })
    }

    /// Whether the account has room for what is open of an order, and at which price that was reckoned.
    fn check_room(&self, order: &PaperOrder) -> Result<Price, Refusal> {
        let no_such = || Refusal::NoSuchOrder(order.id);
        let market = self.markets.get(&order.symbol()).ok_or_else(no_such)?;
        let seat = self.seats.get(&order.placement.account).ok_or_else(no_such)?;
        let (listing, reckoned) = (&market.listing, market.reckoned(order));
        let amount = Quantity::from_raw(order.quantity.raw() - order.filled.raw());
        let price = reckoned.unwrap_or_default();
        let fee = listing.fees.after(Charged::default(), Role::Taker, amount, price, listing.instrument.multiplier);
        let fee = fee.map_or(Money::ZERO, |(_, fee)| fee);
        seat.account.check(listing, Wish { side: order.side(), amount, reckoned, fee }, &self.markets)?;
        Ok(price)
    }

    /// Lets a stop wait, if the market is not beyond it already.
    fn await_trigger(&mut self, id: u64, rank: u64, now: Time) {
        let Some(symbol) = self.order(id).map(PaperOrder::symbol) else { return };
        let Some(market) = self.markets.get_mut(&symbol) else { return };
        market.stops.insert(rank, id);
        let later = market.listing.rules.entry == Entry::NextData;
        if later {
            if let Some(order) = self.order_mut(id) {
                order.fresh = Some(now);
            }
        } else if market.is_open(now).unwrap_or(false) {
            self.trigger(id, now);
        }
    }

    /// Moves a trailing stop, and sets a stop off that the market has reached.
    pub(super) fn trigger(&mut self, id: u64, now: Time) {
        let Some(order) = self.order(id).filter(|order| order.is_live() && order.fresh.is_none_or(|since| since < now))
        else {
            return;
        };
        let Some(market) = self.markets.get(&order.symbol()) else { return };
        let (side, Some(price)) = (order.side(), market.trigger(order.side())) else { return };
        let mut stop = order.stop;
        // A stop that is no price stays where it was.
        let moved = order
            .placement
            .intent
            .trail
            .and_then(|trail| market.listing.instrument.trailed(side, trail, stop, price).ok().flatten());
        if let Some(moved) = moved {
            stop = Some(moved);
            if let Some(order) = self.order_mut(id) {
                order.stop = stop;
            }
            self.tell(id, Event::Trailed(moved), now);
        }
        if stop.is_some_and(|stop| price == stop || is_worse(side, price, stop)) {
            self.leave(id);
            let rank = self.next();
            if let Some(order) = self.order_mut(id) {
                (order.set_off, order.rank, order.fresh, order.updated) = (true, rank, None, now);
            }
            self.tell(id, Event::SetOff, now);
            self.activate(id, now);
        }
    }

    /// An order meets what stands, and then takes its own place.
    pub(super) fn activate(&mut self, id: u64, now: Time) {
        let Some(order) = self.order_mut(id) else { return };
        order.fresh = None;
        let (symbol, was_stop) = (order.symbol(), order.order_type().is_stop());
        // Data that set off a stop are there already; only a feed of trades has nothing that stands.
        let Some(market) = self.markets.get_mut(&symbol) else { return };
        let open = market.is_open(now).unwrap_or(false);
        let meets = open && (market.meets_standing() || (was_stop && market.listing.rules.feed != super::Feed::Trades));
        if open && (meets || market.listing.rules.entry == Entry::Standing) {
            self.cross(id, now, Role::Taker);
        }
        if meets {
            return self.settle(id, now);
        }
        if let Some(order) = self.order_mut(id).filter(|order| order.is_live()) {
            order.fresh = Some(now);
            self.keep_fresh(symbol, id);
        }
        self.stand(id);
    }

    /// Takes an order's place in the market.
    pub(super) fn stand(&mut self, id: u64) {
        let Some(order) = self.order(id).filter(|order| order.is_live()) else { return };
        let (symbol, side, limit, place) = (order.symbol(), order.side(), order.limit, order.place());
        let Some(market) = self.markets.get_mut(&symbol) else { return };
        let behind = matches!(market.listing.rules.queue, Queue::Behind { .. });
        let ahead = limit.filter(|_| behind).map_or(Some(0), |limit| market.shown_at(side, limit));
        market.standing_mut(side).insert(place);
        // Somebody may wait at any price.
        let waiting = market.standing(side.opposite()).first().map(|place| place.id);
        if let Some(order) = self.order_mut(id) {
            order.ahead = ahead;
        }
        let waiting = waiting.filter(|_| limit.is_some()).and_then(|id| self.order(id));
        if let Some(waiting) =
            waiting.filter(|order| order.limit.is_none() && order.fresh.is_none()).map(|order| order.id)
        {
            self.cross(waiting, self.clock, Role::Taker);
        }
    }

    fn amend(&mut self, account: u32, id: u64, terms: Amendment, now: Time) -> Result<(), Refusal> {
        let before = self.live(account, id)?.clone();
        let Amendment { quantity, limit, stop } = terms;
        if quantity <= before.filled {
            return Err(Refusal::NothingLeft { order: id, quantity, filled: before.filled });
        }
        let instrument = self.markets.get(&before.symbol()).map(|market| market.listing.instrument.clone());
        let Some(instrument) = instrument else { return Err(Refusal::NoSuchOrder(id)) };
        instrument.on_lot(quantity)?;
        for price in [limit, stop].into_iter().flatten() {
            instrument.on_tick(price)?;
        }
        let was_stop = before.order_type().is_stop();
        if was_stop && before.set_off && stop.is_some() {
            return Err(Refusal::SetOff(id));
        }
        let after =
            PaperOrder { quantity, limit: limit.or(before.limit), stop: stop.or(before.stop), ..before.clone() };
        let intent = OrderIntent { quantity, limit: after.limit, stop: after.stop, ..after.placement.intent.clone() };
        checks::complete(&if was_stop && before.set_off { as_set_off(intent) } else { intent })?;
        let open = before.open().raw();
        self.reserve(&before, -open);
        let reckoned = match self.check_room(&after) {
            Ok(reckoned) => reckoned,
            Err(refusal) => {
                self.reserve(&before, open);
                return Err(refusal);
            }
        };
        let after = PaperOrder { reckoned, updated: now, ..after };
        self.reserve(&after, after.open().raw());
        self.put(&before, after, now);
        Ok(())
    }

    /// Gives an order its new terms, and another place unless it only became smaller.
    fn put(&mut self, before: &PaperOrder, after: PaperOrder, now: Time) {
        let id = before.id;
        let keeps = !before.set_off || (after.limit == before.limit && after.quantity <= before.quantity);
        if !keeps {
            self.leave(id);
        }
        let terms = Amendment { quantity: after.quantity, limit: after.limit, stop: after.stop };
        let rank = if keeps { before.rank } else { self.next() };
        if let Some(order) = self.order_mut(id) {
            *order = PaperOrder { rank, ..after };
        }
        self.tell(id, Event::Replaced(terms), now);
        if !keeps {
            self.activate(id, now);
        } else if !before.set_off {
            self.await_trigger(id, rank, now);
        }
    }
}

/// The terms of a stop that was set off: those of a market or a limit order.
fn as_set_off(intent: OrderIntent) -> OrderIntent {
    let order_type = if intent.order_type == OrderType::StopLimit { OrderType::Limit } else { OrderType::Market };
    OrderIntent { order_type, stop: None, trail: None, ..intent }
}
