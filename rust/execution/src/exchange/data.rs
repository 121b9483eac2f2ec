//! What market data do: they move queues, fill what rests, and set off stops.
//!
//! In this order: requests that arrive by then, the shown sizes, orders that stand (buys before sells, each side by price and time),
//! then stops in the order of their arrival.

use exuvia_model::{Price, Quantity, Quote, Side, Symbol, Time, Trade};

use super::chance::Lane;
use super::market::{Ladder, Market};
use super::{Depth, Exchange, ExchangeError, Feed, FillModel, Level, Liquidity, Queue, Role, Trigger};

impl Exchange {
    /// A quote becomes known at `now`. One that is older than the newest of its instrument changes nothing and is counted.
    ///
    /// # Errors
    /// `Unlisted`, `WrongFeed`, `ClockBack`, `Crossed`, `NotPositive`, `Calendar`: nothing was matched.
    pub fn on_quote(&mut self, now: Time, quote: &Quote) -> Result<(), ExchangeError> {
        let bids = [Level { price: quote.bid, size: quote.bid_size }];
        let asks = [Level { price: quote.ask, size: quote.ask_size }];
        let market = self.market(quote.symbol)?;
        if market.listing.rules.feed == Feed::Depth {
            return Err(market.wrong_feed("quotes"));
        }
        self.show(now, &Depth { symbol: quote.symbol, time: quote.time, bids: &bids, asks: &asks })
    }

    /// The levels of a market become known at `now`: all that are shown, not what has changed.
    ///
    /// # Errors
    /// As `on_quote`, and `BadLevel`.
    pub fn on_depth(&mut self, now: Time, depth: &Depth<'_>) -> Result<(), ExchangeError> {
        let market = self.market(depth.symbol)?;
        if market.listing.rules.feed != Feed::Depth {
            return Err(market.wrong_feed("depth"));
        }
        self.show(now, depth)
    }

    /// A trade becomes known at `now`.
    ///
    /// # Errors
    /// `Unlisted`, `ClockBack`, `NotPositive`, `BadLevel` for a negative size, `Calendar`: nothing was matched.
    pub fn on_trade(&mut self, now: Time, trade: &Trade) -> Result<(), ExchangeError> {
        let market = self.market(trade.symbol)?;
        market.check_level(trade.time, None, Side::Buy, &Level { price: trade.price, size: trade.size })?;
        self.advance(now)?;
        let Some(open) = self.arrived(trade.symbol, 1, trade.time, now)? else { return Ok(()) };
        let Some(market) = self.markets.get_mut(&trade.symbol) else { return Ok(()) };
        market.last = Some(trade.price);
        if open {
            self.pass_trade(trade, now);
        }
        if let Some(market) = self.markets.get_mut(&trade.symbol) {
            market.note_trade(trade.price, trade.size.raw());
            if open {
                self.pass_stops(trade.symbol, Trigger::Trade, now);
            }
        }
        Ok(())
    }

    fn show(&mut self, now: Time, depth: &Depth<'_>) -> Result<(), ExchangeError> {
        let symbol = depth.symbol;
        self.market(symbol)?.check(depth)?;
        self.advance(now)?;
        let Some(open) = self.arrived(symbol, 0, depth.time, now)? else { return Ok(()) };
        let Some(market) = self.markets.get_mut(&symbol) else { return Ok(()) };
        let before = market.show(depth.bids, depth.asks);
        self.move_queues(symbol, &before);
        if open {
            for side in [Side::Buy, Side::Sell] {
                self.pass_shown(symbol, side, now);
            }
            if self.market(symbol)?.listing.rules.feed != Feed::Trades {
                self.no_longer_fresh(symbol, now);
            }
            self.pass_stops(symbol, Trigger::Quote, now);
        }
        Ok(())
    }

    /// Counts what came. `None` if something newer of its kind came before; otherwise whether the market is open.
    fn arrived(&mut self, symbol: Symbol, kind: usize, time: Time, now: Time) -> Result<Option<bool>, ExchangeError> {
        let market = self.markets.get_mut(&symbol).ok_or(ExchangeError::Unlisted(symbol))?;
        let open = market.is_open(now)?;
        if let Some(newest) = market.newest.get_mut(kind) {
            if newest.is_some_and(|newest| time < newest) {
                self.late += 1;
                return Ok(None);
            }
            *newest = Some(time);
        }
        market.count += 1;
        Ok(Some(open))
    }

    /// How much is ahead of the orders that stand, after the shown sizes have changed.
    fn move_queues(&mut self, symbol: Symbol, before: &[Ladder; 2]) {
        let Some(market) = self.markets.get(&symbol) else { return };
        let Queue::Behind { cancels } = market.listing.rules.queue else { return };
        let sides = [Side::Buy, Side::Sell].into_iter().zip(before);
        let moved: Vec<_> = sides
            .flat_map(|(side, before)| market.standing(side).iter().map(move |place| (place.id, before)))
            .filter_map(|(id, before)| self.order(id).map(|order| (id, market.ahead_after(order, before, cancels))))
            .collect();
        for (id, ahead) in moved {
            if let Some(order) = self.order_mut(id).filter(|order| order.limit.is_some()) {
                order.ahead = ahead;
            }
        }
    }

    /// The market shows prices: who stands there or beyond is filled.
    fn pass_shown(&mut self, symbol: Symbol, side: Side, now: Time) {
        let Some(market) = self.markets.get(&symbol) else { return };
        let reached = |id: &u64| self.order(*id).is_some_and(|order| market.best(order).is_some());
        let line = market.standing(side).iter().map(|place| place.id);
        // Those behind one that is not reached are not reached either, unless each has a price of its own.
        let line: Vec<u64> = match market.listing.rules.fill {
            FillModel::PerLeg { .. } => line.filter(reached).collect(),
            _ => line.take_while(reached).collect(),
        };
        for id in line {
            let (Some(order), Some(market)) = (self.order(id), self.markets.get(&symbol)) else { continue };
            let Some((_, price, _)) = market.best(order).filter(|_| order.fresh.is_none_or(|since| since < now)) else {
                continue;
            };
            let waits = order.limit.is_none();
            let comes = waits || order.fresh.is_some();
            let touched = order.limit == Some(price);
            if !comes && touched && !self.is_served(id, market) {
                continue;
            }
            self.cross(id, now, if comes { Role::Taker } else { Role::Maker });
            if waits && self.order(id).is_some_and(|order| order.fresh.is_none()) {
                self.settle(id, now);
            }
        }
    }

    /// Whether the other side's coming to its price serves an order that rests.
    fn is_served(&self, id: u64, market: &Market) -> bool {
        match market.listing.rules.queue {
            Queue::Behind { .. } | Queue::Front => true,
            Queue::Through => false,
            Queue::Chance(millionths) => self.chance.draw(Lane::Hit, id, market.count).happens(millionths),
        }
    }

    /// A trade serves who is ahead at its price, and whoever stands at a better one.
    fn pass_trade(&mut self, trade: &Trade, now: Time) {
        for side in [Side::Buy, Side::Sell] {
            let Some(market) = self.markets.get(&trade.symbol) else { return };
            let (rules, size) = (market.listing.rules, trade.size.raw());
            let unlimited = rules.liquidity == Liquidity::Unlimited;
            let takes = |id: &u64| self.order(*id).is_some_and(|order| order.takes(trade.price));
            let line: Vec<u64> = market.standing(side).iter().map(|place| place.id).take_while(takes).collect();
            // What is left of the trade, what of it can be had, and how much of it went to those ahead.
            let (mut left, mut had, mut passed) = (size, market.available(size, 0), 0_i64);
            for id in line {
                let (Some(order), Some(market)) = (self.order(id), self.markets.get(&trade.symbol)) else { continue };
                let (open, limit, fresh) = (order.open().raw(), order.limit, order.fresh);
                let comes = fresh.is_some() || limit.is_none();
                let passes = !comes && limit != Some(trade.price);
                let whole = order.placement.intent.duration == exuvia_model::TimeInForce::FillOrKill;
                let amount = if fresh.is_some_and(|since| since >= now) || (comes && rules.feed != Feed::Trades) {
                    0
                } else if comes {
                    if whole && had < open { 0 } else { open.min(had) }
                } else if passes {
                    open
                } else {
                    match rules.queue {
                        Queue::Through => 0,
                        Queue::Front => open.min(had),
                        Queue::Chance(_) => {
                            if self.is_served(id, market) {
                                open.min(had)
                            } else {
                                0
                            }
                        }
                        Queue::Behind { .. } => {
                            let Some(ahead) = order.ahead else { continue };
                            let waits = (ahead - passed).max(0);
                            let serves = waits.min(left);
                            (left, passed) = (left - serves, passed + serves);
                            had = if unlimited { had } else { market.lots(had.saturating_sub(serves)) };
                            let served = serves == waits && (left > 0 || waits == 0);
                            let ahead = (ahead - passed).max(0);
                            if let Some(order) = self.order_mut(id) {
                                order.ahead = Some(ahead);
                            }
                            if served { open.min(had) } else { 0 }
                        }
                    }
                };
                if amount > 0 {
                    let role = if comes { Role::Taker } else { Role::Maker };
                    let price = self.at_limit(id, role).unwrap_or(trade.price);
                    let executed = self.execute(id, amount, price, role, now);
                    // Whoever stands at a better price was passed by more than this trade.
                    if executed && !passes {
                        left = left.saturating_sub(amount).max(0);
                        had = if unlimited { had } else { had.saturating_sub(amount).max(0) };
                    }
                }
            }
        }
        if self.markets.get(&trade.symbol).is_some_and(|market| market.listing.rules.feed == Feed::Trades) {
            self.no_longer_fresh(trade.symbol, now);
        }
    }

    /// Orders that have met their first data rest from now on, or are taken out.
    fn no_longer_fresh(&mut self, symbol: Symbol, now: Time) {
        let Some(market) = self.markets.get_mut(&symbol) else { return };
        for id in std::mem::take(&mut market.fresh) {
            let Some(order) = self.order_mut(id).filter(|order| order.is_live()) else { continue };
            match order.fresh {
                // It was given other terms since, and has its place again.
                None => {}
                Some(since) if since < now => {
                    order.fresh = None;
                    // Others that came meanwhile.
                    self.cross(id, now, Role::Taker);
                    self.settle(id, now);
                }
                Some(_) => self.keep_fresh(symbol, id),
            }
        }
    }

    /// Notes an order that meets the market with the next data.
    pub(super) fn keep_fresh(&mut self, symbol: Symbol, id: u64) {
        if let Some(market) = self.markets.get_mut(&symbol) {
            market.fresh.push(id);
        }
    }

    fn pass_stops(&mut self, symbol: Symbol, by: Trigger, now: Time) {
        let Some(market) = self.markets.get(&symbol).filter(|market| market.listing.rules.trigger == by) else {
            return;
        };
        let waiting: Vec<u64> = market.stops.values().copied().collect();
        for id in waiting {
            self.trigger(id, now);
        }
    }
}

impl Market {
    fn wrong_feed(&self, got: &'static str) -> ExchangeError {
        ExchangeError::WrongFeed {
            instrument: self.listing.instrument.name.clone(),
            feed: self.listing.rules.feed,
            got,
        }
    }

    /// Whether levels can be traded on.
    fn check(&self, depth: &Depth<'_>) -> Result<(), ExchangeError> {
        for (side, levels) in [(Side::Buy, depth.bids), (Side::Sell, depth.asks)] {
            let mut before = None;
            for level in levels {
                self.check_level(depth.time, before, side, level)?;
                before = Some(level.price);
            }
        }
        match (depth.bids.first(), depth.asks.first()) {
            (Some(bid), Some(ask)) if bid.price > ask.price => {
                let (instrument, time) = (self.listing.instrument.name.clone(), depth.time);
                Err(ExchangeError::Crossed { instrument, time, bid: bid.price, ask: ask.price })
            }
            _ => Ok(()),
        }
    }

    fn check_level(&self, time: Time, before: Option<Price>, side: Side, level: &Level) -> Result<(), ExchangeError> {
        let Level { price, size } = *level;
        let instrument = || self.listing.instrument.name.clone();
        if price <= Price::ZERO && !self.listing.instrument.negative_prices {
            return Err(ExchangeError::NotPositive { instrument: instrument(), time, price });
        }
        let follows = before.is_none_or(|before| if side == Side::Buy { price < before } else { price > before });
        if follows && size >= Quantity::ZERO {
            return Ok(());
        }
        Err(ExchangeError::BadLevel { instrument: instrument(), time, price, size })
    }
}
