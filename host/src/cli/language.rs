//! The languages in which `odeon new` and `odeon build` know actors, and how a
//! project shows which one it is in.

use std::path::Path;

use super::exit::{Exit, code};

/// A language of guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// Rust, by cargo.
    Rust,
    /// C, by clang or zig.
    C,
    /// Zig.
    Zig,
    /// JavaScript.
    Js,
    /// TypeScript, as JavaScript.
    Ts,
    /// Python, with CPython.
    Python,
    /// Go.
    Go,
}

/// The file by which a project is known, in the order in which they are looked for.
const MARKS: [(&str, Language); 7] = [
    ("Cargo.toml", Language::Rust),
    ("src/main.c", Language::C),
    ("src/main.zig", Language::Zig),
    ("src/main.js", Language::Js),
    ("src/main.ts", Language::Ts),
    ("src/main.py", Language::Python),
    ("go.mod", Language::Go),
];

/// Files of an SDK, as they lie in its folder of `guest-sdk`.
macro_rules! sdk {
    ($folder:literal: $($name:literal),*) => {
        &[$(($name, include_str!(concat!("../../../guest-sdk/", $folder, "/", $name)))),*]
    };
}

impl Language {
    /// The language of the project in a directory.
    ///
    /// # Errors
    /// There is none of the files by which projects are known.
    pub(crate) fn of(dir: &Path) -> Result<Self, Exit> {
        let found = MARKS.iter().find(|(file, _)| dir.join(file).is_file());
        found.map(|(_, language)| *language).ok_or_else(|| {
            let marks = MARKS.map(|(file, _)| file).join(", ");
            let dir = dir.display();
            let text = format!("no {marks} in {dir}; `odeon new` makes a project");
            Exit::new(code::NOT_FOUND, text)
        })
    }

    /// Whether its projects choose between engines.
    pub(crate) fn has_engines(self) -> bool {
        matches!(self, Self::Js | Self::Ts)
    }

    /// The SDK's files that a build puts beside the project's own; none where the
    /// language's package manager brings them.
    pub(crate) fn sdk(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Rust => &[],
            Self::C => sdk![
                "c":
                "odeon.h",
                "odeon_types.h",
                "odeon_cluster.h",
                "odeon_abi.h",
                "odeon.c",
                "odeon_cluster.c",
                "odeon_memory.c",
                "odeon_message.c"
            ],
            Self::Zig => sdk![
                "zig":
                "odeon.zig",
                "abi.zig",
                "events.zig",
                "given.zig",
                "groups.zig",
                "locks.zig",
                "message.zig",
                "names.zig",
                "nodes.zig"
            ],
            Self::Js | Self::Ts => sdk![
                "js":
                "package.json",
                "index.js",
                "index.d.ts",
                "dice.js",
                "groups.js",
                "groups.d.ts",
                "host.js",
                "host-full.js",
                "locks.js",
                "locks.d.ts",
                "mailbox.js",
                "message.js",
                "names.js",
                "names.d.ts",
                "nodes.js",
                "quick.js",
                "text.js",
                "words.js"
            ],
            Self::Go => sdk![
                "go":
                "go.mod",
                "doc.go",
                "abi.go",
                "entry.go",
                "events.go",
                "fatal.go",
                "groups.go",
                "locks.go",
                "mailbox.go",
                "marshal.go",
                "memory.go",
                "message.go",
                "names.go",
                "node.go",
                "process.go",
                "reasons.go",
                "rpc.go",
                "shape.go",
                "terminal.go",
                "timers.go",
                "unmarshal.go",
                "words.go"
            ],
            Self::Python => sdk![
                "python":
                "odeon_module.py",
                "odeon/__init__.py",
                "odeon/_host.py",
                "odeon/entry.py",
                "odeon/events.py",
                "odeon/groups.py",
                "odeon/locks.py",
                "odeon/mailbox.py",
                "odeon/message.py",
                "odeon/names.py",
                "odeon/node.py",
                "odeon/process.py",
                "odeon/rpc.py",
                "odeon/terminal.py",
                "odeon/timers.py",
                "odeon/typed.py",
                "odeon/words.py"
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_known_by_its_files_and_nothing_else_is_one() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let error = Language::of(dir.path()).expect_err("there is nothing");
        assert!(error.text().contains("src/main.zig"), "{}", error.text());
        std::fs::create_dir(dir.path().join("src")).expect("made");
        for (file, language) in MARKS.iter().rev() {
            std::fs::write(dir.path().join(file), "").expect("written");
            assert_eq!(Language::of(dir.path()), Ok(*language), "{file}");
        }
    }
}
