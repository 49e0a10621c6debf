//! The first, cheap walk over a module: counts what it asks for, before anything that costs time
//! or memory in proportion is done with it.
//!
//! Reads sections and never function bodies. What is malformed beyond that is the validator's
//! business: a wrong index counts as nothing here, because the validator will refuse it.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, Parser, Payload,
};

use super::super::limits::{
    CODE_BYTES_MAX, COMPONENT_DEPTH_MAX, FUNCTION_BYTES_MAX, FUNCTIONS_MAX, UNFOLDED_ITEMS_MAX,
};
use super::error::LoadError;
use super::nesting;

/// What a module asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Functions of all core modules.
    pub(super) functions: u32,
    /// Bytes of code of all core modules.
    pub(super) code_bytes: u64,
    /// Bytes that all memories have at the start.
    pub(super) memory_bytes_min: u64,
    /// There is something that a function can change and the next one finds changed: a
    /// memory, a table, a variable, or the handle of a resource.
    pub(super) keeps_state: bool,
}

/// Walks a module.
///
/// # Errors
///
/// A limit that it goes over, or a structure that cannot be walked.
pub(super) fn scan(bytes: &[u8]) -> Result<Scan, LoadError> {
    let mut walk = Walk::default();
    let mut parser = Parser::new(0);
    parser.set_features(super::FEATURES);
    for payload in parser.parse_all(bytes) {
        let payload = payload.map_err(|error| LoadError::from_parser(&error, bytes.len()))?;
        match &payload {
            Payload::ComponentTypeSection(section) => {
                nesting::check_types(&bytes[section.range()])?;
            }
            // The WIT of a core module is a component of its own, which others will parse.
            Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                scan_wit(section.data())?;
            }
            _ => {}
        }
        walk.payload(payload, bytes.len())?;
    }
    Ok(walk.scan)
}

/// Walks the WIT that a core module carries, which is a component of its own.
fn scan_wit(data: &[u8]) -> Result<(), LoadError> {
    if !data.starts_with(b"\0asm") {
        // The decoder knows an older form, which would need a walk of its own.
        return Err(LoadError::Componentize {
            message: "its WIT is in a form of before 2024: build it with present-day tools".into(),
        });
    }
    for payload in Parser::new(0).parse_all(data) {
        match payload {
            Ok(Payload::ComponentTypeSection(section)) => {
                nesting::check_types(&data[section.range()])?;
            }
            Ok(_) => {}
            // The decoder stops here as well.
            Err(_) => break,
        }
    }
    Ok(())
}

/// One component that the walk is inside of.
#[derive(Default)]
struct Level {
    /// For each entry of the component index space, what one instance of it comes to.
    components: Vec<u64>,
    /// What one instance of this component comes to.
    items: u64,
}

#[derive(Default)]
struct Walk {
    scan: Scan,
    levels: Vec<Level>,
    /// The largest component that is complete: what one of unknown origin can be at most.
    items_max: u64,
    /// Whether the walk is inside a core module.
    in_module: bool,
}

impl Walk {
    fn payload(&mut self, payload: Payload<'_>, length: usize) -> Result<(), LoadError> {
        self.scan.keeps_state |= keeps_state(&payload);
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => self.in_module = true,
            Payload::Version { encoding: Encoding::Component, .. } => self.enter()?,
            Payload::End(_) if self.in_module => self.in_module = false,
            Payload::End(_) => self.leave(),
            Payload::CodeSectionStart { count, size, .. } => self.code(count, size)?,
            Payload::CodeSectionEntry(body) => check_body(body.range().len())?,
            Payload::MemorySection(memories) => {
                for memory in memories.into_iter().flatten() {
                    let page_bytes = 1_u64 << memory.page_size_log2.unwrap_or(16).min(16);
                    let bytes = memory.initial.saturating_mul(page_bytes);
                    self.scan.memory_bytes_min = self.scan.memory_bytes_min.saturating_add(bytes);
                }
            }
            other => {
                let met = self.component_payload(other);
                met.map_err(|error| match error {
                    Met::Parser(error) => LoadError::from_parser(&error, length),
                    Met::Load(error) => error,
                })?;
            }
        }
        Ok(())
    }

    fn code(&mut self, count: u32, size: u32) -> Result<(), LoadError> {
        self.scan.functions = self.scan.functions.saturating_add(count);
        self.scan.code_bytes = self.scan.code_bytes.saturating_add(size.into());
        if self.scan.functions > FUNCTIONS_MAX {
            return Err(LoadError::Limit {
                what: "functions",
                found: self.scan.functions.into(),
                max: FUNCTIONS_MAX.into(),
                limit: "functions-max",
                fix: "; split the guest, or have the linker drop unused code",
            });
        }
        if self.scan.code_bytes > CODE_BYTES_MAX {
            return Err(LoadError::Limit {
                what: "bytes of code",
                found: self.scan.code_bytes,
                max: CODE_BYTES_MAX,
                limit: "code-bytes-max",
                fix: "; split the guest, or have the linker drop unused code",
            });
        }
        Ok(())
    }

    fn enter(&mut self) -> Result<(), LoadError> {
        self.levels.push(Level { components: Vec::new(), items: 1 });
        if self.levels.len() > COMPONENT_DEPTH_MAX {
            return Err(LoadError::Limit {
                what: "levels of nested components",
                found: self.levels.len() as u64,
                max: COMPONENT_DEPTH_MAX as u64,
                limit: "component-depth-max",
                fix: "",
            });
        }
        Ok(())
    }

    fn leave(&mut self) {
        let Some(level) = self.levels.pop() else { return };
        self.items_max = self.items_max.max(level.items);
        if let Some(outer) = self.levels.last_mut() {
            outer.components.push(level.items);
        }
    }

    /// Counts what a component section adds to the innermost component.
    fn component_payload(&mut self, payload: Payload<'_>) -> Result<(), Met> {
        match payload {
            Payload::InstanceSection(instances) => {
                for instance in instances {
                    instance?;
                    self.add_items(1)?;
                }
            }
            Payload::ComponentCanonicalSection(functions) => {
                for function in functions {
                    function?;
                    self.add_items(1)?;
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances {
                    let items = match instance? {
                        ComponentInstance::Instantiate { component_index, .. } => {
                            self.component(0, component_index)
                        }
                        ComponentInstance::FromExports(_) => 0,
                    };
                    self.add_items(items.saturating_add(1))?;
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases {
                    self.alias(&alias?);
                }
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    refuse_component_import(&import?)?;
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Component {
                        // An export is a new entry of the index space as well.
                        let items = self.component(0, export.index);
                        self.push_component(items);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let items = self.component(*count, *index);
                self.push_component(items);
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                self.push_component(self.items_max);
            }
            _ => {}
        }
    }

    /// What one instance of a component comes to, `count` levels outwards.
    fn component(&self, count: u32, index: u32) -> u64 {
        let level = self.levels.iter().rev().nth(count as usize);
        level.and_then(|level| level.components.get(index as usize)).copied().unwrap_or(0)
    }

    fn push_component(&mut self, items: u64) {
        if let Some(level) = self.levels.last_mut() {
            level.components.push(items);
        }
    }

    fn add_items(&mut self, items: u64) -> Result<(), Met> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        level.items = level.items.saturating_add(items);
        if level.items > UNFOLDED_ITEMS_MAX {
            return Err(Met::Load(LoadError::Limit {
                what: "instances and component functions, nested components unfolded",
                found: level.items,
                max: UNFOLDED_ITEMS_MAX,
                limit: "unfolded-items-max",
                fix: "; compose fewer components",
            }));
        }
        Ok(())
    }
}

/// Whether a section makes something that can change. What is malformed counts as such.
///
/// Core modules can import only what others of the same component have, as hosts give no core
/// items; so what defines them is met as well.
fn keeps_state(payload: &Payload<'_>) -> bool {
    match payload {
        Payload::MemorySection(memories) => memories.count() > 0,
        Payload::TableSection(tables) => tables.count() > 0,
        Payload::TagSection(tags) => tags.count() > 0,
        Payload::GlobalSection(globals) => {
            globals.clone().into_iter().any(|global| !global.is_ok_and(|it| !it.ty.mutable))
        }
        Payload::ComponentCanonicalSection(functions) => {
            functions.clone().into_iter().any(|function| {
                use wasmparser::CanonicalFunction::{Lift, Lower};
                !matches!(function, Ok(Lift { .. } | Lower { .. }))
            })
        }
        _ => false,
    }
}

/// What stopped the walk of a section.
enum Met {
    Parser(wasmparser::Error),
    Load(LoadError),
}

impl From<wasmparser::Error> for Met {
    fn from(error: wasmparser::Error) -> Met {
        Met::Parser(error)
    }
}

/// A component that is given at instantiation could be any, even one that comes later in the
/// file, and would make the count above meaningless. No host gives components to guests.
fn refuse_component_import(import: &wasmparser::ComponentImport<'_>) -> Result<(), Met> {
    match import.ty {
        ComponentTypeRef::Component(_) => Err(Met::Load(LoadError::Unsupported {
            feature: "an import of a whole component".to_owned(),
            offset: 0,
            message: super::super::near::shorten(import.name.name),
        })),
        _ => Ok(()),
    }
}

fn check_body(bytes: usize) -> Result<(), LoadError> {
    if bytes > FUNCTION_BYTES_MAX {
        return Err(LoadError::Limit {
            what: "bytes in one function",
            found: bytes as u64,
            max: FUNCTION_BYTES_MAX as u64,
            limit: "function-bytes-max",
            fix: "; split the function",
        });
    }
    Ok(())
}
