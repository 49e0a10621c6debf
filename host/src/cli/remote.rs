//! The way to the node that a command is for.

use odeon::config::{Cookies, File};
use odeon::control::client::Client;
use odeon::control::cookie;
use odeon::control::discovery::{Directory, Entry};
use odeon::net::dial;

use super::Common;
use super::connections::{ConnectionArgs, security};
use super::exit::{Exit, code};
use super::progress;

/// Connects to the node that is meant.
pub(crate) async fn connect(common: &Common) -> Result<Client, Exit> {
    let file = common.file()?;
    if let Some(on) = &common.on {
        return dial(on, &file).await;
    }
    let asked = common.node.as_deref().or(file.name.as_deref());
    let wanted = file.node_name(asked)?;
    let running = Directory::of_user()?.list()?;
    let entry = choose(running, &wanted, asked.is_some())?;
    Ok(Client::connect(&entry, cookie::secret()?).await?)
}

/// Connects to the node that is meant; to none if nobody said which, and there is none or
/// several.
pub(crate) async fn maybe_connect(common: &Common) -> Result<Option<Client>, Exit> {
    match connect(common).await {
        Ok(client) => Ok(Some(client)),
        Err(exit) if exit.is_without_node() && common.on.is_none() && common.node.is_none() => {
            Ok(None)
        }
        Err(exit) => Err(exit),
    }
}

/// Connects to a node wherever it is.
async fn dial(on: &str, file: &File) -> Result<Client, Exit> {
    let target = File::target(on)?;
    let over = ConnectionArgs::of_environment()?.connections();
    // Commands use this user's cookie, whoever they are for.
    let settings = file.connections(&over, Cookies::new())?;
    let security = security(None, &settings)?;
    let options = dial::Options {
        setup_time: settings.setup_time,
        directory: Some(Directory::of_user()?),
        ..dial::Options::default()
    };
    let connecting = Client::dial(&target, &security, &options);
    Ok(progress::while_doing(format!("connecting to {target}"), connecting).await?)
}

/// The node of this name; if nobody said a name, the only one that runs will do.
fn choose(mut running: Vec<Entry>, wanted: &str, named: bool) -> Result<Entry, Exit> {
    if let Some(at) = running.iter().position(|entry| entry.name == wanted) {
        return Ok(running.swap_remove(at));
    }
    let names: Vec<_> = running.iter().map(|entry| format!("`{}`", entry.name)).collect();
    match (running.len(), named) {
        (1, false) => Ok(running.remove(0)),
        (0, false) => {
            Err(Exit::new(code::NO_NODE, "no node is running; start one with `odeon node`"))
        }
        (_, false) => Err(Exit::new(
            code::NO_NODE,
            format!("several nodes are running: choose one of {} with `--node`", names.join(", ")),
        )),
        (count, true) => {
            let others = match count {
                0 => String::new(),
                _ => format!("; running are {}", names.join(", ")),
            };
            let text = format!(
                "no node is running as `{wanted}`; start one with `odeon node --name {wanted}`\
                 {others}"
            );
            Err(Exit::new(code::NO_NODE, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(names: &[&str]) -> Vec<Entry> {
        let entry = |name: &&str| Entry {
            name: (*name).to_owned(),
            address: ([127, 0, 0, 1], 1).into(),
            incarnation: 1,
            process: 1,
            tls: false,
        };
        names.iter().map(entry).collect()
    }

    #[test]
    fn the_only_node_is_taken_unless_another_was_named() {
        let chosen = |names: &[&str], wanted, named| {
            choose(running(names), wanted, named).map(|entry| entry.name)
        };
        assert_eq!(chosen(&["a@box"], "odeon@box", false).as_deref(), Ok("a@box"));
        assert_eq!(chosen(&["a@box", "odeon@box"], "odeon@box", false).as_deref(), Ok("odeon@box"));
        assert_eq!(chosen(&["a@box", "b@box"], "b@box", true).as_deref(), Ok("b@box"));
        assert!(chosen(&["a@box"], "b@box", true).is_err());
        assert!(chosen(&["a@box", "b@box"], "odeon@box", false).is_err());
    }

    #[test]
    fn without_a_node_the_message_names_the_command_that_starts_it() {
        let error = choose(Vec::new(), "x@box", true).expect_err("none");
        let text = "no node is running as `x@box`; start one with `odeon node --name x@box`";
        assert_eq!(error, Exit::new(code::NO_NODE, text));
    }
}
