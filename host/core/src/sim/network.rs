//! Connections between simulated nodes: what is up in whose eyes, and what is lost
//! with what.
//!
//! A connection has an epoch. An envelope leaves under the epoch of its time and
//! arrives only under the same one, while its direction is not cut and its receiver
//! still believes in the connection. Each side loses it at a time of its own; when
//! both have, the next epoch may begin. So a node hears of the loss of a connection
//! before anything that comes over the next one, as from a real connection.

use std::collections::BTreeMap;

use crate::id::NodeId;

/// Where an envelope goes from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Stays on the node.
    Local,
    /// Over the connection to this place, under this epoch.
    Over { place: usize, epoch: u64 },
    /// To an incarnation that is known to be dead.
    Dead,
    /// Nowhere: there is no connection.
    Unreachable,
}

/// One connection between two places, the lower one being side 0.
#[derive(Debug, Default)]
struct Connection {
    epoch: u64,
    /// What is sent by this side is lost.
    cut: [bool; 2],
    /// The incarnation that this side is connected with, in its own eyes.
    sees: [Option<NodeId>; 2],
}

/// All nodes by their place, and all connections.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// The incarnation that runs at each place.
    nodes: Vec<NodeId>,
    /// Where each incarnation ran or runs.
    places: BTreeMap<NodeId, usize>,
    connections: BTreeMap<(usize, usize), Connection>,
}

/// Which connection, and which of its sides the first place is.
fn sides(of: usize, to: usize) -> ((usize, usize), usize) {
    ((of.min(to), of.max(to)), usize::from(of > to))
}

impl Network {
    /// Nodes at places 0 and up, all connected.
    pub(super) fn new(nodes: Vec<NodeId>) -> Self {
        let places = nodes.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        let mut network = Self { nodes, places, connections: BTreeMap::new() };
        for (low, high) in network.pairs() {
            network.connections.insert((low, high), Connection::default());
            network.connect(low, high);
        }
        network
    }

    /// All pairs of places.
    pub(super) fn pairs(&self) -> Vec<(usize, usize)> {
        let places = self.nodes.len();
        (0..places).flat_map(|low| (low + 1..places).map(move |high| (low, high))).collect()
    }

    /// The incarnation that runs at this place.
    pub(super) fn node(&self, place: usize) -> NodeId {
        self.nodes[place]
    }

    /// Where this incarnation ran or runs.
    pub(super) fn place(&self, node: NodeId) -> Option<usize> {
        self.places.get(&node).copied()
    }

    /// Whether this incarnation runs.
    pub(super) fn runs(&self, node: NodeId) -> bool {
        self.nodes.contains(&node)
    }

    fn connection(&mut self, one: usize, other: usize) -> (&mut Connection, usize) {
        let (key, side) = sides(one, other);
        (self.connections.entry(key).or_default(), side)
    }

    /// The way from a place to an incarnation.
    pub(super) fn route(&mut self, from: usize, to: NodeId) -> Route {
        if self.nodes[from] == to {
            return Route::Local;
        }
        let Some(place) = self.place(to).filter(|place| *place != from) else {
            return Route::Dead;
        };
        let (connection, side) = self.connection(from, place);
        match connection.sees[side] {
            Some(node) if node == to => Route::Over { place, epoch: connection.epoch },
            Some(_) => Route::Dead,
            None => Route::Unreachable,
        }
    }

    /// Whether what left under this epoch arrives now.
    pub(super) fn carries(&mut self, from: usize, to: usize, epoch: u64) -> bool {
        let (connection, side) = self.connection(from, to);
        connection.epoch == epoch && !connection.cut[side] && connection.sees[1 - side].is_some()
    }

    /// The epoch of the connection, if it is whole.
    pub(super) fn whole(&mut self, one: usize, other: usize) -> Option<u64> {
        let (connection, _) = self.connection(one, other);
        let is_whole = connection.cut == [false; 2] && connection.sees.iter().all(Option::is_some);
        is_whole.then_some(connection.epoch)
    }

    /// From now on what `from` sends is lost; what is on the way is lost too.
    pub(super) fn cut(&mut self, from: usize, to: usize) {
        let (connection, side) = self.connection(from, to);
        connection.cut[side] = true;
    }

    /// One side notices the loss, if it did not yet. The incarnation that it lost, and
    /// whether the other side has lost it too, so that they may connect again.
    pub(super) fn lose(&mut self, at: usize, of: usize, epoch: u64) -> Option<(NodeId, bool)> {
        let (connection, side) = self.connection(at, of);
        if connection.epoch != epoch {
            return None;
        }
        let lost = connection.sees[side].take()?;
        let is_closed = connection.sees[1 - side].is_none();
        if is_closed {
            connection.epoch += 1;
            connection.cut = [false; 2];
        }
        Some((lost, is_closed))
    }

    /// The two places are connected from now on.
    pub(super) fn connect(&mut self, one: usize, other: usize) {
        let nodes = [self.nodes[one], self.nodes[other]];
        let (connection, side) = self.connection(one, other);
        connection.sees[side] = Some(nodes[1]);
        connection.sees[1 - side] = Some(nodes[0]);
    }

    /// Another incarnation runs at this place from now on.
    pub(super) fn restart(&mut self, place: usize, new: NodeId) {
        self.nodes[place] = new;
        self.places.insert(new, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> (Network, [NodeId; 3]) {
        let nodes = [1, 2, 3].map(NodeId::from_wire);
        (Network::new(nodes[..2].to_vec()), nodes)
    }

    #[test]
    fn a_cut_in_one_direction_leaves_the_other() {
        let (mut network, [_, b, _]) = two();
        assert_eq!(network.route(0, b), Route::Over { place: 1, epoch: 0 });
        network.cut(0, 1);
        assert!(!network.carries(0, 1, 0));
        assert!(network.carries(1, 0, 0));
        assert_eq!(network.whole(0, 1), None);
    }

    #[test]
    fn a_connection_comes_again_under_a_new_epoch_when_both_sides_have_lost_it() {
        let (mut network, [a, b, _]) = two();
        assert_eq!(network.lose(0, 1, 0), Some((b, false)));
        assert_eq!(network.lose(0, 1, 0), None);
        assert_eq!(network.route(0, b), Route::Unreachable);
        assert_eq!(network.route(1, a), Route::Over { place: 0, epoch: 0 });
        assert!(!network.carries(1, 0, 0), "the receiver has lost it");
        assert_eq!(network.lose(1, 0, 0), Some((a, true)));
        network.connect(0, 1);
        assert!(!network.carries(1, 0, 0) && network.carries(1, 0, 1));
        assert_eq!(network.whole(1, 0), Some(1));
    }

    #[test]
    fn a_former_incarnation_is_dead_once_the_new_one_is_connected() {
        let (mut network, [a, b, c]) = two();
        network.lose(1, 0, 0);
        network.restart(1, c);
        assert_eq!(network.route(0, b), Route::Over { place: 1, epoch: 0 }, "not noticed yet");
        network.lose(0, 1, 0);
        assert_eq!(network.route(0, b), Route::Unreachable);
        network.connect(0, 1);
        assert_eq!(network.route(0, b), Route::Dead);
        assert_eq!(network.route(0, c), Route::Over { place: 1, epoch: 1 });
        assert_eq!(network.route(1, b), Route::Dead);
        assert_eq!(network.route(0, a), Route::Local);
    }
}
