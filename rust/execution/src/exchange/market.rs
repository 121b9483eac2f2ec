//! What the exchange knows of one instrument: what is shown, what was taken of it, and which orders stand.

use std::collections::{BTreeMap, BTreeSet};

use exuvia_market::sessions::CalendarError;
use exuvia_model::{OrderType, Price, Quantity, Quote, Side, Time};

use super::order::{PaperOrder, Place};
use super::rules::MILLION;
use super::{Feed, Level, Liquidity, Listing, Refill};

/// One shown price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) price: Price,
    pub(super) size: i64,
    /// How much of it orders here have taken.
    taken: i64,
    /// How much traded there since it was shown.
    traded: i64,
}

/// Shown prices of one side, best first.
pub(super) type Ladder = Vec<Shown>;

/// An instrument at the exchange.
#[derive(Debug, Clone)]
pub(super) struct Market {
    pub(super) listing: Listing,
    /// What can be sold to.
    bids: Ladder,
    /// What can be bought.
    asks: Ladder,
    pub(super) last: Option<Price>,
    pub(super) volume: Option<Quantity>,
    /// Orders that stand, the first in line first.
    buys: BTreeSet<Place>,
    sells: BTreeSet<Place>,
    /// Orders whose stop was not set off, in order of arrival.
    pub(super) stops: BTreeMap<u64, u64>,
    /// Orders that may not have met the market yet.
    pub(super) fresh: Vec<u64>,
    /// How many quotes, depths and trades came.
    pub(super) count: u64,
    /// Time of the newest quote or depth, and of the newest trade.
    pub(super) newest: [Option<Time>; 2],
    /// Whether it is open, from when until when that is known.
    span: Option<(Time, Option<Time>, bool)>,
}

impl Market {
    pub(super) fn new(listing: Listing) -> Self {
        Self {
            listing,
            bids: Ladder::new(),
            asks: Ladder::new(),
            last: None,
            volume: None,
            buys: BTreeSet::new(),
            sells: BTreeSet::new(),
            stops: BTreeMap::new(),
            fresh: Vec::new(),
            count: 0,
            newest: [None; 2],
            span: None,
        }
    }

    /// Whether the market is open; the calendar is asked once for each time it turns.
    pub(super) fn is_open(&mut self, now: Time) -> Result<bool, CalendarError> {
        if let Some((from, to, open)) = self.span
            && from <= now
            && to.is_none_or(|to| now < to)
        {
            return Ok(open);
        }
        let calendar = &self.listing.calendar;
        let open = calendar.is_open(now)?;
        let turn = if open { calendar.next_close(now)? } else { calendar.next_open(now)? };
        self.span = Some((now, turn, open));
        Ok(open)
    }

    /// When an order for the day ends that arrives now: with the session, or with the next one.
    pub(super) fn day_ends(&self, now: Time) -> Result<Option<Time>, CalendarError> {
        let calendar = &self.listing.calendar;
        if let Some(session) = calendar.session_at(now)? {
            return Ok(Some(session.close));
        }
        let Some(open) = calendar.next_open(now)? else { return Ok(None) };
        Ok(calendar.session_at(open)?.map(|session| session.close))
    }

    /// The price by which positions are worth something: the mid, else the last trade.
    pub(super) fn mark(&self) -> Option<Price> {
        let best = |ladder: &Ladder| ladder.first().map(|shown| i128::from(shown.price.raw()));
        let mid =
            best(&self.bids).zip(best(&self.asks)).and_then(|(bid, ask)| i64::try_from((bid + ask).div_euclid(2)).ok());
        mid.map(Price::from_raw).or(self.last)
    }

    /// What an order of this side can take.
    pub(super) const fn against(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.asks,
            Side::Sell => &self.bids,
        }
    }

    /// What others of this side show.
    const fn with(&self, side: Side) -> &Ladder {
        self.against(side.opposite())
    }

    /// The standing orders of a side, the first in line first.
    pub(super) const fn standing(&self, side: Side) -> &BTreeSet<Place> {
        match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        }
    }

    pub(super) const fn standing_mut(&mut self, side: Side) -> &mut BTreeSet<Place> {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    /// What a lot leaves of an amount.
    pub(super) const fn lots(&self, amount: i64) -> i64 {
        amount - amount % self.listing.instrument.lot.raw()
    }

    /// What can be had of a shown size, of which so much was taken.
    pub(super) fn available(&self, size: i64, taken: i64) -> i64 {
        let shown = match self.listing.rules.liquidity {
            Liquidity::Unlimited => return i64::MAX,
            Liquidity::Shown => size,
            Liquidity::Share(share) => part(size, share),
        };
        self.lots(shown.saturating_sub(taken).max(0))
    }

    /// The first shown price at which something can be had: where it is, its price for this order, how much.
    pub(super) fn best(&self, order: &PaperOrder) -> Option<(usize, Price, i64)> {
        self.levels(order).next()
    }

    /// All shown prices within an order's limit at which something can be had.
    pub(super) fn levels<'a>(&'a self, order: &'a PaperOrder) -> impl Iterator<Item = (usize, Price, i64)> + 'a {
        let ladder = if self.listing.rules.feed == Feed::Trades { &[] } else { self.against(order.side()).as_slice() };
        let had = ladder
            .iter()
            .enumerate()
            .map(|(at, shown)| (at, self.price_for(order, shown.price), self.available(shown.size, shown.taken)));
        had.filter(|(_, _, available)| *available > 0).take_while(|(_, price, _)| order.takes(*price))
    }

    /// The price at which an order takes what is shown at `price`, by the model of its listing.
    fn price_for(&self, order: &PaperOrder, price: Price) -> Price {
        let Listing { symbol, instrument, rules, .. } = &self.listing;
        let best = self.bids.first().zip(self.asks.first());
        best.map_or(price, |(bid, ask)| match rules.fill {
            super::FillModel::Touch => price,
            model => {
                let size = Quantity::ZERO;
                let quote = Quote {
                    symbol: *symbol,
                    time: Time(0),
                    bid: bid.price,
                    ask: ask.price,
                    bid_size: size,
                    ask_size: size,
                };
                model.price(order.side(), &quote, instrument.tick, order.placement.legs, self.volume)
            }
        })
    }

    /// Takes so much of a shown price, and says which price that is.
    pub(super) fn take(&mut self, side: Side, at: usize, amount: i64) -> Option<Price> {
        let ladder = if side == Side::Buy { &mut self.asks } else { &mut self.bids };
        let shown = ladder.get_mut(at)?;
        shown.taken = shown.taken.saturating_add(amount);
        Some(shown.price)
    }

    /// Shows what a quote or a depth shows. Gives what each side showed before.
    pub(super) fn show(&mut self, bids: &[Level], asks: &[Level]) -> [Ladder; 2] {
        let keep = self.listing.rules.refill == Refill::WhenPriceReturns;
        let shown = |before: &Ladder, levels: &[Level]| -> Ladder {
            let level = |level: &Level| {
                let taken = before.iter().find(|shown| shown.price == level.price).map_or(0, |shown| shown.taken);
                Shown { price: level.price, size: level.size.raw(), taken: if keep { taken } else { 0 }, traded: 0 }
            };
            levels.iter().map(level).collect()
        };
        let (bids, asks) = (shown(&self.bids, bids), shown(&self.asks, asks));
        [std::mem::replace(&mut self.bids, bids), std::mem::replace(&mut self.asks, asks)]
    }

    /// How much others show at a price of this side: none if that cannot be seen, because it lies beyond the worst price shown.
    pub(super) fn shown_at(&self, side: Side, price: Price) -> Option<i64> {
        size_at(self.with(side), side, price)
    }

    /// How much is ahead of an order after the shown sizes have changed.
    pub(super) fn ahead_after(&self, order: &PaperOrder, before: &Ladder, cancels: u32) -> Option<i64> {
        let (side, price) = (order.side(), order.limit?);
        let Some(now) = self.shown_at(side, price) else { return order.ahead };
        let Some(ahead) = order.ahead else { return Some(now) };
        let gone = size_at(before, side, price).map_or(0, |size| {
            let traded = before.iter().find(|shown| shown.price == price).map_or(0, |shown| shown.traded);
            size.saturating_sub(now).saturating_sub(traded).max(0)
        });
        Some((ahead - part(gone, cancels)).clamp(0, now))
    }

    /// Notes a trade at a shown price.
    pub(super) fn note_trade(&mut self, price: Price, size: i64) {
        for shown in self.bids.iter_mut().chain(&mut self.asks).filter(|shown| shown.price == price) {
            shown.traded = shown.traded.saturating_add(size);
        }
    }

    /// The price that sets off stops of this side, if there is one.
    pub(super) fn trigger(&self, side: Side) -> Option<Price> {
        match self.listing.rules.trigger {
            super::Trigger::Quote => self.against(side).first().map(|shown| shown.price),
            super::Trigger::Trade => self.last,
        }
    }

    /// Whether orders meet what stands when they arrive.
    pub(super) fn meets_standing(&self) -> bool {
        self.listing.rules.entry == super::Entry::Standing && self.listing.rules.feed != Feed::Trades
    }

    /// The worst price that is shown to an order.
    pub(super) fn worst(&self, order: &PaperOrder) -> Option<Price> {
        let shown = self.against(order.side()).last().filter(|_| self.listing.rules.feed != Feed::Trades)?;
        Some(self.price_for(order, shown.price))
    }

    /// A price so many ticks worse; not below one tick where prices are positive.
    pub(super) fn beyond(&self, side: Side, worst: Price, ticks: u32) -> Price {
        let instrument = &self.listing.instrument;
        let price = worst
            .raw()
            .saturating_add(instrument.tick.raw().saturating_mul(i64::from(ticks)).saturating_mul(side.sign()));
        Price::from_raw(if instrument.negative_prices { price } else { price.max(instrument.tick.raw()) })
    }

    /// The price by which an order's worth is reckoned: its limit or stop, else what it would pay, else the last one.
    pub(super) fn reckoned(&self, order: &PaperOrder) -> Option<Price> {
        let far = self.against(order.side()).first().map(|shown| shown.price);
        let own = if order.order_type() == OrderType::TrailingStop { None } else { order.limit.or(order.stop) };
        own.or(far).or_else(|| self.mark())
    }
}

/// So many millionths of an amount, downwards.
pub(super) fn part(amount: i64, millionths: u32) -> i64 {
    i64::try_from(i128::from(amount) * i128::from(millionths) / i128::from(MILLION)).unwrap_or(i64::MAX)
}

fn size_at(ladder: &Ladder, side: Side, price: Price) -> Option<i64> {
    let worst = ladder.last()?;
    if super::order::is_worse(side, worst.price, price) {
        return None;
    }
    Some(ladder.iter().find(|shown| shown.price == price).map_or(0, |shown| shown.size))
}
