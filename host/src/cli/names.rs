//! `odeon names` and `odeon groups`: what is known by name on all connected nodes.

use odeon::control::api::{ClusterName, Group, Member, Request};

use super::Common;
use super::exit::{Exit, code};
use super::{encoding, output, remote};

/// Lists the cluster names that the node knows, or says who has one.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Names {
    #[command(subcommand)]
    explain: Option<Explain>,
    /// This name only.
    name: Option<String>,
    /// NAME is hexadecimal digits.
    #[arg(long, requires = "name")]
    hex: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// What needs no node.
#[derive(Debug, clap::Subcommand)]
enum Explain {
    /// Say what cluster names, groups and locks guarantee, also where a network is divided.
    Explain,
}

impl Names {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        if let Some(Explain::Explain) = self.explain {
            output::line(include_str!("names/explain.txt").trim_end())?;
            return Ok(code::OK);
        }
        let wanted = self.name.as_deref().map(|name| bytes(name, self.hex)).transpose()?;
        let client = remote::connect(common).await?;
        let names: Vec<ClusterName> = match wanted {
            Some(name) => vec![client.ask(&Request::Whereis { name }).await?],
            None => client.list(&Request::Names).await?,
        };
        if self.json {
            output::json(&names)?;
            return Ok(code::OK);
        }
        let row = |name: &ClusterName| {
            vec![name.name.clone(), name.pid.clone(), name.node.clone().unwrap_or_default()]
        };
        output::table(&["NAME", "ACTOR", "NODE"], &names.iter().map(row).collect::<Vec<_>>())?;
        Ok(code::OK)
    }
}

/// Shows groups of actors and their members.
#[derive(Debug, clap::Args)]
pub(crate) struct Groups {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the groups that the node knows, and how many members they have.
    List(List),
    /// List the members of a group, on all nodes.
    Members(Members),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Of this scope only.
    #[arg(long)]
    scope: Option<String>,
    /// The scope is hexadecimal digits.
    #[arg(long, requires = "scope")]
    hex: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Members {
    /// The scope.
    scope: String,
    /// The group.
    group: String,
    /// Scope and group are hexadecimal digits.
    #[arg(long)]
    hex: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Groups {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        match self.what {
            What::List(list) => list.run(common).await,
            What::Members(members) => members.run(common).await,
        }
    }
}

impl List {
    async fn run(self, common: &Common) -> Result<u8, Exit> {
        let scope = self.scope.as_deref().map(|scope| bytes(scope, self.hex)).transpose()?;
        let client = remote::connect(common).await?;
        let groups: Vec<Group> = client.list(&Request::Groups { scope }).await?;
        if self.json {
            output::json(&groups)?;
            return Ok(code::OK);
        }
        let row = |group: &Group| {
            let Group { scope, group, members, local, .. } = group;
            vec![scope.clone(), group.clone(), members.to_string(), local.to_string()]
        };
        let heads = ["SCOPE", "GROUP", "MEMBERS", "HERE"];
        output::table(&heads, &groups.iter().map(row).collect::<Vec<_>>())?;
        Ok(code::OK)
    }
}

impl Members {
    async fn run(self, common: &Common) -> Result<u8, Exit> {
        let (scope, group) = (bytes(&self.scope, self.hex)?, bytes(&self.group, self.hex)?);
        let client = remote::connect(common).await?;
        let members: Vec<Member> = client.list(&Request::Members { scope, group }).await?;
        if self.json {
            output::json(&members)?;
            return Ok(code::OK);
        }
        let row = |member: &Member| {
            let Member { pid, node, times } = member;
            vec![pid.clone(), node.clone().unwrap_or_default(), times.to_string()]
        };
        output::table(&["ACTOR", "NODE", "TIMES"], &members.iter().map(row).collect::<Vec<_>>())?;
        Ok(code::OK)
    }
}

fn bytes(text: &str, is_hex: bool) -> Result<Vec<u8>, Exit> {
    match is_hex {
        true => {
            encoding::hex(text).map_err(|error| Exit::new(code::USAGE, format!("--hex: {error}")))
        }
        false => Ok(text.as_bytes().to_vec()),
    }
}
