//! `odeon nodes`: this machine's nodes, and those that a node knows.

use odeon::control::api::{Node, Peer, Request};
use odeon::control::discovery::{Directory, Entry};
use serde::Serialize;

use super::Common;
use super::exit::{Exit, code};
use super::{output, remote};

/// Lists this machine's nodes and those that the node knows.
///
/// The state of a node is `this` if it was asked, `connected` or `hidden` if the asked
/// one is connected with it, `known` if it is not, `running` if it runs on this machine
/// and the asked one has not heard of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Nodes {
    /// Ask no node: list those that this user runs on this machine.
    #[arg(long, conflicts_with = "on")]
    local: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// A node in the listing. The field names are stable.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    name: String,
    /// See [`Nodes`].
    state: &'static str,
    /// Of its current or last run.
    id: Option<u64>,
    /// Where it listens, as far as is known.
    address: Option<String>,
    /// Of this machine.
    process: Option<u32>,
}

impl Nodes {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        if self.local {
            return self.show_local();
        }
        let (running, view) = match remote::maybe_connect(common).await? {
            Some(client) => {
                let this: Node = client.ask(&Request::Node).await?;
                let peers: Vec<Peer> = client.list(&Request::Peers).await?;
                (Directory::of_user()?.list()?, Some((this, peers)))
            }
            None => (Directory::of_user()?.list()?, None),
        };
        // Another machine's node was asked: what runs here is not the question.
        let is_here = |name: &str| running.iter().any(|entry| entry.name == name);
        let running = match (&view, &common.on) {
            (Some((this, _)), Some(_)) if !is_here(&this.name) => Vec::new(),
            _ => running,
        };
        let rows = rows(running, view);
        if self.json {
            output::json(&rows)?;
            return Ok(code::OK);
        }
        let row = |row: &Row| {
            vec![
                row.name.clone(),
                row.state.to_owned(),
                row.address.clone().unwrap_or_default(),
                row.process.map(|process| process.to_string()).unwrap_or_default(),
                row.id.map(|id| id.to_string()).unwrap_or_default(),
            ]
        };
        let heads = ["NAME", "STATE", "ADDRESS", "PROCESS", "ID"];
        output::table(&heads, &rows.iter().map(row).collect::<Vec<_>>())?;
        Ok(code::OK)
    }

    fn show_local(&self) -> Result<u8, Exit> {
        let nodes = Directory::of_user()?.list()?;
        if self.json {
            output::json(&nodes)?;
            return Ok(code::OK);
        }
        let row = |node: &Entry| {
            vec![node.name.clone(), node.address.to_string(), node.process.to_string()]
        };
        output::table(&["NAME", "ADDRESS", "PROCESS"], &nodes.iter().map(row).collect::<Vec<_>>())?;
        Ok(code::OK)
    }
}

/// What the asked node says, and what runs on this machine, each node once, by name.
fn rows(running: Vec<Entry>, view: Option<(Node, Vec<Peer>)>) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some((this, peers)) = view {
        let (name, id) = (this.name, Some(this.incarnation));
        rows.push(Row { name, state: "this", id, address: None, process: None });
        rows.extend(peers.into_iter().map(|peer| Row {
            state: match (peer.connected, peer.hidden) {
                (true, true) => "hidden",
                (true, false) => "connected",
                (false, _) => "known",
            },
            name: peer.name,
            id: peer.id,
            address: peer.addresses.into_iter().next(),
            process: None,
        }));
    }
    for entry in running {
        let (address, process) = (Some(entry.address.to_string()), Some(entry.process));
        match rows.iter_mut().find(|row| row.name == entry.name) {
            // A new run that the asked node has not heard of is told as what it is.
            Some(row) if row.state == "known" => {
                *row = Row { id: Some(entry.incarnation), address, process, ..take(row) };
            }
            Some(row) => (row.address, row.process) = (address, process),
            None => {
                let (name, id) = (entry.name, Some(entry.incarnation));
                rows.push(Row { name, state: "running", id, address, process });
            }
        }
    }
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn take(row: &mut Row) -> Row {
    let name = std::mem::take(&mut row.name);
    Row { name, state: row.state, id: row.id, address: row.address.take(), process: row.process }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, incarnation: u64) -> Entry {
        let address = ([127, 0, 0, 1], 1).into();
        Entry { name: name.to_owned(), address, incarnation, process: 7, tls: false }
    }

    fn peer(name: &str, connected: bool, hidden: bool) -> Peer {
        let addresses = vec!["far:4370".to_owned(), "far:4371".to_owned()];
        Peer { name: name.to_owned(), id: Some(5), connected, hidden, addresses }
    }

    #[test]
    fn each_node_is_listed_once_with_what_is_known_of_it() {
        let this = Node {
            name: "b@box".to_owned(),
            incarnation: 1,
            version: String::new(),
            actors: 0,
            modules: 0,
        };
        let peers = vec![
            peer("c@far", true, false),
            peer("d@far", true, true),
            peer("e@box", false, false),
        ];
        let running = vec![entry("a@box", 2), entry("b@box", 1), entry("e@box", 3)];
        let rows = rows(running, Some((this, peers)));
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.state, row.id, row.address.as_deref(), row.process))
            .collect();
        let here = Some("127.0.0.1:1");
        let expected = [
            ("a@box", "running", Some(2), here, Some(7)),
            ("b@box", "this", Some(1), here, Some(7)),
            ("c@far", "connected", Some(5), Some("far:4370"), None),
            ("d@far", "hidden", Some(5), Some("far:4370"), None),
            ("e@box", "known", Some(3), here, Some(7)),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn without_a_node_to_ask_this_machines_are_listed() {
        let rows = rows(vec![entry("b@box", 1), entry("a@box", 2)], None);
        let names: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.state)).collect();
        assert_eq!(names, [("a@box", "running"), ("b@box", "running")]);
    }
}
