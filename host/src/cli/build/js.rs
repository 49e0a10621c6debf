//! Building in JavaScript: componentize-qjs puts QuickJS and the sources together. Of
//! TypeScript, esbuild makes JavaScript before that; it checks no types.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::exit::Exit;
use super::super::language::Language;
use super::tools::{compile as run, found, missing};
use super::{Project, WORK};

/// A package of npm, and the version that the SDK is tested with.
type Package = (&'static str, &'static str);
const COMPONENTIZE: Package = ("componentize-qjs", "0.4.5");
const ESBUILD: Package = ("esbuild", "0.28.2");

pub(super) fn compile(project: &Project<'_>) -> Result<PathBuf, Exit> {
    if !found("node") {
        return Err(missing("node is not found: install Node.js 18 or later, and npm"));
    }
    let mut componentize = program(project, COMPONENTIZE)?;
    // Where JavaScript looks for a package of this name.
    project.sdk("node_modules/odeon")?;
    let source = match project.language {
        Language::Ts => stripped(project)?,
        _ => PathBuf::from("src/main.js"),
    };
    let wit = project.wit()?;
    let module = project.module()?;
    componentize.arg("--wit").arg(wit).args(["--world", "actor", "--js"]).arg(source);
    // No WASI: what an actor may do is in the contract.
    componentize.args(["--module-root", ".", "--stub-wasi", "--sync", "--output"]);
    componentize.arg(&module);
    run(&mut componentize, project.dir)?;
    Ok(module)
}

/// The project's own TypeScript, as one file of JavaScript.
fn stripped(project: &Project<'_>) -> Result<PathBuf, Exit> {
    let to = Path::new(WORK).join("main.js");
    let mut esbuild = program(project, ESBUILD)?;
    esbuild.args(["src/main.ts", "--bundle", "--format=esm", "--platform=neutral"]);
    esbuild.args(["--main-fields=module,main", "--external:odeon", "--log-level=warning"]);
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
