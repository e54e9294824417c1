//! The current shard map of a stream, how it is replaced, and puts that outlive one.
//!
//! A put reads the map once. If a shard was closed after that and gives its records back, they wait for the map in
//! which it is closed and go where that one says. The records of one key stay in order: a share is stored whole or
//! given back whole, and what a caller puts after it has an answer goes to the children.

use std::pin::pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::names::ShardId;
use crate::shard::batch::{Batch, Records};

use super::{ShardMap, Unowned, store};

/// The shard map of a stream, whichever it is now.
pub struct ShardMaps {
    current: ArcSwap<ShardMap>,
    replaced: Notify,
}

impl ShardMaps {
    /// Starts with this one.
    #[must_use]
    pub fn new(map: ShardMap) -> Self {
        Self { current: ArcSwap::from_pointee(map), replaced: Notify::new() }
    }

    /// The map now.
    #[must_use]
    pub fn load(&self) -> Arc<ShardMap> {
        self.current.load_full()
    }

    /// Replaces the map by what `change` makes of it; called again if someone else was faster.
    pub fn replace(&self, change: impl Fn(&ShardMap) -> ShardMap) {
        self.current.rcu(|map| change(map));
        self.replaced.notify_waiters();
    }

    /// Stores the records of a request, each in the shard that owns its key, and waits until that is done.
    ///
    /// # Errors
    /// [`Unowned`] if the map has a hole.
    pub async fn store(&self, records: Records) -> Result<Arc<Batch>, Unowned> {
        let batch = self.current.load().route(records)?;
        store(&batch).await;
        if batch.is_given_back() {
            return Box::pin(self.store_again(batch)).await;
        }
        Ok(batch)
    }

    /// Stores what sealed shards gave back.
    #[cold]
    async fn store_again(&self, mut batch: Arc<Batch>) -> Result<Arc<Batch>, Unowned> {
        while batch.is_given_back() {
            let sealed: Vec<_> = batch.shards_given_back().collect();
            let again = self.with_closed(&sealed).await.route(batch.records_given_back())?;
            store(&again).await;
            batch = batch.joined(&again);
        }
        Ok(batch)
    }

    /// The map in which all of these are closed, once there is one.
    async fn with_closed(&self, shards: &[ShardId]) -> Arc<ShardMap> {
        loop {
            let mut replaced = pin!(self.replaced.notified());
            // Before the map is looked at: a replacement in between is not missed.
            replaced.as_mut().enable();
            let map = self.load();
            if shards.iter().all(|shard| map.is_closed(*shard)) {
                return map;
            }
            replaced.await;
        }
    }
}
