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
    JsFull,
    Python,
    Go,
    Ts,
    TsFull,
}

impl Language {
    /// Those with a guest in `guests/languages`.
    pub(crate) const ALL: [Self; 6] =
        [Self::C, Self::Zig, Self::Js, Self::JsFull, Self::Python, Self::Go];
    /// TypeScript is JavaScript when it runs: its guest shows the building alone. One project
    /// shows the full engine's, which takes long.
    pub(crate) const PROJECTS: [Self; 7] =
        [Self::C, Self::Zig, Self::Js, Self::Python, Self::Go, Self::Ts, Self::TsFull];

    /// As `--lang` has it, and the folder of the guest.
    pub(crate) fn lang(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Zig => "zig",
            Self::Js | Self::JsFull => "js",
            Self::Python => "python",
            Self::Go => "go",
            Self::Ts | Self::TsFull => "ts",
        }
    }

    /// As `--engine` has it, where it is not the one that a project has by itself.
    pub(crate) fn engine(self) -> Option<&'static str> {
        matches!(self, Self::JsFull | Self::TsFull).then_some("full")
    }

    /// The name of its guest's module.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::JsFull => "js-full",
            Self::TsFull => "ts-full",
            _ => self.lang(),
        }
    }

    /// The first source of a project.
    pub(crate) fn source(self) -> String {
        match self {
            Self::Go => "main.go".into(),
            Self::Python => "src/main.py".into(),
            _ => format!("src/main.{}", self.lang()),
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
    build_with(language, &[], dir, to)
}

/// The same with more arguments.
fn build_with(language: Language, more: &[&str], dir: &Path, to: &Path) -> Option<PathBuf> {
    let (code, said) = try_build(language, more, dir, to)?;
    assert_eq!(code, Some(0), "{language:?} does not build: {said}");
    Some(to.to_owned())
}

/// The exit code of a build and what it said; nothing where the toolchain is not there.
pub(crate) fn try_build(
    language: Language,
    more: &[&str],
    dir: &Path,
    to: &Path,
) -> Option<(Option<i32>, String)> {
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = odeon(&std::env::temp_dir());
    let Output { status, stderr, .. } =
        command.arg("build").arg(dir).arg("-o").arg(to).args(more).output().expect("it can be run");
    let said = String::from_utf8_lossy(&stderr).into_owned();
    if status.code() == Some(NO_TOOLCHAIN) {
        println!("left out: {language:?}: {said}");
        return None;
    }
    Some((status.code(), said))
}

/// The language's guest, which is built once for all tests.
pub(crate) fn built(language: Language) -> Option<&'static [u8]> {
    const COUNT: usize = Language::TsFull as usize + 1;
    static BUILT: [OnceLock<Option<Vec<u8>>>; COUNT] = [const { OnceLock::new() }; COUNT];
    let module = BUILT[language as usize].get_or_init(|| {
        let dir = tests().join("guests/languages").join(language.lang());
        let to = tests().join(format!("../target/guests/language-{}.wasm", language.name()));
        // One guest is for both engines.
        let engine = language.engine().map(|it| ["--engine", it]);
        let to = build_with(language, engine.as_ref().map_or(&[], |it| it), &dir, &to)?;
        Some(std::fs::read(to).expect("it was just built"))
    });
    module.as_deref()
}
