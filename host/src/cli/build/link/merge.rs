//! Several core modules as one: their functions, globals, tables and memories behind each
//! other, and imports of one from another by their numbers. Knows nothing of components.

use std::collections::HashMap;
use std::convert::Infallible;
use std::rc::Rc;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, DataCountSection, DataSection, ElementSection, EntityType, ExportKind,
    ExportSection, FunctionSection, GlobalSection, ImportSection, Instruction, MemorySection,
    Module, TableSection, TypeSection,
};
use wasmparser::{ExternalKind, Operator, Parser, Payload, TypeRef};

/// What a module imports: from where, and what.
pub(super) struct Import<'a> {
    pub(super) module: &'a str,
    pub(super) name: &'a str,
    pub(super) ty: TypeRef,
}

impl Import<'_> {
    pub(super) fn kind(&self) -> Result<ExternalKind, String> {
        match self.ty {
            TypeRef::Func(_) => Ok(ExternalKind::Func),
            TypeRef::Table(_) => Ok(ExternalKind::Table),
            TypeRef::Memory(_) => Ok(ExternalKind::Memory),
            TypeRef::Global(_) => Ok(ExternalKind::Global),
            TypeRef::Tag(_) | TypeRef::FuncExact(_) => {
                Err(format!("{}.{} is imported", self.module, self.name))
            }
        }
    }
}

/// One module, as far as it is known before it is merged.
pub(super) struct Part<'a> {
    binary: &'a [u8],
    pub(super) imports: Vec<Import<'a>>,
    pub(super) exports: HashMap<&'a str, (ExternalKind, u32)>,
    counts: Counts,
    is_starting: bool,
}

/// How many there are of each, imported ones not included.
#[derive(Clone, Copy, Default)]
struct Counts {
    types: u32,
    functions: u32,
    tables: u32,
    memories: u32,
    globals: u32,
    elements: u32,
    data: u32,
}

impl<'a> Part<'a> {
    pub(super) fn read(binary: &'a [u8]) -> wasmparser::Result<Self> {
        let (imports, exports) = (Vec::new(), HashMap::new());
        let mut part =
            Self { binary, imports, exports, counts: Counts::default(), is_starting: false };
        let counts = &mut part.counts;
        for payload in Parser::new(0).parse_all(binary) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        counts.types += u32::try_from(group?.types().len()).unwrap_or(u32::MAX);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let (module, name) = (import.module, import.name);
                        part.imports.push(Import { module, name, ty: import.ty });
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        part.exports.insert(export.name, (export.kind, export.index));
                    }
                }
                Payload::FunctionSection(section) => counts.functions += section.count(),
                Payload::TableSection(section) => counts.tables += section.count(),
                Payload::MemorySection(section) => counts.memories += section.count(),
                Payload::GlobalSection(section) => counts.globals += section.count(),
                Payload::ElementSection(section) => counts.elements += section.count(),
                Payload::DataSection(section) => counts.data += section.count(),
                Payload::StartSection { .. } | Payload::TagSection(_) => part.is_starting = true,
                _ => {}
            }
        }
        Ok(part)
    }

    /// Whether it does something when it starts; or has what is not merged.
    pub(super) fn starts(&self) -> bool {
        self.is_starting
    }
}

/// What stands for an import of a part.
#[derive(Clone, Copy)]
pub(super) enum Given {
    /// What an earlier part has under a number.
    Part(usize, u32),
    /// A function from outside, by its number.
    Outside(usize),
}

/// Where the numbers of one part lead to in the whole.
struct Places {
    functions: Vec<u32>,
    tables: Vec<u32>,
    memories: Vec<u32>,
    globals: Vec<u32>,
    /// How many of each come before it.
    before: Counts,
    /// Values of the whole's globals that never change.
    constants: HashMap<u32, i32>,
}

/// Modules that become one.
pub(super) struct Merge<'a> {
    parts: Rc<Vec<Part<'a>>>,
    places: Vec<Places>,
    /// Types of the functions from outside.
    outside: Vec<u32>,
}

impl<'a> Merge<'a> {
    /// Lays the parts behind each other; `given` has what stands for the imports of each, with
    /// so many functions from outside.
    pub(super) fn new(
        parts: Rc<Vec<Part<'a>>>,
        given: &[Vec<Given>],
        outside: usize,
    ) -> Result<Self, String> {
        let mut merge = Self { parts, places: Vec::new(), outside: vec![0; outside] };
        let outside = u32::try_from(outside).map_err(|_| "too many functions")?;
        let mut next = Counts { functions: outside, ..Counts::default() };
        for (part, given) in merge.parts.iter().zip(given) {
            let mut places = Places {
                functions: Vec::new(),
                tables: Vec::new(),
                memories: Vec::new(),
                globals: Vec::new(),
                before: next,
                constants: HashMap::new(),
            };
            for (import, given) in part.imports.iter().zip(given) {
                let kind = import.kind()?;
                let place = match *given {
                    Given::Part(part, index) => {
                        let there = merge.places.get(part).ok_or("a module imports a later one")?;
                        there.of(kind, index)?
                    }
                    Given::Outside(index) => {
                        let TypeRef::Func(ty) = import.ty else {
                            return Err(format!("{} is no function", import.name));
                        };
                        merge.outside[index] = next.types + ty;
                        u32::try_from(index).map_err(|_| "too many functions")?
                    }
                };
                places.list(kind).push(place);
            }
            let Counts { types, functions, tables, memories, globals, elements, data } =
                part.counts;
            places.functions.extend(next.functions..next.functions + functions);
            places.tables.extend(next.tables..next.tables + tables);
            places.memories.extend(next.memories..next.memories + memories);
            places.globals.extend(next.globals..next.globals + globals);
            next = Counts {
                types: next.types + types,
                functions: next.functions + functions,
                tables: next.tables + tables,
                memories: next.memories + memories,
                globals: next.globals + globals,
                elements: next.elements + elements,
                data: next.data + data,
            };
            merge.places.push(places);
        }
        Ok(merge)
    }

    /// Where something of a part is in the whole.
    pub(super) fn place(&self, part: usize, kind: ExternalKind, index: u32) -> Result<u32, String> {
        self.places[part].of(kind, index)
    }

    /// The whole, which imports the functions from outside by their numbers from a module
    /// without a name, and exports these by their numbers.
    pub(super) fn finish(mut self, exports: &[(ExternalKind, u32)]) -> Result<Vec<u8>, String> {
        let mut whole = Sections::default();
        for (index, ty) in self.outside.iter().enumerate() {
            whole.imports.import("", &index.to_string(), EntityType::Function(*ty));
        }
        let mut constants = HashMap::new();
        for (part, places) in self.parts.iter().zip(&mut self.places) {
            places.constants = constants;
            whole.add(part.binary, places).map_err(|error| error.to_string())?;
            constants = std::mem::take(&mut places.constants);
        }
        for (index, (kind, place)) in exports.iter().enumerate() {
            whole.exports.export(&index.to_string(), ExportKind::from(*kind), *place);
        }
        Ok(whole.finish())
    }
}

impl Places {
    fn list(&mut self, kind: ExternalKind) -> &mut Vec<u32> {
        match kind {
            ExternalKind::Table => &mut self.tables,
            ExternalKind::Memory => &mut self.memories,
            ExternalKind::Global => &mut self.globals,
            _ => &mut self.functions,
        }
    }

    fn of(&self, kind: ExternalKind, index: u32) -> Result<u32, String> {
        let list = match kind {
            ExternalKind::Table => &self.tables,
            ExternalKind::Memory => &self.memories,
            ExternalKind::Global => &self.globals,
            _ => &self.functions,
        };
        list.get(index as usize).copied().ok_or_else(|| format!("there is no {kind:?} {index}"))
    }
}

/// Sections of the whole.
#[derive(Default)]
struct Sections {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    globals: GlobalSection,
    exports: ExportSection,
    elements: ElementSection,
    code: CodeSection,
    data: DataSection,
}

impl Sections {
    /// Adds what a part has itself.
    fn add(&mut self, binary: &[u8], places: &mut Places) -> Result<(), Error> {
        for payload in Parser::new(0).parse_all(binary) {
            match payload? {
                Payload::TypeSection(section) => {
                    places.parse_type_section(&mut self.types, section)?;
                }
                Payload::FunctionSection(section) => {
                    places.parse_function_section(&mut self.functions, section)?;
                }
                Payload::TableSection(section) => {
                    places.parse_table_section(&mut self.tables, section)?;
                }
                Payload::MemorySection(section) => {
                    places.parse_memory_section(&mut self.memories, section)?;
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        let global = global?;
                        places.note(self.globals.len(), &global)?;
                        places.parse_global(&mut self.globals, global)?;
                    }
                }
                Payload::ElementSection(section) => {
                    places.parse_element_section(&mut self.elements, section)?;
                }
                Payload::CodeSectionEntry(body) => {
                    places.parse_function_body(&mut self.code, body)?;
                }
                Payload::DataSection(section) => {
                    places.parse_data_section(&mut self.data, section)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<u8> {
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions);
        module.section(&self.tables).section(&self.memories).section(&self.globals);
        module.section(&self.exports).section(&self.elements);
        module.section(&DataCountSection { count: self.data.len() });
        module.section(&self.code).section(&self.data);
        module.finish()
    }
}

impl Places {
    /// Remembers the value of a global of the whole that never changes.
    fn note(&mut self, place: u32, global: &wasmparser::Global<'_>) -> wasmparser::Result<()> {
        let mut code = global.init_expr.get_operators_reader();
        if let (false, Operator::I32Const { value }) = (global.ty.mutable, code.read()?)
            && matches!(code.read()?, Operator::End)
        {
            self.constants.insert(place, value);
        }
        Ok(())
    }

    fn at(list: &[u32], index: u32) -> Result<u32, Error> {
        // Only of a module that is not valid.
        list.get(index as usize).copied().ok_or(Error::InvalidCodeSectionSize)
    }
}

impl Reencode for Places {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, Error> {
        Self::at(&self.functions, index)
    }

    fn table_index(&mut self, index: u32) -> Result<u32, Error> {
        Self::at(&self.tables, index)
    }

    fn memory_index(&mut self, index: u32) -> Result<u32, Error> {
        Self::at(&self.memories, index)
    }

    fn global_index(&mut self, index: u32) -> Result<u32, Error> {
        Self::at(&self.globals, index)
    }

    fn type_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.before.types + index)
    }

    fn element_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.before.elements + index)
    }

    fn data_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.before.data + index)
    }

    /// Where code or an initial value reads a global that never changes, it has the value: an
    /// engine lays out a table before anything starts where it knows what goes to which place.
    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Error> {
        if let Operator::GlobalGet { global_index } = operator {
            let place = self.global_index(global_index)?;
            if let Some(value) = self.constants.get(&place) {
                return Ok(Instruction::I32Const(*value));
            }
        }
        utils::instruction(self, operator)
    }
}
