//! Building in Python: componentize-py puts CPython and the sources together.

mod mend;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::exit::Exit;
use super::link::linked;
use super::tools::{compile as run, found, missing};
use super::{Project, WORK, remade};

/// The package of PyPI, and the version that the SDK is tested with and [`mend`] knows.
const PACKAGE: (&str, &str) = ("componentize-py", "0.25.1");

pub(super) fn compile(project: &Project<'_>) -> Result<PathBuf, Exit> {
    if !found("python3") {
        return Err(missing("python3 is not found: install Python 3.9 or later, with venv"));
    }
    let python = project.tools.python(PACKAGE.0, PACKAGE.1)?;
    let sdk = Path::new(WORK).join("sdk");
    project.sdk(&format!("{WORK}/sdk"))?;
    let wit = project.wit()?;
    let module = project.module()?;
    let mut componentize = Command::new(python.with_file_name(PACKAGE.0));
    componentize.args(["--quiet", "--world", "actor", "--wit-path"]).arg(wit);
    componentize.args(["componentize", "--python-path", "src", "--python-path"]).arg(sdk);
    componentize.arg("--output").arg(&module).arg("odeon_module");
    run(&mut componentize, project.dir)?;
    remade(&module, PACKAGE, |component| linked(&mend::mended(component)?))?;
    Ok(module)
}
