//! Subscriptions of the streaming session: what they are for, how they are called, and the requests that make them.

use exuvia_model::Time;

use super::config::SaxoConfig;
use super::http::encoded;
use super::orders::Body;

/// What can be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// What becomes of orders (ENS): the one stream that says why an order ended.
    Activities,
    /// Open orders as they are.
    Orders,
    /// Bid and ask of instruments of one kind.
    Prices {
        /// Saxo's numbers of them.
        uics: Vec<i64>,
        /// Their kind.
        asset_type: String,
    },
}

/// A request that a subscription needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    Delete { path: String },
    Create { reference: String, path: &'static str, body: String },
}

/// Where a subscription stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// To be made; what it was called before is to be deleted.
    Wanted {
        before: Option<String>,
    },
    /// Asked for; what came before the answer waits.
    Asked(Vec<Vec<u8>>),
    Active,
}

/// One subscription.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) topic: Topic,
    pub(super) reference: String,
    pub(super) state: State,
    /// How long it may be silent, in nanoseconds; 0 before the venue said so.
    pub(super) timeout: i64,
    pub(super) heard: Time,
}

impl Subscription {
    /// The subscription with this number, to be made.
    pub(super) fn new(topic: Topic, number: u64) -> Self {
        let reference = topic.name(number);
        Self { topic, reference, state: State::Wanted { before: None }, timeout: 0, heard: Time(0) }
    }

    /// Whether it was silent for too long.
    pub(super) fn is_silent(&self, now: Time) -> bool {
        self.state == State::Active && now.0.saturating_sub(self.heard.0) > self.timeout
    }

    /// Whether messages under this name are for it; names have no case.
    pub(super) fn is(&self, reference: &str) -> bool {
        self.reference.eq_ignore_ascii_case(reference)
    }

    /// The requests that make it, if it is to be made. One that is made anew has a new name, so that nothing late is taken for new.
    pub(super) fn ask(&mut self, config: &SaxoConfig, number: u64, sequence: Option<&str>) -> Vec<Due> {
        let State::Wanted { before } = &self.state else { return Vec::new() };
        let path = self.topic.path();
        let mut due = Vec::new();
        if let Some(before) = before {
            due.push(Due::Delete { path: format!("{path}/{}/{}", encoded(&config.context), encoded(before)) });
            self.reference = self.topic.name(number);
        }
        self.state = State::Asked(Vec::new());
        let reference = self.reference.clone();
        let body = Body::default()
            .text("ContextId", &config.context)
            .text("ReferenceId", &reference)
            .raw("Arguments", &self.topic.arguments(config, sequence))
            .text("Format", "application/json")
            .plain("RefreshRate", config.refresh_rate)
            .end();
        due.push(Due::Create { reference, path, body });
        due
    }
}

impl Topic {
    fn name(&self, number: u64) -> String {
        let word = match self {
            Self::Activities => "activities",
            Self::Orders => "orders",
            Self::Prices { .. } => "prices",
        };
        format!("{word}-{number}")
    }

    const fn path(&self) -> &'static str {
        match self {
            Self::Activities => "/ens/v1/activities/subscriptions",
            Self::Orders => "/port/v1/orders/subscriptions",
            Self::Prices { .. } => "/trade/v1/infoprices/subscriptions",
        }
    }

    fn arguments(&self, config: &SaxoConfig, sequence: Option<&str>) -> String {
        match self {
            Self::Activities => {
                let body = Body::default().text("AccountKey", &config.account_key).raw("Activities", "[\"Orders\"]");
                match sequence {
                    Some(sequence) => body.text("SequenceId", sequence).end(),
                    None => body.end(),
                }
            }
            Self::Orders => {
                Body::default().text("ClientKey", &config.client_key).text("AccountKey", &config.account_key).end()
            }
            Self::Prices { uics, asset_type } => {
                let uics: Vec<String> = uics.iter().map(i64::to_string).collect();
                Body::default().text("Uics", &uics.join(",")).text("AssetType", asset_type).end()
            }
        }
    }
}
