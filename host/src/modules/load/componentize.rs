//! From a core module to a component, where the module says enough about itself.
//!
//! It does when it carries WIT (a `component-type` section, as every binding generator writes),
//! or when it is a program for WASI preview 1, whose types are known. The module has passed the
//! validator before it comes here.

use std::collections::BTreeSet;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::super::near::shorten;
use super::Source;
use super::error::LoadError;

/// Lines of the encoder's explanation that are shown.
const CAUSES_MAX: usize = 4;

/// What a core module says about itself.
#[derive(Default)]
struct Core {
    /// Its imports, as module and name.
    imports: Vec<(String, String)>,
    /// Its exports.
    exports: Vec<String>,
    /// Whether it carries WIT.
    wit: bool,
}

impl Core {
    fn read(binary: &[u8]) -> Result<Core, LoadError> {
        let fault = |error: wasmparser::Error| LoadError::from_parser(&error, binary.len());
        let mut core = Core::default();
        for payload in Parser::new(0).parse_all(binary) {
            match payload.map_err(fault)? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import.map_err(fault)?;
                        core.imports.push((import.module.to_owned(), import.name.to_owned()));
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        core.exports.push(export.map_err(fault)?.name.to_owned());
                    }
                }
                Payload::CustomSection(section) => {
                    core.wit |= section.name().starts_with("component-type");
                }
                _ => {}
            }
        }
        Ok(core)
    }

    fn is_program(&self) -> bool {
        self.exports.iter().any(|export| export == "_start")
    }

    /// The imports that WASI preview 1 does not answer, as `module.name`, each once.
    fn foreign_imports(&self) -> Vec<String> {
        let foreign =
            self.imports.iter().filter(|(module, _)| module != WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME);
        let texts: BTreeSet<String> =
            foreign.map(|(module, name)| format!("{module}.{name}")).collect();
        texts.into_iter().collect()
    }

    fn all_imports(&self) -> Vec<String> {
        let texts: BTreeSet<String> =
            self.imports.iter().map(|(module, name)| format!("{module}.{name}")).collect();
        texts.into_iter().collect()
    }
}

/// Makes a component of a core module.
pub(super) fn componentize(binary: &[u8]) -> Result<(Vec<u8>, Source), LoadError> {
    let core = Core::read(binary)?;
    let program = core.is_program();
    if !core.wit {
        let foreign = core.foreign_imports();
        if program && !foreign.is_empty() {
            return Err(LoadError::UnknownImports { imports: foreign });
        }
        if !program {
            let imports = core.all_imports();
            return Err(LoadError::NoWit { imports, exports: core.exports });
        }
    }
    // A program that also carries WIT is a program that talks to its host: it keeps both.
    let (adapter, source) = match (program, core.wit) {
        (true, false) => (WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER, Source::Preview1Command),
        (true, true) => (WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER, Source::CoreModule),
        (false, _) => (WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER, Source::CoreModule),
    };
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(binary)
        .and_then(|encoder| encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
        .and_then(|mut encoder| encoder.encode());
    let component = encoded.map_err(|error| {
        let causes: Vec<String> =
            error.chain().take(CAUSES_MAX).map(|cause| shorten(&cause.to_string())).collect();
        LoadError::Componentize { message: causes.join(": ") }
    })?;
    Ok((component, source))
}
