//! What a component imports and exports, worked out once, before it is compiled.
//!
//! Comes from the validator's types, so it costs no compilation. Whether an import can be
//! answered is decided in `offers`; what a caller may do with an export is decided elsewhere.

mod offers;
mod text;

pub(super) use text::Bounded;

use serde::{Deserialize, Serialize};
use wasmparser::component_types::{ComponentEntityType, ComponentFuncTypeId};
use wasmparser::types::{Types, TypesRef};

pub use offers::{Grant, Offer};

use super::limits::NAMES_LISTED_MAX;
use super::load::{LoadError, TopNames};

/// A component's outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// What it needs, in the order of the file.
    pub imports: Vec<Import>,
    /// Every function that it exports, those within exported interfaces included.
    pub functions: Vec<Function>,
    /// The interface by which it runs as a command, such as `wasi:cli/run@0.2.6`, if it does.
    pub command: Option<String>,
    /// The interface by which an SDK's actors start, if it has one that this host knows.
    pub entry: Option<String>,
    /// An `odeon:actor/entry` of a version that this host does not know.
    pub entry_mismatch: Option<String>,
    /// Functions in all its core modules.
    pub functions_count: u32,
    /// Bytes of WebAssembly code.
    pub code_bytes: u64,
    /// Bytes of all its memories at the start.
    pub memory_bytes_min: u64,
}

/// Something that a component needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The interface, such as `odeon:actor/mailbox@0.1.0`, or a bare name.
    pub name: String,
    /// The functions that it uses of it.
    pub functions: Vec<Signature>,
    /// Whether this host has it.
    pub offer: Offer,
}

/// A function's name and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The name within its interface.
    pub name: String,
    /// The type in WIT, as `func(a: u32) -> u32`; long types are cut and end with `…`.
    pub signature: String,
}

/// An exported function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// The exported interface that holds it, if one does.
    pub interface: Option<String>,
    /// Its name.
    pub name: String,
    /// The type in WIT; long types are cut and end with `…`.
    pub signature: String,
    /// Why it cannot be called with values written as text, if it cannot.
    pub not_callable: Option<String>,
}

impl Function {
    /// The name to call it by: `interface#name`, or the bare name.
    pub fn path(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}#{}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Shape {
    /// The imports that nobody here answers; such a module cannot be instantiated.
    pub fn missing(&self) -> impl Iterator<Item = &Import> {
        self.imports.iter().filter(|import| matches!(import.offer, Offer::Missing { .. }))
    }

    /// What it may be granted on top of what every actor has.
    pub fn grants(&self) -> Vec<Grant> {
        let mut grants: Vec<Grant> = self
            .imports
            .iter()
            .filter_map(|import| match import.offer {
                Offer::NeedsGrant(grant) => Some(grant),
                _ => None,
            })
            .collect();
        grants.sort();
        grants.dedup();
        grants
    }

    /// One line on what is missing, to put into an error, if anything is.
    pub fn missing_text(&self) -> Option<String> {
        let reasons: Vec<String> = self
            .missing()
            .filter_map(|import| match &import.offer {
                Offer::Missing { reason } => Some(reason.clone()),
                _ => None,
            })
            .collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// Works out the shape of a validated component.
    pub(super) fn analyse(types: &Types, names: &TopNames) -> Result<Shape, LoadError> {
        let mut analysis = Analysis { types: types.as_ref(), listed: 0, shape: Shape::default() };
        for name in &names.imports {
            analysis.import(name)?;
        }
        for name in &names.exports {
            analysis.export(name)?;
        }
        Ok(analysis.shape)
    }
}

struct Analysis<'a> {
    types: TypesRef<'a>,
    /// Functions written down so far: a type costs the guest a few bytes, and us a text.
    listed: usize,
    shape: Shape,
}

impl Analysis<'_> {
    fn import(&mut self, name: &str) -> Result<(), LoadError> {
        let types = self.types;
        let Some(item) = types.component_item_for_import(name) else { return Ok(()) };
        let mut functions = Vec::new();
        // An import without functions and resources is only type names, and needs no answer.
        let mut needed = true;
        match item.ty {
            ComponentEntityType::Func(id) => functions.push(self.signature(name, id)?),
            ComponentEntityType::Instance(id) => {
                needed = false;
                for (member, item) in &types[id].exports {
                    match item.ty {
                        ComponentEntityType::Func(id) => {
                            functions.push(self.signature(member, id)?);
                        }
                        ComponentEntityType::Type { created, .. } => {
                            needed |= text::is_resource(created);
                        }
                        _ => needed = true,
                    }
                }
                needed |= !functions.is_empty();
            }
            ComponentEntityType::Type { created, .. } => needed = text::is_resource(created),
            _ => {}
        }
        let offer = if needed { offers::offer(name, &functions) } else { Offer::NotNeeded };
        self.shape.imports.push(Import { name: name.to_owned(), functions, offer });
        Ok(())
    }

    fn export(&mut self, name: &str) -> Result<(), LoadError> {
        let types = self.types;
        let Some(item) = types.component_item_for_export(name) else { return Ok(()) };
        match item.ty {
            ComponentEntityType::Func(id) => self.function(None, name, id)?,
            ComponentEntityType::Instance(id) => {
                for (member, item) in &types[id].exports {
                    if let ComponentEntityType::Func(id) = item.ty {
                        self.function(Some(name), member, id)?;
                    }
                }
                self.note_start(name);
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes the interfaces at which a host can start a component.
    fn note_start(&mut self, name: &str) {
        match offers::start_of(name) {
            Some(offers::Start::Command) => self.shape.command = Some(name.to_owned()),
            Some(offers::Start::Entry) => self.shape.entry = Some(name.to_owned()),
            Some(offers::Start::UnknownEntry) => {
                self.shape.entry_mismatch = Some(name.to_owned());
            }
            None => {}
        }
    }

    fn function(
        &mut self,
        interface: Option<&str>,
        name: &str,
        id: ComponentFuncTypeId,
    ) -> Result<(), LoadError> {
        let Signature { name, signature } = self.signature(name, id)?;
        let not_callable = text::not_callable(self.types, &name, id);
        let interface = interface.map(str::to_owned);
        self.shape.functions.push(Function { interface, name, signature, not_callable });
        Ok(())
    }

    fn signature(&mut self, name: &str, id: ComponentFuncTypeId) -> Result<Signature, LoadError> {
        self.listed += 1;
        if self.listed > NAMES_LISTED_MAX {
            return Err(LoadError::Limit {
                what: "imported and exported component functions",
                found: self.listed as u64,
                max: NAMES_LISTED_MAX as u64,
                limit: "names-listed-max",
                fix: "",
            });
        }
        Ok(Signature { name: name.to_owned(), signature: text::signature(self.types, id) })
    }
}
