//! What is wrong and goes on, one problem for each area, told once and then from time to time.

use exuvia_model::Time;

use super::{Event, Problem};

#[derive(Debug)]
struct Trouble {
    area: &'static str,
    problem: Problem,
    told: i64,
}

#[derive(Debug, Default)]
pub(super) struct Troubles(Vec<Trouble>);

impl Troubles {
    /// Notes a trouble; gives the event back if it is to be told: when it begins or changes its nature, and again after `remind`.
    pub(super) fn tell(&mut self, area: &'static str, event: Event, now: (Time, i64), remind: i64) -> Option<Event> {
        let old = self.0.iter().position(|trouble| trouble.area == area).map(|at| self.0.remove(at));
        let same = old.filter(|old| old.problem.code == event.code);
        let since = same.as_ref().map_or_else(|| now.0.to_string(), |old| old.problem.since.clone());
        let recent = same.map(|old| old.told).filter(|told| now.1.saturating_sub(*told) < remind);
        let problem = Problem { code: event.code.to_owned(), words: event.words.clone(), since };
        self.0.push(Trouble { area, problem, told: recent.unwrap_or(now.1) });
        recent.is_none().then_some(event)
    }

    /// Tells again what was not told for `remind`.
    pub(super) fn remind(&mut self, area: &str, now: i64, remind: i64) -> Option<Event> {
        let trouble = self.0.iter_mut().find(|trouble| trouble.area == area)?;
        if now.saturating_sub(trouble.told) < remind {
            return None;
        }
        trouble.told = now;
        Some(Event::loud("needs_login", trouble.problem.words.clone()))
    }

    pub(super) fn settle(&mut self, area: &str) {
        self.0.retain(|trouble| trouble.area != area);
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        self.0.iter().map(|trouble| trouble.problem.clone()).collect()
    }
}
