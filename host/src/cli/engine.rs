//! The engines in which JavaScript and TypeScript run, and how a project chooses one: the
//! field `odeon.engine` of its `package.json`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use clap::ValueEnum;
use serde_json::Value;

use super::exit::Exit;

/// An engine of JavaScript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// QuickJS: small, quick to start.
    #[default]
    Small,
    /// StarlingMonkey, which is SpiderMonkey: with a clock, random numbers and the web's
    /// interfaces.
    Full,
}

/// Where a project says which one it wants.
const MANIFEST: &str = "package.json";

impl Engine {
    /// As `package.json` and `--engine` have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Full => "full",
        }
    }

    /// The engine of the project in a directory; the small one where it does not say.
    ///
    /// # Errors
    /// Its `package.json` cannot be read, or names an engine that there is not.
    pub(crate) fn of(dir: &Path) -> Result<Self, Exit> {
        let path = dir.join(MANIFEST);
        let wrong = |what: String| Exit::failed(format!("{}: {what}", path.display()));
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let manifest: Value =
            serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let Some(engine) = manifest.pointer("/odeon/engine") else { return Ok(Self::default()) };
        let known = Self::value_variants().iter().copied();
        known.clone().find(|it| engine.as_str() == Some(it.name())).ok_or_else(|| {
            let names: Vec<&str> = known.map(Self::name).collect();
            wrong(format!("no engine {engine} for odeon; there are {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_the_engine_that_its_manifest_names_or_else_the_small_one() {
        let dir = tempfile::tempdir().expect("temporary directory");
        assert_eq!(Engine::of(dir.path()), Ok(Engine::Small), "no manifest");
        let of = |text: &str| {
            fs::write(dir.path().join(MANIFEST), text).expect("written");
            Engine::of(dir.path())
        };
        assert_eq!(of(r#"{"name": "a"}"#), Ok(Engine::Small));
        assert_eq!(of(r#"{"odeon": {}}"#), Ok(Engine::Small));
        for engine in Engine::value_variants() {
            let named = format!(r#"{{"odeon": {{"engine": "{}"}}}}"#, engine.name());
            assert_eq!(of(&named), Ok(*engine));
        }
    }

    #[test]
    fn a_manifest_that_is_not_understood_is_named_with_what_is_wrong() {
        let dir = tempfile::tempdir().expect("temporary directory");
        for (text, words) in [
            (
                r#"{"odeon": {"engine": "huge"}}"#,
                "no engine \"huge\" for odeon; there are small, full",
            ),
            (r#"{"odeon": {"engine": 5}}"#, "no engine 5 for odeon"),
            ("{", "line 1"),
        ] {
            fs::write(dir.path().join(MANIFEST), text).expect("written");
            let error = Engine::of(dir.path()).expect_err("it is wrong");
            assert!(error.text().contains(words), "{}", error.text());
            assert!(error.text().contains(MANIFEST), "{}", error.text());
        }
    }
}
