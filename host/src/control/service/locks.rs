//! Cluster locks, as commands list them.

use odeon_core::Pid;
use odeon_core::locks::Listed;

use super::find::hex;
use super::{NodeService, reply, send_rows};
use crate::control::api::{Holder, Lock};
use crate::control::mux::Exchange;

impl NodeService {
    /// All locks at this node, part by part: there may be many.
    pub(super) async fn locks(&self, exchange: Exchange) {
        let mut after = None;
        loop {
            let part = self.node.locks(after.as_ref());
            let rows: Vec<Lock> = part.iter().map(|lock| self.lock(lock)).collect();
            if send_rows(&exchange, &rows).await.is_err() {
                return;
            }
            match part.into_iter().next_back() {
                Some(lock) => after = Some(lock.id.resource),
                None => return reply(exchange, Ok(())),
            }
        }
    }

    fn lock(&self, lock: &Listed) -> Lock {
        let holder = |pid: &Pid| Holder { pid: pid.to_string(), node: self.node.name_of(pid.node) };
        Lock {
            resource: lock.id.resource.to_string(),
            hex: hex(&lock.id.resource),
            requester: lock.id.requester.to_string(),
            holders: lock.holders.iter().map(holder).collect(),
            waiting: lock.waiting as u64,
        }
    }
}
