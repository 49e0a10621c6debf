//! Building in JavaScript: componentize-qjs puts QuickJS and the sources together.

use std::path::PathBuf;
use std::process::Command;

use odeon::modules::contract;

use super::super::exit::Exit;
use super::tools::{compile as run, found, missing};
use super::{Project, WORK, keep};

/// The package of npm, and the version that the SDK is tested with.
const PACKAGE: (&str, &str) = ("componentize-qjs", "0.4.5");

pub(super) fn compile(project: &Project<'_>) -> Result<PathBuf, Exit> {
    if !found("node") {
        return Err(missing("node is not found: install Node.js 18 or later, and npm"));
    }
    let tool = project.tools.npm(PACKAGE.0, PACKAGE.1)?;
    // Where JavaScript looks for a package of this name.
    project.sdk("node_modules/odeon")?;
    for (name, text) in contract::FILES {
        keep(&project.dir.join(WORK).join("wit").join(name), text)?;
    }
    let module = project.module()?;
    let mut node = Command::new("node");
    node.arg(tool.join("node_modules").join(PACKAGE.0).join("bin").join(PACKAGE.0));
    node.args(["--wit", ".odeon/wit", "--world", "actor", "--js", "src/main.js"]);
    // No WASI: what an actor may do is in the contract.
    node.args(["--module-root", ".", "--stub-wasi", "--sync", "--output"]);
    node.arg(&module);
    run(&mut node, project.dir)?;
    Ok(module)
}
