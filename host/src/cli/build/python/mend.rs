//! Mends what componentize-py 0.25.1 leaves broken in a component: of each list of bytes that a
//! function of the host is given, it makes a copy in the actor's memory, and never frees it.
//!
//! The copy is made by `wit_dylib_pop_list` of its runtime, for the bindings, which are a module
//! of their own. Here each call of it in the bindings also tells the runtime to free the copy when
//! the call of the host is over, as the bindings do with what they allocate themselves. A runtime
//! that frees it too would free it twice: so only the one that is known is mended.

use std::convert::Infallible;
use std::ops::Range;

use odeon::modules::digest::Digest;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, Encode, Function, FunctionSection, Instruction, MemArg, Module, ValType,
};
use wasmparser::{CodeSectionReader, FunctionSectionReader, Operator, Parser, Payload, TypeRef};

/// The runtime, as componentize-py 0.25.1 puts it into every component.
const RUNTIME: &str = "d6d1faffc282de30f35fc38cda9fd558f3a22a2df24f0868104847f22bddf4dd";

/// Takes a list from the runtime: what is called, of which type, and where its place goes; gives
/// its length.
const TAKE: &str = "wit_dylib_pop_list";
/// Frees what has this place, size and alignment: now, or when the call is over.
const FREE: &str = "wit_dylib_dealloc_bytes";
/// Which of them.
const WHEN_OVER: i32 = 1;

/// The component with its fault mended.
///
/// # Errors
/// It is not as that version makes it.
pub(super) fn mended(component: &[u8]) -> Result<Vec<u8>, String> {
    let mut is_known = false;
    let mut bindings = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(|error| error.to_string())?;
        let Payload::ModuleSection { unchecked_range: range, .. } = payload else { continue };
        let module = &component[range.clone()];
        is_known |= Digest::of(module).to_string() == RUNTIME;
        if let Some(names) = Bindings::of(module).map_err(|error| error.to_string())? {
            bindings.push((range, names));
        }
    }
    if !is_known {
        return Err("its runtime is another one than is known".into());
    }
    let [(range, names)] = &mut bindings[..] else {
        return Err(format!("{} modules are bindings, and not one", bindings.len()));
    };
    let module = names.rewrite(&component[range.clone()])?;
    replaced(component, range, &module)
}

/// The component with another module in this place.
fn replaced(component: &[u8], range: &Range<usize>, module: &[u8]) -> Result<Vec<u8>, String> {
    const MODULE_SECTION: u8 = 1;
    let head = |length: usize| -> Result<Vec<u8>, String> {
        let mut head = vec![MODULE_SECTION];
        let length = u32::try_from(length).map_err(|_| "the module is too long")?;
        length.encode(&mut head);
        Ok(head)
    };
    let before = component[..range.start].strip_suffix(&head(range.len())?[..]);
    let before = before.ok_or("the head of a section is not the shortest one")?;
    Ok([before, &head(module.len())?, module, &component[range.end..]].concat())
}

/// The module of the bindings: its functions by their numbers.
struct Bindings {
    take: u32,
    take_type: u32,
    free: u32,
    /// How many functions it has, imported ones included.
    functions: u32,
    /// How often `take` is called, as far as the module is rewritten.
    calls: u32,
}

impl Bindings {
    /// Nothing if the module is another one.
    fn of(module: &[u8]) -> wasmparser::Result<Option<Self>> {
        let (mut take, mut free, mut functions) = (None, None, 0);
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        let TypeRef::Func(type_index) = import.ty else { continue };
                        match (import.module, import.name) {
                            ("env", TAKE) => take = Some((functions, type_index)),
                            ("env", FREE) => free = Some(functions),
                            _ => {}
                        }
                        functions += 1;
                    }
                }
                Payload::FunctionSection(section) => functions += section.count(),
                _ => {}
            }
        }
        let (Some((take, take_type)), Some(free)) = (take, free) else { return Ok(None) };
        Ok(Some(Self { take, take_type, free, functions, calls: 0 }))
    }

    /// The module with one more function, which it calls in place of [`TAKE`].
    fn rewrite(&mut self, module: &[u8]) -> Result<Vec<u8>, String> {
        let mut rewritten = Module::new();
        self.parse_core_module(&mut rewritten, Parser::new(0), module)
            .map_err(|error| error.to_string())?;
        if self.calls == 0 {
            return Err(format!("nothing calls {TAKE}"));
        }
        let rewritten = rewritten.finish();
        wasmparser::validate(&rewritten).map_err(|error| error.to_string())?;
        Ok(rewritten)
    }

    /// [`TAKE`], and then [`FREE`] for what it has copied.
    fn taking(&self) -> Function {
        // Its parameters are those of `TAKE`.
        let [call, ty, place, length] = [0, 1, 2, 3];
        let copy = MemArg { offset: 0, align: 2, memory_index: 0 };
        let mut function = Function::new([(1, ValType::I32)]);
        let mut code = function.instructions();
        code.local_get(call).local_get(ty).local_get(place).call(self.take).local_set(length);
        // No copy was made of a list of anything else.
        code.local_get(place).i32_load(copy).if_(BlockType::Empty);
        code.local_get(call).local_get(place).i32_load(copy).local_get(length);
        code.i32_const(1).i32_const(WHEN_OVER).call(self.free).end();
        code.local_get(length).end();
        function
    }
}

impl Reencode for Bindings {
    type Error = Infallible;

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.take_type);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_code_section(self, code, section)?;
        code.function(&self.taking());
        Ok(())
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Error> {
        match operator {
            Operator::Call { function_index } if function_index == self.take => {
                self.calls += 1;
                Ok(Instruction::Call(self.functions))
            }
            other => utils::instruction(self, other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_of_another_tool_is_refused() {
        let component = wat::parse_str("(component (core module))").expect("a component");
        let error = mended(&component).expect_err("it has no runtime of Python");
        assert!(error.contains("runtime"), "{error}");
        mended(b"no component").expect_err("it is none");
    }
}
