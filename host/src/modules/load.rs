//! From the bytes of a file to a checked component: the door through which all guest code comes.
//!
//! Accepts a component, a core module that carries WIT or is a WASI preview 1 program, and the
//! text of either. Whatever else comes is refused with an error that names the fault and the fix;
//! no bytes make this panic, recurse without bound, or take memory out of proportion. Compiles
//! nothing: that is `compile`.

mod componentize;
mod error;
mod nesting;
mod scan;
mod sniff;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};
use wasmparser::{Parser, ValidPayload, Validator, WasmFeatures};

pub use error::LoadError;

use super::digest::Digest;
use super::limits::{MODULE_BYTES_MAX, WAT_BYTES_MAX};
use super::near::shorten;
use super::shape::{Offer, Shape};
use sniff::Sniffed;

/// What guests may use: WebAssembly 3.0 without threads and garbage collection, and components
/// without asynchronous functions. The engines are built for the same.
pub const FEATURES: WasmFeatures = WasmFeatures::WASM3
    .union(WasmFeatures::COMPONENT_MODEL)
    .difference(WasmFeatures::GC_TYPES)
    .difference(WasmFeatures::EXCEPTIONS)
    .difference(WasmFeatures::THREADS);

/// What the file was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A component.
    Component,
    /// A core module with WIT metadata.
    CoreModule,
    /// A program for WASI preview 1.
    Preview1Command,
}

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Everything, function bodies included: for bytes that somebody gave.
    Full,
    /// All but function bodies: for bytes that passed `Full` before, and for those that are
    /// compiled next, which checks the bodies again.
    Structure,
}

/// A component that passed every check.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The digest of the bytes as they were given: the module's name.
    pub digest: Digest,
    /// How many bytes were given.
    pub source_bytes: u64,
    /// What was given.
    pub source: Source,
    /// Whether it was given as text.
    pub text: bool,
    /// The component in the binary format.
    pub component: Vec<u8>,
    /// The digest of that.
    pub component_digest: Digest,
    /// What it imports and exports, and how large it is.
    pub shape: Shape,
    /// No call can leave anything behind in an instance: it imports nothing, and has no memory,
    /// table or variable.
    pub keeps_nothing: bool,
}

/// Checks bytes and makes a component of them.
///
/// Takes milliseconds for small modules, some 100 ms for a 20 MiB one: call it where waiting is
/// allowed.
///
/// # Errors
///
/// Whatever is wrong with the bytes; see [`LoadError`].
pub fn load(bytes: &[u8], check: Check) -> Result<Loaded, LoadError> {
    load_known(bytes.into(), Digest::of(bytes), check)
}

/// The same for bytes whose digest is known: to compute it takes longer than to look through
/// a large module. Bytes that are given up are not copied where they are a component.
///
/// # Errors
///
/// As for [`load`].
pub(super) fn load_known(
    bytes: Cow<'_, [u8]>,
    digest: Digest,
    check: Check,
) -> Result<Loaded, LoadError> {
    // The last line: our code and the parsers below return errors for all that is known to
    // happen; a panic that is left in one of them must cost this module, not the node. They
    // share no state, so nothing broken stays behind.
    catch_unwind(AssertUnwindSafe(move || load_unguarded(bytes, digest, check))).unwrap_or_else(
        |panic| Err(LoadError::Crashed { message: shorten(&panic_text(panic.as_ref())) }),
    )
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text").to_owned()
}

fn load_unguarded(bytes: Cow<'_, [u8]>, digest: Digest, check: Check) -> Result<Loaded, LoadError> {
    let source_bytes = bytes.len() as u64;
    check_length(bytes.len(), MODULE_BYTES_MAX, "module-bytes-max")?;
    let sniffed = sniff::sniff(&bytes)?;
    let is_text = matches!(sniffed, Sniffed::Text);
    let (binary, sniffed) = if is_text {
        let binary = assemble(&bytes)?;
        let sniffed = sniff::sniff(&binary)?;
        (Cow::Owned(binary), sniffed)
    } else {
        (bytes, sniffed)
    };
    let mut scanned = scan::scan(&binary)?;
    let is_as_given = !is_text && matches!(sniffed, Sniffed::Component);
    let (component, source) = match sniffed {
        Sniffed::CoreModule => {
            validate(&binary, check)?;
            let (component, source) = componentize::componentize(&binary)?;
            check_length(component.len(), MODULE_BYTES_MAX, "module-bytes-max")?;
            scanned = scan::scan(&component)?;
            (component, source)
        }
        Sniffed::Component | Sniffed::Text => (binary.into_owned(), Source::Component),
    };
    let (types, names) = validate(&component, check)?;
    let mut shape = Shape::analyse(&types, &names)?;
    shape.functions_count = scanned.functions;
    shape.code_bytes = scanned.code_bytes;
    shape.memory_bytes_min = scanned.memory_bytes_min;
    let imports_nothing = shape.imports.iter().all(|import| import.offer == Offer::NotNeeded);
    let component_digest = if is_as_given { digest } else { Digest::of(&component) };
    Ok(Loaded {
        digest,
        source_bytes,
        source,
        text: is_text,
        component,
        component_digest,
        shape,
        keeps_nothing: imports_nothing && !scanned.keeps_state,
    })
}

fn check_length(bytes: usize, max: usize, limit: &'static str) -> Result<(), LoadError> {
    if bytes > max {
        let (found, max) = (bytes as u64, max as u64);
        let fix = "; strip debug information, and keep data out of the module";
        return Err(LoadError::Limit { what: "bytes", found, max, limit, fix });
    }
    Ok(())
}

/// Text to binary.
fn assemble(bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    check_length(bytes.len(), WAT_BYTES_MAX, "wat-bytes-max")?;
    let text = std::str::from_utf8(bytes).map_err(|error| LoadError::Text {
        message: format!("not UTF-8 at offset {}", error.valid_up_to()),
    })?;
    let binary = wat::Parser::new().parse_str(None, text);
    let binary =
        binary.map_err(|error| LoadError::Text { message: bounded(&error.to_string()) })?;
    check_length(binary.len(), MODULE_BYTES_MAX, "module-bytes-max")?;
    Ok(binary)
}

/// The assembler's messages show the faulty line, which may be as long as the file.
fn bounded(message: &str) -> String {
    message.lines().map(shorten).take(6).collect::<Vec<_>>().join("\n")
}

/// The names of a component's own imports and exports, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct TopNames {
    /// What it imports.
    pub(super) imports: Vec<String>,
    /// What it exports.
    pub(super) exports: Vec<String>,
}

/// Checks the rules of WebAssembly; gives the types that they make known.
fn validate(
    binary: &[u8],
    check: Check,
) -> Result<(wasmparser::types::Types, TopNames), LoadError> {
    let fault = |error: wasmparser::Error| LoadError::from_parser(&error, binary.len());
    let mut validator = Validator::new_with_features(FEATURES);
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let (mut names, mut depth, mut types) = (TopNames::default(), 0_usize, None);
    let mut allocations = wasmparser::FuncValidatorAllocations::default();
    for payload in parser.parse_all(binary) {
        let payload = payload.map_err(fault)?;
        match &payload {
            wasmparser::Payload::Version { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            _ if depth == 1 => collect_names(&payload, &mut names).map_err(fault)?,
            _ => {}
        }
        match validator.payload(&payload).map_err(fault)? {
            ValidPayload::Func(function, body) if check == Check::Full => {
                let mut function = function.into_validator(allocations);
                function.validate(&body).map_err(fault)?;
                allocations = function.into_allocations();
            }
            ValidPayload::End(of_this) => types = Some(of_this),
            _ => {}
        }
    }
    let types = types.ok_or(LoadError::Truncated { offset: binary.len(), length: binary.len() })?;
    Ok((types, names))
}

fn collect_names(
    payload: &wasmparser::Payload<'_>,
    names: &mut TopNames,
) -> Result<(), wasmparser::Error> {
    match payload {
        wasmparser::Payload::ComponentImportSection(imports) => {
            for import in imports.clone() {
                names.imports.push(import?.name.name.to_owned());
            }
        }
        wasmparser::Payload::ComponentExportSection(exports) => {
            for export in exports.clone() {
                names.exports.push(export?.name.name.to_owned());
            }
        }
        _ => {}
    }
    Ok(())
}
