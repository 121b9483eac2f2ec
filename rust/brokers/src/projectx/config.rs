//! How a gateway is reached and which of its open points is taken which way.

use exuvia_model::{HOUR, MINUTE, SECOND};

use super::{Pace, ProjectXError, Rounding, Secret};

/// The most ticks that a bracket or a trail may be away.
pub const ORDER_LIMIT_TICKS: u32 = 1_000;

/// Where a gateway is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Root of the REST calls, such as `https://api.topstepx.com`.
    pub rest: String,
    /// The user hub, such as `wss://rtc.topstepx.com/hubs/user`.
    pub user_hub: String,
}

impl Place {
    /// The gateway of TopstepX. It has no sandbox: a practice account is the place to try things.
    #[must_use]
    pub fn topstepx() -> Self {
        Self { rest: "https://api.topstepx.com".into(), user_hub: "wss://rtc.topstepx.com/hubs/user".into() }
    }

    /// The gateway of another firm, by the word in its address.
    ///
    /// ```
    /// use exuvia_brokers::projectx::Place;
    /// assert_eq!(Place::firm("thefuturesdesk").rest, "https://api.thefuturesdesk.projectx.com");
    /// ```
    #[must_use]
    pub fn firm(firm: &str) -> Self {
        Self {
            rest: format!("https://api.{firm}.projectx.com"),
            user_hub: format!("wss://rtc.{firm}.projectx.com/hubs/user"),
        }
    }

    /// A gateway on this machine, without encryption.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self { rest: format!("http://127.0.0.1:{port}"), user_hub: format!("ws://127.0.0.1:{port}/hubs/user") }
    }
}

/// Which account is traded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChoice {
    /// The one with this id.
    Id(i64),
    /// The one with this name.
    Name(String),
}

/// How the ticks of a bracket are written; sources disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BracketSign {
    /// As offsets from the entry: of a long, the stop is negative and the target positive; of a short the other way.
    #[default]
    Signed,
    /// As distances, always positive.
    Unsigned,
}

/// What `trailPrice` means; sources disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrailPrice {
    /// Where the stop starts, from which the gateway derives the distance.
    #[default]
    Level,
    /// The distance itself.
    Distance,
}

/// What must be known of a gateway, and how its open points are taken.
///
/// ```
/// use exuvia_brokers::projectx::{AccountChoice, Config, Place, Secret};
/// let config = Config::new(Place::loopback(8080), "trader1", Secret::new("base64-ish"), AccountChoice::Id(7001));
/// assert!(!format!("{config:?}").contains("base64-ish"));
/// assert!(config.sound().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where it is.
    pub place: Place,
    /// Who logs in.
    pub user_name: String,
    /// The API key of that user.
    pub api_key: Secret,
    /// Which account.
    pub account: AccountChoice,
    /// Whether contracts and bars are of the live data subscription; users of TopstepX have the other one.
    pub live_data: bool,
    /// How the ticks of a bracket are written.
    pub bracket_sign: BracketSign,
    /// What `trailPrice` means.
    pub trail_price: TrailPrice,
    /// Whether StopLimit (type 3) is sent; it is in the vendor's list, and not among what may be placed.
    pub stop_limit: bool,
    /// What becomes of a price between two ticks.
    pub rounding: Rounding,
    /// How long a token lives, nanoseconds.
    pub token_life: i64,
    /// How long before its end it is renewed, nanoseconds.
    pub token_margin: i64,
    /// How long nobody logs in after a refused login, nanoseconds.
    pub login_pause: i64,
    /// How often bars may be asked for.
    pub bars_pace: Pace,
    /// How often all the rest together.
    pub rest_pace: Pace,
    /// How many requests of `rest_pace` only orders and cancels may use.
    pub kept_for_orders: usize,
    /// How far before the moment that is asked for the gateway is searched, nanoseconds: its clock is another one.
    pub clock_margin: i64,
    /// How far back the first snapshot looks for orders that ended and for executions, nanoseconds.
    pub first_look_back: i64,
}

impl Config {
    /// The documented limits, and the open points as the sources that were verified live have them.
    #[must_use]
    pub fn new(place: Place, user_name: impl Into<String>, api_key: Secret, account: AccountChoice) -> Self {
        Self {
            place,
            user_name: user_name.into(),
            api_key,
            account,
            live_data: false,
            bracket_sign: BracketSign::default(),
            trail_price: TrailPrice::default(),
            stop_limit: false,
            rounding: Rounding::default(),
            token_life: 24 * HOUR,
            token_margin: HOUR,
            login_pause: MINUTE,
            bars_pace: Pace { most: 50, span: 30 * SECOND },
            rest_pace: Pace { most: 200, span: 60 * SECOND },
            kept_for_orders: 20,
            clock_margin: 5 * MINUTE,
            first_look_back: 24 * HOUR,
        }
    }

    /// Itself, if it can be.
    ///
    /// # Errors
    /// `Unfit` with the field: something is empty, a key would travel unencrypted, or a margin is longer than what it is of.
    pub fn sound(self) -> Result<Self, ProjectXError> {
        let unfit = |field: &str, why: &str| Err(ProjectXError::unfit(format!("configuration field {field}"), why));
        for (field, url, safe, open) in [
            ("place.rest", &self.place.rest, "https://", "http://"),
            ("place.user_hub", &self.place.user_hub, "wss://", "ws://"),
        ] {
            let on_this_machine = |rest: &str| {
                let authority = rest.split('/').next().unwrap_or_default();
                let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "0"));
                matches!(host, "127.0.0.1" | "localhost") && port.bytes().all(|digit| digit.is_ascii_digit())
            };
            if !url.starts_with(safe) && !url.strip_prefix(open).is_some_and(on_this_machine) {
                return unfit(
                    field,
                    &format!("{url:?} must begin with {safe}, or be on this machine: a key goes there"),
                );
            }
        }
        if self.user_name.is_empty() || self.api_key.text().is_empty() {
            return unfit("user_name, api_key", "neither may be empty: the firm's settings page shows both");
        }
        if self.token_margin < 0 || self.token_margin >= self.token_life {
            return unfit("token_margin", "it must be shorter than token_life, and not negative");
        }
        if self.kept_for_orders >= self.rest_pace.most {
            return unfit(
                "kept_for_orders",
                "it must leave some of rest_pace to questions, such as those after a doubt",
            );
        }
        if self.clock_margin < 0 || self.first_look_back < 0 {
            return unfit("clock_margin, first_look_back", "neither may be negative");
        }
        Ok(self)
    }
}
