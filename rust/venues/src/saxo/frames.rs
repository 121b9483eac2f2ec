//! Messages of one streaming context, packed into binary frames. How many share a frame is drawn from
//! dice seeded by the context's name, so that the same requests give the same bytes.

use std::collections::VecDeque;

use exuvia_market::wire::saxo::{FORMAT_JSON, Message};
use exuvia_ports::Xoshiro256;

/// Most messages in one frame.
const FULLEST: u64 = 16;

/// Frames that wait for the socket, and the one being packed.
#[derive(Debug, Clone)]
pub(super) struct Frames {
    ready: VecDeque<Vec<u8>>,
    packing: Vec<u8>,
    room: u64,
    last_id: u64,
    dice: Xoshiro256,
}

impl Frames {
    pub(super) fn new(context: &str) -> Self {
        // FNV-1a of the name.
        let seed = context
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        Self { ready: VecDeque::new(), packing: Vec::new(), room: 0, last_id: 0, dice: Xoshiro256::seeded(seed) }
    }

    /// Packs one message and gives its id.
    pub(super) fn push(&mut self, reference: &str, payload: &[u8]) -> u64 {
        if self.packing.is_empty() {
            self.room = 1 + self.dice.below(FULLEST);
        }
        self.last_id += 1;
        let message = Message { id: self.last_id, reference, format: FORMAT_JSON, payload };
        // Reference ids were checked when they came in, and no payload here is near 4 GiB.
        let _ = message.write(&mut self.packing);
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
