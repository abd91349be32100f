//! A bounded map that forgets its oldest entry: what a provider remembers about the requests it accepted.

use std::collections::{HashMap, VecDeque};

/// Documents and tickets kept per provider. A load test of an hour at 25 calls a second stays below it.
pub(crate) const SHELF_ENTRIES_MAX: usize = 100_000;

pub(crate) struct Shelf<T> {
    entries: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<T> Shelf<T> {
    pub(crate) fn put(&mut self, id: String, entry: T) {
        if self.order.len() >= SHELF_ENTRIES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        self.order.push_back(id.clone());
        self.entries.insert(id, entry);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.entries.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.entries.get_mut(id)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }
}
