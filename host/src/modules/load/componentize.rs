//! From a core module to a component, where the module says enough about itself.
//!
//! It does when it carries WIT (a `component-type` section, as every binding generator writes),
//! or when it is a program for WASI preview 1, whose types are known, or when its imports and
//! exports are those of `odeon:actor` by the canonical ABI: its types are this host's contract.
//! So an SDK by hand needs no generator. The module has passed the validator before it comes here.

use std::borrow::Cow;
use std::collections::BTreeSet;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::super::contract::{CONTRACT, PACKAGE};
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

    /// Whether it is written against this host's contract.
    fn is_actor(&self) -> bool {
        let named = |name: &str| name.starts_with(PACKAGE);
        self.exports.iter().any(|name| named(name))
            || self.imports.iter().any(|(module, _)| named(module))
    }

    /// The world of the contract that it is written for.
    fn world(&self) -> &'static str {
        if self.exports.iter().any(|name| name.starts_with(PACKAGE)) { "actor" } else { "imports" }
    }

    /// The imports that neither WASI preview 1 nor, for an actor, the contract answers, as
    /// `module.name`, each once.
    fn foreign_imports(&self) -> Vec<String> {
        let offered = |(module, name): &&(String, String)| {
            module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME || is_offered(module, name)
        };
        let foreign = self.imports.iter().filter(|import| !offered(import));
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

/// Whether the contract has this function.
fn is_offered(module: &str, name: &str) -> bool {
    let package = &CONTRACT.resolve.packages[CONTRACT.package];
    let found = package
        .interfaces
        .iter()
        .find(|(interface, _)| CONTRACT.resolve.id_of_name(CONTRACT.package, interface) == module);
    found.is_some_and(|(_, id)| CONTRACT.resolve.interfaces[*id].functions.contains_key(name))
}

/// Adds the contract to a module that is written against it and does not carry it.
fn with_contract(binary: &[u8], core: &Core) -> Result<Vec<u8>, LoadError> {
    let failed = |message: String| LoadError::Componentize { message };
    let package = &CONTRACT.resolve.packages[CONTRACT.package];
    let world = package.worlds[core.world()];
    let mut module = binary.to_vec();
    embed_component_metadata(&mut module, &CONTRACT.resolve, world, StringEncoding::UTF8)
        .map_err(|error| failed(shorten(&error.to_string())))?;
    Ok(module)
}

/// Makes a component of a core module.
pub(super) fn componentize(binary: &[u8]) -> Result<(Vec<u8>, Source), LoadError> {
    let core = Core::read(binary)?;
    let (program, actor) = (core.is_program(), core.is_actor());
    let mut module = Cow::Borrowed(binary);
    if !core.wit {
        let foreign = core.foreign_imports();
        if (program || actor) && !foreign.is_empty() {
            return Err(LoadError::UnknownImports { imports: foreign });
        }
        if !program && !actor {
            let imports = core.all_imports();
            return Err(LoadError::NoWit { imports, exports: core.exports });
        }
        if actor {
            module = Cow::Owned(with_contract(binary, &core)?);
        }
    }
    // A program that also carries WIT is a program that talks to its host: it keeps both.
    let (adapter, source) = match (program, core.wit || actor) {
        (true, false) => (WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER, Source::Preview1Command),
        (true, true) => (WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER, Source::CoreModule),
        (false, _) => (WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER, Source::CoreModule),
    };
    // Not validated here: whoever called does that, as thoroughly as is wanted.
    let encoded = ComponentEncoder::default()
        .validate(false)
        .module(&module)
        .and_then(|encoder| encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
        .and_then(|mut encoder| encoder.encode());
    let component = encoded.map_err(|error| {
        let causes: Vec<String> =
            error.chain().take(CAUSES_MAX).map(|cause| shorten(&cause.to_string())).collect();
        LoadError::Componentize { message: causes.join(": ") }
    })?;
    Ok((component, source))
}
