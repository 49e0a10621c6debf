//! What an actor is granted and limited to: flags, and `[spawn]` of odeon.toml.

use std::path::Path;

use odeon::config::{File, Size};
use odeon::control::api::{DirGrant, Limits, Rights};

use super::exit::{Exit, code};

/// The flags of every command that makes an actor.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Grants {
    /// Grant an environment variable: NAME=VALUE, or NAME for this shell's value.
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "Grants")]
    env: Vec<String>,
    /// Grant a directory, read-only unless it ends in `:rw`. The guest sees it as
    /// GUEST, or under the same name.
    #[arg(long, value_name = "HOST[:GUEST][:rw]", help_heading = "Grants")]
    dir: Vec<String>,
    /// Grant the network.
    #[arg(long, help_heading = "Grants")]
    network: bool,
    /// Memory at most, such as 64MiB.
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    memory: Option<Size>,
    /// Table elements at most.
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    table_elements: Option<u64>,
    /// Messages that wait, at most.
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    mailbox_messages: Option<u64>,
    /// Bytes of the messages that wait, at most.
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    mailbox_bytes: Option<Size>,
    /// Living children at most.
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    children: Option<u64>,
    /// Running timers at most.
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    timers: Option<u64>,
}

impl Grants {
    /// What the flags say.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            memory_bytes: self.memory.map(|size| size.0),
            table_elements: self.table_elements,
            mailbox_messages: self.mailbox_messages,
            mailbox_bytes: self.mailbox_bytes.map(|size| size.0),
            children: self.children,
            timers: self.timers,
        }
    }

    /// What the file grants, and the flags on top. A flag wins over the file where
    /// both name the same variable or directory. Paths of flags are relative to the
    /// working directory; all become absolute, because the node has another one. With
    /// `elsewhere` they are paths of another machine, absolute and not looked at here.
    pub(crate) fn rights(&self, file: &File, elsewhere: bool) -> Result<Rights, Exit> {
        let granted = file.rights();
        let mut env = granted.env;
        for text in &self.env {
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (text.clone(), own_variable(text)?),
            };
            env.retain(|(it, _)| *it != name);
            env.push((name, value));
        }
        let from_file =
            granted.dirs.iter().map(|dir| (&*dir.host, dir.guest.clone(), dir.writable));
        let mut dirs = Vec::new();
        for (host, guest, writable) in from_file.chain(self.dir.iter().map(|text| dir_flag(text))) {
            let host = if elsewhere { as_it_is(host)? } else { absolute(host)? };
            let grant = DirGrant { host, guest, writable };
            dirs.retain(|it: &DirGrant| it.guest != grant.guest);
            dirs.push(grant);
        }
        Ok(Rights { env, dirs, network: self.network || granted.network })
    }
}

fn own_variable(name: &str) -> Result<String, Exit> {
    std::env::var(name).map_err(|_| {
        Exit::new(code::USAGE, format!("--env {name}: this shell has no such variable (as text)"))
    })
}

fn dir_flag(text: &str) -> (&Path, String, bool) {
    let (rest, writable) = match (text.strip_suffix(":rw"), text.strip_suffix(":ro")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => (text, false),
    };
    let (host, guest) = rest.rsplit_once(':').unwrap_or((rest, rest));
    (Path::new(host), guest.to_owned(), writable)
}

fn as_it_is(host: &Path) -> Result<String, Exit> {
    match host.to_str() {
        Some(text) if host.is_absolute() => Ok(text.to_owned()),
        _ => Err(Exit::new(
            code::USAGE,
            format!(
                "--dir {}: with --on, write the absolute path on the node's machine",
                host.display()
            ),
        )),
    }
}

fn absolute(host: &Path) -> Result<String, Exit> {
    let wrong = |what: String| Exit::new(code::USAGE, format!("--dir {}: {what}", host.display()));
    let path = host.canonicalize().map_err(|error| wrong(error.to_string()))?;
    if !path.is_dir() {
        return Err(wrong("not a directory".to_owned()));
    }
    path.into_os_string().into_string().map_err(|_| wrong("its path is not text".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_read_only_unless_it_says_otherwise() {
        assert_eq!(dir_flag("a"), (Path::new("a"), "a".to_owned(), false));
        assert_eq!(dir_flag("a:/b"), (Path::new("a"), "/b".to_owned(), false));
        assert_eq!(dir_flag("a:/b:rw"), (Path::new("a"), "/b".to_owned(), true));
        assert_eq!(dir_flag("a:rw"), (Path::new("a"), "a".to_owned(), true));
        assert_eq!(dir_flag("a:/b:ro"), (Path::new("a"), "/b".to_owned(), false));
    }

    #[test]
    fn flags_come_on_top_of_the_file_and_paths_become_absolute() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let toml = "[spawn]\nenv = { A = \"file\", B = \"file\" }\n\
                    dirs = [{ host = \".\", guest = \"/data\", writable = true }]\n";
        std::fs::write(dir.path().join("odeon.toml"), toml).expect("written");
        let file = File::load(None, dir.path()).expect("right");
        let grants = Grants {
            env: vec!["A=flag".to_owned()],
            dir: vec![format!("{}:/data", dir.path().display())],
            ..Grants::default()
        };
        let rights = grants.rights(&file, false).expect("right");
        let pairs = [("B", "file"), ("A", "flag")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(rights.env, pairs);
        assert_eq!(rights.dirs.len(), 1, "the flag replaces the file's /data");
        assert!(rights.dirs[0].host.starts_with('/') && !rights.dirs[0].writable);
        assert!(!rights.network);
        let missing = Grants { dir: vec!["/no/such/dir".to_owned()], ..Grants::default() };
        assert!(missing.rights(&file, false).is_err());
        let there = missing.rights(&file, true).expect("not looked at");
        assert!(there.dirs.iter().any(|dir| dir.host == "/no/such/dir"));
        let relative = Grants { dir: vec!["data".to_owned()], ..Grants::default() };
        assert!(relative.rights(&file, true).is_err(), "of which directory?");
    }
}
