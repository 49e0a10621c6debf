//! Tools that projects share: found on this machine, or downloaded once into a folder
//! of the user's by the package manager whose they are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use odeon::config;

use super::super::exit::{Exit, code};

/// The variable that names the folder of downloaded tools.
const VARIABLE: &str = "ODEON_TOOLS";

/// What may be used, and what may be downloaded.
pub(super) struct Tools {
    folder: PathBuf,
    install: bool,
}

impl Tools {
    /// The user's; with leave to download what is missing, or without.
    pub(super) fn new(install: bool) -> Result<Self, Exit> {
        let folder = match env::var_os(VARIABLE).filter(|dir| !dir.is_empty()) {
            Some(dir) => PathBuf::from(dir),
            None => config::tools_dir().map_err(|error| Exit::failed(error.to_string()))?,
        };
        Ok(Self { folder, install })
    }

    /// Version `version` of a Python package, as the interpreter that has it.
    ///
    /// # Errors
    /// It is not there and may not be downloaded, or cannot be.
    pub(super) fn python(&self, package: &str, version: &str) -> Result<PathBuf, Exit> {
        let dir = self.folder.join(format!("{package}-{version}"));
        let python = dir.join("bin/python");
        let ready = dir.join("ready");
        if ready.is_file() {
            return Ok(python);
        }
        self.may_install(&format!("{package} {version} from PyPI"))?;
        let wanted = format!("{package}=={version}");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&dir), "python3")?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(&python).args(pip).arg(wanted), "pip")?;
        done(&ready)?;
        Ok(python)
    }

    /// Whether that version of a Python package was downloaded, or may be.
    pub(super) fn may_have_python(&self, package: &str, version: &str) -> bool {
        self.install || self.folder.join(format!("{package}-{version}/ready")).is_file()
    }

    /// Version `version` of a package of npm, as the folder with its `node_modules`.
    ///
    /// # Errors
    /// It is not there and may not be downloaded, or cannot be.
    pub(super) fn npm(&self, package: &str, version: &str) -> Result<PathBuf, Exit> {
        let dir = self.folder.join(format!("{package}-{version}"));
        let ready = dir.join("ready");
        if ready.is_file() {
            return Ok(dir);
        }
        self.may_install(&format!("{package} {version} from npm"))?;
        let failed = |error| Exit::failed(format!("cannot make {}: {error}", dir.display()));
        std::fs::create_dir_all(&dir).map_err(failed)?;
        let wanted = format!("{package}@{version}");
        let mut npm = Command::new("npm");
        // No script of a package runs: what is installed is a program and nothing else.
        npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        run(npm.arg("--prefix").arg(&dir).arg(wanted), "npm")?;
        done(&ready)?;
        Ok(dir)
    }

    fn may_install(&self, what: &str) -> Result<(), Exit> {
        if self.install {
            // On the standard error, since it is no result.
            eprintln!("installing {what} into {}", self.folder.display());
            return Ok(());
        }
        Err(missing(format!("{what} is not installed: run `odeon build --install` once")))
    }
}

/// A toolchain is missing: nothing is wrong with the project.
pub(super) fn missing(text: impl Into<String>) -> Exit {
    Exit::new(code::NO_TOOLCHAIN, text)
}

/// Says that a tool is whole: one whose installation was interrupted is not used.
fn done(ready: &Path) -> Result<(), Exit> {
    std::fs::write(ready, "")
        .map_err(|error| Exit::failed(format!("cannot write {}: {error}", ready.display())))
}

/// Runs an installer, whose words go to the standard error.
fn run(command: &mut Command, name: &str) -> Result<(), Exit> {
    let status = command.stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(missing(format!("{name} ended with {status}; it says why above"))),
        Err(error) => Err(missing(format!("cannot run {name}: {error}; install it first"))),
    }
}

/// Runs a compiler in a project's directory; what it says goes to the standard error.
pub(super) fn compile(command: &mut Command, dir: &Path) -> Result<(), Exit> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.current_dir(dir).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| missing(format!("cannot run {name}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    eprint!("{}", String::from_utf8_lossy(&output.stdout));
    Err(Exit::failed(format!("the project does not build; {name} says why above")))
}

/// Whether a program is in one of the folders of `PATH`.
pub(super) fn found(name: &str) -> bool {
    let paths = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&paths).any(|dir| dir.join(name).is_file())
}
