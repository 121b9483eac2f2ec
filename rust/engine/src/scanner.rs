//! The scan over all scenarios: closes are kept here in rings, one for each instrument, so that a cycle
//! passes no lists.

use std::collections::HashMap;

use exuvia_model::{OrderType, Side, Time};

use crate::{
    Action, Decision, Known, Quote, Reason, ScanError, Scenario, Strategy, View, act, fx_is_open, is_tradable,
};

/// What a scan wants done, with whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Place or cancel.
    pub action: Action,
    /// Which scenario.
    pub scenario: String,
    /// Which instrument.
    pub uic: i64,
    /// Which way.
    pub side: Side,
    /// Units; zero for a cancel.
    pub amount: i64,
    /// How it is priced.
    pub order_type: OrderType,
    /// The limit of a limit order.
    pub limit: Option<f64>,
    /// When it was decided.
    pub decided: Time,
    /// Why.
    pub reason: Reason,
}

impl Intent {
    /// The decision of scenario `name` on instrument `uic` at `now`.
    #[must_use]
    pub fn new(name: &str, uic: i64, now: Time, decision: Decision) -> Self {
        Self {
            action: decision.action,
            scenario: name.to_owned(),
            uic,
            side: decision.side,
            amount: decision.amount,
            order_type: decision.order_type,
            limit: decision.limit,
            decided: now,
            reason: decision.reason,
        }
    }
}

/// The last closes of an instrument, in one piece of memory.
#[derive(Debug, Clone)]
pub struct Ring {
    values: Vec<f64>,
    keep: usize,
}

impl Ring {
    /// An empty ring of `keep` closes, at least one.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self { values: Vec::new(), keep: keep.max(1) }
    }

    /// Adds a close; the oldest leaves when the ring is full.
    pub fn push(&mut self, close: f64) {
        // Moved to the front once in `keep` pushes, so a push costs a constant on average.
        if self.values.len() >= self.keep.saturating_mul(2) {
            self.values.drain(..self.values.len() - self.keep + 1);
        }
        self.values.push(close);
    }

    /// The last closes, oldest first.
    #[must_use]
    pub fn last(&self) -> &[f64] {
        self.values.get(self.values.len().saturating_sub(self.keep)..).unwrap_or_default()
    }
}

/// Scenarios and the closes that they look at.
#[derive(Debug)]
pub struct Scanner<S = Box<dyn Strategy>> {
    scenarios: Vec<Scenario<S>>,
    closes: HashMap<i64, Ring>,
    keep: usize,
}

impl<S: Strategy> Scanner<S> {
    /// A scanner that keeps the last `keep` closes of each instrument.
    #[must_use]
    pub fn new(scenarios: Vec<Scenario<S>>, keep: usize) -> Self {
        Self { scenarios, closes: HashMap::new(), keep }
    }

    /// Adds the close of a bar.
    ///
    /// # Errors
    /// `BadClose` for a close that is not finite.
    pub fn push_close(&mut self, uic: i64, close: f64) -> Result<(), ScanError> {
        if !close.is_finite() {
            return Err(ScanError::BadClose { uic: Some(uic), at: None, value: close });
        }
        self.closes.entry(uic).or_insert_with(|| Ring::new(self.keep)).push(close);
        Ok(())
    }

    /// The closes that are kept of an instrument, oldest first.
    #[must_use]
    pub fn closes(&self, uic: i64) -> &[f64] {
        self.closes.get(&uic).map(Ring::last).unwrap_or_default()
    }

    /// At most one intent for each scenario, in their order; see [`decide`].
    ///
    /// # Errors
    /// What [`act`] refuses, and what `quote`, `view` and the strategies fail with.
    pub fn decide<E: From<ScanError>>(
        &self,
        now: Time,
        quote: impl FnMut(i64) -> Result<Option<Quote>, E>,
        view: impl FnMut(&str) -> Result<View, E>,
    ) -> Result<Vec<Intent>, E> {
        decide(&self.scenarios, now, quote, view, |scenario, view| {
            let wanted = scenario.strategy.target(self.closes(scenario.uic), view.position);
            wanted.map_err(|source| E::from(ScanError::Strategy { scenario: scenario.name.clone(), source }))
        })
    }
}

/// At most one intent for each scenario, in their order; none outside the FX week. `quote`, `view` and `wanted` are
/// asked only for what is needed, so they may be dear.
///
/// # Errors
/// What [`act`] refuses, and what `quote`, `view` and `wanted` fail with.
pub fn decide<S, E: From<ScanError>>(
    scenarios: &[Scenario<S>],
    now: Time,
    mut quote: impl FnMut(i64) -> Result<Option<Quote>, E>,
    mut view: impl FnMut(&str) -> Result<View, E>,
    mut wanted: impl FnMut(&Scenario<S>, &View) -> Result<Option<i64>, E>,
) -> Result<Vec<Intent>, E> {
    let mut intents = Vec::new();
    if !fx_is_open(now) {
        return Ok(intents);
    }
    for scenario in scenarios {
        let (name, uic, rules) = (scenario.name.as_str(), scenario.uic, &scenario.rules);
        let Some(quote) = quote(uic)?.filter(|quote| is_tradable(quote, rules.max_quote_age_s, now)) else { continue };
        let view = view(name)?;
        let decision = act((name, uic), &Known(rules, &view), &quote, now, |_| wanted(scenario, &view))?;
        intents.extend(decision.map(|decision| Intent::new(name, uic, now, decision)));
    }
    Ok(intents)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_ring_keeps_the_last_closes_in_order() {
        for keep in 1..5_usize {
            let mut ring = Ring::new(keep);
            let mut all = Vec::new();
            for value in (0..40).map(f64::from) {
                ring.push(value);
                all.push(value);
                assert_eq!(ring.last(), &all[all.len().saturating_sub(keep)..]);
            }
        }
    }

    #[test]
    fn a_close_that_is_no_price_is_refused_with_its_instrument_and_not_kept() {
        let mut scanner = Scanner::<Box<dyn Strategy>>::new(Vec::new(), 3);
        scanner.push_close(21, 1.5).unwrap();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let text = scanner.push_close(21, bad).unwrap_err().to_string();
            assert!(text.contains("21") && text.contains("close"), "{text}");
        }
        assert_eq!((scanner.closes(21), scanner.closes(22)), (&[1.5][..], &[][..]));
    }
}
