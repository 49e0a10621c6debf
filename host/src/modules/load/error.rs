//! Why bytes are not a module that this host can run, in words that name the way out.
//!
//! Texts that come from the guest are shortened and their control characters shown.

use super::super::contract::PACKAGE;
use super::super::near::{listed, shorten};

/// Names shown of each list in a message.
const SHOWN_MAX: usize = 8;

/// Why bytes could not be loaded. Nothing was kept of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// There is nothing in it.
    #[error("the file is empty: build the guest again, or name the .wasm that it makes")]
    Empty,
    /// It is something else; `found` says what it looks like, and what to do.
    #[error("not WebAssembly: {found}")]
    NotWasm {
        /// What it looks like.
        found: String,
    },
    /// It ends in the middle.
    #[error(
        "the file is cut off: it has {length} bytes, and what starts at offset {offset} goes on \
         beyond its end; copy or build it again"
    )]
    Truncated {
        /// Where the part begins that is not all there.
        offset: usize,
        /// How long the file is.
        length: usize,
    },
    /// A binary format that is neither a core module nor a component of this day.
    #[error(
        "binary format version {version:#x} is not known: rebuild the guest with present-day \
         tools (a core module has version 0x1, a component 0x1000d)"
    )]
    BadVersion {
        /// The four bytes after the magic number.
        version: u32,
    },
    /// It breaks the rules of WebAssembly.
    #[error("invalid WebAssembly at offset {offset}: {message}")]
    Malformed {
        /// Where, in bytes.
        offset: usize,
        /// The rule.
        message: String,
    },
    /// It is valid, but uses what this host does not run.
    #[error(
        "uses {feature}, which this host does not run (offset {offset}: {message}); build the \
         guest without it"
    )]
    Unsupported {
        /// The feature's name.
        feature: String,
        /// Where, in bytes.
        offset: usize,
        /// What was met there.
        message: String,
    },
    /// It goes over one of the limits.
    #[error("{found} {what}, and the limit is {max} ({limit}){fix}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much, or how much at least.
        found: u64,
        /// How much there may be.
        max: u64,
        /// The name of the limit.
        limit: &'static str,
        /// What to do, where that is known.
        fix: &'static str,
    },
    /// A core module that says nothing of its types, so that nothing could be called.
    #[error(
        "a core module without WIT metadata (it imports {}; exports {}): embed its world with \
         `wasm-tools component embed wit --world WORLD`, or build it for wasm32-wasip2",
        listed(imports, SHOWN_MAX),
        listed(exports, SHOWN_MAX)
    )]
    NoWit {
        /// What it imports, as `module.name`.
        imports: Vec<String>,
        /// What it exports.
        exports: Vec<String>,
    },
    /// A core module that imports what nothing here provides.
    #[error(
        "a core module that imports {}, which neither its WIT nor WASI preview 1 provides{}",
        listed(imports, SHOWN_MAX),
        import_fix(imports)
    )]
    UnknownImports {
        /// The imports, as `module.name`.
        imports: Vec<String>,
    },
    /// Its WIT metadata and its code do not fit each other.
    #[error("the core module and its WIT do not fit each other: {message}")]
    Componentize {
        /// What does not fit.
        message: String,
    },
    /// Component text that is not right.
    #[error("component text: {message}")]
    Text {
        /// The fault and its place.
        message: String,
    },
    /// A fault of ours, or of a library of ours, that these bytes brought out.
    #[error("loading it made the loader fail ({message}): please report this module as a bug")]
    Crashed {
        /// What was said.
        message: String,
    },
}

/// What to do about foreign imports, by the toolchains that make them.
fn import_fix(imports: &[String]) -> &'static str {
    let from = |module: &str| imports.iter().any(|import| import.starts_with(module));
    if from("wbg.") || from("__wbindgen") {
        "; it was built for a browser by wasm-bindgen: build it for wasm32-wasip2"
    } else if from("wasi_unstable.") {
        "; it was built for a WASI older than preview 1: build it for wasm32-wasip2"
    } else if from("go.") || from("gojs.") {
        "; it was built for a browser: build it with GOOS=wasip1"
    } else if from(PACKAGE) {
        "; they are not in this host's contract, odeon:actor@0.1.0: build the guest with the SDK \
         of this release"
    } else if from("env.") {
        "; functions of `env` are ones that the linker did not find: link them, or declare them \
         in the WIT"
    } else {
        "; declare them in its WIT, or build it for wasm32-wasip2"
    }
}

impl LoadError {
    /// The fault that the validator found, in our words; `length` is the file's.
    pub(super) fn from_parser(error: &wasmparser::Error, length: usize) -> LoadError {
        let offset = error.offset();
        let message = shorten(error.message());
        if let Some(missing) = error.missing_wasm_feature() {
            return LoadError::Unsupported { feature: feature_names(missing), offset, message };
        }
        if message.starts_with("unexpected end") {
            return LoadError::Truncated { offset: offset.min(length), length };
        }
        LoadError::Malformed { offset, message }
    }
}

/// The names of features as their proposals write them.
fn feature_names(features: wasmparser::WasmFeatures) -> String {
    let names: Vec<String> = features
        .iter_names()
        .map(|(name, _)| match name {
            "CM_ASYNC" => "asynchronous component functions".to_owned(),
            "GC_TYPES" => "references other than functions (GC)".to_owned(),
            other => other.to_lowercase().replace('_', "-"),
        })
        .collect();
    if names.is_empty() { "a proposal".to_owned() } else { names.join(", ") }
}
