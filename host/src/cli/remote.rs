//! The way to the node that a command is for.

use odeon::control::client::Client;
use odeon::control::cookie;
use odeon::control::discovery::{Directory, Entry};

use super::Common;
use super::exit::{Exit, code};

/// Connects to the node that is meant.
pub(crate) async fn connect(common: &Common) -> Result<Client, Exit> {
    let file = common.file()?;
    let asked = common.node.as_deref().or(file.name.as_deref());
    let wanted = file.node_name(asked)?;
    let running = Directory::of_user()?.list()?;
    let entry = choose(running, &wanted, asked.is_some())?;
    Ok(Client::connect(&entry, cookie::secret()?).await?)
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
