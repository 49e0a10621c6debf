//! Links the core modules of a component into one, as a linker does with shared libraries.
//!
//! A language's runtime comes as several modules that import thousands of functions from each
//! other, and each instance would be put together anew from all of them. Two stay: the one that
//! stands in for functions of the host that need a memory before there is one (wit-component's
//! "shim"), and the one that puts these into its table afterwards. They are known by its name.

mod items;
mod merge;
mod out;

use std::collections::HashMap;
use std::rc::Rc;

use wasm_encoder::reencode::{ReencodeComponent, RoundtripReencoder, component_utils};
use wasm_encoder::{
    Alias, CanonicalFunctionSection, ComponentAliasSection, ComponentSectionId, ExportKind,
    InstanceSection, ModuleArg, RawSection,
};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, Export, ExternalKind, Instance, Validator,
};

use items::{Item, items};
use merge::{Given, Import, Merge, Part};
use out::{Numbers, Out, text};

/// The table that a shim exports, and who fills it imports.
const SHIM: &str = "$imports";

/// The same component with fewer modules.
///
/// # Errors
/// Its modules are otherwise than wit-component puts them together.
pub(super) fn linked(component: &[u8]) -> Result<Vec<u8>, String> {
    let linked = link(component)?;
    let mut validator = Validator::new_with_features(odeon::modules::load::FEATURES);
    validator.validate_all(&linked).map_err(|error| error.to_string())?;
    Ok(linked)
}

fn link(component: &[u8]) -> Result<Vec<u8>, String> {
    let items = items(component).map_err(|error| error.to_string())?;
    Linker::new(&items)?.run(&items)
}

/// A core instance as it was.
enum Made<'a> {
    Bag(Box<[Export<'a>]>),
    Module { module: usize, arguments: HashMap<&'a str, u32> },
}

/// What has a number among a component's core functions, tables, memories or globals.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// A function that the component made itself.
    Made,
    /// An export of an instance.
    Export(u32, &'a str),
}

/// Where such a thing really comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Origin<'a> {
    /// The function that the component made under this number.
    Made(u32),
    /// An export of an instance that stays.
    Kept(u32, &'a str),
    /// What a part has under a number.
    Part(usize, u32),
}

/// What was found about a component's modules, and what becomes of it.
struct Linker<'a> {
    modules: Vec<&'a [u8]>,
    instances: Vec<Made<'a>>,
    sources: [Vec<Source<'a>>; 4],
    /// Those of the instances' modules that become one, by instance.
    merged: HashMap<u32, usize>,
    parts: Rc<Vec<Part<'a>>>,
    out: Out<'a>,
}

/// The number of a kind among the four.
fn space(kind: ExternalKind) -> Result<usize, String> {
    match kind {
        ExternalKind::Func => Ok(0),
        ExternalKind::Table => Ok(1),
        ExternalKind::Memory => Ok(2),
        ExternalKind::Global => Ok(3),
        ExternalKind::Tag | ExternalKind::FuncExact => Err(format!("there is a {kind:?}")),
    }
}

impl<'a> Linker<'a> {
    fn new(items: &[Item<'a>]) -> Result<Self, String> {
        let mut linker = Self {
            modules: Vec::new(),
            instances: Vec::new(),
            sources: Default::default(),
            merged: HashMap::new(),
            parts: Rc::default(),
            out: Out::default(),
        };
        for item in items {
            match item {
                Item::Module(module) => linker.modules.push(module),
                Item::Instance(Instance::FromExports(exports)) => {
                    linker.instances.push(Made::Bag(exports.clone()));
                }
                Item::Instance(Instance::Instantiate { module_index, args }) => {
                    let arguments = args.iter().map(|it| (it.name, it.index)).collect();
                    let module = *module_index as usize;
                    linker.instances.push(Made::Module { module, arguments });
                }
                Item::Alias(ComponentAlias::CoreInstanceExport { kind, instance_index, name }) => {
                    linker.sources[space(*kind)?].push(Source::Export(*instance_index, name));
                }
                Item::Function(function) if !matches!(function, CanonicalFunction::Lift { .. }) => {
                    linker.sources[0].push(Source::Made);
                }
                _ => {}
            }
        }
        linker.choose()?;
        Ok(linker)
    }

    /// Finds the modules that become one, if there are several.
    fn choose(&mut self) -> Result<(), String> {
        let mut parts = Vec::new();
        for (index, instance) in (0..).zip(&self.instances) {
            let Made::Module { module, .. } = instance else { continue };
            let part = self.part(*module)?;
            let is_shim = part.exports.contains_key(SHIM)
                || part.imports.iter().any(|import| import.name == SHIM);
            if !is_shim {
                self.merged.insert(index, parts.len());
                parts.push(part);
            }
        }
        // One that does something when it starts would do so before the others are there.
        if parts.len() < 2 || parts.iter().any(Part::starts) {
            self.merged.clear();
            parts.clear();
        }
        self.parts = Rc::new(parts);
        Ok(())
    }

    fn part(&self, module: usize) -> Result<Part<'a>, String> {
        let binary = self.modules.get(module).ok_or("a module comes from elsewhere")?;
        Part::read(binary).map_err(|error| error.to_string())
    }

    fn run(mut self, items: &[Item<'a>]) -> Result<Vec<u8>, String> {
        let (mut instances, mut functions) = (0, 0);
        for item in items {
            match item {
                Item::Other(id, data) => {
                    self.out.component.section(&RawSection { id: *id, data });
                }
                Item::Component(nested) => {
                    let data = &link(nested)?;
                    let id = ComponentSectionId::Component.into();
                    self.out.component.section(&RawSection { id, data });
                }
                // Comes with its instance.
                Item::Module(_) => {}
                // Comes where it is used.
                Item::Alias(ComponentAlias::CoreInstanceExport { kind, .. }) => {
                    functions += u32::from(*kind == ExternalKind::Func);
                }
                Item::Alias(alias) => {
                    let mut section = ComponentAliasSection::new();
                    section.alias(RoundtripReencoder.component_alias(alias.clone()).map_err(text)?);
                    self.out.component.section(&section);
                }
                Item::Instance(_) => {
                    self.instantiate(instances)?;
                    instances += 1;
                }
                Item::Function(function) => {
                    self.function(function)?;
                    if !matches!(function, CanonicalFunction::Lift { .. }) {
                        self.out.made.insert(functions, self.out.counts[0]);
                        self.out.counts[0] += 1;
                        functions += 1;
                    }
                }
            }
        }
        if !self.parts.is_empty() {
            self.merge()?;
        }
        self.out.finish()
    }

    /// An instance that stays, and its module.
    fn instantiate(&mut self, index: u32) -> Result<(), String> {
        let Made::Module { module, .. } = self.instances[index as usize] else { return Ok(()) };
        if self.merged.contains_key(&index) {
            return Ok(());
        }
        let part = self.part(module)?;
        let mut bags: Vec<(&str, Vec<_>)> = Vec::new();
        for import in &part.imports {
            let kind = import.kind()?;
            let origin = self.imported(index, import)?;
            let item = (import.name.to_owned(), kind, self.place(kind, origin)?);
            match bags.iter_mut().find(|(name, _)| *name == import.module) {
                Some((_, items)) => items.push(item),
                None => bags.push((import.module, vec![item])),
            }
        }
        let arguments: Vec<_> =
            bags.iter().map(|(name, items)| (*name, self.out.bag(items))).collect();
        let id = ComponentSectionId::CoreModule.into();
        self.out.component.section(&RawSection { id, data: self.modules[module] });
        let mut section = InstanceSection::new();
        let arguments = arguments.iter().map(|(name, bag)| (*name, ModuleArg::Instance(*bag)));
        section.instantiate(self.out.modules, arguments.collect::<Vec<_>>());
        self.out.component.section(&section);
        self.out.kept.insert(index, self.out.instances);
        self.out.modules += 1;
        self.out.instances += 1;
        Ok(())
    }

    /// A function that the component makes itself, or one that it lifts.
    fn function(&mut self, function: &CanonicalFunction) -> Result<(), String> {
        let mut numbers = Numbers::default();
        let options = match function {
            CanonicalFunction::Lift { core_func_index, options, .. } => {
                let place = self.numbered(ExternalKind::Func, *core_func_index)?;
                numbers.functions.insert(*core_func_index, place);
                &options[..]
            }
            CanonicalFunction::Lower { options, .. } => &options[..],
            _ => &[],
        };
        for option in options {
            match option {
                CanonicalOption::Memory(index) => {
                    let place = self.numbered(ExternalKind::Memory, *index)?;
                    numbers.memories.insert(*index, place);
                }
                CanonicalOption::Realloc(index) | CanonicalOption::PostReturn(index) => {
                    let place = self.numbered(ExternalKind::Func, *index)?;
                    numbers.functions.insert(*index, place);
                }
                _ => {}
            }
        }
        let mut section = CanonicalFunctionSection::new();
        component_utils::parse_component_canonical(&mut numbers, &mut section, function.clone())
            .map_err(text)?;
        self.out.component.section(&section);
        Ok(())
    }

    /// Where what had this number is now.
    fn numbered(&mut self, kind: ExternalKind, index: u32) -> Result<u32, String> {
        let origin = self.origin(kind, index)?;
        self.place(kind, origin)
    }

    fn origin(&self, kind: ExternalKind, index: u32) -> Result<Origin<'a>, String> {
        match self.sources[space(kind)?].get(index as usize) {
            Some(Source::Made) => Ok(Origin::Made(index)),
            Some(Source::Export(instance, name)) => self.export(*instance, kind, name),
            None => Err(format!("there is no {kind:?} {index}")),
        }
    }

    fn export(
        &self,
        instance: u32,
        kind: ExternalKind,
        name: &'a str,
    ) -> Result<Origin<'a>, String> {
        let lacks = || format!("no module exports {name:?} where it is wanted");
        match self.instances.get(instance as usize).ok_or_else(lacks)? {
            Made::Bag(exports) => {
                let fits = |export: &&Export<'_>| export.kind == kind && export.name == name;
                self.origin(kind, exports.iter().find(fits).ok_or_else(lacks)?.index)
            }
            Made::Module { .. } => match self.merged.get(&instance) {
                None => Ok(Origin::Kept(instance, name)),
                Some(part) => {
                    let found = self.parts[*part].exports.get(name).ok_or_else(lacks)?;
                    Ok(Origin::Part(*part, found.1))
                }
            },
        }
    }

    /// Where what an instance's module imports comes from.
    fn imported(&self, instance: u32, import: &Import<'a>) -> Result<Origin<'a>, String> {
        let lacks = || format!("nothing is given for {:?} of a module", import.module);
        let Made::Module { arguments, .. } = &self.instances[instance as usize] else {
            return Err(lacks());
        };
        let from = arguments.get(import.module).ok_or_else(lacks)?;
        self.export(*from, import.kind()?, import.name)
    }

    /// The number of something in the new component.
    fn place(&mut self, kind: ExternalKind, origin: Origin<'a>) -> Result<u32, String> {
        let space = space(kind)?;
        if let Some(place) = self.out.aliased.get(&(space, origin)) {
            return Ok(*place);
        }
        let early = "a function is used before it is made";
        let (instance, name) = match origin {
            Origin::Made(index) => return self.out.made.get(&index).copied().ok_or(early.into()),
            Origin::Kept(instance, name) => {
                (*self.out.kept.get(&instance).ok_or(early)?, name.to_owned())
            }
            Origin::Part(part, index) => {
                self.merge()?;
                let merge = self.out.merge.as_ref().ok_or(early)?;
                self.out.exports.push((kind, merge.place(part, kind, index)?));
                (self.out.instance, (self.out.exports.len() - 1).to_string())
            }
        };
        let mut section = ComponentAliasSection::new();
        let kind = ExportKind::from(kind);
        section.alias(Alias::CoreInstanceExport { instance, kind, name: &name });
        self.out.component.section(&section);
        let place = self.out.counts[space];
        self.out.counts[space] += 1;
        self.out.aliased.insert((space, origin), place);
        Ok(place)
    }

    /// Makes the one module of the many, if that was not done before; from here on what it
    /// exports can be used.
    fn merge(&mut self) -> Result<(), String> {
        if self.out.merge.is_some() {
            return Ok(());
        }
        let mut outside: Vec<Origin<'a>> = Vec::new();
        let mut known = HashMap::new();
        let mut given = Vec::new();
        let parts = Rc::clone(&self.parts);
        let mut merged: Vec<_> = self.merged.iter().map(|(index, part)| (*part, *index)).collect();
        merged.sort_unstable();
        for (part, instance) in merged {
            let mut of_this = Vec::new();
            for import in &parts[part].imports {
                of_this.push(match self.imported(instance, import)? {
                    Origin::Part(part, index) => Given::Part(part, index),
                    other => Given::Outside(*known.entry(other).or_insert_with(|| {
                        outside.push(other);
                        outside.len() - 1
                    })),
                });
            }
            given.push(of_this);
        }
        let merge = Merge::new(parts, &given, outside.len())?;
        let mut items = Vec::new();
        for (index, origin) in outside.into_iter().enumerate() {
            let kind = ExternalKind::Func;
            items.push((index.to_string(), kind, self.place(kind, origin)?));
        }
        let bag = self.out.bag(&items);
        let mut section = InstanceSection::new();
        section.instantiate(self.out.modules, [("", ModuleArg::Instance(bag))]);
        let instantiated = std::mem::take(&mut self.out.component).finish();
        self.out.component.section(&section);
        self.out.before = instantiated;
        self.out.merge = Some(merge);
        self.out.instance = self.out.instances;
        self.out.modules += 1;
        self.out.instances += 1;
        Ok(())
    }
}

#[cfg(test)]
#[path = "link_test.rs"]
mod tests;
