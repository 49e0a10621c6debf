//! A shell in an empty home, in which the documents' commands run.

use crate::page;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long something that must come may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Commands that only look, and what they look at may take a moment to come.
const LOOKS: [&str; 5] = ["odeon logs", "odeon ps", "odeon nodes", "odeon names", "odeon info"];

/// The shell, and what it has left running.
pub(crate) struct Console {
    root: PathBuf,
    home: TempDir,
    odeon: PathBuf,
    /// Their output is kept open: one that cannot write might end.
    running: Vec<(Child, BufReader<ChildStdout>)>,
}

impl Console {
    pub(crate) fn new(root: &Path) -> Self {
        let test = std::env::current_exe().expect("the test's own path");
        let built = test.parent().and_then(Path::parent).expect("it lies in a target folder");
        let odeon = built.join("odeon");
        assert!(odeon.is_file(), "{} is missing: build the workspace", odeon.display());
        let guests = root.join("target/guests/counter.wasm");
        assert!(guests.is_file(), "{} is missing: `cargo xtask guests`", guests.display());
        let home = tempfile::tempdir().expect("a temporary folder");
        for folder in ["examples", "target"] {
            symlink(root.join(folder), home.path().join(folder)).expect("a link");
        }
        Self { root: root.to_owned(), home, odeon, running: Vec::new() }
    }

    /// Runs a command and compares what it does with what the document shows.
    pub(crate) fn check(&mut self, page: &str, command: &page::Command) {
        let wanted = command.output.as_deref();
        if let Some(line) = command.line.strip_suffix(" &") {
            let printed = self.start(line, wanted.map_or(1, <[_]>::len));
            let printed = printed.unwrap_or_else(|error| panic!("{page}: `{line}`: {error}"));
            assert!(is_as_shown(&printed, command), "{page}: `{line}` printed {printed:#?}");
            return;
        }
        let fails =
            wanted.is_some_and(|lines| lines.first().is_some_and(|l| l.starts_with("error:")));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (success, printed) = self.run(&command.line);
            let right = success != fails && is_as_shown(&printed, command);
            if right {
                return;
            }
            let may_come = LOOKS.iter().any(|look| command.line.starts_with(look));
            assert!(
                may_come && Instant::now() < deadline,
                "{page}: `{}` ended {} and printed {printed:#?}\nand not {wanted:#?}",
                command.line,
                if success { "well" } else { "badly" },
            );
        }
    }

    /// Checks that what a command names is there, without running it.
    pub(crate) fn check_words(&self, page: &str, line: &str) {
        let words: Vec<_> = line.split_whitespace().skip_while(|word| word.contains('=')).collect();
        match words.as_slice() {
            ["odeon", name, ..] => {
                let (known, printed) = self.run(&format!("odeon {name} --help"));
                assert!(known, "{page}: `{line}`: {printed:#?}");
            }
            ["cargo", "xtask", name, ..] => {
                let source = self.root.join("xtask/src/main.rs");
                let source = std::fs::read_to_string(source).expect("the source of xtask");
                let variant = format!("Command::{}{}", name[..1].to_uppercase(), &name[1..]);
                assert!(source.contains(&variant), "{page}: `{line}`: there is no {variant}");
            }
            ["cargo" | "rustup" | "cd" | ".ci/run", ..] => {}
            _ => panic!("{page}: `{line}` is no command that can be checked without running it"),
        }
    }

    fn shell(&self, line: &str) -> Command {
        let odeon = self.odeon.parent().expect("it lies in a folder").to_path_buf();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(odeon).chain(std::env::split_paths(&path));
        let home = self.home.path();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("exec 2>&1; {}", as_here(line))])
            .stdin(Stdio::null())
            .current_dir(home)
            .env("PATH", std::env::join_paths(paths).expect("paths without colons"))
            .env("HOME", home)
            .env("ODEON_HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CACHE_HOME", home.join("cache"));
        let others =
            ["ODEON_COOKIE", "ODEON_NODE", "ODEON_CONFIG", "ODEON_LISTEN", "ODEON_DATA_DIR"];
        for name in others {
            shell.env_remove(name);
        }
        shell
    }

    fn run(&self, line: &str) -> (bool, Vec<String>) {
        let output = self.shell(line).output().expect("a shell");
        let text = String::from_utf8_lossy(&output.stdout);
        (output.status.success(), text.lines().map(as_on_box).collect())
    }

    /// Starts what stays, and gives its first lines.
    fn start(&mut self, line: &str, lines: usize) -> std::io::Result<Vec<String>> {
        let mut child = self.shell(&format!("exec {line}")).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().expect("it was asked for");
        let mut output = BufReader::new(output);
        let mut first = Vec::new();
        for _ in 0..lines.max(1) {
            let mut line = String::new();
            output.read_line(&mut line)?;
            first.push(as_on_box(line.trim_end()));
        }
        self.running.push((child, output));
        Ok(first)
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        for (child, _) in &mut self.running {
            // One that has ended already is what the document wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A line, with the name that this machine has in the documents.
fn as_on_box(line: &str) -> String {
    line.replace(&own_host(), "@box")
}

/// A command of the documents, with this machine's name.
fn as_here(line: &str) -> String {
    line.replace("@box", &own_host())
}

/// This machine's name behind an `@`, as nodes have it.
fn own_host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim().split('.').next().unwrap_or_default() {
        "" => "@localhost".to_owned(),
        name => format!("@{name}"),
    }
}

/// Whether the lines are those of the document; `...` stands for any.
fn is_as_shown(printed: &[String], command: &page::Command) -> bool {
    let Some(wanted) = &command.output else { return true };
    let plain = |line: &str| {
        if command.figures_vary { without_figures(line) } else { line.trim_end().to_owned() }
    };
    let printed: Vec<_> = printed.iter().map(|line| plain(line)).collect();
    let wanted: Vec<_> =
        wanted.iter().map(|line| if line == "..." { line.clone() } else { plain(line) }).collect();
    matches(&printed, &wanted)
}

fn matches(printed: &[String], wanted: &[String]) -> bool {
    match wanted.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any == "..." => {
            (0..=printed.len()).any(|skipped| matches(&printed[skipped..], rest))
        }
        Some((line, rest)) => printed.first() == Some(line) && matches(&printed[1..], rest),
    }
}

/// A line without what differs from run to run: numbers, digests, ages, columns.
fn without_figures(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let is_digest = word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_age = word.strip_suffix("ms").or(word.strip_suffix('s')).is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        });
        match (is_digest, is_age) {
            (true, _) => "#".to_owned(),
            (_, true) => "0s".to_owned(),
            _ => numbers_as_zero(word),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn numbers_as_zero(word: &str) -> String {
    let mut plain = String::new();
    for character in word.chars() {
        if !character.is_ascii_digit() {
            plain.push(character);
        } else if !plain.ends_with('0') {
            plain.push('0');
        }
    }
    plain
}

#[test]
fn figures_are_left_out_of_a_comparison_and_words_are_not() {
    assert_eq!(without_figures("2  till  64.0 KiB  14ms"), "0 till 0.0 KiB 0s");
    assert_eq!(without_figures("calc is 3ef89bef5da9 (630 B)"), "calc is # (0 B)");
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(matches(&lines("a\nb\nc"), &lines("a\n...\nc")));
    assert!(matches(&lines("a"), &lines("a\n...")));
    assert!(!matches(&lines("a\nb"), &lines("a")));
    assert!(!matches(&lines("a"), &lines("a\nb")));
}
