//! What a file is and what it would get, for people who hold it in their hands: the report of
//! `odeon inspect FILE`. Compiles nothing and keeps nothing.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::load::{Check, LoadError, Source, load};
use super::near::shorten;
use super::shape::{Function, Grant, Import, Offer};

/// All that can be said of a module without running it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The digest of the file.
    pub digest: Digest,
    /// The length of the file.
    pub bytes: u64,
    /// What the file is.
    pub source: Source,
    /// Whether it is text.
    pub text: bool,
    /// The length of the component made of it.
    pub component_bytes: u64,
    /// Functions of WebAssembly in it.
    pub functions_count: u32,
    /// Bytes of all its memories at the start.
    pub memory_bytes_min: u64,
    /// The ways in which an actor can start in it.
    pub starts: Vec<Start>,
    /// What it imports, and how this host answers.
    pub imports: Vec<Import>,
    /// The functions that it exports.
    pub exports: Vec<Function>,
    /// What it imports that nobody here offers. It cannot run unless this is empty.
    pub missing: Vec<String>,
    /// What it can use only where the spawn grants it.
    pub needs_grants: Vec<Grant>,
    /// Other things that its owner should know.
    pub notes: Vec<String>,
}

/// A way in which an actor can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// As a command, with arguments.
    Command,
    /// By the entry of an SDK, with a function's name.
    Entry,
    /// By a call of an exported function.
    Call,
}

/// Looks at the bytes of a file.
///
/// # Errors
///
/// They are not a module.
pub fn inspect(bytes: &[u8]) -> Result<Report, LoadError> {
    let loaded = load(bytes, Check::Full)?;
    let shape = &loaded.shape;
    let mut starts = Vec::new();
    starts.extend(shape.command.is_some().then_some(Start::Command));
    starts.extend(shape.entry.is_some().then_some(Start::Entry));
    // The functions behind the other two ways are called by the host.
    let call = shape.functions.iter().any(|function| {
        let by_host = function.interface.is_some()
            && (function.interface == shape.command || function.interface == shape.entry);
        function.not_callable.is_none() && !by_host
    });
    starts.extend(call.then_some(Start::Call));
    let reasons = shape.missing().filter_map(|import| match &import.offer {
        Offer::Missing { reason } => Some(reason.clone()),
        _ => None,
    });
    Ok(Report {
        digest: loaded.digest,
        bytes: loaded.source_bytes,
        source: loaded.source,
        text: loaded.text,
        component_bytes: loaded.component.len() as u64,
        functions_count: shape.functions_count,
        memory_bytes_min: shape.memory_bytes_min,
        missing: reasons.collect(),
        needs_grants: shape.grants(),
        notes: notes(shape.entry_mismatch.as_deref(), &starts),
        starts,
        imports: shape.imports.clone(),
        exports: shape.functions.clone(),
    })
}

fn notes(entry_mismatch: Option<&str>, starts: &[Start]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(entry) = entry_mismatch {
        notes.push(format!(
            "it exports {}, a version that this host does not know: build it with an SDK of this \
             host's version",
            shorten(entry)
        ));
    }
    if starts.is_empty() {
        notes.push("nothing in it can be started or called".to_owned());
    }
    notes
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.source {
            Source::Component => "component",
            Source::CoreModule => "core module with WIT",
            Source::Preview1Command => "program for WASI preview 1",
        };
        let text = if self.text { " (text)" } else { "" };
        writeln!(f, "digest    sha256:{}", self.digest)?;
        writeln!(f, "kind      {kind}{text}")?;
        writeln!(f, "size      {} bytes, {} functions", self.bytes, self.functions_count)?;
        writeln!(f, "memory    {} KiB at the start", self.memory_bytes_min / 1024)?;
        writeln!(f, "starts    {}", self.starts_text())?;
        self.write_imports(f)?;
        self.write_exports(f)?;
        for reason in &self.missing {
            writeln!(f, "missing   {reason}")?;
        }
        for note in &self.notes {
            writeln!(f, "note      {note}")?;
        }
        let verdict =
            if self.missing.is_empty() { "it can run here" } else { "it cannot run here" };
        write!(f, "verdict   {verdict}")
    }
}

impl Report {
    fn starts_text(&self) -> String {
        let words: Vec<&str> = self
            .starts
            .iter()
            .map(|start| match start {
                Start::Command => "as a command",
                Start::Entry => "by an SDK's entry",
                Start::Call => "by a call",
            })
            .collect();
        if words.is_empty() { "nowhere".to_owned() } else { words.join(", ") }
    }

    fn write_imports(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "imports   {}", self.imports.len())?;
        for import in &self.imports {
            let answer = match &import.offer {
                Offer::Actor | Offer::Granted => "every actor has it",
                Offer::NeedsGrant(Grant::Filesystem) => "empty unless directories are granted",
                Offer::NeedsGrant(Grant::Sockets) => "refuses unless the network is granted",
                Offer::NeedsGrant(Grant::Environment) => {
                    "arguments only, unless variables are granted"
                }
                Offer::NotNeeded => "only types",
                Offer::Missing { .. } => "MISSING",
            };
            writeln!(f, "  {}  ({answer})", shorten(&import.name))?;
        }
        Ok(())
    }

    fn write_exports(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exports   {}", self.exports.len())?;
        for function in &self.exports {
            write!(f, "  {}: {}", shorten(&function.path()), function.signature)?;
            if let Some(why) = &function.not_callable {
                write!(f, "  (not by text: {why})")?;
            }
            f.write_char('\n')?;
        }
        Ok(())
    }
}
