//! The order state machine: every pair of state and event against a table, and random lives against a model that keeps
//! facts (was it sent, is a request under way, how did it end) where the machine keeps a status.

#![allow(clippy::unwrap_used, clippy::panic)]

use exuvia_execution::{OrderEvent, OrderState, StepError};
use exuvia_model::{OrderStatus, Quantity};
use proptest::prelude::*;

fn q(raw: i64) -> Quantity {
    Quantity::from_raw(raw)
}

/// The states of the table: a name, and the events that lead there for an order of 10.
fn states() -> Vec<(OrderStatus, OrderState)> {
    use OrderEvent as E;
    use OrderStatus as S;
    let part = E::Executed { quantity: q(3), last: false };
    let all = E::Executed { quantity: q(10), last: true };
    let sent = [E::Passed, E::Sent];
    let works = [E::Passed, E::Sent, E::Accepted];
    let cases: [(S, &[E], &[E]); 12] = [
        (S::Intent, &[], &[]),
        (S::Checked, &[E::Passed], &[]),
        (S::PendingNew, &sent, &[]),
        (S::Working, &works, &[]),
        (S::PartiallyFilled, &works, &[part]),
        (S::PendingCancel, &works, &[E::CancelSent]),
        (S::PendingReplace, &works, &[E::ReplaceSent { quantity: q(12) }]),
        (S::Unknown, &sent, &[E::Lost]),
        (S::Filled, &works, &[all]),
        (S::Cancelled, &works, &[E::Cancelled]),
        (S::Rejected, &sent, &[E::Refused]),
        (S::Expired, &works, &[E::Expired]),
    ];
    cases
        .map(|(status, first, then)| {
            let fresh = OrderState::new(q(10));
            let state = first.iter().chain(then).try_fold(fresh, |state, event| state.after(*event)).unwrap();
            assert_eq!(state.status(), status);
            (status, state)
        })
        .to_vec()
}

/// One letter for each state, in the order of `states`; lower case `o` is an overfill, `-` a step that there is none.
const LETTERS: &str = "ICNWPXRUFKJE";

#[test]
fn every_event_in_every_state_leads_where_the_table_says_or_names_both_states() {
    use OrderEvent as E;
    let table: [(OrderEvent, &str); 17] = [
        //                                                     ICNWPXRUFKJE
        (E::Passed, /*                                       */ "C-----------"),
        (E::Refused, /*                                      */ "J-JJ-JJJ----"),
        (E::Withdrawn, /*                                    */ "KK----------"),
        (E::Sized { quantity: q(5) }, /*                     */ "-C----------"),
        (E::Sent, /*                                         */ "-N----------"),
        (E::Accepted, /*                                     */ "--WWPXRW----"),
        (E::Lost, /*                                         */ "--UUUUUU----"),
        (E::Executed { quantity: q(2), last: false }, /*     */ "--PPPXRPoKJE"),
        (E::Executed { quantity: q(7), last: true }, /*      */ "--FFFFFFoKJE"),
        (E::Overexecuted { quantity: q(13) }, /*             */ "--FFFFFFFKJE"),
        (E::CancelSent, /*                                   */ "---XX-XX----"),
        (E::CancelRefused, /*                                */ "-----W------"),
        (E::Cancelled, /*                                    */ "--KKKKKK----"),
        (E::ReplaceSent { quantity: q(12) }, /*              */ "---RR-------"),
        (E::Replaced, /*                                     */ "------W-----"),
        (E::ReplaceRefused, /*                               */ "------W-----"),
        (E::Expired, /*                                      */ "--EEEEEE----"),
    ];
    let states = states();
    let mut illegal = 0;
    for (event, row) in table {
        for ((from, state), letter) in states.iter().zip(row.chars()) {
            let to = LETTERS.chars().position(|known| known == letter).map(|at| states[at].0);
            match (state.after(event), to) {
                (Ok(next), Some(to)) => assert_eq!(next.status(), to, "{from} after {event:?}"),
                (Err(error), None) => {
                    illegal += 1;
                    let code = if letter == 'o' { "overfilled" } else { "forbidden_step" };
                    assert_eq!(error.code(), code, "{from} after {event:?}: {error}");
                    let (StepError::Forbidden { from: named, to, .. } | StepError::Overfilled { from: named, to, .. }) =
                        &error
                    else {
                        panic!("{from} after {event:?}: {error}")
                    };
                    assert_eq!(named, from);
                    let text = error.to_string();
                    assert!(text.contains(from.as_str()) && text.contains(to.as_str()), "{text}");
                }
                (next, to) => panic!("{from} after {event:?} is {next:?}, the table says {to:?}"),
            }
        }
    }
    assert_eq!(illegal, table.iter().flat_map(|(_, row)| row.chars()).filter(|letter| "-o".contains(*letter)).count());
    assert!(illegal > 100, "{illegal} of {} pairs are illegal", table.len() * states.len());
}

#[test]
fn every_refused_step_says_why_in_words() {
    use OrderEvent as E;
    let after =
        |events: &[OrderEvent]| events.iter().try_fold(OrderState::new(q(10)), |state, event| state.after(*event));
    let works = [E::Passed, E::Sent, E::Accepted];
    let with = |more: &[OrderEvent]| after(&[&works, more].concat()).unwrap_err();
    for (error, says) in [
        (
            after(&[E::Sent]).unwrap_err(),
            "cannot go from intent to pending: an order is sent once, after it passed the checks",
        ),
        (with(&[E::Cancelled, E::Accepted]), "cannot go from cancelled to working: nothing follows a terminal state"),
        (with(&[E::Withdrawn]), "what was sent is cancelled, not withdrawn"),
        (
            with(&[E::Executed { quantity: q(10), last: true }, E::ReplaceSent { quantity: q(12) }]),
            "from filled to pending_replace",
        ),
        (
            with(&[E::ReplaceSent { quantity: q(0) }]),
            "a total of 0 is not more than the 0 already executed; cancel it instead",
        ),
        (with(&[E::Executed { quantity: q(0), last: false }]), "a fill of 0 is not positive"),
        (with(&[E::Executed { quantity: q(-3), last: false }]), "a fill of -0.000000003 is not positive"),
        (with(&[E::Overexecuted { quantity: q(10) }]), "no more was executed than was ordered"),
        (with(&[E::ReplaceRefused]), "no change was sent"),
        (with(&[E::Executed { quantity: q(11), last: true }]), "is more than its 0.00000001"),
    ] {
        assert!(error.to_string().contains(says), "{error}");
    }
    let huge = with(&[E::Executed { quantity: q(3), last: false }, E::Executed { quantity: q(i64::MAX), last: true }]);
    assert_eq!(huge.code(), "overfilled", "{huge}");
    assert_eq!(with(&[E::ReplaceSent { quantity: q(-1) }]).code(), "nothing_left");
    assert_eq!(with(&[E::Executed { quantity: q(0), last: true }]).code(), "empty_fill");
}

#[test]
fn a_cancel_that_crosses_a_fill_ends_as_filled_and_its_refusal_finds_nothing_to_do() {
    use OrderEvent as E;
    let crossed = [E::Passed, E::Sent, E::Accepted, E::CancelSent, E::Executed { quantity: q(10), last: true }];
    let state = crossed.iter().try_fold(OrderState::new(q(10)), |state, event| state.after(*event)).unwrap();
    assert_eq!((state.status(), state.filled(), state.late()), (OrderStatus::Filled, q(10), q(0)));
    assert!(state.after(E::CancelRefused).is_err());
}

#[test]
fn a_fill_after_the_end_is_counted_as_late_and_an_end_stays_an_end() {
    use OrderEvent as E;
    let ended =
        [E::Passed, E::Sent, E::Accepted, E::Executed { quantity: q(3), last: false }, E::CancelSent, E::Cancelled];
    let state = ended.iter().try_fold(OrderState::new(q(10)), |state, event| state.after(*event)).unwrap();
    let late = state.after(E::Executed { quantity: q(7), last: true }).unwrap();
    assert_eq!((late.status(), late.filled(), late.late(), late.open()), (OrderStatus::Cancelled, q(10), q(7), q(0)));
    let more = late.after(E::Overexecuted { quantity: q(1) }).unwrap();
    assert_eq!((more.status(), more.filled(), more.late()), (OrderStatus::Cancelled, q(11), q(8)));
    let never = OrderState::new(q(10)).after(E::Withdrawn).unwrap();
    assert!(never.after(E::Executed { quantity: q(1), last: false }).is_err(), "it was never sent");
}

#[test]
fn a_change_that_crosses_fills_leaves_no_less_than_was_executed() {
    use OrderEvent as E;
    let part = |raw| E::Executed { quantity: q(raw), last: false };
    let after = |events: &[OrderEvent]| {
        let all = [&[E::Passed, E::Sent, E::Accepted], events].concat();
        all.iter().try_fold(OrderState::new(q(10)), |state, event| state.after(*event))
    };
    let down = after(&[E::ReplaceSent { quantity: q(4) }, part(6)]).unwrap();
    assert_eq!((down.status(), down.open(), down.asked()), (OrderStatus::PendingReplace, q(4), Some(q(4))));
    let taken = down.after(E::Replaced).unwrap();
    assert_eq!((taken.status(), taken.quantity(), taken.filled()), (OrderStatus::Filled, q(6), q(6)));
    let refused = down.after(E::ReplaceRefused).unwrap();
    assert_eq!((refused.status(), refused.quantity(), refused.open()), (OrderStatus::PartiallyFilled, q(10), q(4)));
    let up = after(&[E::ReplaceSent { quantity: q(15) }, part(12)]).unwrap();
    assert_eq!((up.ceiling(), up.open()), (q(15), q(3)));
    assert_eq!(up.after(E::Replaced).unwrap().open(), q(3));
    let error = up.after(E::ReplaceRefused).unwrap_err();
    assert!(error.to_string().contains("the change was taken"), "{error}");
    let full = after(&[E::ReplaceSent { quantity: q(15) }, part(10), E::ReplaceRefused]).unwrap();
    assert_eq!(full.status(), OrderStatus::Filled, "the old amount is executed, and it is the one that holds");
}

#[test]
fn a_cancel_may_follow_a_change_that_is_never_answered_and_both_answers_count() {
    use OrderEvent as E;
    let events = [E::Passed, E::Sent, E::Accepted, E::ReplaceSent { quantity: q(12) }, E::CancelSent];
    let both = events.iter().try_fold(OrderState::new(q(10)), |state, event| state.after(*event)).unwrap();
    assert_eq!((both.status(), both.is_cancelling(), both.was_sent()), (OrderStatus::PendingCancel, true, true));
    let replaced = both.after(E::Replaced).unwrap();
    assert_eq!((replaced.status(), replaced.quantity()), (OrderStatus::PendingCancel, q(12)));
    assert_eq!(both.after(E::CancelRefused).unwrap().status(), OrderStatus::PendingReplace);
    let doubt = both.after(E::Lost).unwrap();
    assert_eq!(
        doubt.after(E::Accepted).unwrap().status(),
        OrderStatus::PendingCancel,
        "a late answer to the order says nothing of the cancel"
    );
    assert_eq!(
        doubt.after(E::CancelSent).unwrap().status(),
        OrderStatus::PendingCancel,
        "in doubt a cancel may be sent again"
    );
}

fn event() -> impl Strategy<Value = OrderEvent> {
    use OrderEvent as E;
    prop_oneof![
        1 => Just(E::Passed),
        1 => Just(E::Refused),
        1 => Just(E::Withdrawn),
        1 => (-1_i64..12).prop_map(|raw| E::Sized { quantity: q(raw) }),
        1 => Just(E::Sent),
        3 => Just(E::Accepted),
        3 => Just(E::Lost),
        6 => (-1_i64..6, prop::bool::weighted(0.1)).prop_map(|(raw, last)| E::Executed { quantity: q(raw), last }),
        1 => (-1_i64..12).prop_map(|raw| E::Overexecuted { quantity: q(raw) }),
        3 => Just(E::CancelSent),
        3 => Just(E::CancelRefused),
        1 => Just(E::Cancelled),
        4 => (-1_i64..15).prop_map(|raw| E::ReplaceSent { quantity: q(raw) }),
        3 => Just(E::Replaced),
        3 => Just(E::ReplaceRefused),
        1 => Just(E::Expired),
    ]
}

/// What is known of an order, as facts.
#[derive(Debug, Clone, PartialEq)]
struct Facts {
    checked: bool,
    sent: bool,
    answered: bool,
    doubt: bool,
    cancel: bool,
    replace: Option<i64>,
    end: Option<OrderStatus>,
    ordered: i64,
    done: i64,
    late: i64,
}

impl Facts {
    fn status(&self) -> OrderStatus {
        use OrderStatus as S;
        match self.end {
            Some(end) => end,
            None if !self.sent => {
                if self.checked {
                    S::Checked
                } else {
                    S::Intent
                }
            }
            None if self.doubt => S::Unknown,
            None if self.cancel => S::PendingCancel,
            None if self.replace.is_some() => S::PendingReplace,
            None if self.done > 0 => S::PartiallyFilled,
            None if self.answered => S::Working,
            None => S::PendingNew,
        }
    }

    /// The facts after the event; `None` if it cannot be.
    fn after(&self, event: OrderEvent) -> Option<Self> {
        use OrderEvent as E;
        use OrderStatus as S;
        let mut next = self.clone();
        let most = self.ordered.max(self.replace.unwrap_or(0));
        if let E::Executed { quantity, .. } | E::Overexecuted { quantity } = event {
            let total = self.done + quantity.raw();
            let beyond = matches!(event, E::Overexecuted { .. });
            if !self.sent || quantity.raw() <= 0 || (total > most) != beyond {
                return None;
            }
            next.done = total;
            match self.end {
                Some(_) => next.late += quantity.raw(),
                None => {
                    (next.doubt, next.answered) = (false, true);
                    let last = beyond || matches!(event, E::Executed { last: true, .. });
                    next.end = last.then_some(S::Filled);
                }
            }
            return Some(next);
        }
        if self.end.is_some() {
            return None;
        }
        let live = self.sent;
        let mut answer = |possible: bool, set: &dyn Fn(&mut Self)| {
            (next.doubt, next.answered) = (false, true);
            set(&mut next);
            possible.then(|| next.clone())
        };
        match event {
            E::Passed if !self.checked => Some(Self { checked: true, ..next }),
            E::Withdrawn if !live => Some(Self { end: Some(S::Cancelled), ..next }),
            E::Sized { quantity } if self.checked && !live && quantity.raw() > 0 => {
                Some(Self { ordered: quantity.raw(), ..next })
            }
            E::Sent if self.checked && !live => Some(Self { sent: true, ..next }),
            E::Refused if (live || !self.checked) && self.done == 0 => Some(Self { end: Some(S::Rejected), ..next }),
            E::Lost if live => Some(Self { doubt: true, ..next }),
            E::Cancelled if live => Some(Self { end: Some(S::Cancelled), ..next }),
            E::Expired if live => Some(Self { end: Some(S::Expired), ..next }),
            E::Accepted => answer(live, &|_| {}),
            E::CancelSent => {
                answer(live && (self.doubt || (self.status() != S::PendingNew && !self.cancel)), &|next| {
                    next.cancel = true
                })
            }
            E::CancelRefused => answer(self.cancel, &|next| next.cancel = false),
            E::ReplaceSent { quantity } => answer(
                matches!(self.status(), S::Working | S::PartiallyFilled) && quantity.raw() > self.done,
                &|next| next.replace = Some(quantity.raw()),
            ),
            E::Replaced | E::ReplaceRefused => {
                let asked = self.replace?;
                let taken = event == E::Replaced;
                answer(taken || self.done <= self.ordered, &|next| {
                    next.replace = None;
                    if taken {
                        next.ordered = asked.max(next.done);
                    }
                    if next.done >= next.ordered {
                        next.end = Some(S::Filled);
                    }
                })
            }
            _ => None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_random_life_is_the_life_that_the_facts_allow(amount in 1_i64..12, sent in prop::bool::weighted(0.9), events in prop::collection::vec(event(), 0..40)) {
        let mut state = OrderState::new(q(amount));
        let mut facts = Facts {
            checked: false, sent: false, answered: false, doubt: false, cancel: false, replace: None, end: None,
            ordered: amount, done: 0, late: 0,
        };
        let start = if sent { vec![OrderEvent::Passed, OrderEvent::Sent] } else { Vec::new() };
        for event in start.into_iter().chain(events) {
            match (state.after(event), facts.after(event)) {
                (Ok(next), Some(known)) => (state, facts) = (next, known),
                (Err(error), None) => {
                    prop_assert!(error.to_string().contains(state.status().as_str()), "{}", error);
                }
                (machine, model) => prop_assert!(false, "{:?} in {:?}: machine {:?}, facts {:?}", event, facts, machine, model),
            }
            prop_assert_eq!(state.status(), facts.status(), "after {:?}: {:?}", event, facts);
            prop_assert_eq!((state.quantity().raw(), state.filled().raw(), state.late().raw()), (facts.ordered, facts.done, facts.late));
            prop_assert_eq!(state.asked().map(Quantity::raw), facts.replace);
            let open = facts.ordered.max(facts.replace.unwrap_or(0)) - facts.done;
            prop_assert_eq!(state.open().raw(), if facts.end.is_some() { 0 } else { open.max(0) });
        }
    }
}
