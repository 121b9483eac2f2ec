//! The gateway: everything it can be asked, with the token, the pace and the account taken care of.

use std::cell::Cell;
use std::sync::Arc;

use exuvia_model::{Bar, Quantity, Time};
use exuvia_ports::{Http, Request};

use super::auth::Session;
use super::bars::{bar, turn_round};
use super::codes::Table;
use super::http::{Call, Rank, Wire};
use super::json::{Body, FieldError, Node, Row};
use super::orders::contracts;
use super::{
    Account, AccountChoice, BarsWanted, Config, Contract, MAX_BARS, ModifyOrder, OrderRow, PlaceOrder, PositionRow,
    ProjectXError, TradeRow, front_month,
};

const ACCOUNTS: Call = Call::order("Account/search", Table::Accounts);
const PLACE: Call = Call::order("Order/place", Table::Place);
const MODIFY: Call = Call::order("Order/modify", Table::Change);
const CANCEL: Call = Call::order("Order/cancel", Table::Change);
const CLOSE: Call = Call::order("Position/closeContract", Table::Close);
const PARTIAL_CLOSE: Call = Call::order("Position/partialCloseContract", Table::PartialClose);
const ORDERS: Call = Call::question("Order/search", Table::Search);
const OPEN_ORDERS: Call = Call::question("Order/searchOpen", Table::Search);
const ORDER: Call = Call::question("Order/searchById", Table::OrderById);
const POSITIONS: Call = Call::question("Position/searchOpen", Table::Search);
const TRADES: Call = Call::question("Trade/search", Table::Search);
const CONTRACTS: Call = Call::question("Contract/search", Table::Contract);
const CONTRACT: Call = Call::question("Contract/searchById", Table::Contract);
const AVAILABLE: Call = Call::question("Contract/available", Table::Contract);
const BARS: Call = Call { name: "History/retrieveBars", table: Table::Bars, rank: Rank::Bars };

/// A gateway. Nothing here waits: a call that would be one too many is `NotSent`, with how long to wait.
#[derive(Debug)]
pub struct ProjectX {
    pub(super) config: Config,
    pub(super) wire: Wire,
    pub(super) session: Session,
    pub(super) account: Option<Account>,
    rounded: Cell<u64>,
}

impl ProjectX {
    /// A gateway that nobody has asked anything yet.
    ///
    /// # Errors
    /// `Unfit` if the configuration cannot be.
    pub fn new(config: Config, http: Arc<dyn Http>) -> Result<Self, ProjectXError> {
        let config = config.sound()?;
        let wire = Wire::new(http, &config.place.rest, config.rest_pace, config.bars_pace, config.kept_for_orders);
        Ok(Self { config, wire, session: Session::default(), account: None, rounded: Cell::new(0) })
    }

    /// How it is reached and taken.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// How many numbers were finer than 10⁻⁹ and were rounded, half to even.
    #[must_use]
    pub fn rounded(&self) -> u64 {
        self.rounded.get()
    }

    /// The accounts of the user.
    ///
    /// # Errors
    /// What can come of a call.
    pub fn accounts(&mut self, only_active: bool, now: Time) -> Result<Vec<Account>, ProjectXError> {
        let node = self.call(ACCOUNTS, Body::new().flag("onlyActiveAccounts", only_active).end(), now)?;
        self.rows(ACCOUNTS, &node, "accounts", Account::read)
    }

    /// Asks for the account of the configuration anew.
    ///
    /// # Errors
    /// `Unfit` with the names that there are, if it is not among the active ones; what can come of a call.
    pub fn find_account(&mut self, now: Time) -> Result<Account, ProjectXError> {
        let accounts = self.accounts(true, now)?;
        let chosen = accounts.iter().find(|account| match &self.config.account {
            AccountChoice::Id(id) => account.id == *id,
            AccountChoice::Name(name) => account.name == *name,
        });
        let account = chosen.cloned().ok_or_else(|| {
            let names: Vec<String> =
                accounts.iter().map(|account| format!("{} ({})", account.id, account.name)).collect();
            let why = format!("it is not among the active accounts of this user: {}", names.join(", "));
            ProjectXError::unfit(format!("account {:?}", self.config.account), why)
        })?;
        self.account = Some(account.clone());
        Ok(account)
    }

    /// The id of the account, asked for once.
    pub(super) fn account_id(&mut self, now: Time) -> Result<i64, ProjectXError> {
        match &self.account {
            Some(account) => Ok(account.id),
            None => self.find_account(now).map(|account| account.id),
        }
    }

    /// Contracts by words, at most 20.
    ///
    /// # Errors
    /// What can come of a call.
    pub fn search_contracts(&mut self, words: &str, now: Time) -> Result<Vec<Contract>, ProjectXError> {
        let body = Body::new().text("searchText", words).flag("live", self.config.live_data).end();
        let node = self.call(CONTRACTS, body, now)?;
        self.rows(CONTRACTS, &node, "contracts", Contract::read)
    }

    /// All contracts of the subscription.
    ///
    /// # Errors
    /// What can come of a call.
    pub fn available_contracts(&mut self, now: Time) -> Result<Vec<Contract>, ProjectXError> {
        let node = self.call(AVAILABLE, Body::new().flag("live", self.config.live_data).end(), now)?;
        self.rows(AVAILABLE, &node, "contracts", Contract::read)
    }

    /// The contract of this id, if there is one.
    ///
    /// # Errors
    /// What can come of a call.
    pub fn contract(&mut self, id: &str, now: Time) -> Result<Option<Contract>, ProjectXError> {
        let body = Body::new().text("contractId", id).end();
        match self.call(CONTRACT, body, now) {
            Ok(node) => self.row(CONTRACT, &node, "contract", Contract::read).map(Some),
            Err(ProjectXError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The contract of a root that is traded now: among the available ones, else among those found by its name.
    ///
    /// # Errors
    /// `Unfit` if there is none; what can come of a call.
    pub fn front_month(&mut self, root: &str, now: Time) -> Result<Contract, ProjectXError> {
        let available = self.available_contracts(now)?;
        if let Ok(found) = front_month(&available, root, now) {
            return Ok(found.clone());
        }
        let found = self.search_contracts(root, now)?;
        front_month(&found, root, now).cloned()
    }

    /// Bars, oldest first: the newest `wanted.most` of the span, over as many requests as that takes.
    ///
    /// # Errors
    /// `Unfit` for a span without time; what can come of a call.
    pub fn bars(&mut self, wanted: &BarsWanted, now: Time) -> Result<Vec<Bar<i64>>, ProjectXError> {
        wanted.sound()?;
        let (mut bars, mut end) = (Vec::new(), wanted.end);
        loop {
            let left = wanted.most.saturating_sub(u32::try_from(bars.len()).unwrap_or(u32::MAX));
            // One more than is left: the newest of a page may be the oldest of the page before.
            let limit = left.saturating_add(u32::from(!bars.is_empty())).min(MAX_BARS);
            let node = self.call(BARS, wanted.body(self.config.live_data, end, limit), now)?;
            let page = self.rows(BARS, &node, "bars", bar)?;
            let full = page.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
            let oldest = turn_round(&mut bars, page);
            let enough = u32::try_from(bars.len()).is_ok_and(|count| count >= wanted.most);
            match oldest {
                Some(oldest) if full && !enough && oldest > wanted.start => end = oldest,
                _ => break,
            }
        }
        let more = bars.len().saturating_sub(usize::try_from(wanted.most).unwrap_or(usize::MAX));
        Ok(bars.split_off(more))
    }

    /// Places an order and gives its id.
    ///
    /// # Errors
    /// What can come of a call: only `Refused` and `Malformed` are the gateway's no, and after `NotSent` alone it may be sent again.
    pub fn place(&mut self, order: &PlaceOrder, now: Time) -> Result<i64, ProjectXError> {
        let account = self.account_id(now).map_err(|error| before(PLACE, error))?;
        if let Some(Account { name, can_trade: false, .. }) = &self.account {
            let why = "the gateway says that it may not trade; find_account asks again";
            return Err(ProjectXError::unfit(format!("account {account} ({name})"), why));
        }
        let body = order.body(account, self.config.bracket_sign)?;
        let node = self.call(PLACE, body, now)?;
        let why = "it succeeded without an order id".to_owned();
        node.get("orderId").and_then(Node::whole).ok_or(ProjectXError::Unknown { call: PLACE.name, why })
    }

    /// Changes an order.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn modify(&mut self, order: i64, terms: &ModifyOrder, now: Time) -> Result<(), ProjectXError> {
        let account = self.account_id(now).map_err(|error| before(MODIFY, error))?;
        let body = terms.body(account, order)?;
        self.call(MODIFY, body, now).map(drop)
    }

    /// Asks for an order to be taken back; its row says when it was.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn cancel(&mut self, order: i64, now: Time) -> Result<(), ProjectXError> {
        let account = self.account_id(now).map_err(|error| before(CANCEL, error))?;
        let body = Body::new().whole("accountId", account).whole("orderId", order).end();
        self.call(CANCEL, body, now).map(drop)
    }

    /// Closes all that is held of a contract, at the market. Legs of brackets that are left stay: cancel them.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn close_contract(&mut self, contract: &str, now: Time) -> Result<(), ProjectXError> {
        let account = self.account_id(now).map_err(|error| before(CLOSE, error))?;
        let body = Body::new().whole("accountId", account).text("contractId", contract).end();
        self.call(CLOSE, body, now).map(drop)
    }

    /// Closes some of what is held of a contract, at the market.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn partial_close(&mut self, contract: &str, size: Quantity, now: Time) -> Result<(), ProjectXError> {
        let size = contracts(size)?;
        let account = self.account_id(now).map_err(|error| before(PARTIAL_CLOSE, error))?;
        let body = Body::new().whole("accountId", account).text("contractId", contract).whole("size", size).end();
        self.call(PARTIAL_CLOSE, body, now).map(drop)
    }

    /// The orders that were made in a span, ended or not, waiting legs of brackets among them.
    ///
    /// # Errors
    /// What can come of a call.
    pub fn orders(&mut self, start: Time, end: Option<Time>, now: Time) -> Result<Vec<OrderRow>, ProjectXError> {
        let account = self.account_id(now)?;
        let body = Body::new().whole("accountId", account).stamp("startTimestamp", Some(start));
        let node = self.call(ORDERS, body.stamp("endTimestamp", end).end(), now)?;
        self.rows(ORDERS, &node, "orders", OrderRow::read)
    }

    /// The orders that work; waiting legs of brackets are not among them.
    ///
    /// # Errors
    /// What can come of a call.
    pub fn open_orders(&mut self, now: Time) -> Result<Vec<OrderRow>, ProjectXError> {
        let account = self.account_id(now)?;
        let node = self.call(OPEN_ORDERS, Body::new().whole("accountId", account).end(), now)?;
        self.rows(OPEN_ORDERS, &node, "orders", OrderRow::read)
    }

    /// The legs of a native bracket that are not over: those of its entry (`parentOrderId`) among the orders made since `start`.
    /// While the entry is not executed they wait (`Suspended`) and no list of open orders has them; after a position was closed
    /// by hand they live on, and are to be cancelled one by one.
    ///
    /// # Errors
    /// What can come of a call.
    pub fn legs(&mut self, entry: i64, start: Time, now: Time) -> Result<Vec<OrderRow>, ProjectXError> {
        let mut rows = self.orders(start, None, now)?;
        rows.retain(|row| row.parent == Some(entry) && !row.status.standing().is_terminal());
        Ok(rows)
    }

    /// The order of this id, if there is one. Older gateways do not have this call and answer 404, which is `NotSent`.
    ///
    /// # Errors
    /// What can come of a call.
    pub fn order(&mut self, order: i64, now: Time) -> Result<Option<OrderRow>, ProjectXError> {
        let account = self.account_id(now)?;
        let body = Body::new().whole("accountId", account).whole("orderId", order).end();
        match self.call(ORDER, body, now) {
            Ok(node) => self.row(ORDER, &node, "order", OrderRow::read).map(Some),
            Err(ProjectXError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is held.
    ///
    /// # Errors
    /// What can come of a call.
    pub fn positions(&mut self, now: Time) -> Result<Vec<PositionRow>, ProjectXError> {
        let account = self.account_id(now)?;
        let node = self.call(POSITIONS, Body::new().whole("accountId", account).end(), now)?;
        self.rows(POSITIONS, &node, "positions", PositionRow::read)
    }

    /// The executions of a span, also those that were taken back (`voided`).
    ///
    /// # Errors
    /// What can come of a call.
    pub fn trades(
        &mut self,
        start: Option<Time>,
        end: Option<Time>,
        now: Time,
    ) -> Result<Vec<TradeRow>, ProjectXError> {
        let account = self.account_id(now)?;
        let body = Body::new().whole("accountId", account).stamp("startTimestamp", start).stamp("endTimestamp", end);
        let node = self.call(TRADES, body.end(), now)?;
        self.rows(TRADES, &node, "trades", TradeRow::read)
    }

    /// What a connection to the user hub is opened with. Its address holds the token: it belongs in no log.
    ///
    /// # Errors
    /// What can come of a login.
    pub fn hub_request(&mut self, now: Time) -> Result<Request, ProjectXError> {
        let token = self.token(now)?;
        Ok(Request::new("GET", &format!("{}?access_token={}", self.config.place.user_hub, token.text())))
    }

    /// `words` without key and token, in case somebody wrote them there.
    pub(super) fn hide(&self, words: &str) -> String {
        self.session.hide(&self.config.api_key.out_of(words))
    }

    /// The records of a list; one that cannot be read spoils the list, for nothing could be concluded from the rest.
    fn rows<T>(
        &self,
        call: Call,
        node: &Node,
        list: &'static str,
        read: fn(Row<'_>) -> Result<T, FieldError>,
    ) -> Result<Vec<T>, ProjectXError> {
        let unread = |why| ProjectXError::Unknown { call: call.name, why };
        let items = node.get(list).and_then(Node::list);
        let items = items.ok_or_else(|| unread(format!("the answer has no list {list:?}")))?;
        let rows = items.iter().filter(|item| **item != Node::Null).map(|item| Row::new(list, item, &self.rounded));
        rows.map(|row| read(row).map_err(|error| unread(error.to_string()))).collect()
    }

    fn row<T>(
        &self,
        call: Call,
        node: &Node,
        name: &'static str,
        read: fn(Row<'_>) -> Result<T, FieldError>,
    ) -> Result<T, ProjectXError> {
        let row = Row::new(name, node.get(name).unwrap_or(&Node::Null), &self.rounded);
        read(row).map_err(|error| ProjectXError::Unknown { call: call.name, why: error.to_string() })
    }
}

/// What was asked for first failed: the request itself did not leave. What cannot be asked for at all stays that.
fn before(call: Call, error: ProjectXError) -> ProjectXError {
    match error {
        ProjectXError::Unfit { .. } => error,
        ProjectXError::NotSent { wait, .. } => ProjectXError::NotSent { call: call.name, why: error.to_string(), wait },
        _ => ProjectXError::NotSent { call: call.name, why: error.to_string(), wait: 0 },
    }
}
