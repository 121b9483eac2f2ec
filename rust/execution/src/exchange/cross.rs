//! An order takes what it can of what stands against it: the best price first, at one price what came first.

use exuvia_model::{OrderStatus, Price, Quantity, Time, TimeInForce};

use super::account::Booking;
use super::fees::Charged;
use super::order::is_worse;
use super::{Beyond, Event, Exchange, PaperOrder, Removal, Resting, Role, SelfTrade};
use crate::Fee;

/// What an order meets next.
enum Met {
    /// So much of a shown price.
    Shown { at: usize, price: Price, amount: i64 },
    /// Another order at its limit.
    Order { id: u64, price: Price, amount: i64 },
}

impl Exchange {
    /// An order takes what it can. As a maker it rested, and the market has come to it.
    pub(super) fn cross(&mut self, id: u64, now: Time, role: Role) {
        let all_or_nothing = |order: &PaperOrder| order.placement.intent.duration == TimeInForce::FillOrKill;
        if self.order(id).is_some_and(all_or_nothing) && !self.has_all(id) {
            return;
        }
        while let Some(met) = self.meets(id) {
            match met {
                Met::Shown { at, price, amount } => {
                    let price = self.at_limit(id, role).unwrap_or(price);
                    if !self.execute(id, amount, price, role, now) {
                        return;
                    }
                    self.take(id, at, amount);
                }
                Met::Order { id: other, price, amount } => {
                    if self.is_own(id, other) && self.self_trade != SelfTrade::Allow {
                        self.part_own(id, other, now);
                        continue;
                    }
                    // Both or none: what one of them cannot book the other does not have.
                    let plans = [(other, Role::Maker), (id, role)]
                        .map(|(id, role)| (id, self.plan(id, amount, price, role).is_some()));
                    if let Some((unbookable, _)) = plans.into_iter().find(|(_, booked)| !booked) {
                        self.remove(unbookable, Removal::Unbookable, now);
                        continue;
                    }
                    self.execute(other, amount, price, Role::Maker, now);
                    self.execute(id, amount, price, role, now);
                }
            }
        }
    }

    /// What an order meets next, if it meets anything within its limit.
    fn meets(&self, id: u64) -> Option<Met> {
        let order = self.order(id).filter(|order| order.is_live())?;
        let (open, market) = (order.open().raw(), self.markets.get(&order.symbol())?);
        let rival = self.rivals(order).next();
        let shown = market.best(order);
        let met = |rival: &PaperOrder, price| Met::Order { id: rival.id, price, amount: open.min(rival.open().raw()) };
        match (shown, rival) {
            (None, rival) => rival.map(|(rival, price)| met(rival, price)),
            (Some((at, price, available)), None) => Some(Met::Shown { at, price, amount: open.min(available) }),
            (Some((at, price, available)), Some((rival, at_limit))) => {
                // At one price what was shown ahead of the other order comes first.
                let ahead = if price == at_limit { market.lots(rival.ahead.unwrap_or(i64::MAX)) } else { i64::MAX };
                if is_worse(order.side(), price, at_limit) || ahead == 0 {
                    return Some(met(rival, at_limit));
                }
                Some(Met::Shown { at, price, amount: open.min(available).min(ahead) })
            }
        }
    }

    /// The orders that this one could meet, the first in line first.
    fn rivals<'a>(&'a self, order: &'a PaperOrder) -> impl Iterator<Item = (&'a PaperOrder, Price)> + 'a {
        let market = self.markets.get(&order.symbol()).filter(|_| !self.apart);
        let line = market.into_iter().flat_map(|market| market.standing(order.side().opposite()));
        let rivals = line.filter_map(|place| self.order(place.id)).filter(|rival| rival.fresh.is_none());
        let limited = rivals.filter_map(|rival| Some((rival, rival.limit?)));
        limited.take_while(|(_, price)| order.takes(*price))
    }

    /// Whether all of an order can be had at once.
    fn has_all(&self, id: u64) -> bool {
        let Some(order) = self.order(id) else { return false };
        let Some(market) = self.markets.get(&order.symbol()) else { return false };
        let own = |rival: &PaperOrder| {
            rival.placement.account == order.placement.account && self.self_trade != SelfTrade::Allow
        };
        // An order of its own account in the way ends it there.
        let ends = self.self_trade != SelfTrade::CancelOldest;
        let wall = self.rivals(order).find(|(rival, _)| own(rival) && ends).map(|(_, price)| price);
        let before = |price: Price| wall.is_none_or(|wall| is_worse(order.side(), wall, price));
        let shown =
            market.levels(order).filter(|(_, price, _)| before(*price)).map(|(_, _, available)| i128::from(available));
        let rivals = self.rivals(order).filter(|(rival, price)| !own(rival) && before(*price));
        let sum: i128 = shown.chain(rivals.map(|(rival, _)| i128::from(rival.open().raw()))).sum();
        sum >= i128::from(order.open().raw())
    }

    fn is_own(&self, id: u64, other: u64) -> bool {
        let account = |id| self.order(id).map(|order| order.placement.account);
        account(id) == account(other)
    }

    /// Two orders of one account meet and must not trade.
    fn part_own(&mut self, id: u64, other: u64, now: Time) {
        let rank = |id| self.order(id).map(|order| order.rank);
        let (older, newer) = if rank(id) < rank(other) { (id, other) } else { (other, id) };
        if self.self_trade != SelfTrade::CancelOldest {
            self.remove(newer, Removal::SelfTrade, now);
        }
        if self.self_trade != SelfTrade::CancelNewest {
            self.remove(older, Removal::SelfTrade, now);
        }
    }

    /// The price of an order that rested, where that is its own.
    pub(super) fn at_limit(&self, id: u64, role: Role) -> Option<Price> {
        let order = self.order(id).filter(|_| role == Role::Maker)?;
        let resting = self.markets.get(&order.symbol())?.listing.rules.resting;
        order.limit.filter(|_| resting == Resting::AtLimit)
    }

    /// Takes so much of a shown price: it was ahead of the orders that stand there.
    fn take(&mut self, id: u64, at: usize, amount: i64) {
        let Some(order) = self.order(id) else { return };
        let (side, symbol) = (order.side(), order.symbol());
        let Some(market) = self.markets.get_mut(&symbol) else { return };
        let Some(price) = market.take(side, at, amount) else { return };
        let line: Vec<u64> = market.standing(side.opposite()).iter().map(|place| place.id).collect();
        for id in line {
            if let Some(other) = self.order_mut(id).filter(|other| other.limit == Some(price)) {
                other.ahead = other.ahead.map(|ahead| ahead.saturating_sub(amount).max(0));
            }
        }
    }

    /// After an order has met what stands: what is left of it waits, or is taken out.
    pub(super) fn settle(&mut self, id: u64, now: Time) {
        let Some(order) = self.order(id).filter(|order| order.is_live()) else { return };
        let duration = order.placement.intent.duration;
        if duration == TimeInForce::FillOrKill {
            return self.remove(id, Removal::NotWhole, now);
        }
        let Some(market) = self.markets.get(&order.symbol()) else { return };
        let worst = market.worst(order).filter(|_| order.limit.is_none());
        match (market.listing.rules.beyond, worst) {
            (Beyond::Ticks(ticks), Some(worst)) => {
                let (rest, price) = (order.open().raw(), market.beyond(order.side(), worst, ticks));
                self.execute(id, rest, price, Role::Taker, now);
            }
            (Beyond::Cancel, Some(_)) => return self.remove(id, Removal::Beyond, now),
            _ if duration == TimeInForce::ImmediateOrCancel => return self.remove(id, Removal::NotAtOnce, now),
            _ => {}
        }
        self.stand(id);
    }

    /// What an execution would make of an order's fees and of its account; none if that leaves a range.
    fn plan(&self, id: u64, amount: i64, price: Price, role: Role) -> Option<(Charged, Fee, Booking)> {
        let order = self.order(id)?;
        let (market, seat) = (self.markets.get(&order.symbol())?, self.seats.get(&order.placement.account)?);
        let (listing, quantity) = (&market.listing, Quantity::from_raw(amount));
        let multiplier = listing.instrument.multiplier;
        let (charged, fee) = listing.fees.after(order.charged, role, quantity, price, multiplier).ok()?;
        let booking = seat.account.booking(listing, order.side(), quantity, price, fee).ok()?;
        Some((charged, Fee { amount: fee, currency: listing.instrument.currency }, booking))
    }

    /// Books an execution of one order. Where it cannot be booked the order is taken out, and that is told.
    pub(super) fn execute(&mut self, id: u64, amount: i64, price: Price, role: Role, now: Time) -> bool {
        let Some(order) = self.order(id).filter(|order| order.is_live()) else { return false };
        let (account, symbol, side, reckoned) = (order.placement.account, order.symbol(), order.side(), order.reckoned);
        let filled = Quantity::from_raw(order.filled.raw() + amount);
        let (quantity, last) = (Quantity::from_raw(amount), filled == order.quantity);
        let Some((charged, fee, booking)) = self.plan(id, amount, price, role) else {
            self.remove(id, Removal::Unbookable, now);
            return false;
        };
        if let Some(seat) = self.seats.get_mut(&account) {
            seat.account.book(booking);
            seat.account.reserve(symbol, side, -amount, reckoned);
        }
        let number = self.executions.len() as u64 + 1;
        if last {
            self.leave(id);
        }
        if let Some(order) = self.order_mut(id) {
            order.value = order.value.saturating_add(i128::from(amount) * i128::from(price.raw()));
            order.status = if last { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
            (order.filled, order.charged, order.updated) = (filled, charged, now);
        }
        self.tell(id, Event::Executed { number, quantity, price, fee, role, last }, now);
        true
    }
}
