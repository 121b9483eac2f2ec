//! A desk's way to a ProjectX gateway: checked orders out by REST, reports in from the user hub, and the gateway's lists where
//! something is in doubt. One account; instruments are named by contract id.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use exuvia_execution::{
    Amendment, Broker, Capabilities, ChangeOutcome, CheckedOrder, Heard, Instrument, Order, PlaceOutcome, Report,
    Snapshot, Unreachable, VenueOrder,
};
use exuvia_model::{ModelError, OrderIntent, OrderType, Price, Time, TimeInForce, Trail};
use exuvia_ports::{Frame, Http, Request};

use super::outcome::{changed, execution, placed, positions, unreachable, venue_order};
use super::{
    Account, Config, HubNews, HubState, ModifyOrder, ORDER_LIMIT_TICKS, OrderKind, OrderRow, PlaceOrder, ProjectX,
    ProjectXError, TradeRow, TrailPrice, UserEvent, UserHub, align,
};

/// Most client ids that are remembered for executions, which carry none.
const REMEMBERED: usize = 20_000;
const PLAIN: &[OrderType] = &[OrderType::Market, OrderType::Limit, OrderType::Stop, OrderType::TrailingStop];
const WITH_STOP_LIMIT: &[OrderType] =
    &[OrderType::Market, OrderType::Limit, OrderType::Stop, OrderType::TrailingStop, OrderType::StopLimit];

/// A desk's broker at a ProjectX gateway.
///
/// Frames of the user hub are carried by whoever has the connection: open it with [`Self::hub_request`], tell
/// [`Self::hub_opened`], give what comes to [`Self::hear`], send what [`Self::hub_frames`] has, and do the latter at least
/// every few seconds, for that is when pings and silence are looked at.
#[derive(Debug)]
pub struct ProjectXBroker {
    gateway: ProjectX,
    hub: UserHub,
    reports: VecDeque<Report>,
    /// When the orders that may still change were made.
    live: BTreeMap<i64, Time>,
    /// The client ids of orders.
    tags: BTreeMap<i64, String>,
    taken: Option<Time>,
    odd: VecDeque<String>,
}

impl ProjectXBroker {
    /// A broker that nobody has asked anything yet.
    ///
    /// # Errors
    /// `Unfit` if the configuration cannot be.
    pub fn new(config: Config, http: Arc<dyn Http>) -> Result<Self, ProjectXError> {
        Ok(Self {
            gateway: ProjectX::new(config, http)?,
            hub: UserHub::new(0),
            reports: VecDeque::new(),
            live: BTreeMap::new(),
            tags: BTreeMap::new(),
            taken: None,
            odd: VecDeque::new(),
        })
    }

    /// The gateway, for what a desk does not ask: contracts, bars, native brackets, closing a position.
    pub const fn gateway(&mut self) -> &mut ProjectX {
        &mut self.gateway
    }

    /// The account, once it was asked for.
    #[must_use]
    pub const fn account(&self) -> Option<&Account> {
        self.gateway.account.as_ref()
    }

    /// What a connection to the user hub is opened with. Its address holds the token: it belongs in no log.
    ///
    /// # Errors
    /// What can come of a login and of the search for the account.
    pub fn hub_request(&mut self, now: Time) -> Result<Request, ProjectXError> {
        self.gateway.account_id(now)?;
        self.gateway.hub_request(now)
    }

    /// The connection is open.
    pub fn hub_opened(&mut self, now: Time) {
        self.hub = UserHub::new(self.account().map_or(0, |account| account.id));
        self.hub.opened(now);
    }

    /// The connection broke, or could not be opened.
    pub fn hub_lost(&mut self, why: &str, now: Time) {
        if let Some(news) = self.hub.lost(&self.gateway.hide(why)) {
            self.note(news, now);
        }
    }

    /// How far the connection is; open another one when it is `Closed`.
    #[must_use]
    pub const fn hub_state(&self) -> HubState {
        self.hub.state()
    }

    /// Takes a frame of the user hub; what it means for orders comes by `poll`.
    pub fn hear(&mut self, frame: &Frame, now: Time) {
        for news in self.hub.hear(frame, now) {
            self.note(news, now);
        }
    }

    /// The frames that are to be sent, in this order; a connection that was silent for too long is closed by this.
    pub fn hub_frames(&mut self, now: Time) -> Vec<Frame> {
        if let Some(news) = self.hub.look(now) {
            self.note(news, now);
        }
        self.hub.take_frames()
    }

    /// What the hub said that could not be read, since the last call; the last 100 are kept.
    pub fn take_odd(&mut self) -> Vec<String> {
        self.odd.drain(..).collect()
    }

    fn note(&mut self, news: HubNews, now: Time) {
        match news {
            HubNews::Ready => {
                self.gap("the user hub is connected, and tells nothing of what was before".to_owned(), now)
            }
            HubNews::Gone(why) => self.gap(self.gateway.hide(&why), now),
            HubNews::Odd(why) => {
                if self.odd.len() == 100 {
                    self.odd.pop_front();
                }
                self.odd.push_back(why.clone());
                self.gap(format!("the user hub said something that cannot be read: {why}"), now);
            }
            HubNews::Event(event) => self.event(event, now),
        }
    }

    fn gap(&mut self, why: String, now: Time) {
        self.reports.push_back(Report { client_id: None, venue_id: None, what: Heard::Gap(why), time: now });
    }

    fn event(&mut self, event: UserEvent, now: Time) {
        let ours = self.account().map(|account| account.id);
        match event {
            UserEvent::Order(row) if ours == Some(row.account) => {
                let order = self.know(&row);
                let (client_id, venue_id) = (order.client_id.clone(), Some(order.venue_id.clone()));
                let what = Heard::Order(order);
                self.reports.push_back(Report { client_id, venue_id, what, time: row.updated });
            }
            UserEvent::Trade(trade) if ours == Some(trade.account) => {
                if trade.voided {
                    let TradeRow { id, order, .. } = trade;
                    return self.gap(format!("execution {id} of order {order} was taken back by the exchange"), now);
                }
                let report = self.executed(&trade);
                self.reports.extend(report);
            }
            UserEvent::Account(account) if ours == Some(account.id) => {
                let known = self.gateway.account.as_ref().and_then(|known| known.balance);
                let balance = account.balance.or(known);
                self.gateway.account = Some(Account { balance, ..account });
            }
            // Positions follow from executions, and are compared by snapshots; another account is not ours to hear of.
            _ => {}
        }
    }

    /// Remembers whose order it is and whether it may still change.
    fn know(&mut self, row: &OrderRow) -> VenueOrder {
        let mut order = venue_order(row, self.gateway.config.trail_price);
        order.client_id = order.client_id.or_else(|| self.tags.get(&row.id).cloned());
        if order.status.is_terminal() {
            self.live.remove(&row.id);
        } else {
            self.live.insert(row.id, row.created);
        }
        if let Some(tag) = &row.tag {
            self.tag(row.id, tag);
        }
        order
    }

    fn tag(&mut self, id: i64, tag: &str) {
        if self.tags.len() >= REMEMBERED && !self.tags.contains_key(&id) {
            // Ids grow: the least is the oldest.
            self.tags.pop_first();
        }
        self.tags.insert(id, tag.to_owned());
    }

    fn executed(&self, trade: &TradeRow) -> Result<Report, ModelError> {
        execution(trade, self.tags.get(&trade.order).cloned())
    }

    /// From when on orders must be asked for so that none is missed that was alive at `since`: the gateway's search goes by
    /// when they were made, by its own clock.
    fn search_from(&self, since: Time) -> Time {
        let oldest = self.live.values().min().copied().unwrap_or(since).min(since);
        Time(oldest.0.saturating_sub(self.gateway.config.clock_margin))
    }

    /// All orders since `start` and all open ones, by id; the later row of one counts.
    fn all_orders(&mut self, start: Time, now: Time) -> Result<BTreeMap<i64, OrderRow>, ProjectXError> {
        let mut rows: BTreeMap<i64, OrderRow> = BTreeMap::new();
        let open = self.gateway.open_orders(now)?;
        for row in open.into_iter().chain(self.gateway.orders(start, None, now)?) {
            if rows.get(&row.id).is_none_or(|known| known.updated <= row.updated) {
                rows.insert(row.id, row);
            }
        }
        Ok(rows)
    }

    fn fit(&self, order: &OrderIntent, instrument: &Instrument, price: Price) -> Result<Price, ProjectXError> {
        align(price, instrument.tick, self.gateway.config.rounding, order.side, order.order_type)
    }

    /// The price of a trailing order for the gateway: a level or a distance.
    fn trail(&self, order: &OrderIntent, stop: Option<Price>, instrument: &Instrument) -> Result<Price, ProjectXError> {
        let unfit = |why: &str| ProjectXError::unfit("a TrailingStop order", why);
        if let Some(Trail::Ticks(ticks)) = order.trail
            && ticks > ORDER_LIMIT_TICKS
        {
            return Err(unfit("its distance is more than 1000 ticks"));
        }
        match (self.gateway.config.trail_price, order.trail) {
            (TrailPrice::Level, _) => {
                let start =
                    stop.ok_or_else(|| unfit("this gateway wants to know where its stop starts: set `stop`"))?;
                self.fit(order, instrument, start)
            }
            (TrailPrice::Distance, Some(Trail::Ticks(ticks))) => {
                let distance = instrument.tick.raw().checked_mul(i64::from(ticks));
                let text = format!("{ticks} ticks of {}", instrument.tick);
                Ok(distance.map(Price::from_raw).ok_or(ModelError::OutOfRange { what: "distance", text })?)
            }
            (TrailPrice::Distance, _) => Err(unfit("this gateway takes a distance in ticks only")),
        }
    }

    fn request(&self, order: &Order, instrument: &Instrument) -> Result<PlaceOrder, ProjectXError> {
        let intent = order.intent();
        let unfit = |what: String, why: &str| Err(ProjectXError::unfit(what, why));
        if matches!(intent.duration, TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill) {
            let why = "the gateway has no time in force: an order works until it is cancelled or the session ends";
            return unfit(format!("a {} order", intent.duration), why);
        }
        let price = |price: Option<Price>, name: &str| {
            let missing =
                || ProjectXError::unfit(format!("a {} order", intent.order_type), format!("it has no {name}"));
            self.fit(intent, instrument, price.ok_or_else(missing)?)
        };
        let kind = match intent.order_type {
            OrderType::Market => OrderKind::Market,
            OrderType::Limit => OrderKind::Limit(price(order.limit(), "limit")?),
            OrderType::Stop => OrderKind::Stop(price(order.stop(), "stop")?),
            OrderType::TrailingStop => OrderKind::Trailing(self.trail(intent, order.stop(), instrument)?),
            OrderType::StopLimit if !self.gateway.config.stop_limit => {
                let why =
                    "the gateway does not list it among what may be placed; `stop_limit` in the configuration sends it";
                return unfit("a StopLimit order".to_owned(), why);
            }
            OrderType::StopLimit => {
                OrderKind::StopLimit { limit: price(order.limit(), "limit")?, stop: price(order.stop(), "stop")? }
            }
        };
        let (contract, tag) = (instrument.name.clone(), Some(order.client_id().to_owned()));
        let (side, size) = (intent.side, order.state().quantity());
        Ok(PlaceOrder { contract, kind, side, size, tag, stop_loss: None, take_profit: None })
    }

    fn place_checked(&mut self, order: &Order, instrument: &Instrument, now: Time) -> Result<i64, ProjectXError> {
        let request = self.request(order, instrument)?;
        let answer = self.gateway.place(&request, now);
        let named = match &answer {
            Ok(id) => Some(*id),
            Err(ProjectXError::InDoubt(refusal)) => refusal.order_id,
            Err(_) => None,
        };
        if let Some(id) = named {
            self.live.insert(id, now);
            self.tag(id, order.client_id());
        }
        answer
    }

    fn terms(&self, order: &Order, terms: &Amendment, instrument: &Instrument) -> Result<ModifyOrder, ProjectXError> {
        let intent = order.intent();
        let fit = |price: Option<Price>| price.map(|price| self.fit(intent, instrument, price)).transpose();
        let size = Some(terms.quantity).filter(|size| *size != order.state().quantity());
        let (limit, stop) = (fit(terms.limit)?, fit(terms.stop)?);
        if intent.order_type == OrderType::TrailingStop {
            let trail = stop.map(|stop| self.trail(intent, Some(stop), instrument)).transpose()?;
            return Ok(ModifyOrder { size, limit, stop: None, trail });
        }
        Ok(ModifyOrder { size, limit, stop, trail: None })
    }

    fn take_snapshot(&mut self, now: Time) -> Result<Snapshot, ProjectXError> {
        let account = self.gateway.find_account(now)?;
        let no_cash = || ProjectXError::Unknown { call: "Account/search", why: "it says no balance".to_owned() };
        let cash = account.balance.ok_or_else(no_cash)?;
        let (look_back, margin) = (self.gateway.config.first_look_back, self.gateway.config.clock_margin);
        let since = self.taken.unwrap_or(Time(now.0.saturating_sub(look_back)));
        let cut = Time(since.0.saturating_sub(margin));
        let mut rows = self.all_orders(self.search_from(since), now)?;
        // What we knew to be alive and neither list has is asked for by its id.
        let missing: Vec<i64> = self.live.keys().filter(|id| !rows.contains_key(id)).copied().collect();
        for id in missing {
            match self.gateway.order(id, now)? {
                Some(row) => drop(rows.insert(id, row)),
                None => drop(self.live.remove(&id)),
            }
        }
        let mut orders = Vec::new();
        for row in rows.values() {
            let order = self.know(row);
            if !order.status.is_terminal() || row.updated >= cut {
                orders.push(order);
            }
        }
        let trades = self.gateway.trades(Some(cut), None, now)?;
        let executions = trades.iter().filter(|trade| !trade.voided).map(|trade| self.executed(trade));
        let executions = executions.collect::<Result<_, _>>()?;
        let positions = positions(&self.gateway.positions(now)?)?;
        let cash = vec![("USD".parse()?, cash)];
        self.taken = Some(now);
        Ok(Snapshot { orders, executions, positions, cash, taken: now })
    }

    /// The venue's number of an order.
    fn number(venue_id: &str) -> Result<i64, ProjectXError> {
        let why = "the gateway's orders have whole numbers: it is of another venue";
        venue_id.parse().map_err(|_| ProjectXError::unfit(format!("order {venue_id:?}"), why))
    }
}

impl Broker for ProjectXBroker {
    /// Legs of a bracket are placed by whoever manages the desk, with the entry's fill; the gateway's own brackets are in
    /// [`ProjectX::place`].
    fn capabilities(&self) -> Capabilities {
        let order_types = if self.gateway.config.stop_limit { WITH_STOP_LIMIT } else { PLAIN };
        Capabilities { order_types, replaces: true, brackets: false }
    }

    fn place(&mut self, order: &CheckedOrder, instrument: &Instrument, now: Time) -> PlaceOutcome {
        placed(self.place_checked(order.order(), instrument, now))
    }

    /// Success means that the order has its new terms.
    fn replace(
        &mut self,
        venue_id: &str,
        order: &Order,
        terms: &Amendment,
        instrument: &Instrument,
        now: Time,
    ) -> ChangeOutcome {
        let sent = Self::number(venue_id)
            .and_then(|id| Ok((id, self.terms(order, terms, instrument)?)))
            .and_then(|(id, terms)| self.gateway.modify(id, &terms, now));
        changed(sent, ChangeOutcome::Done)
    }

    /// Success means that the request was taken: the order's row says what became of it, for a fill may cross it.
    fn cancel(&mut self, venue_id: &str, now: Time) -> ChangeOutcome {
        let sent = Self::number(venue_id).and_then(|id| self.gateway.cancel(id, now));
        changed(sent, ChangeOutcome::Requested)
    }

    fn look_up(&mut self, client_id: &str, since: Time, now: Time) -> Result<Option<VenueOrder>, Unreachable> {
        let rows = self.all_orders(self.search_from(since), now).map_err(|error| unreachable(&error))?;
        let ours = rows.values().filter(|row| row.tag.as_deref() == Some(client_id));
        // Of two rows with one tag the one that was not refused is the order.
        let found = ours.max_by_key(|row| (row.status != super::RowStatus::Rejected, row.id)).cloned();
        Ok(found.map(|row| self.know(&row)))
    }

    fn snapshot(&mut self, now: Time) -> Result<Snapshot, Unreachable> {
        self.take_snapshot(now).map_err(|error| unreachable(&error))
    }

    fn poll(&mut self, now: Time) -> Vec<Report> {
        if let Some(news) = self.hub.look(now) {
            self.note(news, now);
        }
        self.reports.drain(..).collect()
    }
}
