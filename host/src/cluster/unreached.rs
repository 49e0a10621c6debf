//! The log of nodes that are not reached, which tries without end must not flood: why a
//! node was not reached is told once, until it is reached or there is another reason.

use std::collections::HashMap;

/// Nodes that are remembered. When there are more, all are told of once more.
const NODES_MAX: usize = 1024;

/// Writes about nodes that were not reached, by name.
#[derive(Debug, Default)]
pub(super) struct Unreached(HashMap<String, String>);

impl Unreached {
    /// This node was not reached.
    pub(super) fn tell(&mut self, node: &str, error: String) {
        if self.is_news(node, &error) {
            tracing::info!(node, %error, "no connection");
        } else {
            tracing::debug!(node, %error, "still no connection");
        }
    }

    /// This node was reached: what comes next is news.
    pub(super) fn reached(&mut self, node: &str) {
        self.0.remove(node);
    }

    fn is_news(&mut self, node: &str, error: &str) -> bool {
        if self.0.get(node).is_some_and(|known| known == error) {
            return false;
        }
        if self.0.len() >= NODES_MAX {
            self.0.clear();
        }
        self.0.insert(node.to_owned(), error.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_news_once_until_the_node_is_reached() {
        let mut unreached = Unreached::default();
        assert!(unreached.is_news("a@box", "refused"));
        assert!(!unreached.is_news("a@box", "refused"));
        assert!(unreached.is_news("b@box", "refused"), "another node");
        assert!(unreached.is_news("a@box", "wrong cookie"), "another reason");
        assert!(!unreached.is_news("a@box", "wrong cookie"));
        unreached.reached("a@box");
        assert!(unreached.is_news("a@box", "wrong cookie"));
        assert!(!unreached.is_news("b@box", "refused"));
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let mut unreached = Unreached::default();
        for at in 0..3 * NODES_MAX {
            assert!(unreached.is_news(&format!("n{at}@box"), "refused"));
            assert!(unreached.0.len() <= NODES_MAX);
        }
    }
}
