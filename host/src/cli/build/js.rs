//! Building in JavaScript and TypeScript. Of TypeScript, esbuild makes JavaScript first; it
//! checks no types. For the small engine, componentize-qjs puts QuickJS and the sources
//! together. For the full one, esbuild makes one file of them and the SDK, and componentize-js
//! puts StarlingMonkey and that file together.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::engine::Engine;
use super::super::exit::Exit;
use super::super::language::Language;
use super::link::linked;
use super::tools::{compile as run, found, missing};
use super::{Project, WORK, keep, remade};

/// A package of npm, and the version that the SDK is tested with.
type Package = (&'static str, &'static str);
const SMALL: Package = ("componentize-qjs", "0.4.5");
const FULL: Package = ("@bytecodealliance/componentize-js", "0.23.0");
const ESBUILD: Package = ("esbuild", "0.28.2");

/// The world of an actor in the small engine, and what it imports beyond the contract; within
/// the folder of the contract.
const SMALL_WIT: [(&str, &str); 2] = [
    ("small.wit", include_str!("js/small.wit")),
    ("deps/random/random.wit", include_str!("js/random.wit")),
];

/// How componentize-js is called: it has no command for what is wanted here.
const FULL_SCRIPT: &str = include_str!("js/full.mjs");

/// Where JavaScript looks for a package of this name.
const SDK: &str = "node_modules/odeon";

pub(super) fn compile(project: &Project<'_>) -> Result<PathBuf, Exit> {
    let engine = project.engine.map_or_else(|| Engine::of(project.dir), Ok)?;
    has_node(engine)?;
    match engine {
        Engine::Small => small(project),
        Engine::Full => full(project),
    }
}

fn small(project: &Project<'_>) -> Result<PathBuf, Exit> {
    let mut componentize = program(project, SMALL)?;
    project.sdk(SDK)?;
    let source = match project.language {
        Language::Ts => bundled(project, "src/main.ts", &["--external:odeon"])?,
        _ => PathBuf::from("src/main.js"),
    };
    let wit = project.wit()?;
    for (name, text) in SMALL_WIT {
        keep(&project.dir.join(&wit).join(name), text)?;
    }
    let module = project.module()?;
    componentize.arg("--wit").arg(wit).args(["--world", "small", "--js"]).arg(source);
    componentize.args(["--module-root", ".", "--sync", "--output"]);
    componentize.arg(&module);
    run(&mut componentize, project.dir)?;
    remade(&module, SMALL, linked)?;
    Ok(module)
}

fn full(project: &Project<'_>) -> Result<PathBuf, Exit> {
    let tool = project.tools.npm(FULL.0, FULL.1)?;
    let main = match project.language {
        Language::Ts => "src/main.ts",
        _ => "src/main.js",
    };
    project.sdk(SDK)?;
    // The condition by which the SDK's package.json knows the engine.
    let source = bundled(project, main, &["--external:odeon:*", "--conditions=starlingmonkey"])?;
    let wit = project.wit()?;
    let module = project.module()?;
    let script = Path::new(WORK).join("full.mjs");
    keep(&project.dir.join(&script), FULL_SCRIPT)?;
    let mut node = Command::new("node");
    node.arg(script).arg(tool.join("node_modules").join(FULL.0));
    node.arg(source).arg(wit).arg(&module);
    run(&mut node, project.dir)?;
    Ok(module)
}

/// The project's files, and what they import, as one file of JavaScript.
fn bundled(project: &Project<'_>, main: &str, options: &[&str]) -> Result<PathBuf, Exit> {
    let to = Path::new(WORK).join("main.js");
    let mut esbuild = program(project, ESBUILD)?;
    esbuild.args([main, "--bundle", "--format=esm", "--platform=neutral"]);
    esbuild.args(["--main-fields=module,main", "--log-level=warning"]).args(options);
    esbuild.arg(format!("--outfile={}", to.display()));
    run(&mut esbuild, project.dir)?;
    Ok(to)
}

/// The program that a package of this name has.
fn program(project: &Project<'_>, (name, version): Package) -> Result<Command, Exit> {
    let tool = project.tools.npm(name, version)?;
    let mut node = Command::new("node");
    node.arg(tool.join("node_modules").join(name).join("bin").join(name));
    Ok(node)
}

/// Node.js is there, and new enough for the engine's tools.
fn has_node(engine: Engine) -> Result<(), Exit> {
    let least = match engine {
        Engine::Small => 18,
        Engine::Full => 20,
    };
    if !found("node") {
        let text = format!("node is not found: install Node.js {least} or later, and npm");
        return Err(missing(text));
    }
    let output = Command::new("node").arg("--version").output();
    let said = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    let said = said.unwrap_or_default();
    if major(&said).is_some_and(|it| it >= least) {
        return Ok(());
    }
    let engine = engine.name();
    Err(missing(format!(
        "node in PATH says that it is {said:?}, and the {engine} engine needs Node.js {least} or \
         later: install that"
    )))
}

/// The first number of a version of Node.js: 20 of `v20.11.1`.
fn major(said: &str) -> Option<u32> {
    said.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_compared_as_numbers() {
        assert_eq!(major("v20.11.1"), Some(20));
        assert_eq!(major("v8.0.0"), Some(8));
        for wrong in ["", "20.1.0", "vx", "bun 1.1"] {
            assert_eq!(major(wrong), None, "{wrong}");
        }
    }
}
