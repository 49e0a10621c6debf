//! Building in Zig.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::exit::Exit;
use super::tools::{compile as run, found, missing};
use super::{Project, WORK};

/// The version that the SDK is written for: Zig's language still changes with each.
const VERSION: &str = "0.17.0";

pub(super) fn compile(project: &Project<'_>) -> Result<PathBuf, Exit> {
    let sdk = Path::new(WORK).join("sdk/odeon.zig");
    project.sdk(&format!("{WORK}/sdk"))?;
    let module = project.module()?;
    let mut zig = zig(project)?;
    zig.args(["build-exe", "-target", "wasm32-freestanding", "-O", "ReleaseSmall"]);
    zig.args(["-fno-entry", "-rdynamic", "--stack", "17408"]);
    zig.args(["--dep", "odeon", "-Mroot=src/main.zig"]);
    zig.arg(format!("-Modeon={}", sdk.display()));
    zig.arg(format!("-femit-bin={}", module.display()));
    zig.env("ZIG_LOCAL_CACHE_DIR", Path::new(WORK).join("zig"));
    run(&mut zig, project.dir)?;
    Ok(module)
}

/// Zig of the right version: the one in `PATH`, else PyPI's.
pub(super) fn zig(project: &Project<'_>) -> Result<Command, Exit> {
    if found("zig") {
        let output = Command::new("zig").arg("version").output();
        let version = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
        match version {
            Ok(version) if version.starts_with("0.17.") => return Ok(Command::new("zig")),
            Ok(version) if !project.tools.may_have_python("ziglang", VERSION) => {
                return Err(missing(format!(
                    "zig {version} is in PATH, and the SDK is for {VERSION}: install that, or run \
                     `odeon build --install` once, which keeps it apart from yours"
                )));
            }
            _ => {}
        }
    }
    let python = project.tools.python("ziglang", VERSION)?;
    let mut zig = Command::new(python);
    zig.args(["-m", "ziglang"]);
    Ok(zig)
}
