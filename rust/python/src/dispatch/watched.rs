//! The objects of a candidate class whose calls are observed, by address. A call asks it once: one atomic load
//! for nearly all of them, a look into the set for the rest.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::gate;

/// A set of addresses with a filter before it.
#[derive(Default)]
pub(super) struct Watched {
    /// One bit of 64 for each address: where it is not set, the address is not watched.
    filter: AtomicU64,
    addresses: Mutex<HashSet<usize>>,
}

impl Watched {
    /// Whether the object at this address is watched.
    #[inline]
    pub(super) fn has(&self, address: usize) -> bool {
        self.filter.load(Ordering::Relaxed) & bit(address) != 0 && gate::locked(&self.addresses).contains(&address)
    }

    pub(super) fn add(&self, address: usize) {
        let mut addresses = gate::locked(&self.addresses);
        addresses.insert(address);
        self.filter.fetch_or(bit(address), Ordering::Relaxed);
    }

    pub(super) fn remove(&self, address: usize) {
        let mut addresses = gate::locked(&self.addresses);
        if addresses.remove(&address) {
            let filter = addresses.iter().fold(0, |bits, each| bits | bit(*each));
            self.filter.store(filter, Ordering::Relaxed);
        }
    }
}

/// The filter's bit of an address: Fibonacci hashing, whose upper bits are spread well.
const fn bit(address: usize) -> u64 {
    1 << ((address as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58)
}

#[cfg(test)]
mod tests {
    use super::Watched;

    #[test]
    fn an_address_is_watched_from_its_addition_to_its_removal_whatever_else_is() {
        let watched = Watched::default();
        let addresses: Vec<usize> = (1..200).map(|n| n * 48).collect();
        assert!(addresses.iter().all(|each| !watched.has(*each)));
        for each in &addresses {
            watched.add(*each);
        }
        assert!(addresses.iter().all(|each| watched.has(*each)));
        assert!(!watched.has(48 * 1_000));
        let (gone, kept) = addresses.split_at(150);
        for each in gone {
            watched.remove(*each);
            watched.remove(*each);
        }
        assert!(gone.iter().all(|each| !watched.has(*each)));
        assert!(kept.iter().all(|each| watched.has(*each)));
    }
}
