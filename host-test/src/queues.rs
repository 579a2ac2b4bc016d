//! Shared queues: named, process-wide, filled by any VM; the root context that registered a queue last is told.

use std::collections::{BTreeMap, VecDeque};

use crate::status::Status;

/// Queues by token.
#[derive(Default)]
pub(crate) struct Queues {
    tokens: BTreeMap<(String, Vec<u8>), u32>,
    queues: BTreeMap<u32, Queue>,
}

struct Queue {
    /// The VM and root context that `on_queue_ready` is called in.
    owner: (u32, u32),
    items: VecDeque<Vec<u8>>,
}

impl Queues {
    /// Registers a queue and makes `owner` (VM, root context) the one that is told of new items. What the queue already
    /// holds stays.
    pub(crate) fn register(&mut self, vm_id: &str, name: &[u8], owner: (u32, u32)) -> u32 {
        let next = u32::try_from(self.tokens.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let token = *self
            .tokens
            .entry((vm_id.to_owned(), name.to_vec()))
            .or_insert(next);
        let queue = self.queues.entry(token).or_insert(Queue {
            owner,
            items: VecDeque::new(),
        });
        queue.owner = owner;
        token
    }

    pub(crate) fn resolve(&self, vm_id: &str, name: &[u8]) -> Result<u32, Status> {
        self.tokens
            .get(&(vm_id.to_owned(), name.to_vec()))
            .copied()
            .ok_or(Status::NotFound)
    }

    /// Appends an item and answers whom to tell.
    pub(crate) fn enqueue(&mut self, token: u32, item: &[u8]) -> Result<(u32, u32), Status> {
        let queue = self.queues.get_mut(&token).ok_or(Status::NotFound)?;
        queue.items.push_back(item.to_vec());
        Ok(queue.owner)
    }

    pub(crate) fn dequeue(&mut self, token: u32) -> Result<Vec<u8>, Status> {
        let queue = self.queues.get_mut(&token).ok_or(Status::NotFound)?;
        queue.items.pop_front().ok_or(Status::Empty)
    }

    pub(crate) fn items(&self, vm_id: &str, name: &[u8]) -> Vec<Vec<u8>> {
        let Ok(token) = self.resolve(vm_id, name) else {
            return Vec::new();
        };
        self.queues
            .get(&token)
            .map(|queue| queue.items.iter().cloned().collect())
            .unwrap_or_default()
    }
}
