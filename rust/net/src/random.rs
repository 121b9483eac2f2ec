//! Random bits of the operating system.

use exuvia_ports::Random;

/// The system's generator (getrandom). If it fails, which no supported system does after boot, the
/// bits come from the hasher keys of the standard library, which are seeded by the same source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        match getrandom::fill(&mut bytes) {
            Ok(()) => u64::from_le_bytes(bytes),
            Err(_) => fallback(),
        }
    }
}

fn fallback() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let mut bytes = [0; 19];
        SystemRandom.fill(&mut bytes);
        assert!(bytes.iter().any(|byte| *byte != 0));
        assert_ne!(SystemRandom.next_u64(), SystemRandom.next_u64());
        assert_ne!(fallback(), fallback());
    }
}
