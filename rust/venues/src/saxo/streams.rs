//! Streaming contexts and their subscriptions, and the log that they read: what the market and the
//! account did, in order. Each context has its own place in the log, so two clients step independently.

use exuvia_market::wire::saxo::{Heartbeat, HeartbeatReason, encode_heartbeat};
use exuvia_model::Time;
use serde_json::{Map, Value, json};

use super::frames::Frames;
use super::http::{Request, Response, error, invalid, key, kind_of, text};
use super::instrument::{ASSET_TYPE, UIC};
use super::prices::Market;
use crate::ticks::Beat;

/// Most contexts and most subscriptions of a context: more is a client that leaks them.
const MOST: usize = 100;

/// One entry of the log.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    /// The market moved.
    Beat(Beat),
    /// An order activity.
    Activity(Activity),
}

/// What became of an order, as the event notification service tells it.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    pub(super) sequence: u64,
    pub(super) body: Value,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Info prices; what was shown last, nothing before the first message.
    Prices(Option<Market>),
    Orders,
}

#[derive(Debug, Clone)]
struct Subscription {
    reference: String,
    key: String,
    tag: Option<String>,
    kind: Kind,
    /// Entries before this one are part of the snapshot.
    since: usize,
    /// Whether the present step brought it something.
    fed: bool,
}

/// A streaming session.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) frames: Frames,
    pub(super) connected: bool,
    subscriptions: Vec<Subscription>,
    /// The market at this context's place in the log.
    market: Market,
    place: usize,
}

impl Context {
    pub(super) fn new(key: &str, market: Market, place: usize) -> Self {
        Self { frames: Frames::new(key), connected: false, subscriptions: Vec::new(), market, place }
    }

    /// How many entries of the log were read.
    pub(super) const fn place(&self) -> usize {
        self.place
    }

    /// Reads on, up to the first entry at or after `to` (`None`: to the end), and packs the messages.
    pub(super) fn read(&mut self, log: &[Entry], to: Option<Time>) {
        while let Some(entry) = log.get(self.place) {
            match entry {
                Entry::Beat(beat) => {
                    if to.is_some_and(|to| beat.time >= to) {
                        break;
                    }
                    self.market.apply(beat);
                    self.show_market();
                }
                Entry::Activity(activity) => {
                    let payload = Value::Array(vec![activity.body.clone()]).to_string();
                    let place = self.place;
                    for subscription in &mut self.subscriptions {
                        if matches!(subscription.kind, Kind::Orders) && place >= subscription.since {
                            self.frames.push(&subscription.reference, payload.as_bytes());
                            subscription.fed = true;
                        }
                    }
                }
            }
            self.place += 1;
        }
    }

    fn show_market(&mut self) {
        for subscription in &mut self.subscriptions {
            let Kind::Prices(shown) = &mut subscription.kind else { continue };
            if self.place < subscription.since {
                continue;
            }
            let payload = self.market.payload(shown.as_ref());
            self.frames.push(&subscription.reference, &payload);
            *shown = Some(self.market);
            subscription.fed = true;
        }
    }

    /// Ends a step with a heartbeat that names the subscriptions without news; gives its message id.
    pub(super) fn heartbeat(&mut self) -> u64 {
        let quiet: Vec<Heartbeat> = self
            .subscriptions
            .iter()
            .filter(|subscription| !subscription.fed)
            .map(|quiet| Heartbeat { reference: quiet.reference.clone(), reason: HeartbeatReason::NoNewData })
            .collect();
        for subscription in &mut self.subscriptions {
            subscription.fed = false;
        }
        let id = self.frames.push("_heartbeat", &encode_heartbeat(&quiet));
        self.frames.flush();
        id
    }

    /// Removes one subscription.
    pub(super) fn remove(&mut self, reference: &str) -> bool {
        let before = self.subscriptions.len();
        self.subscriptions.retain(|subscription| !subscription.key.eq_ignore_ascii_case(reference));
        self.subscriptions.len() < before
    }

    /// Removes all subscriptions, or those with a tag.
    pub(super) fn remove_tagged(&mut self, tag: Option<&str>) {
        self.subscriptions.retain(|subscription| tag.is_some_and(|tag| subscription.tag.as_deref() != Some(tag)));
    }
}

/// A subscription request that was understood.
pub(super) struct Wanted {
    pub(super) context: String,
    context_id: String,
    reference: String,
    format: String,
    refresh_rate: u64,
    tag: Option<String>,
    replace: Option<String>,
    prices: bool,
    /// Unknown instruments of a price subscription.
    strangers: Vec<i64>,
    /// Activities after this sequence id go into the snapshot.
    after: Option<u64>,
}

/// Reads the body of a subscription request; `prices`: else order activities.
pub(super) fn wanted(request: &Request<'_>, prices: bool) -> Result<Wanted, Response> {
    let fields = request.json()?;
    let (context_id, reference) = (text(&fields, "ContextId")?, text(&fields, "ReferenceId")?);
    let bad_key = |name: &str| invalid(name, &format!("{name} must be 1 to 50 letters, digits, _ or -"));
    let context = key(context_id).ok_or_else(|| bad_key("ContextId"))?;
    if key(reference).is_none() || reference.starts_with('_') {
        return Err(bad_key("ReferenceId"));
    }
    let format = fields.get("Format").and_then(Value::as_str).unwrap_or("application/json");
    if format != "application/json" {
        return Err(error(400, "UnsupportedSubscriptionFormat", "only application/json is supported"));
    }
    let Some(Value::Object(arguments)) = fields.get("Arguments") else {
        return Err(invalid("Arguments", "Arguments is required and must be an object"));
    };
    let (strangers, after) =
        if prices { (instruments(arguments)?, None) } else { (Vec::new(), activities(arguments)?) };
    let optional = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Wanted {
        context,
        context_id: context_id.to_owned(),
        reference: reference.to_owned(),
        format: format.to_owned(),
        refresh_rate: fields.get("RefreshRate").and_then(Value::as_u64).unwrap_or(1000),
        tag: optional("Tag"),
        replace: optional("ReplaceReferenceId"),
        prices,
        strangers,
        after,
    })
}

/// Checks `Uics` and `AssetType`; gives the unknown ones, as long as one is known.
fn instruments(arguments: &Map<String, Value>) -> Result<Vec<i64>, Response> {
    let uics = uic_list(text(arguments, "Uics")?)?;
    let known = text(arguments, "AssetType")? == ASSET_TYPE && uics.contains(&UIC);
    if !known {
        return Err(error(
            400,
            "IllegalInstrumentId",
            "no instrument of this venue is asked for: it has Uic 21, FxSpot",
        ));
    }
    Ok(uics.into_iter().filter(|uic| *uic != UIC).collect())
}

/// A comma-separated list of instrument ids.
pub(super) fn uic_list(text: &str) -> Result<Vec<i64>, Response> {
    let uics: Result<Vec<i64>, _> = text.split(',').map(|uic| uic.trim().parse()).collect();
    uics.map_err(|_| invalid("Uics", &format!("Uics must be whole numbers with commas between, not {text:?}")))
}

fn activities(arguments: &Map<String, Value>) -> Result<Option<u64>, Response> {
    match arguments.get("Activities") {
        Some(Value::Array(kinds)) if kinds.iter().any(|kind| kind == "Orders") => {}
        Some(Value::Array(_)) => {
            return Err(invalid("Activities", "Activities must name Orders: this venue has no other"));
        }
        Some(other) => {
            return Err(invalid("Activities", &format!("Activities must be an array, not {}", kind_of(other))));
        }
        None => return Err(invalid("Activities", "Activities is required")),
    }
    match arguments.get("SequenceId") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.parse::<u64>().is_ok() => Ok(text.parse().ok()),
        Some(other) => Err(invalid("SequenceId", &format!("SequenceId {other} is not the text of a whole number"))),
    }
}

/// Adds the subscription and answers with its snapshot. `market` and `log` are the venue's present.
pub(super) fn subscribe(context: &mut Context, wanted: &Wanted, market: &Market, log: &[Entry]) -> Response {
    if let Some(old) = &wanted.replace {
        context.remove(old);
    }
    let key = wanted.reference.to_ascii_lowercase();
    if context.subscriptions.iter().any(|subscription| subscription.key == key) {
        let message = "Subscription Key (Streaming Session, Reference Id) already in use";
        return error(409, "SubscriptionKeyInUse", message);
    }
    if context.subscriptions.len() >= MOST {
        return error(400, "SubscriptionLimitExceeded", "a context holds at most 100 subscriptions: delete some");
    }
    let rows: Vec<Value> = if wanted.prices {
        let strangers = wanted.strangers.iter().map(|uic| stranger(*uic));
        std::iter::once(market.full()).chain(strangers).collect()
    } else {
        let missed = |entry: &Entry| match (entry, wanted.after) {
            (Entry::Activity(activity), Some(after)) if activity.sequence > after => Some(activity.body.clone()),
            _ => None,
        };
        log.iter().filter_map(missed).collect()
    };
    context.subscriptions.push(Subscription {
        reference: wanted.reference.clone(),
        key,
        tag: wanted.tag.clone(),
        kind: if wanted.prices { Kind::Prices(None) } else { Kind::Orders },
        since: log.len(),
        fed: false,
    });
    let mut body = json!({
        "ContextId": wanted.context_id, "ReferenceId": wanted.reference, "Format": wanted.format,
        "InactivityTimeout": 60, "RefreshRate": wanted.refresh_rate, "State": "Active",
    });
    if let Some(tag) = &wanted.tag {
        body["Tag"] = tag.as_str().into();
    }
    body["Snapshot"] = json!({"Data": rows});
    Response::json(201, &body)
}

/// The element of a list for an instrument that the venue has not.
pub(super) fn stranger(uic: i64) -> Value {
    json!({"Uic": uic, "AssetType": ASSET_TYPE, "ErrorCode": "IllegalInstrumentId", "ErrorMessage": "Instrument is unknown"})
}

/// Whether one more context is too many.
pub(super) const fn is_full(contexts: usize) -> bool {
    contexts >= MOST
}
