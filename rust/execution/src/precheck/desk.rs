//! What a desk knows of an order that is checked.

use exuvia_model::{OrderIntent, Side, Time};

use super::context::{Context, Open, Past, is_open};
use crate::{Desk, Link, Order};

impl<'a> Context<'a> {
    /// The terms of the instrument, what is held, what open orders may do to it, and the orders themselves; what the market and the
    /// venue know is still to be added. `own` are the orders that are checked, with what hangs on them ([`Desk::linked`]).
    #[must_use]
    pub fn of_desk(desk: &'a Desk, orders: Past<'a>, own: &[Order], now: Time) -> Self {
        let known = Self { orders: Some(orders), ..Self::unknown(now) };
        let Some(intent) = own.first().map(Order::intent) else { return known };
        Self {
            instrument: desk.instrument(intent.symbol).ok(),
            held: Some(desk.holding(&intent.scenario, intent.symbol).quantity()),
            open: Some(Open::beside(desk, orders, own, intent)),
            ..known
        }
    }
}

impl Open {
    /// What the open orders of an intent's scenario and instrument may execute, without those in `own`. Of legs of which one
    /// takes the other back the larger counts, and an exit only as far as there is something that it closes.
    #[must_use]
    pub fn beside(desk: &Desk, orders: Past<'_>, own: &[Order], intent: &OrderIntent) -> Self {
        let mut sum = Self::default();
        let beside = orders.iter().filter(|order| {
            let other = order.intent();
            is_open(order) && (other.symbol, &other.scenario) == (intent.symbol, &intent.scenario)
        });
        for order in beside {
            let Ok((link, members)) = desk.linked(order.client_id()) else { continue };
            let counted = members.iter().find(|member| is_open(member));
            let first = counted.is_some_and(|member| member.client_id() == order.client_id());
            let is_own = |member: &Order| own.iter().any(|own| own.client_id() == member.client_id());
            if first && !members.iter().any(is_own) {
                let more = Self::of_group(link, members);
                (sum.buys, sum.sells) = (sum.buys + more.buys, sum.sells + more.sells);
            }
        }
        sum
    }

    fn of_group(link: Link, members: &[Order]) -> Self {
        let on = |side: Side| {
            let of_side = |order: &&Order| order.intent().side == side;
            match (link, members) {
                (Link::Oco, legs) => legs.iter().filter(of_side).map(open).max().unwrap_or_default(),
                (Link::Bracket | Link::IfDone, [entry, children @ ..]) => {
                    let children = || children.iter().filter(of_side);
                    let entered = filled(entry) - children().map(filled).sum::<i128>();
                    let (stops, others): (i128, i128) = children().fold((0, 0), |(stops, others), order| {
                        if order.intent().order_type.is_stop() {
                            (stops + open(order), others)
                        } else {
                            (stops, others + open(order))
                        }
                    });
                    let all = if link == Link::Bracket { stops.max(others) } else { stops + others };
                    if entry.intent().side == side { open(entry) + all } else { all.min(entered.max(0)) }
                }
                (_, orders) => orders.iter().filter(of_side).map(open).sum(),
            }
        };
        Self { buys: on(Side::Buy), sells: on(Side::Sell) }
    }
}

fn open(order: &Order) -> i128 {
    i128::from(order.state().open().raw())
}

fn filled(order: &Order) -> i128 {
    i128::from(order.state().filled().raw())
}
