//! How deep the types of a component nest, found out without recursion.
//!
//! The parser below reads a component type within a component type by calling itself, three
//! bytes a level, so that a file of some kilobytes would exhaust the stack, and with it end the
//! whole process: no error, nothing to catch. So each type section is walked here before the
//! parser sees its types.

use wasmparser::{
    BinaryReader, ComponentAlias, ComponentExternName, ComponentImport, ComponentType,
    ComponentTypeRef, CoreType,
};

use super::super::limits::TYPE_DEPTH_MAX;
use super::error::LoadError;

/// Walks the contents of one type section.
///
/// # Errors
///
/// Its types nest too deep. What else is wrong is left to the parser, which reads the same bytes
/// in the same order, and so stops at the same place before it goes any deeper.
pub(super) fn check_types(section: &[u8]) -> Result<(), LoadError> {
    // With all features, so that it reads on wherever any later parser would.
    let mut reader = BinaryReader::new(section, 0);
    // How many declarations are still to come at each level; the section itself is the first.
    let Ok(types) = reader.read_var_u32() else { return Ok(()) };
    let mut left = vec![types];
    while let Some(count) = left.last_mut() {
        if *count == 0 {
            left.pop();
            continue;
        }
        *count -= 1;
        let outermost = left.len() == 1;
        match step(&mut reader, outermost) {
            Ok(Some(within)) => left.push(within),
            Ok(None) => {}
            Err(_) => return Ok(()),
        }
        if left.len() > TYPE_DEPTH_MAX {
            return Err(LoadError::Limit {
                what: "levels of nested component types",
                found: left.len() as u64,
                max: TYPE_DEPTH_MAX as u64,
                limit: "type-depth-max",
                fix: "",
            });
        }
    }
    Ok(())
}

/// Reads one declaration; gives the number of those within it, if it holds others.
fn step(reader: &mut BinaryReader<'_>, outermost: bool) -> Result<Option<u32>, wasmparser::Error> {
    // The section holds types; a component or instance type holds declarations of several kinds.
    match if outermost { 0x01 } else { reader.read_u8()? } {
        0x00 => reader.read::<CoreType<'_>>().map(|_| None),
        0x01 => match reader.clone().read_u8()? {
            0x41 | 0x42 => {
                reader.read_u8()?;
                reader.read_var_u32().map(Some)
            }
            _ => reader.read::<ComponentType<'_>>().map(|_| None),
        },
        0x02 => reader.read::<ComponentAlias<'_>>().map(|_| None),
        0x03 => reader.read::<ComponentImport<'_>>().map(|_| None),
        0x04 => {
            reader.read::<ComponentExternName<'_>>()?;
            reader.read::<ComponentTypeRef>().map(|_| None)
        }
        // Not a declaration: any read past the end is an error, which ends the walk.
        _ => reader.read_bytes(usize::MAX >> 1).map(|_| None),
    }
}
