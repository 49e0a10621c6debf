//! `odeon new`: a small actor project, in any language that has an SDK.

use std::fs;
use std::path::{Path, PathBuf};

use super::engine::Engine;
use super::exit::{Exit, code};
use super::language::Language;
use super::output;

/// Makes a directory with a small actor, and a test of it.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// The directory to make; its last part is the project's name.
    name: PathBuf,
    /// The language.
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// The engine of JavaScript or TypeScript, which package.json says from then on: small
    /// (QuickJS), or full (StarlingMonkey), which has a clock, random numbers and more.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Where the Rust SDK's source is (guest-sdk/rust of Odeon's); its published version
    /// by default.
    #[arg(long, env = "ODEON_SDK", value_name = "DIR")]
    sdk: Option<PathBuf>,
}

/// What a project ignores: what builds leave behind.
const IGNORED: &str = "/target\n/.odeon\n/node_modules\n__pycache__\n*.wasm\n";
const README: &str = include_str!("new/README.md.in");

/// The files of a project, and what its README says of tools.
fn template(language: Language) -> (&'static [(&'static str, &'static str)], &'static str) {
    match language {
        Language::Rust => (
            &[
                ("Cargo.toml", include_str!("new/rust/Cargo.toml.in")),
                (".cargo/config.toml", include_str!("new/rust/cargo-config.toml.in")),
                ("src/lib.rs", include_str!("new/rust/lib.rs.in")),
            ],
            "Building needs a Rust toolchain for WebAssembly: `odeon build` says which.",
        ),
        Language::C => (
            &[("src/main.c", include_str!("new/c/main.c.in"))],
            "Building needs clang with a libc for WASI, or zig: `odeon build` says what is\n\
             missing, and puts the SDK's header into `.odeon/sdk`.",
        ),
        Language::Zig => (
            &[("src/main.zig", include_str!("new/zig/main.zig.in"))],
            "Building needs zig 0.17; `odeon build --install` gets it once for all projects.\n\
             The SDK is in `.odeon/sdk` after the first build.",
        ),
        Language::Js => (
            &[
                ("src/main.js", include_str!("new/js/main.js.in")),
                ("package.json", include_str!("new/js/package.json.in")),
            ],
            "Building needs Node.js 20 (18 for the small engine), and tools of npm, which `odeon\n\
             build --install` gets once for all projects. The SDK is in `node_modules/odeon`\n\
             after the first build. The engine is what `package.json` says in `odeon.engine`:\n\
             `small` or `full`.",
        ),
        Language::Ts => (
            &[
                ("src/main.ts", include_str!("new/ts/main.ts.in")),
                ("package.json", include_str!("new/js/package.json.in")),
                ("tsconfig.json", include_str!("new/ts/tsconfig.json.in")),
            ],
            "Building needs Node.js 20 (18 for the small engine), and tools of npm, which `odeon\n\
             build --install` gets once for all projects. It strips the types and does not check\n\
             them: `npx tsc` does, after the first build, which puts the SDK and its types into\n\
             `node_modules/odeon`. The engine is what `package.json` says in `odeon.engine`:\n\
             `small` or `full`.",
        ),
        Language::Python => (
            &[("src/main.py", include_str!("new/python/main.py.in"))],
            "Building needs Python 3.9, and componentize-py, which `odeon build --install` gets\n\
             once for all projects. The SDK is in `.odeon/sdk` after the first build: point your\n\
             editor there. Pure Python packages of the active virtual environment can be used.",
        ),
        Language::Go => (
            &[
                ("go.mod", include_str!("new/go/go.mod.in")),
                ("main.go", include_str!("new/go/main.go.in")),
            ],
            "Building needs Go 1.27 or later; `odeon build --install` gets it once for all\n\
             projects. The SDK is in `.odeon/sdk` after the first build; editors need the\n\
             environment variables GOOS=wasip1 and GOARCH=wasm.",
        ),
    }
}

impl New {
    pub(crate) fn run(self) -> Result<u8, Exit> {
        let name = project_name(&self.name)?;
        if self.engine.is_some() && !self.lang.has_engines() {
            return Err(Exit::new(code::USAGE, "--engine is for --lang js and --lang ts"));
        }
        let sdk = match (&self.sdk, self.lang) {
            (Some(dir), Language::Rust) => sdk_path(dir)?,
            _ => format!("\"{}\"", env!("CARGO_PKG_VERSION")),
        };
        make(&self.name, &name, self.lang, self.engine.unwrap_or_default(), &sdk)?;
        output::line(&format!(
            "made {}; next: cd {} && odeon build",
            self.name.display(),
            self.name.display()
        ))?;
        Ok(code::OK)
    }
}

/// What cargo takes as the name of a package, and the SDK as one of a module.
fn project_name(path: &Path) -> Result<String, Exit> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if !starts || !name.bytes().all(plain) || name.len() > 64 {
        let text = format!(
            "`{}` cannot name a project: use small letters, digits and `-`, a letter first",
            path.display()
        );
        return Err(Exit::new(code::USAGE, text));
    }
    Ok(name.to_owned())
}

fn sdk_path(dir: &Path) -> Result<String, Exit> {
    let wrong = |what: String| Exit::new(code::USAGE, format!("--sdk {}: {what}", dir.display()));
    let dir = dir.canonicalize().map_err(|error| wrong(error.to_string()))?;
    if !dir.join("Cargo.toml").is_file() {
        return Err(wrong("there is no Cargo.toml".to_owned()));
    }
    let path = dir.to_str().ok_or_else(|| wrong("the path is not text".to_owned()))?;
    // A JSON string is a TOML string.
    Ok(format!("{{ path = {} }}", serde_json::Value::from(path)))
}

fn make(dir: &Path, name: &str, language: Language, engine: Engine, sdk: &str) -> Result<(), Exit> {
    let failed =
        |error: std::io::Error| Exit::failed(format!("cannot make {}: {error}", dir.display()));
    if dir.symlink_metadata().is_ok() {
        let text = format!("{} is there already; choose another name", dir.display());
        return Err(Exit::failed(text));
    }
    let (files, tools) = template(language);
    let fill = |text: &str| {
        let text = text.replace("@NAME@", name).replace("@SDK@", sdk).replace("@TOOLS@", tools);
        text.replace("@ENGINE@", engine.name())
    };
    for (file, text) in files.iter().chain(&[(".gitignore", IGNORED), ("README.md", README)]) {
        let path = dir.join(file);
        fs::create_dir_all(path.parent().unwrap_or(dir)).map_err(failed)?;
        fs::write(path, fill(text)).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn a_project_is_whole_and_an_existing_directory_is_left_alone() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let project = dir.path().join("my-actor");
        make(&project, "my-actor", Language::Rust, Engine::Small, "\"0.1.0\"").expect("made");
        let manifest = fs::read_to_string(project.join("Cargo.toml")).expect("there");
        let manifest: toml::Table = manifest.parse().expect("TOML");
        assert_eq!(manifest["package"]["name"].as_str(), Some("my-actor"));
        assert_eq!(manifest["dependencies"]["odeon-guest"].as_str(), Some("0.1.0"));
        fs::write(project.join("src/lib.rs"), "mine").expect("written");
        assert!(make(&project, "my-actor", Language::C, Engine::Small, "").is_err());
        assert_eq!(fs::read_to_string(project.join("src/lib.rs")).expect("there"), "mine");
        assert!(!project.join("src/main.c").exists());
    }

    #[test]
    fn a_project_of_each_language_is_filled_in_and_known_as_one() {
        let dir = tempfile::tempdir().expect("temporary directory");
        for language in Language::value_variants() {
            let project = dir.path().join(format!("{language:?}"));
            make(&project, "my-actor", *language, Engine::Full, "\"0.1.0\"").expect("made");
            assert_eq!(Language::of(&project), Ok(*language));
            if language.has_engines() {
                assert_eq!(Engine::of(&project), Ok(Engine::Full));
            }
            for (file, _) in template(*language).0.iter().chain(&[("README.md", "")]) {
                let text = fs::read_to_string(project.join(file)).expect("there");
                let unfilled =
                    ["@NAME@", "@SDK@", "@TOOLS@", "@ENGINE@"].iter().find(|it| text.contains(*it));
                assert_eq!(unfilled, None, "{file} of {language:?}");
            }
        }
    }

    #[test]
    fn names_are_those_that_cargo_takes() {
        assert_eq!(project_name(Path::new("/tmp/a-1")).as_deref(), Ok("a-1"));
        for wrong in ["", "..", "A", "1a", "a_b", "a b", "ä"] {
            assert!(project_name(Path::new(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_path_of_the_sdk_is_checked_and_quoted() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let odd = dir.path().join("a \"quoted\" one");
        fs::create_dir(&odd).expect("made");
        assert!(sdk_path(&odd).is_err(), "no manifest");
        fs::write(odd.join("Cargo.toml"), "").expect("written");
        let table: toml::Table =
            format!("sdk = {}", sdk_path(&odd).expect("there")).parse().expect("TOML");
        let odd = odd.canonicalize().expect("there");
        assert_eq!(table["sdk"]["path"].as_str(), odd.to_str());
    }
}
