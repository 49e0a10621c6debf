//! `odeon locks`: the cluster locks that are set at a node.

use odeon::control::api::{Holder, Lock, Request};

use super::Common;
use super::exit::{Exit, code};
use super::{output, remote};

/// Lists the cluster locks that are set at the node: who holds each, and how many wait.
#[derive(Debug, clap::Args)]
pub(crate) struct Locks {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Locks {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let client = remote::connect(common).await?;
        let locks: Vec<Lock> = client.list(&Request::Locks).await?;
        if self.json {
            output::json(&locks)?;
            return Ok(code::OK);
        }
        let rows: Vec<Vec<String>> = locks.iter().flat_map(rows).collect();
        output::table(&["RESOURCE", "REQUESTER", "HOLDER", "NODE", "WAITING"], &rows)?;
        Ok(code::OK)
    }
}

/// One row for each holder; one where there is none yet.
fn rows(lock: &Lock) -> Vec<Vec<String>> {
    let row = |holder: Option<&Holder>| {
        let (pid, node) = holder.map(|one| (one.pid.clone(), one.node.clone())).unzip();
        let (resource, requester) = (lock.resource.clone(), lock.requester.clone());
        let (pid, node) = (pid.unwrap_or_default(), node.flatten().unwrap_or_default());
        vec![resource, requester, pid, node, lock.waiting.to_string()]
    };
    if lock.holders.is_empty() {
        return vec![row(None)];
    }
    lock.holders.iter().map(|holder| row(Some(holder))).collect()
}
