//! Messages of one streaming context, packed into binary frames. How many share a frame is drawn from
//! dice seeded by the context's name, so that the same requests give the same bytes.

use std::collections::VecDeque;

use crate::ticks::Dice;

/// Most messages in one frame.
const FULLEST: i64 = 16;

/// Frames that wait for the socket, and the one being packed.
#[derive(Debug, Clone)]
pub(super) struct Frames {
    ready: VecDeque<Vec<u8>>,
    packing: Vec<u8>,
    room: i64,
    last_id: u64,
    dice: Dice,
}

impl Frames {
    pub(super) fn new(context: &str) -> Self {
        // FNV-1a of the name.
        let seed = context
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        Self { ready: VecDeque::new(), packing: Vec::new(), room: 0, last_id: 0, dice: Dice(seed) }
    }

    /// Packs one message and gives its id.
    pub(super) fn push(&mut self, reference: &str, payload: &[u8]) -> u64 {
        if self.packing.is_empty() {
            self.room = self.dice.between(1, FULLEST);
        }
        self.last_id += 1;
        encode(&mut self.packing, self.last_id, reference, payload);
        self.room -= 1;
        if self.room == 0 {
            self.flush();
        }
        self.last_id
    }

    /// Closes the frame being packed.
    pub(super) fn flush(&mut self) {
        if !self.packing.is_empty() {
            self.ready.push_back(std::mem::take(&mut self.packing));
        }
    }

    pub(super) const fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Takes the frames that are ready.
    pub(super) fn take(&mut self) -> Vec<Vec<u8>> {
        self.ready.drain(..).collect()
    }
}

/// Appends one message in the layout of Saxo's plain WebSocket streaming.
fn encode(out: &mut Vec<u8>, id: u64, reference: &str, payload: &[u8]) {
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&[0, 0, u8::try_from(reference.len()).unwrap_or_default()]);
    out.extend_from_slice(reference.as_bytes());
    out.push(0);
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or_default().to_le_bytes());
    out.extend_from_slice(payload);
}
