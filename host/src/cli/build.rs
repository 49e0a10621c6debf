//! `odeon build`: a guest in any language that has an SDK, with whichever toolchain
//! is there.
//!
//! Installs nothing unless told to: it says what to install. What is installed and
//! downloaded is kept in one folder for all projects (`tools`).

mod c;
mod go;
mod js;
mod link;
mod python;
mod rust;
mod tools;
mod zig;

use std::fs;
use std::path::{Path, PathBuf};

use odeon::modules::contract;

use super::engine::Engine;
use super::exit::{Exit, code};
use super::language::Language;
use super::output;
pub(super) use rust::{Toolchain, toolchain};
use tools::Tools;

/// Builds the actor in a directory, and puts the module into that directory.
#[derive(Debug, clap::Args)]
pub(crate) struct Build {
    /// The directory of the project: with Cargo.toml, go.mod, or src/main.c, .zig, .js, .ts or .py.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where to put the module; into the project's directory by default.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The language, where the files do not say.
    #[arg(long, value_enum)]
    lang: Option<Language>,
    /// The engine of JavaScript or TypeScript; else the one that package.json names in
    /// `odeon.engine`, or the small one.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Download what is missing, where that can be had without being root.
    #[arg(long)]
    install: bool,
}

impl Build {
    pub(crate) fn run(self) -> Result<u8, Exit> {
        let (to, bytes) = self.make()?;
        output::line(&format!("{} ({})", to.display(), output::size(bytes)))?;
        Ok(code::OK)
    }

    /// The project in a directory, with everything by default.
    pub(super) fn project(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), output: None, lang: None, engine: None, install: false }
    }

    /// Builds, and gives where the module is and how long it is.
    pub(super) fn make(&self) -> Result<(PathBuf, u64), Exit> {
        let language = self.lang.map_or_else(|| Language::of(&self.dir), Ok)?;
        if self.engine.is_some() && !language.has_engines() {
            return Err(Exit::new(code::USAGE, "--engine is for JavaScript and TypeScript"));
        }
        let tools = Tools::new(self.install)?;
        let project = Project { dir: &self.dir, language, engine: self.engine, tools };
        let built = match language {
            Language::Rust => rust::compile(rust::toolchain()?, &self.dir)?,
            Language::C => c::compile(&project)?,
            Language::Zig => zig::compile(&project)?,
            Language::Js | Language::Ts => js::compile(&project)?,
            Language::Python => python::compile(&project)?,
            Language::Go => go::compile(&project)?,
        };
        let name = built.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
        let to = self.output.clone().unwrap_or_else(|| self.dir.join(format!("{name}.wasm")));
        let failed = |error| Exit::failed(format!("cannot write {}: {error}", to.display()));
        let bytes = fs::copy(&built, &to).map_err(failed)?;
        Ok((to, bytes))
    }
}

/// What is built.
struct Project<'a> {
    dir: &'a Path,
    language: Language,
    /// The engine that was asked for, where the language has several.
    engine: Option<Engine>,
    tools: Tools,
}

/// Where a build works, within the project: it can be removed at any time.
const WORK: &str = ".odeon";

impl Project<'_> {
    /// The folder of the SDK's files, which are brought up to date.
    fn sdk(&self, folder: &str) -> Result<PathBuf, Exit> {
        let dir = self.dir.join(folder);
        for (name, text) in self.language.sdk() {
            keep(&dir.join(name), text)?;
        }
        Ok(dir)
    }

    /// The folder of the contract, as the project's directory sees it.
    fn wit(&self) -> Result<PathBuf, Exit> {
        let folder = Path::new(WORK).join("wit");
        for (name, text) in contract::FILES {
            keep(&self.dir.join(&folder).join(name), text)?;
        }
        Ok(folder)
    }

    /// Where the compiler is to put the module: named as the project's directory is.
    fn module(&self) -> Result<PathBuf, Exit> {
        let failed = |error| Exit::failed(format!("cannot find {}: {error}", self.dir.display()));
        let whole = self.dir.canonicalize().map_err(failed)?;
        let name = whole.file_name().unwrap_or_else(|| "actor".as_ref());
        let work = whole.join(WORK);
        fs::create_dir_all(&work)
            .map_err(|error| Exit::failed(format!("cannot make {}: {error}", work.display())))?;
        Ok(work.join(name).with_extension("wasm"))
    }

    /// The project's own sources with this extension, in order, as its directory sees them.
    fn sources(&self, extension: &str) -> Result<Vec<PathBuf>, Exit> {
        let dir = self.dir.join("src");
        let failed = |error| Exit::failed(format!("cannot read {}: {error}", dir.display()));
        let mut sources = Vec::new();
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|it| it == extension) {
                sources.push(Path::new("src").join(path.file_name().unwrap_or_default()));
            }
        }
        sources.sort();
        Ok(sources)
    }
}

/// Makes something else of the component that a tool has put together.
fn remade(
    module: &Path,
    tool: (&str, &str),
    make: impl FnOnce(&[u8]) -> Result<Vec<u8>, String>,
) -> Result<(), Exit> {
    let failed = |does: &str, error: std::io::Error| {
        Exit::failed(format!("cannot {does} {}: {error}", module.display()))
    };
    let component = fs::read(module).map_err(|error| failed("read", error))?;
    let component = make(&component).map_err(|error| {
        let (name, version) = tool;
        Exit::failed(format!("the component is not as {name} {version} makes them: {error}"))
    })?;
    fs::write(module, component).map_err(|error| failed("write", error))
}

/// Writes a file, unless it is there and the same.
fn keep(path: &Path, text: &str) -> Result<(), Exit> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| Exit::failed(format!("cannot write {}: {error}", path.display())))
}
