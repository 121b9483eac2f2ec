//! All paths of a declaration as one tree, so that a message is walked once whatever it holds.

use std::ops::Range;

use super::path::Step;
use crate::wire::json::{JsonError, Reader};

/// How many keys that nobody asked for a node remembers, and how long they may be.
const LEARNED: usize = 96;
const LONGEST: usize = 64;

/// A node of the tree; the first is the root.
pub(super) type At = usize;

/// Paths from one root.
#[derive(Debug, Clone, Default)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

/// What is done with the value of a key or item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is passed over.
    Nothing,
    /// It is noted in a slot.
    Leaf(usize),
    /// It is noted, or something inside of it.
    Inner(At),
}

/// What is done with the value that stands at a path.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Where the value itself is noted.
    pub slot: Option<usize>,
    /// Which set its rows go to.
    pub set: Option<usize>,
    /// Items counted from the front and from the back.
    pub front: Vec<(usize, At)>,
    pub back: Vec<(usize, At)>,
    /// What is forgotten when the value comes a second time.
    pub slots: Range<usize>,
    pub sets: Range<usize>,
    /// Whether some key of an object is asked for.
    pub object: bool,
    keys: Vec<Key>,
    first: Guess,
    wanted: bool,
}

#[derive(Debug, Clone)]
struct Key {
    /// The key with its quotes and the colon, as a compact writer sends it.
    written: Box<[u8]>,
    /// The same in a word, if it is that short, and which of its bits count.
    word: u64,
    mask: u64,
    child: Option<At>,
    /// The slot of the value, if it is noted and nothing inside of it is asked for.
    leaf: Option<usize>,
    /// Which keys came after this one the last times.
    next: Guess,
}

/// The two keys that came last at some place: messages of a feed often alternate between two shapes.
#[derive(Debug, Clone, Copy)]
struct Guess {
    last: usize,
    before: usize,
}

impl Default for Guess {
    fn default() -> Self {
        Self::NONE
    }
}

impl Guess {
    const NONE: Self = Self { last: usize::MAX, before: usize::MAX };

    fn learn(&mut self, key: usize) {
        if self.last != key {
            *self = Self { last: key, before: self.last };
        }
    }
}

impl Key {
    fn new(name: &[u8], child: Option<At>) -> Self {
        let written: Box<[u8]> = [b"\"", name, b"\":"].concat().into();
        let (mut word, mut mask) = ([0; 8], [0; 8]);
        if written.len() <= 8 {
            for ((word, mask), byte) in word.iter_mut().zip(&mut mask).zip(&written) {
                (*word, *mask) = (*byte, u8::MAX);
            }
        }
        Self {
            written,
            word: u64::from_le_bytes(word),
            mask: u64::from_le_bytes(mask),
            child,
            leaf: None,
            next: Guess::NONE,
        }
    }

    /// Steps over the key if it is the one that `reader` stands at.
    #[inline]
    fn is_next(&self, reader: &mut Reader<'_>) -> bool {
        match self.mask {
            0 => reader.takes(&self.written),
            // Near the end of the frame there are no eight bytes.
            mask => reader.takes_word(self.word, mask, self.written.len()) || reader.takes(&self.written),
        }
    }

    #[inline]
    const fn asked(&self) -> Asked {
        match (self.leaf, self.child) {
            (Some(slot), _) => Asked::Leaf(slot),
            (None, Some(child)) => Asked::Inner(child),
            (None, None) => Asked::Nothing,
        }
    }

    fn name(&self) -> &[u8] {
        self.written.get(1..self.written.len().saturating_sub(2)).unwrap_or_default()
    }
}

impl Node {
    /// Whether something inside of the value is asked for.
    pub fn is_inner(&self) -> bool {
        self.object || !self.front.is_empty() || !self.back.is_empty()
    }

    const fn leaf(&self) -> Option<usize> {
        if self.object || self.set.is_some() || !self.front.is_empty() || !self.back.is_empty() {
            None
        } else {
            self.slot
        }
    }
}

impl Trie {
    pub fn new() -> Self {
        Self { nodes: vec![Node { wanted: true, ..Node::default() }] }
    }

    pub fn node(&self, at: At) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// Adds a path; its value is noted unless it is only the place of rows.
    pub fn add(&mut self, steps: &[Step], rows: bool) {
        let mut at = 0;
        for step in steps {
            at = self.child(at, step).unwrap_or_else(|| self.grow(at, step));
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.wanted |= !rows;
            if rows {
                node.set = Some(0);
            }
        }
    }

    fn grow(&mut self, at: At, step: &Step) -> At {
        let new = self.nodes.len();
        self.nodes.push(Node::default());
        if let Some(node) = self.nodes.get_mut(at) {
            match step {
                Step::Key(name) => {
                    node.object = true;
                    node.keys.push(Key::new(name.as_bytes(), Some(new)));
                }
                Step::Index(index) => node.front.push((*index, new)),
                Step::Back(index) => node.back.push((*index, new)),
            }
        }
        new
    }

    fn child(&self, at: At, step: &Step) -> Option<At> {
        let node = self.nodes.get(at)?;
        let among =
            |list: &[(usize, At)], index: usize| list.iter().find(|(at, _)| *at == index).map(|(_, child)| *child);
        match step {
            Step::Key(name) => node.keys.iter().find(|key| key.name() == name.as_bytes()).and_then(|key| key.child),
            Step::Index(index) => among(&node.front, *index),
            Step::Back(index) => among(&node.back, *index),
        }
    }

    /// The node of a path that was added.
    pub fn find(&self, steps: &[Step]) -> Option<&Node> {
        let mut at = 0;
        for step in steps {
            at = self.child(at, step)?;
        }
        self.nodes.get(at)
    }

    /// Gives every value its slot and every place of rows its set; answers how many of each there are.
    pub fn number(&mut self) -> (usize, usize) {
        self.number_from(0, (0, 0))
    }

    fn number_from(&mut self, at: At, (mut slots, mut sets): (usize, usize)) -> (usize, usize) {
        let before = (slots, sets);
        let Some(node) = self.nodes.get_mut(at) else { return before };
        if node.wanted {
            node.slot = Some(slots);
            slots += 1;
        }
        if node.set.is_some() {
            node.set = Some(sets);
            sets += 1;
        }
        let keys = node.keys.iter().filter_map(|key| key.child);
        let children: Vec<At> = keys.chain(node.front.iter().chain(&node.back).map(|(_, child)| *child)).collect();
        for child in children {
            (slots, sets) = self.number_from(child, (slots, sets));
        }
        let leaves: Vec<_> = self.nodes.iter().map(Node::leaf).collect();
        if let Some(node) = self.nodes.get_mut(at) {
            node.slots = before.0..slots;
            node.sets = before.1..sets;
            for key in &mut node.keys {
                key.leaf = key.child.and_then(|child| leaves.get(child).copied().flatten());
            }
        }
        (slots, sets)
    }

    /// What is asked of the item at `index` of an array at node `at`.
    #[inline]
    pub fn item(&self, at: At, index: usize) -> Asked {
        let Some(node) = self.nodes.get(at) else { return Asked::Nothing };
        match node.front.iter().find(|(place, _)| *place == index) {
            None => Asked::Nothing,
            Some((_, child)) => match self.nodes.get(*child).and_then(Node::leaf) {
                Some(slot) => Asked::Leaf(slot),
                None => Asked::Inner(*child),
            },
        }
    }

    /// Reads the next key of an object at node `at`, trying first the one that came after `last` the last time; answers
    /// which key it was and the node that wants its value.
    #[inline]
    pub fn key(&mut self, at: At, last: usize, reader: &mut Reader<'_>) -> Result<(usize, Asked), JsonError> {
        if let Some(node) = self.nodes.get(at) {
            let guess = node.keys.get(last).map_or(node.first, |key| key.next);
            for index in [guess.last, guess.before] {
                if let Some(key) = node.keys.get(index)
                    && key.is_next(reader)
                {
                    return Ok((index, key.asked()));
                }
            }
        }
        self.other_key(at, last, reader)
    }

    fn other_key(&mut self, at: At, last: usize, reader: &mut Reader<'_>) -> Result<(usize, Asked), JsonError> {
        let key = reader.key()?;
        let name = key.bytes();
        let Some(node) = self.nodes.get_mut(at) else { return Ok((usize::MAX, Asked::Nothing)) };
        let found = node.keys.iter().position(|key| key.name() == name.as_ref());
        let index = match found {
            Some(index) => index,
            None if node.keys.len() < LEARNED && name.len() <= LONGEST && !key.raw().1 => {
                node.keys.push(Key::new(&name, None));
                node.keys.len() - 1
            }
            None => return Ok((usize::MAX, Asked::Nothing)),
        };
        match node.keys.get_mut(last) {
            Some(before) => before.next.learn(index),
            None => node.first.learn(index),
        }
        Ok((index, node.keys.get(index).map_or(Asked::Nothing, Key::asked)))
    }
}
