//! Building in C: clang with a libc for WASI, or zig, which brings both.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::exit::Exit;
use super::tools::{compile as run, found, missing};
use super::{Project, WORK, zig};

/// Where Debian's package `wasi-libc` puts it.
const DEBIAN_LIBC: &str = "/usr/lib/wasm32-wasi/libc.a";

/// Names of clang, the newest first; all know `-std=gnu2x`.
const CLANGS: [&str; 8] =
    ["clang-22", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang"];

/// Small, with the SDK's stack: below the data, so that running over it is a trap.
const FLAGS: [&str; 10] = [
    "-std=gnu2x",
    "-Os",
    "-Wall",
    "-Wextra",
    "-mexec-model=reactor",
    "-Wl,--strip-all",
    "-Wl,--gc-sections",
    "-Wl,--stack-first",
    "-Wl,-z,stack-size=17408",
    "-DNDEBUG",
];

pub(super) fn compile(project: &Project<'_>) -> Result<PathBuf, Exit> {
    let sdk = Path::new(WORK).join("sdk");
    project.sdk(&format!("{WORK}/sdk"))?;
    let module = project.module()?;
    let mut clang = compiler(project)?;
    clang.args(FLAGS).arg("-I").arg(&sdk).arg("-o").arg(&module);
    clang.args(project.sources("c")?);
    let sources = project.language.sdk().iter().filter(|(name, _)| name.ends_with(".c"));
    clang.args(sources.map(|(name, _)| sdk.join(name)));
    run(&mut clang, project.dir)?;
    Ok(module)
}

/// The first of: wasi-sdk, Debian's clang with its libc, zig.
fn compiler(project: &Project<'_>) -> Result<Command, Exit> {
    if let Some(sdk) = env::var_os("WASI_SDK_PATH").filter(|dir| !dir.is_empty()) {
        let clang = Path::new(&sdk).join("bin/clang");
        if !clang.is_file() {
            let text = format!("WASI_SDK_PATH: there is no {}", clang.display());
            return Err(missing(text));
        }
        return Ok(Command::new(clang));
    }
    let clang = CLANGS.iter().find(|name| found(name));
    if let (Some(clang), true) = (clang, Path::new(DEBIAN_LIBC).is_file()) {
        let mut command = Command::new(clang);
        // What clang adds by itself, its own functions for WebAssembly, is another package
        // and not needed.
        command.args(["--target=wasm32-wasi", "--sysroot=/usr", "-isystem"]);
        command.args(["/usr/include/wasm32-wasi", "-nodefaultlibs", "-lc"]);
        return Ok(command);
    }
    let mut zig = zig::zig(project).map_err(|error| match clang {
        Some(clang) => missing(format!(
            "{clang} has no libc for WebAssembly: on Debian and its relatives, install wasi-libc \
             and lld; elsewhere set WASI_SDK_PATH to a wasi-sdk. Or use zig: {}",
            error.text()
        )),
        None => missing(format!(
            "no C compiler for WebAssembly is found: on Debian and its relatives, install \
             clang-19 lld-19 wasi-libc; elsewhere set WASI_SDK_PATH to a wasi-sdk. Or use zig: {}",
            error.text()
        )),
    })?;
    zig.args(["cc", "-target", "wasm32-wasi"]);
    Ok(zig)
}
