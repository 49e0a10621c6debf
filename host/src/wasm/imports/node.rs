//! `odeon:actor/node`: the nodes of the cluster.

use odeon_core::node::{Interest, Nodes, SUBSCRIPTIONS_PER_SUBSCRIBER_MAX};
use odeon_core::{NodeId, Pid, Reason};

use crate::cluster;
use crate::wasm::bindings::odeon::actor::node::{ConnectError, Host, Selection, Watched};
use crate::wasm::bindings::odeon::actor::types;
use crate::wasm::state::{Doomed, GuestState};

impl Host for GuestState {
    fn name(&mut self) -> wasmtime::Result<String> {
        Ok(self.runtime.name.clone())
    }

    fn name_of(&mut self, pid: types::Pid) -> wasmtime::Result<Option<String>> {
        let node: NodeId = Pid::from(pid).node;
        if node == self.runtime.id {
            return Ok(Some(self.runtime.name.clone()));
        }
        Ok(self.runtime.cluster.name_of(node))
    }

    fn is_distributed(&mut self) -> wasmtime::Result<bool> {
        Ok(self.runtime.cluster.is_alive())
    }

    fn nodes(&mut self, of: Selection) -> wasmtime::Result<Vec<String>> {
        let kind = match of {
            Selection::Visible => Nodes::Visible,
            Selection::Hidden => Nodes::Hidden,
            Selection::Connected => Nodes::Connected,
            Selection::Known => Nodes::Known,
        };
        Ok(self.runtime.cluster.nodes(kind).into_iter().map(|node| node.name).collect())
    }

    async fn connect(&mut self, node: String) -> wasmtime::Result<Result<(), ConnectError>> {
        if node == self.runtime.name {
            return Ok(Ok(()));
        }
        let connected = self.runtime.cluster.connect(&node, true).await;
        Ok(connected.map(drop).map_err(|error| match error {
            cluster::ConnectError::NotAlive => ConnectError::NotDistributed,
            cluster::ConnectError::Failed(why) => ConnectError::Failed(why.to_string()),
        }))
    }

    async fn disconnect(&mut self, node: String) -> wasmtime::Result<bool> {
        let is_ended = self.runtime.cluster.disconnect(&node).await;
        // What the loss means to this very actor may be its end.
        if self.cell.state().doomed { Err(Doomed.into()) } else { Ok(is_ended) }
    }

    fn watch(&mut self, of: Watched) -> wasmtime::Result<()> {
        if self.runtime.cluster.watch(self.cell.pid, interest(of), true) {
            return Ok(());
        }
        let max = SUBSCRIPTIONS_PER_SUBSCRIBER_MAX;
        Err(GuestState::stop(
            self,
            Reason::Limit(format!("node-watches-max of {max} exceeded").into()),
        ))
    }

    fn unwatch(&mut self, of: Watched) -> wasmtime::Result<()> {
        self.runtime.cluster.watch(self.cell.pid, interest(of), false);
        Ok(())
    }
}

fn interest(of: Watched) -> Interest {
    match of {
        Watched::Visible => Interest::Visible,
        Watched::Hidden => Interest::Hidden,
        Watched::All => Interest::All,
    }
}
