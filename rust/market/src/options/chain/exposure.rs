//! Exposure of a chain by strike, by expiry and in total.

use super::flip::{self, Flip, FlipMethod};
use super::levels::{self, Levels};
use super::regime::{Evidence, Regime};
use super::sums::{Compensated, pairwise};
use super::{Row, Settings, Sign};
use crate::options::pricing::{Contract, Model};
use crate::options::pricing::{Greek, greeks};

/// Rows that no exposure was made of, by the first reason that held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// A strike, right, open interest or gamma is missing or no number, or the right is neither.
    pub missing: usize,
    /// Nothing is open.
    pub no_open_interest: usize,
    /// No gamma, or a negative one.
    pub no_gamma: usize,
    /// No volatility, where one was asked for.
    pub no_iv: usize,
    /// Too late an expiry or too far a strike.
    pub filtered: usize,
}

/// Exposure of one strike or one expiry.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Group {
    /// Of calls, with their sign.
    pub call: f64,
    /// Of puts, with their sign.
    pub put: f64,
    /// Of both.
    pub net: f64,
    /// Open calls.
    pub call_open_interest: f64,
    /// Open puts.
    pub put_open_interest: f64,
}

/// All that is said of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposure {
    /// Price of the underlying.
    pub spot: f64,
    /// Rows of the chain.
    pub contracts: usize,
    /// Rows that an exposure was made of.
    pub used: usize,
    /// The others.
    pub skipped: Skipped,
    /// The total; its calls and puts are sums without a sign, its open interest that of all rows.
    pub total: Group,
    /// By strike, ascending.
    pub strikes: Vec<(f64, Group)>,
    /// By number of the expiry, ascending, with the price at which its holders get least.
    pub expiries: Vec<(u32, Group, Option<f64>)>,
    /// Strikes that stand out.
    pub levels: Levels,
    /// Where the exposure changes its sign.
    pub flip: Option<Flip>,
    /// Σ ∂Δ/∂σ·OI·M·S by a percentage point of volatility, with the sign of the exposure; where it was asked for.
    pub vanna: Option<f64>,
    /// Σ ∂Δ/∂t·OI·M·S by a day of 365; where it was asked for.
    pub charm: Option<f64>,
    /// |net| over the distance to the flip, as a fraction of the spot, at least 1e-6.
    pub convexity: Option<f64>,
    /// The regime's label.
    pub regime: Option<String>,
}

/// Sums of a group on their way.
#[derive(Clone, Copy, Default)]
struct Sums {
    call: Compensated,
    put: Compensated,
    net: Compensated,
    calls: Compensated,
    puts: Compensated,
}

impl Sums {
    fn add(&mut self, one: &Used) {
        self.net.add(one.signed);
        let side = if one.row.right > 0.0 { &mut self.call } else { &mut self.put };
        side.add(one.signed);
    }

    fn open(&mut self, row: &Row) {
        let side = if row.right > 0.0 { &mut self.calls } else { &mut self.puts };
        side.add(row.open_interest);
    }

    fn group(&self) -> Group {
        Group {
            call: self.call.value(),
            put: self.put.value(),
            net: self.net.value(),
            call_open_interest: self.calls.value(),
            put_open_interest: self.puts.value(),
        }
    }
}

/// A row that counts, with its gamma filled in.
#[derive(Clone, Copy)]
pub(super) struct Used {
    pub row: Row,
    /// Without a sign.
    pub exposure: f64,
    /// With it.
    pub signed: f64,
}

/// The exposure of a chain at a spot.
pub fn expose(rows: &[Row], spot: f64, settings: &Settings) -> Exposure {
    let mut skipped = Skipped::default();
    let (mut used, mut open) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for row in rows {
        take(row, spot, settings, &mut used, &mut open, &mut skipped);
    }
    let strikes = grouped(&used, &open, |row| row.strike.to_bits());
    let mut strikes: Vec<(f64, Sums)> = strikes.into_iter().map(|(bits, sums)| (f64::from_bits(bits), sums)).collect();
    strikes.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let strikes: Vec<(f64, Group)> = strikes.into_iter().map(|(strike, sums)| (strike, sums.group())).collect();
    let expiries = grouped(&used, &open, |row| u64::from(row.expiry))
        .into_iter()
        .map(|(expiry, sums)| {
            let theirs: Vec<Row> = open.iter().copied().filter(|row| u64::from(row.expiry) == expiry).collect();
            (u32::try_from(expiry).unwrap_or(u32::MAX), sums.group(), levels::max_pain(&theirs))
        })
        .collect();
    let total = total(&used, &open, settings);
    let levels = levels::levels(&used, &open, &strikes, spot, settings);
    let flip = settings.flip.as_ref().map(|method| find(method, &used, &strikes, spot, total.net, settings));
    let level = flip.as_ref().and_then(|flip| flip.level);
    let convexity = level.map(|level| total.net.abs() / ((spot - level).abs() / spot).max(1e-6));
    let second = settings.second_order.then(|| second_order(&used, spot, settings));
    let evidence = Evidence { net: total.net, spot, flip: level };
    let regime = settings.regime.as_ref().map(|regime: &Regime| regime.of(&evidence).to_owned());
    Exposure {
        spot,
        contracts: rows.len(),
        used: used.len(),
        skipped,
        total,
        strikes,
        expiries,
        levels,
        flip,
        vanna: second.map(|(vanna, _)| vanna),
        charm: second.map(|(_, charm)| charm),
        convexity,
        regime,
    }
}

fn find(
    method: &FlipMethod,
    used: &[Used],
    strikes: &[(f64, Group)],
    spot: f64,
    total: f64,
    settings: &Settings,
) -> Flip {
    let nets: Vec<(f64, f64)> = strikes.iter().map(|(strike, group)| (*strike, group.net)).collect();
    match method {
        FlipMethod::Adjacent => flip::adjacent(&nets, spot),
        FlipMethod::AdjacentUp => flip::adjacent_up(&nets, total),
        FlipMethod::Cumulative => flip::cumulative(&nets),
        FlipMethod::Profile(profile) => profile.find(used, spot, settings),
    }
}

/// Sorts a row into those that count, those that are open, or those that are skipped.
fn take(row: &Row, spot: f64, settings: &Settings, used: &mut Vec<Used>, open: &mut Vec<Row>, skipped: &mut Skipped) {
    let Row { right, strike, open_interest, multiplier, .. } = *row;
    if !(right.is_finite() && right != 0.0 && strike.is_finite() && strike > 0.0 && multiplier.is_finite()) {
        skipped.missing += 1;
        return;
    }
    // An empty field of open interest is how chains write that nothing is open.
    if !(open_interest > 0.0 && open_interest.is_finite()) {
        skipped.no_open_interest += 1;
        return;
    }
    if row.years > settings.most_years || (strike / spot - 1.0).abs() > settings.strike_band {
        skipped.filtered += 1;
        return;
    }
    open.push(*row);
    let gamma = if row.gamma.is_nan() { gamma(row, spot) } else { row.gamma };
    if !(gamma > 0.0 && gamma.is_finite()) {
        skipped.no_gamma += 1;
        return;
    }
    if settings.need_iv && !(row.iv > 0.0 && row.iv.is_finite()) {
        skipped.no_iv += 1;
        return;
    }
    let exposure = settings.scale.of(gamma, open_interest, multiplier, spot);
    let Some(sign) = sign(row, settings.sign) else {
        skipped.missing += 1;
        return;
    };
    used.push(Used { row: Row { gamma, ..*row }, exposure, signed: sign * exposure });
}

/// Vanna and charm of all contracts that have a volatility and a time, in money.
fn second_order(used: &[Used], spot: f64, settings: &Settings) -> (f64, f64) {
    let (mut vanna, mut charm) = (Vec::with_capacity(used.len()), Vec::with_capacity(used.len()));
    for row in used.iter().map(|one| &one.row) {
        let contract = Contract::new(Model::Spot, row.right, spot, row.strike, row.years, row.rate, row.dividend);
        let all = contract.and_then(|contract| greeks(&contract, Model::Spot, row.iv));
        if let (Ok(all), Some(sign)) = (all, sign(row, settings.sign)) {
            let size = sign * row.open_interest * row.multiplier * spot;
            let of = |greek: Greek| all.get(greek as usize).copied().unwrap_or(f64::NAN) * size;
            vanna.push(of(Greek::Vanna) * 0.01);
            charm.push(of(Greek::Charm) / 365.0);
        }
    }
    (pairwise(&vanna), pairwise(&charm))
}

/// Gamma from the volatility.
fn gamma(row: &Row, spot: f64) -> f64 {
    let contract = Contract::new(Model::Spot, row.right, spot, row.strike, row.years, row.rate, row.dividend);
    let all = contract.and_then(|contract| greeks(&contract, Model::Spot, row.iv));
    all.ok().and_then(|all| all.get(Greek::Gamma as usize).copied()).unwrap_or(f64::NAN)
}

/// The sign of a row's exposure; `None` where the row should say it and does not.
pub(super) fn sign(row: &Row, sign: Sign) -> Option<f64> {
    let call = if row.right > 0.0 { 1.0 } else { -1.0 };
    match sign {
        Sign::CallsMinusPuts => Some(call),
        Sign::PutsMinusCalls => Some(-call),
        Sign::Absolute => Some(1.0),
        Sign::Side => row.side.is_finite().then_some(row.side),
    }
}

/// Groups in the order of their first row within `used`, then those that are only open; rows add in their order.
fn grouped(used: &[Used], open: &[Row], key: impl Fn(&Row) -> u64) -> Vec<(u64, Sums)> {
    let mut keyed: std::collections::BTreeMap<u64, Sums> = std::collections::BTreeMap::new();
    for row in open {
        keyed.entry(key(row)).or_default().open(row);
    }
    for one in used {
        keyed.entry(key(&one.row)).or_default().add(one);
    }
    keyed.into_iter().collect()
}

fn total(used: &[Used], open: &[Row], settings: &Settings) -> Group {
    let of = |call: bool, value: fn(&Used) -> f64| -> f64 {
        let values: Vec<f64> = used.iter().filter(|one| (one.row.right > 0.0) == call).map(value).collect();
        pairwise(&values)
    };
    let interest = |call: bool| -> f64 {
        let values: Vec<f64> =
            open.iter().filter(|row| (row.right > 0.0) == call).map(|row| row.open_interest).collect();
        pairwise(&values)
    };
    let (call, put) = (of(true, |one| one.exposure), of(false, |one| one.exposure));
    let net = match settings.sign {
        Sign::CallsMinusPuts => call - put,
        Sign::PutsMinusCalls => put - call,
        Sign::Absolute => call + put,
        Sign::Side => of(true, |one| one.signed) + of(false, |one| one.signed),
    };
    Group { call, put, net, call_open_interest: interest(true), put_open_interest: interest(false) }
}
