//! The languages' guests, built by `odeon build`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A language of projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    C,
    Zig,
    Js,
    Python,
    Go,
    Ts,
}

impl Language {
    /// Those with a guest in `guests/languages`.
    pub(crate) const ALL: [Self; 5] = [Self::C, Self::Zig, Self::Js, Self::Python, Self::Go];
    /// TypeScript is JavaScript when it runs: its guest shows the building alone.
    pub(crate) const PROJECTS: [Self; 6] =
        [Self::C, Self::Zig, Self::Js, Self::Python, Self::Go, Self::Ts];

    /// As `--lang` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Zig => "zig",
            Self::Js => "js",
            Self::Python => "python",
            Self::Go => "go",
            Self::Ts => "ts",
        }
    }

    /// The first source of a project.
    pub(crate) fn source(self) -> String {
        match self {
            Self::Go => "main.go".into(),
            Self::Python => "src/main.py".into(),
            _ => format!("src/main.{}", self.name()),
        }
    }
}

/// The exit code for a toolchain that is not there.
const NO_TOOLCHAIN: i32 = 6;

/// One build at a time: the tests of a language share its folder, and all share tools.
static BUILDING: Mutex<()> = Mutex::new(());

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program, which the build puts beside the directory of the test executables. It
/// has a home of its own; tools are those that `cargo xtask test` got.
pub(crate) fn odeon(home: &Path) -> Command {
    let test = std::env::current_exe().expect("a test has a path");
    let path = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST").join("odeon");
    let mut command = Command::new(path);
    let tools = tests().join("../target/tools");
    command.env("HOME", home).env("ODEON_HOME", home).env("XDG_RUNTIME_DIR", home);
    command.env("XDG_CACHE_HOME", tests().join("../target/tmp/languages"));
    command.env("ODEON_TOOLS", tools).stdin(Stdio::null());
    for name in ["ODEON_COOKIE", "ODEON_NODE", "ODEON_CONFIG", "ODEON_SDK"] {
        command.env_remove(name);
    }
    command
}

/// Builds a project; nothing where the toolchain is not there, which is said.
pub(crate) fn build(language: Language, dir: &Path, to: &Path) -> Option<PathBuf> {
    let (code, said) = try_build(language, dir, to)?;
    assert_eq!(code, Some(0), "{language:?} does not build: {said}");
    Some(to.to_owned())
}

/// The exit code of a build and what it said; nothing where the toolchain is not there.
pub(crate) fn try_build(
    language: Language,
    dir: &Path,
    to: &Path,
) -> Option<(Option<i32>, String)> {
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = odeon(&std::env::temp_dir());
    let Output { status, stderr, .. } =
        command.arg("build").arg(dir).arg("-o").arg(to).output().expect("it can be run");
    let said = String::from_utf8_lossy(&stderr).into_owned();
    if status.code() == Some(NO_TOOLCHAIN) {
        println!("left out: {language:?}: {said}");
        return None;
    }
    Some((status.code(), said))
}

/// The language's guest, which is built once for all tests.
pub(crate) fn built(language: Language) -> Option<&'static [u8]> {
    static BUILT: [OnceLock<Option<Vec<u8>>>; Language::PROJECTS.len()] =
        [const { OnceLock::new() }; Language::PROJECTS.len()];
    let module = BUILT[language as usize].get_or_init(|| {
        let dir = tests().join("guests/languages").join(language.name());
        let to = tests().join(format!("../target/guests/language-{}.wasm", language.name()));
        let to = build(language, &dir, &to)?;
        Some(std::fs::read(to).expect("it was just built"))
    });
    module.as_deref()
}
