//! `odeon new`: a small actor project in Rust.

use std::fs;
use std::path::{Path, PathBuf};

use super::exit::{Exit, code};
use super::output;

/// Makes a directory with a small actor in Rust.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// The directory to make; its last part is the project's name.
    name: PathBuf,
    /// Where the SDK's source is (guest-sdk/rust of Odeon's); its published version
    /// by default.
    #[arg(long, env = "ODEON_SDK", value_name = "DIR")]
    sdk: Option<PathBuf>,
}

const MANIFEST: &str = include_str!("new/Cargo.toml.in");
const CARGO_CONFIG: &str = include_str!("new/cargo-config.toml.in");
const LIB: &str = include_str!("new/lib.rs.in");
const README: &str = include_str!("new/README.md.in");

impl New {
    pub(crate) fn run(self) -> Result<u8, Exit> {
        let name = project_name(&self.name)?;
        let sdk = match &self.sdk {
            None => format!("\"{}\"", env!("CARGO_PKG_VERSION")),
            Some(dir) => sdk_path(dir)?,
        };
        make(&self.name, &name, &sdk)?;
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

fn make(dir: &Path, name: &str, sdk: &str) -> Result<(), Exit> {
    let failed =
        |error: std::io::Error| Exit::failed(format!("cannot make {}: {error}", dir.display()));
    if dir.symlink_metadata().is_ok() {
        let text = format!("{} is there already; choose another name", dir.display());
        return Err(Exit::failed(text));
    }
    fs::create_dir_all(dir.join("src")).map_err(failed)?;
    fs::create_dir(dir.join(".cargo")).map_err(failed)?;
    let fill = |text: &str| text.replace("@NAME@", name).replace("@SDK@", sdk);
    let files = [
        ("Cargo.toml", MANIFEST),
        (".cargo/config.toml", CARGO_CONFIG),
        (".gitignore", "/target\n*.wasm\n"),
        ("src/lib.rs", LIB),
        ("README.md", README),
    ];
    files.iter().try_for_each(|(file, text)| fs::write(dir.join(file), fill(text))).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_whole_and_an_existing_directory_is_left_alone() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let project = dir.path().join("my-actor");
        make(&project, "my-actor", "\"0.1.0\"").expect("made");
        let manifest = fs::read_to_string(project.join("Cargo.toml")).expect("there");
        let manifest: toml::Table = manifest.parse().expect("TOML");
        assert_eq!(manifest["package"]["name"].as_str(), Some("my-actor"));
        assert_eq!(manifest["dependencies"]["odeon-guest"].as_str(), Some("0.1.0"));
        for file in ["src/lib.rs", "README.md", ".cargo/config.toml"] {
            let text = fs::read_to_string(project.join(file)).expect("there");
            assert!(!text.contains('@'), "{file} is filled in");
        }
        fs::write(project.join("src/lib.rs"), "mine").expect("written");
        assert!(make(&project, "my-actor", "\"0.1.0\"").is_err());
        assert_eq!(fs::read_to_string(project.join("src/lib.rs")).expect("there"), "mine");
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
