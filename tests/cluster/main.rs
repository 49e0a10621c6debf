//! Nodes that are connected: what actors of one see of actors of another.

mod basics;
