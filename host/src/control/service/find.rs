//! Cluster names and groups, as commands list them.

use odeon_core::groups::Error;
use odeon_core::{Key, Pid};

use super::{Answer, NodeService, convert, reply, send_rows};
use crate::control::api::{ClusterName, Failure, FailureKind, Group, Member};
use crate::control::mux::Exchange;

impl NodeService {
    /// All names, part by part: there may be many.
    pub(super) async fn names(&self, exchange: Exchange) {
        let mut after = None;
        loop {
            let part = self.node.cluster_names(after.as_ref());
            let rows: Vec<_> = part.iter().map(|(key, pid)| self.named(key, *pid)).collect();
            if send_rows(&exchange, &rows).await.is_err() {
                return;
            }
            match part.into_iter().next_back() {
                Some((key, _)) => after = Some(key),
                None => return reply(exchange, Ok(())),
            }
        }
    }

    pub(super) fn whereis(&self, name: &[u8]) -> Answer<ClusterName> {
        let key = key(name)?;
        match self.node.whereis_cluster(&key) {
            Some(pid) => Ok(self.named(&key, pid)),
            None => Err(not_found(format!("no actor has the cluster name `{key}`"))),
        }
    }

    fn named(&self, key: &Key, pid: Pid) -> ClusterName {
        ClusterName {
            name: key.to_string(),
            hex: hex(key),
            pid: pid.to_string(),
            node: self.node.name_of(pid.node),
        }
    }

    pub(super) fn groups(&self, scope: Option<&[u8]>) -> Answer<Vec<Group>> {
        let scopes = match scope {
            Some(scope) => vec![key(scope)?],
            None => self.node.scopes(),
        };
        let mut rows = Vec::new();
        for scope in scopes {
            let groups = match self.node.groups(&scope) {
                Ok(groups) => groups,
                // It was stopped meanwhile.
                Err(_) if rows.is_empty() => return Err(no_scope(&scope)),
                Err(_) => continue,
            };
            rows.extend(groups.into_iter().map(|(group, members, local)| Group {
                scope: scope.to_string(),
                group: group.to_string(),
                hex: hex(&group),
                members: members as u64,
                local: local as u64,
            }));
        }
        Ok(rows)
    }

    pub(super) fn members(&self, scope: &[u8], group: &[u8]) -> Answer<Vec<Member>> {
        let (scope, group) = (key(scope)?, key(group)?);
        let members = match self.node.members(&scope, &group) {
            Ok(members) if members.is_empty() => {
                return Err(not_found(format!("the group `{group}` has no members")));
            }
            Ok(members) => members,
            Err(Error::NoScope | Error::NotLocal | Error::NotJoined | Error::Limit) => {
                return Err(no_scope(&scope));
            }
        };
        // The members of one node are next to each other, and so is each.
        let rows = members.chunk_by(|one, other| one == other).map(|same| Member {
            pid: same[0].to_string(),
            node: self.node.name_of(same[0].node),
            times: same.len() as u64,
        });
        Ok(rows.collect())
    }
}

fn key(bytes: &[u8]) -> Answer<Key> {
    Key::new(bytes).map_err(|error| convert::failure(FailureKind::Usage, error.to_string()))
}

fn not_found(text: String) -> Failure {
    convert::failure(FailureKind::NotFound, text)
}

fn no_scope(scope: &Key) -> Failure {
    not_found(format!("this node takes no part in the scope `{scope}`"))
}

pub(super) fn hex(key: &Key) -> String {
    key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
