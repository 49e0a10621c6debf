//! The core's purity: no clock, no threads, no files, no network, no locks, no
//! `async`, and no dependency that would bring them. And the host's clock: what the clock
//! on the wall says may jump, so only listed files ask it, and none about connections.
//!
//! Where the target is installed the compiler proves most of it, by building the
//! core for a machine without an operating system. The scan of the source runs
//! everywhere, beside the lints of `host/core/clippy.toml`.

use anyhow::{Context, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A machine without an operating system.
const BARE: &str = "wasm32-unknown-unknown";

/// What no line of the core says outside its tests and its comments.
const FORBIDDEN: [&str; 17] = [
    "std::env",
    "std::fs",
    "std::net",
    "std::process::",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
    "HashMap",
    "HashSet",
    "Mutex",
    "RwLock",
    "RefCell",
    "async ",
    ".await",
    "unsafe {",
    "tokio",
    "wasmtime",
];

/// What the core depends on, and nothing else.
const DEPENDENCIES: [&str; 9] =
    ["bytes", "hmac", "lz4_flex", "postcard", "serde", "sha2", "smallvec", "subtle", "thiserror"];

/// How the host asks what the clock on the wall says.
const WALL_CLOCK: [&str; 5] =
    ["SystemTime", "UNIX_EPOCH", "UnixTime::now", "CLOCK_REALTIME", "ClockId::Realtime"];

/// The only files of the host that ask it, and what for. Connections, ticks, timers and
/// everything else go by the clock that never jumps (`Instant`). Certificates are valid
/// for a time, which the TLS library looks up when a connection is made.
const WALL_CLOCK_FILES: [&str; 6] = [
    // When a source file was changed.
    "cli/dev.rs",
    // When a line was written.
    "io/output.rs",
    // When compiled code was last used.
    "modules/compile/cache.rs",
    // When a module was deployed, and when the file with the names was changed.
    "modules/store.rs",
    "modules/store/names.rs",
    // A guest asks, or registers a cluster name, of which the older owner may be preferred.
    "wasm/imports/timers.rs",
];

/// Checks the core, and the clock of the host.
///
/// # Errors
/// What it is not to know, and where it does.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    check_clock(&root.join("host/src"))?;
    let core = root.join("host/core");
    let manifest = fs::read_to_string(core.join("Cargo.toml")).context("the core's Cargo.toml")?;
    if let Some(name) = foreign_dependency(&manifest) {
        bail!("odeon-core depends on `{name}`, which the list in xtask/src/purity.rs lacks");
    }
    for file in sources(&core.join("src"))? {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        if let Some((line, word)) = found(&text, &FORBIDDEN) {
            bail!("{}:{line}: `{word}` has no place in the core", file.display());
        }
    }
    if !has_bare_target() {
        println!("    only the source was looked at: the target {BARE} is not installed");
        return Ok(());
    }
    let status = Command::new("cargo")
        .args(["check", "--quiet", "-p", "odeon-core", "--target", BARE])
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("`cargo check -p odeon-core --target {BARE}` ended with {status}");
    }
    Ok(())
}

/// Only the listed files ask the clock on the wall, and each of those does.
fn check_clock(host: &Path) -> anyhow::Result<()> {
    for file in sources(host)? {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let is_listed = WALL_CLOCK_FILES.iter().any(|listed| file == host.join(listed));
        match found(&text, &WALL_CLOCK) {
            Some((line, word)) if !is_listed => bail!(
                "{}:{line}: `{word}`: that clock may jump; use `Instant`, or say in \
                 xtask/src/purity.rs what it is for",
                file.display()
            ),
            None if is_listed => {
                bail!("{} asks no clock: take it off the list", file.display());
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// The first of these words in the code, and its line.
fn found(text: &str, words: &[&'static str]) -> Option<(usize, &'static str)> {
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.flat_map(|(at, line)| words.iter().map(move |word| (at, line, *word)))
        .find(|(_, line, word)| line.contains(word))
        .map(|(at, _, word)| (at + 1, word))
}

/// A name under `[dependencies]` that is not in the list.
fn foreign_dependency(manifest: &str) -> Option<&str> {
    let mut lines = manifest.lines().skip_while(|line| line.trim() != "[dependencies]").skip(1);
    lines
        .by_ref()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .find(|name| !DEPENDENCIES.contains(name))
}

/// The core's files, without its tests.
fn sources(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if name.ends_with(".rs") && !name.ends_with("_test.rs") && name != "testing.rs" {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn has_bare_target() -> bool {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    sysroot.is_some_and(|path| Path::new(path.trim()).join("lib/rustlib").join(BARE).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_in_the_code_is_found_and_one_in_a_comment_is_not() {
        let code = "//! No std::time::Instant here.\nlet now = std::time::Instant::now();\n";
        assert_eq!(found(code, &FORBIDDEN), Some((2, "std::time::Instant")));
        assert_eq!(found("/// As `HashMap`, in order.\nlet x = 1;\n", &FORBIDDEN), None);
        let asks = "fn f() {\n    let now = std::time::SystemTime::now();\n}\n";
        assert_eq!(found(asks, &WALL_CLOCK), Some((2, "SystemTime")));
        assert_eq!(found("let now = Instant::now();\n", &WALL_CLOCK), None);
    }

    #[test]
    fn connections_do_not_ask_what_the_clock_on_the_wall_says() {
        let root = crate::guests::root();
        check_clock(&root.join("host/src")).expect("nobody asks it who is not listed");
        for file in WALL_CLOCK_FILES {
            let about_connections = ["cluster", "control", "net"];
            assert!(!about_connections.iter().any(|part| file.starts_with(part)), "{file}");
        }
    }

    #[test]
    fn a_dependency_that_is_not_listed_is_found() {
        let with = |name: &str| format!("[dependencies]\nbytes.workspace = true\n{name} = \"1\"\n");
        assert_eq!(foreign_dependency(&with("tokio")), Some("tokio"));
        assert_eq!(foreign_dependency(&with("serde")), None);
        assert_eq!(foreign_dependency("[dependencies]\n\n[dev-dependencies]\nx = \"1\"\n"), None);
    }
}
