//! `/lockstep`: the venue's clock, which only the client moves. Not Saxo's, so it lives outside its paths.

use exuvia_model::{Quantity, Quote, Time};
use serde_json::json;

use super::http::{Request, Response, invalid, key, text};
use super::streams::Entry;
use super::{SYMBOL, SaxoVenue};
use crate::ticks::{Beat, What};

impl SaxoVenue {
    pub(super) fn show_clock(&self, request: &Request<'_>) -> Response {
        let ticks = |beat: &&Beat| matches!(beat.what, What::Tick { .. });
        let first = self.beats.iter().find(ticks).map_or(self.clock, |beat| beat.time);
        let last = self.beats.iter().rev().find(ticks).map_or(self.clock, |beat| beat.time);
        // Of the context that is named, else the highest of any.
        let context = request.param("ContextId").and_then(|id| key(&id));
        let ids = self.contexts.iter().filter(|(key, _)| context.as_ref().is_none_or(|context| context == *key));
        let message_id = ids.map(|(_, context)| context.frames.last_id()).max().unwrap_or(0);
        Response::json(
            200,
            &json!({
                "Time": self.clock.to_string(), "First": first.to_string(), "Last": last.to_string(),
                "Done": self.next == self.beats.len(), "Ticks": self.beats.iter().filter(ticks).count(),
                "MessageId": message_id, "Untraded": self.untraded,
            }),
        )
    }

    pub(super) fn advance(&mut self, request: &Request<'_>) -> Response {
        self.step(request).unwrap_or_else(|refusal| refusal)
    }

    fn step(&mut self, request: &Request<'_>) -> Result<Response, Response> {
        let fields = request.json()?;
        let context = key(text(&fields, "ContextId")?);
        let context =
            context.ok_or_else(|| invalid("ContextId", "ContextId must be 1 to 50 letters, digits, _ or -"))?;
        let to: Time = text(&fields, "To")?.parse().map_err(|error| invalid("To", &format!("{error}")))?;
        self.context(&context)?;
        self.move_to(to);
        let Some(context) = self.contexts.get_mut(&context) else { return Err(Response::empty(404)) };
        context.read(&self.log, Some(to));
        let message_id = context.heartbeat();
        let done = self.next == self.beats.len() && context.place() == self.log.len();
        Ok(Response::json(200, &json!({"Time": self.clock.to_string(), "MessageId": message_id, "Done": done})))
    }

    /// Lets everything before `to` happen; the clock never goes back.
    fn move_to(&mut self, to: Time) {
        while let Some(beat) = self.beats.get(self.next).copied().filter(|beat| beat.time < to) {
            self.next += 1;
            self.market.apply(&beat);
            self.log.push(Entry::Beat(beat));
            match beat.what {
                What::Session { open } => self.exchange.set_open(SYMBOL, open),
                What::Tick { bid, ask } => {
                    let size = Quantity::ZERO;
                    let quote = Quote { symbol: SYMBOL, time: beat.time, bid, ask, bid_size: size, ask_size: size };
                    self.fill(&quote);
                }
            }
        }
        self.clock = self.clock.max(to);
    }

    /// Fills what the quote fills. A crossed quote is shown, as the feed had it, but nothing trades on it: the clock
    /// says how many there were. An order that cannot be booked would be counted there too; the amounts and prices that
    /// this venue takes always can.
    fn fill(&mut self, quote: &Quote) {
        let mut held = self.exchange.position(SYMBOL).quantity;
        let Ok(matched) = self.exchange.on_quote(quote) else {
            self.untraded += 1;
            return;
        };
        self.untraded += matched.rejected.len() as u64;
        for fill in matched.fills {
            let signed = fill.order.order.side.sign() * fill.order.order.quantity.raw();
            let after = Quantity::from_raw(held.raw() + signed);
            self.note_fill(&fill, held, after);
            held = after;
        }
    }
}
