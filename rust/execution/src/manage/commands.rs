//! What callers ask of a manager.

use exuvia_model::{OrderIntent, OrderStatus, OrderType, Price, Quantity, Time, Trail};

use super::send::Gone;
use super::ticket::Found;
use super::{Asked, DeskManager, ManageError, NewTerms, PreTrade, Pricing, Pumped, Scope, Ticket};
use crate::{Amendment, Broker, ChangeOutcome, Link, Step};

impl<B: Broker, P: PreTrade> DeskManager<B, P> {
    /// Buys or sells at the first price there is. What became of it is in [`DeskManager::desk`] under the id.
    ///
    /// # Errors
    /// See [`Self::submit`].
    pub fn place_market_order(&mut self, ticket: &Ticket, now: Time) -> Result<String, ManageError> {
        self.place(ticket, Pricing::Market, now)
    }

    /// Buys or sells at a limit or better.
    ///
    /// # Errors
    /// See [`Self::submit`].
    pub fn place_limit_order(&mut self, ticket: &Ticket, limit: Price, now: Time) -> Result<String, ManageError> {
        self.place(ticket, Pricing::Limit(limit), now)
    }

    /// Buys or sells at the first price there is once the stop was reached.
    ///
    /// # Errors
    /// See [`Self::submit`].
    pub fn place_stop_order(&mut self, ticket: &Ticket, stop: Price, now: Time) -> Result<String, ManageError> {
        self.place(ticket, Pricing::Stop(stop), now)
    }

    /// Buys or sells at a limit or better once the stop was reached.
    ///
    /// # Errors
    /// See [`Self::submit`].
    pub fn place_stop_limit_order(
        &mut self,
        ticket: &Ticket,
        stop: Price,
        limit: Price,
        now: Time,
    ) -> Result<String, ManageError> {
        self.place(ticket, Pricing::StopLimit { stop, limit }, now)
    }

    /// Places a stop that follows the market at a distance; `start` where the venue wants to know where it begins.
    ///
    /// # Errors
    /// See [`Self::submit`].
    pub fn place_trailing_stop_order(
        &mut self,
        ticket: &Ticket,
        trail: Trail,
        start: Option<Price>,
        now: Time,
    ) -> Result<String, ManageError> {
        self.place(ticket, Pricing::Trailing { trail, start }, now)
    }

    /// An entry with a stop and one or more take-profits, whose amounts sum to the entry's. The exits go out as the entry is
    /// executed. The ids: entry, stop, take-profits in their order.
    ///
    /// # Errors
    /// See [`Self::submit`].
    pub fn create_bracket_order(
        &mut self,
        ticket: &Ticket,
        entry: Pricing,
        stop: Pricing,
        targets: &[(Quantity, Price)],
        now: Time,
    ) -> Result<Vec<String>, ManageError> {
        let symbol = self.desk().symbol(&ticket.instrument)?;
        let exit = |quantity, reason: &str| Ticket {
            side: ticket.side.opposite(),
            quantity,
            reason: reason.to_owned(),
            ..ticket.clone()
        };
        let mut intents =
            vec![ticket.intent(symbol, entry, now), exit(ticket.quantity, "stop").intent(symbol, stop, now)];
        for (quantity, limit) in targets {
            intents.push(exit(*quantity, "take").intent(symbol, Pricing::Limit(*limit), now));
        }
        self.submit(Link::Bracket, intents, now)
    }

    /// Wants orders, all of them or none: each is checked, then those that nothing waits for are sent.
    ///
    /// # Errors
    /// `Refused` by the checks; `Unsupported`, `NotReconciled`, `Halted`; `Order` with what is wrong with them. Nothing was sent
    /// then, unless the journal failed while the venue answered.
    pub fn submit(&mut self, link: Link, intents: Vec<OrderIntent>, now: Time) -> Result<Vec<String>, ManageError> {
        self.begin(now)?;
        if self.reconciled().is_none() {
            return Err(ManageError::NotReconciled);
        }
        let ids = self.enter(link, intents)?;
        self.work_linked()?;
        Ok(ids)
    }

    /// Changes the terms of an order that works; where it stands then.
    ///
    /// # Errors
    /// `Order` if it does not work, with both states; `Linked` for another amount of an order that others hang on; `Refused`,
    /// `NoReplace`, `NotAtVenue`, `Halted`.
    pub fn modify_order(&mut self, client_id: &str, new: NewTerms, now: Time) -> Result<OrderStatus, ManageError> {
        self.begin(now)?;
        let order = self.desk.desk().find(client_id)?;
        let quantity = new.quantity.unwrap_or_else(|| order.state().quantity());
        let terms = Amendment { quantity, limit: new.limit, stop: new.stop };
        let linked = self.desk().linked(client_id)?.0 != Link::Single;
        if linked && quantity != order.state().quantity() {
            return Err(ManageError::Linked { client_id: client_id.to_owned() });
        }
        // The machine's sentence before the checks': what has ended is not changed, whatever they say.
        order
            .state()
            .after(crate::OrderEvent::ReplaceSent { quantity })
            .map_err(|source| crate::OrderError::Step { client_id: client_id.to_owned(), source })?;
        if let Err(refused) = self.checks.check(self.desk.desk(), Asked::Change(order, &terms), now) {
            let (client_id, code, words) = (client_id.to_owned(), refused.code, refused.words);
            return Err(ManageError::Refused { client_id, code, words });
        }
        if let Gone::Refused(why) | Gone::Kept(why) = self.send_replace(client_id, terms)? {
            self.not_done(client_id, "change", why);
        }
        Ok(self.desk().find(client_id)?.status())
    }

    /// Takes an order back; where it stands then. What was not sent is withdrawn; what the venue's id is not known of, or what is
    /// not answered, is cancelled by the pump as soon as it can be.
    ///
    /// # Errors
    /// `Order` for an order that has ended, or that is not here; `Halted`.
    pub fn cancel_order(&mut self, client_id: &str, now: Time) -> Result<OrderStatus, ManageError> {
        self.begin(now)?;
        let order = self.desk().find(client_id)?;
        if let (true, Err(source)) = (order.status().is_terminal(), order.state().after(crate::OrderEvent::CancelSent))
        {
            return Err(crate::OrderError::Step { client_id: client_id.to_owned(), source }.into());
        }
        self.wishes.cancel(client_id);
        self.try_cancel(client_id)?;
        self.work_linked()?;
        Ok(self.desk().find(client_id)?.status())
    }

    /// Takes all orders of a scope back; their ids. Those beyond the bound of one call are cancelled by the pump.
    ///
    /// # Errors
    /// `Order` if the scope's instrument is not listed; `Halted`.
    pub fn cancel_all(&mut self, scope: &Scope, now: Time) -> Result<Vec<String>, ManageError> {
        self.begin(now)?;
        self.cancel_scope(scope)
    }

    /// Closes all positions of a scope: takes its orders back, and when none is left sells or buys at the market what is held
    /// then. Orders placed meanwhile in the same scenario and instrument are taken back too. The scenarios and instruments.
    ///
    /// # Errors
    /// `Order` if the scope's instrument is not listed; `NotReconciled`, `Halted`.
    pub fn flatten(&mut self, scope: &Scope, now: Time) -> Result<Vec<(String, String)>, ManageError> {
        self.begin(now)?;
        if self.reconciled().is_none() {
            return Err(ManageError::NotReconciled);
        }
        let found = self.found_scope(scope)?;
        let open = self.desk().orders().iter().filter(|order| !order.status().is_terminal());
        let mut meant: Vec<(String, exuvia_model::Symbol)> =
            open.map(|order| (order.intent().scenario.clone(), order.intent().symbol)).collect();
        let held = self.desk().holdings().iter().filter(|(_, holding)| holding.quantity() != Quantity::ZERO);
        meant.extend(held.map(|(key, _)| key.clone()));
        meant.retain(|(scenario, symbol)| found.holds(scenario, *symbol));
        meant.sort();
        meant.dedup();
        self.cancel_scope(scope)?;
        let mut named = Vec::new();
        for (scenario, symbol) in meant {
            self.wishes.flatten(&scenario, symbol);
            named.push((scenario, self.desk().instrument(symbol)?.name.clone()));
        }
        self.work()?;
        Ok(named)
    }

    /// Takes back an order that was not placed here; only this touches such orders.
    ///
    /// # Errors
    /// `NoSuchForeign`; `Halted`.
    pub fn cancel_foreign(&mut self, venue_id: &str, now: Time) -> Result<ChangeOutcome, ManageError> {
        self.begin(now)?;
        if !self.account.foreign.contains_key(venue_id) {
            return Err(ManageError::NoSuchForeign { venue_id: venue_id.to_owned() });
        }
        self.account.due(self.clock.steady());
        Ok(self.ask(None, |broker, now| broker.cancel(venue_id, now)))
    }

    /// Hears the venue, compares by timer, works off what is wanted and looks up what is in doubt: a bounded part of it, the rest
    /// with the next call.
    ///
    /// # Errors
    /// `Halted`; `Order` if the journal fails. A venue that does not answer is no error: it is told once and asked again.
    pub fn pump(&mut self, now: Time) -> Result<Pumped, ManageError> {
        self.begin(now)?;
        let came = self.guard(None, |broker, now| broker.poll(now));
        self.inbox.extend(came);
        let mut reports = 0;
        while let Some(report) = (reports < self.settings.reports).then(|| self.inbox.pop_front()).flatten() {
            self.hear(report)?;
            reports += 1;
        }
        self.hear_orphans()?;
        if self.account.is_due(self.clock.steady()) {
            match self.compare() {
                Ok(()) | Err(ManageError::Unreachable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.work()?;
        self.work_doubts()?;
        self.hear_orphans()?;
        Ok(Pumped { reports, waiting: self.inbox.len(), requests: self.requests })
    }

    /// Compares orders, executions, positions and cash with what the venue has, now: after a reconnect, or when in doubt.
    ///
    /// # Errors
    /// `Unreachable`: nothing is concluded, and the pump tries again; `Halted`; `Order` if the journal fails.
    pub fn reconcile(&mut self, now: Time) -> Result<(), ManageError> {
        self.begin(now)?;
        self.compare()?;
        self.hear_orphans()
    }

    /// Wants orders, checks them and sends those that nothing waits for.
    pub(super) fn enter(&mut self, link: Link, intents: Vec<OrderIntent>) -> Result<Vec<String>, ManageError> {
        let takes = self.broker.capabilities().order_types;
        if let Some(other) = intents.iter().find(|intent| !takes.contains(&intent.order_type)) {
            let known = takes.iter().map(OrderType::to_string).collect::<Vec<_>>().join(", ");
            return Err(ManageError::Unsupported { order_type: other.order_type, known });
        }
        let change = self.desk().intend(link, intents)?;
        self.take(&change)?;
        let crate::Change::Intended { orders, .. } = change else { return Ok(Vec::new()) };
        let ids: Vec<String> = orders.into_iter().map(|order| order.client_id).collect();
        for client_id in &ids {
            let order = self.desk.desk().find(client_id)?;
            if let Err(refused) = self.checks.check(self.desk.desk(), Asked::Order(order), self.clock.now()) {
                return self.refuse(&ids, client_id, refused);
            }
            self.step(client_id, Step::Passed)?;
        }
        let at_once = if link == Link::Oco { ids.as_slice() } else { ids.get(..1).unwrap_or_default() };
        for client_id in at_once {
            if let Err(error) = self.send(client_id) {
                return self.give_up(&ids, error);
            }
        }
        Ok(ids)
    }

    fn refuse(&mut self, ids: &[String], which: &str, refused: super::Refused) -> Result<Vec<String>, ManageError> {
        self.step(which, Step::Refused(format!("{}: {}", refused.code, refused.words)))?;
        let (code, words) = (refused.code, refused.words);
        self.give_up(ids, ManageError::Refused { client_id: which.to_owned(), code, words })
    }

    /// Withdraws what of a group was not sent.
    fn give_up(&mut self, ids: &[String], error: ManageError) -> Result<Vec<String>, ManageError> {
        if matches!(error, ManageError::Refused { .. }) {
            for other in ids {
                let order = self.desk().find(other)?;
                if !order.status().is_terminal() && !order.state().was_sent() {
                    self.step(other, Step::Withdrawn("one that it hangs together with was refused".to_owned()))?;
                }
            }
        }
        Err(error)
    }

    fn place(&mut self, ticket: &Ticket, pricing: Pricing, now: Time) -> Result<String, ManageError> {
        let symbol = self.desk().symbol(&ticket.instrument)?;
        let ids = self.submit(Link::Single, vec![ticket.intent(symbol, pricing, now)], now)?;
        Ok(ids.into_iter().next().unwrap_or_default())
    }

    fn cancel_scope(&mut self, scope: &Scope) -> Result<Vec<String>, ManageError> {
        let found = self.found_scope(scope)?;
        let open = self.desk().orders().iter().filter(|order| !order.status().is_terminal() && found.has(order));
        let ids: Vec<String> = open.map(|order| order.client_id().to_owned()).collect();
        for client_id in &ids {
            self.wishes.cancel(client_id);
            // What was not sent goes first, at no cost: an exit must not leave while its entry is taken back.
            if !self.desk().find(client_id)?.state().was_sent() {
                self.try_cancel(client_id)?;
            }
        }
        for client_id in &ids {
            if self.budget > 0 {
                self.try_cancel(client_id)?;
            }
        }
        Ok(ids)
    }

    fn found_scope<'a>(&self, scope: &'a Scope) -> Result<Found<'a>, ManageError> {
        let symbol = scope.instrument.as_deref().map(|name| self.desk().symbol(name)).transpose()?;
        Ok(Found { scenario: scope.scenario.as_deref(), symbol })
    }
}
