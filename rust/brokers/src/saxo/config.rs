//! Where Saxo is, whose account is traded, and every point at which its documents leave a choice.

use std::collections::BTreeMap;

/// Services of one environment, keys of one account, and the switches.
///
/// ```
/// use exuvia_brokers::saxo::SaxoConfig;
/// let config = SaxoConfig::sim("client==", "account==");
/// assert_eq!(config.rest, "https://gateway.saxobank.com/sim/openapi");
/// assert!(!config.manual_order, "what a program sends is not confirmed by a human");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaxoConfig {
    /// Base of the REST services, without a slash at its end.
    pub rest: String,
    /// Where a user logs in.
    pub authorize: String,
    /// Where a code or a refresh token becomes a pair of tokens.
    pub token: String,
    /// Where the stream connects.
    pub stream: String,
    /// Where a stream is told of a new token.
    pub reauthorize: String,
    /// Key of the client (`/port/v1/clients/me`).
    pub client_key: String,
    /// Key of the account that is traded (`/port/v1/accounts/me`).
    pub account_key: String,
    /// Our names of instruments and what they are at the venue. A name that is not here may be the venue's own, `<Uic>__<AssetType>`.
    pub contracts: BTreeMap<String, Contract>,
    /// Whether a human confirmed each order (`ManualOrder`, asked for by regulators).
    pub manual_order: bool,
    /// Step of a trailing stop, in ticks.
    pub trailing_step: u32,
    /// Whether the audit service is asked for what ended. Without it an order that is not open is never said to be missing.
    pub audit: bool,
    /// How much earlier than asked the audit is read, for the clocks may differ; seconds.
    pub margin: u32,
    /// For how long after `since` an order that nobody has is not yet called missing, for it may be on its way; seconds.
    pub settle: u32,
    /// Most pages of one list: more is an error, for a list that does not end is not complete.
    pub pages: usize,
    /// Name of the streaming session: 1 to 50 letters, digits, `_`, `-`.
    pub context: String,
    /// How often a subscription may send, in milliseconds.
    pub refresh_rate: u32,
}

impl SaxoConfig {
    /// The simulation environment.
    #[must_use]
    pub fn sim(client_key: &str, account_key: &str) -> Self {
        let mut config = Self::at("https://gateway.saxobank.com", client_key, account_key);
        config.authorize = "https://sim.logonvalidation.net/authorize".to_owned();
        config.token = "https://sim.logonvalidation.net/token".to_owned();
        config.stream = "wss://sim-streaming.saxobank.com/sim/oapi/streaming/ws/connect".to_owned();
        config.reauthorize = "https://sim-streaming.saxobank.com/sim/oapi/streaming/ws/authorize".to_owned();
        config
    }

    /// The live environment. Whether anything may go there is not decided here.
    #[must_use]
    pub fn live(client_key: &str, account_key: &str) -> Self {
        Self {
            rest: "https://gateway.saxobank.com/openapi".to_owned(),
            authorize: "https://live.logonvalidation.net/authorize".to_owned(),
            token: "https://live.logonvalidation.net/token".to_owned(),
            stream: "wss://live-streaming.saxobank.com/oapi/streaming/ws/connect".to_owned(),
            reauthorize: "https://live-streaming.saxobank.com/oapi/streaming/ws/authorize".to_owned(),
            ..Self::sim(client_key, account_key)
        }
    }

    /// A server that has all services under one origin, such as a simulated venue at `http://127.0.0.1:8001`.
    #[must_use]
    pub fn at(origin: &str, client_key: &str, account_key: &str) -> Self {
        let origin = origin.trim_end_matches('/');
        let socket = origin.replacen("http", "ws", 1);
        Self {
            rest: format!("{origin}/sim/openapi"),
            authorize: format!("{origin}/authorize"),
            token: format!("{origin}/token"),
            stream: format!("{socket}/sim/oapi/streaming/ws/connect"),
            reauthorize: format!("{origin}/sim/oapi/streaming/ws/authorize"),
            client_key: client_key.to_owned(),
            account_key: account_key.to_owned(),
            contracts: BTreeMap::new(),
            manual_order: false,
            trailing_step: 1,
            audit: true,
            margin: 60,
            settle: 15,
            pages: 100,
            context: "exuvia".to_owned(),
            refresh_rate: 1000,
        }
    }

    /// With one more instrument, under our name for it.
    #[must_use]
    pub fn contract(mut self, name: &str, contract: Contract) -> Self {
        self.contracts.insert(name.to_owned(), contract);
        self
    }

    /// What a name stands for.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Contract> {
        self.contracts.get(name).cloned().or_else(|| Contract::from_name(name))
    }

    /// Our name of an instrument; the venue's own if it has none.
    #[must_use]
    pub fn name(&self, uic: i64, asset_type: &str) -> String {
        let ours = self.contracts.iter().find(|(_, contract)| contract.uic == uic && contract.asset_type == asset_type);
        ours.map_or_else(|| format!("{uic}__{asset_type}"), |(name, _)| name.clone())
    }
}

/// An instrument at Saxo, and what of an order for it is the instrument's matter.
///
/// ```
/// use exuvia_brokers::saxo::Contract;
/// let euro = Contract::new(21, "FxSpot");
/// assert!(!euro.if_traded && !euro.open_close);
/// assert!(Contract::new(30001, "StockOption").open_close, "an option order says whether it opens or closes");
/// assert_eq!(Contract::from_name("21__FxSpot"), Some(euro));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Saxo's number of it.
    pub uic: i64,
    /// Saxo's word for its kind, such as `Stock`.
    pub asset_type: String,
    /// Whether its stops are `StopIfTraded` and `TrailingStopIfTraded`, by its `SupportedOrderTypeSettings`; else `Stop` and `TrailingStop`.
    pub if_traded: bool,
    /// Whether its orders carry `ToOpenClose`: `ToOpen` where the intent's reason is `entry`, `ToClose` for all others, which the venue
    /// refuses if nothing is held.
    pub open_close: bool,
}

impl Contract {
    /// The usual terms of this kind.
    #[must_use]
    pub fn new(uic: i64, asset_type: &str) -> Self {
        Self {
            uic,
            asset_type: asset_type.to_owned(),
            if_traded: !asset_type.starts_with("Fx"),
            open_close: asset_type.ends_with("Option"),
        }
    }

    /// Reads the venue's own name, `<Uic>__<AssetType>`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let (uic, asset_type) = name.split_once("__")?;
        let uic = uic.parse().ok().filter(|uic| *uic > 0)?;
        let plain = !asset_type.is_empty() && asset_type.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| Self::new(uic, asset_type))
    }
}
