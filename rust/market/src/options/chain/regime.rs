//! A name for an exposure: rules that are tried in their order. There is no standard, so nothing is built in.

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Net exposure.
    Net,
    /// Net exposure over the square of the spot.
    NetOverSpotSquared,
    /// (spot − flip) / spot.
    FlipDistance,
}

/// How a value is compared with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// >
    Above,
    /// ≥
    AtLeast,
    /// <
    Below,
    /// ≤
    AtMost,
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// How.
    pub against: Against,
    /// With what.
    pub threshold: f64,
    /// What it is called then.
    pub label: String,
}

/// Rules in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Regime {
    /// What they look at.
    pub on: On,
    /// What it is divided by first: 1e9, or an average daily volume.
    pub divisor: f64,
    /// The rules.
    pub steps: Vec<Step>,
    /// The name where none holds.
    pub otherwise: String,
}

/// What rules can look at.
pub(super) struct Evidence {
    pub net: f64,
    pub spot: f64,
    pub flip: Option<f64>,
}

/// The name where what the rules look at is not there.
pub const UNKNOWN: &str = "unknown";

impl Regime {
    pub(super) fn of(&self, evidence: &Evidence) -> &str {
        let value = match self.on {
            On::Net => evidence.net,
            On::NetOverSpotSquared => evidence.net / (evidence.spot * evidence.spot),
            On::FlipDistance => evidence.flip.map_or(f64::NAN, |flip| (evidence.spot - flip) / evidence.spot),
        } / self.divisor;
        if value.is_nan() {
            return UNKNOWN;
        }
        let holds = |step: &&Step| match step.against {
            Against::Above => value > step.threshold,
            Against::AtLeast => value >= step.threshold,
            Against::Below => value < step.threshold,
            Against::AtMost => value <= step.threshold,
        };
        self.steps.iter().find(holds).map_or(&self.otherwise, |step| &step.label)
    }
}
