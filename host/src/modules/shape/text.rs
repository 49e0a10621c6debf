//! Component types as WIT text, from the validator's types.
//!
//! Types share their parts, so that the text of a small type can be endless: everything is
//! written through a buffer with a limit, and the walk ends when the buffer is full.

use std::fmt::{self, Write};

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentFuncTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;

use super::super::limits::TYPE_TEXT_BYTES_MAX;

/// Text that stops growing at a limit.
pub(in super::super) struct Bounded {
    text: String,
    bytes_max: usize,
}

impl Bounded {
    /// Empty text for so many bytes at most.
    pub(in super::super) fn new(bytes_max: usize) -> Bounded {
        Bounded { text: String::new(), bytes_max }
    }

    /// What was written; it ends with `…` if that was not all.
    pub(in super::super) fn finish(mut self, all: fmt::Result) -> String {
        if all.is_err() {
            self.text.push('…');
        }
        self.text
    }
}

impl Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.text.len() + part.len() > self.bytes_max {
            return Err(fmt::Error);
        }
        self.text.push_str(part);
        Ok(())
    }
}

/// Whether a type is a resource: something that only a host can give.
pub(super) fn is_resource(id: ComponentAnyTypeId) -> bool {
    matches!(id, ComponentAnyTypeId::Resource(_))
}

/// A function's type.
pub(super) fn signature(types: TypesRef<'_>, id: ComponentFuncTypeId) -> String {
    let mut out = Bounded::new(TYPE_TEXT_BYTES_MAX);
    let all = write_signature(&mut out, types, id);
    out.finish(all)
}

fn write_signature(out: &mut Bounded, types: TypesRef<'_>, id: ComponentFuncTypeId) -> fmt::Result {
    let function = &types[id];
    out.write_str(if function.async_ { "async func(" } else { "func(" })?;
    for (index, (name, ty)) in function.params.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(out, "{comma}{name}: ")?;
        write_type(out, types, *ty)?;
    }
    out.write_char(')')?;
    if let Some(result) = function.result {
        out.write_str(" -> ")?;
        write_type(out, types, result)?;
    }
    Ok(())
}

/// Depth is bounded by the validator (100), length by the buffer.
fn write_type(out: &mut Bounded, types: TypesRef<'_>, ty: ComponentValType) -> fmt::Result {
    let id = match ty {
        ComponentValType::Primitive(primitive) => return write!(out, "{primitive}"),
        ComponentValType::Type(id) => id,
    };
    match &types[id] {
        ComponentDefinedType::Primitive(primitive) => write!(out, "{primitive}"),
        ComponentDefinedType::Record(record) => {
            let fields = record.fields.iter().map(|(name, ty)| (name.as_str(), Some(*ty)));
            write_named(out, types, "record", fields, |out| out.write_str(": "), "")
        }
        ComponentDefinedType::Variant(variant) => {
            let cases = variant.cases.iter().map(|(name, case)| (name.as_str(), case.ty));
            write_named(out, types, "variant", cases, |out| out.write_char('('), ")")
        }
        ComponentDefinedType::Enum(names) => {
            let names = names.iter().map(|name| (name.as_str(), None));
            write_named(out, types, "enum", names, |_| Ok(()), "")
        }
        ComponentDefinedType::Flags(names) => {
            let names = names.iter().map(|name| (name.as_str(), None));
            write_named(out, types, "flags", names, |_| Ok(()), "")
        }
        ComponentDefinedType::List { element, .. } => {
            write_angled(out, types, "list", &[Some(*element)])
        }
        ComponentDefinedType::FixedLengthList { element, length, .. } => {
            out.write_str("list<")?;
            write_type(out, types, *element)?;
            write!(out, ", {length}>")
        }
        ComponentDefinedType::Map { key, value, .. } => {
            write_angled(out, types, "map", &[Some(*key), Some(*value)])
        }
        ComponentDefinedType::Tuple(tuple) => {
            let parts: Vec<_> = tuple.types.iter().map(|ty| Some(*ty)).collect();
            write_angled(out, types, "tuple", &parts)
        }
        ComponentDefinedType::Option { ty, .. } => write_angled(out, types, "option", &[Some(*ty)]),
        ComponentDefinedType::Result { ok: None, err: None, .. } => out.write_str("result"),
        ComponentDefinedType::Result { ok, err: None, .. } => {
            write_angled(out, types, "result", &[*ok])
        }
        ComponentDefinedType::Result { ok, err, .. } => {
            write_angled(out, types, "result", &[*ok, *err])
        }
        ComponentDefinedType::Own(_) => out.write_str("own<resource>"),
        ComponentDefinedType::Borrow(_) => out.write_str("borrow<resource>"),
        ComponentDefinedType::Future { ty, .. } => write_angled(out, types, "future", &[*ty]),
        ComponentDefinedType::Stream { ty, .. } => write_angled(out, types, "stream", &[*ty]),
    }
}

fn write_angled(
    out: &mut Bounded,
    types: TypesRef<'_>,
    word: &str,
    parts: &[Option<ComponentValType>],
) -> fmt::Result {
    write!(out, "{word}<")?;
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.write_str(", ")?;
        }
        match part {
            Some(ty) => write_type(out, types, *ty)?,
            None => out.write_char('_')?,
        }
    }
    out.write_char('>')
}

fn write_named<'a>(
    out: &mut Bounded,
    types: TypesRef<'_>,
    word: &str,
    members: impl Iterator<Item = (&'a str, Option<ComponentValType>)>,
    open: impl Fn(&mut Bounded) -> fmt::Result,
    close: &str,
) -> fmt::Result {
    write!(out, "{word} {{ ")?;
    for (index, (name, ty)) in members.enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(out, "{comma}{name}")?;
        if let Some(ty) = ty {
            open(out)?;
            write_type(out, types, ty)?;
            out.write_str(close)?;
        }
    }
    out.write_str(" }")
}

/// Why a function cannot be called with values in text, if it cannot.
pub(super) fn not_callable(
    types: TypesRef<'_>,
    name: &str,
    id: ComponentFuncTypeId,
) -> Option<String> {
    if name.starts_with('[') {
        return Some("it belongs to a resource, which text cannot name".to_owned());
    }
    let function = &types[id];
    if function.async_ {
        return Some("it is asynchronous".to_owned());
    }
    let mut seen = std::collections::HashSet::new();
    let mut values = function.params.iter().map(|(_, ty)| *ty).chain(function.result);
    values
        .find_map(|ty| foreign_part(types, ty, &mut seen))
        .map(|part| format!("its type has a {part}, which text cannot write"))
}

/// The first part of a type that has no text form. Each part is visited once.
fn foreign_part(
    types: TypesRef<'_>,
    ty: ComponentValType,
    seen: &mut std::collections::HashSet<wasmparser::component_types::ComponentDefinedTypeId>,
) -> Option<&'static str> {
    let id = match ty {
        ComponentValType::Primitive(wasmparser::PrimitiveValType::ErrorContext) => {
            return Some("error-context");
        }
        ComponentValType::Primitive(_) => return None,
        ComponentValType::Type(id) => id,
    };
    if !seen.insert(id) {
        return None;
    }
    let mut find = |ty: ComponentValType| foreign_part(types, ty, seen);
    match &types[id] {
        ComponentDefinedType::Primitive(primitive) => find(ComponentValType::Primitive(*primitive)),
        ComponentDefinedType::Record(record) => record.fields.values().find_map(|ty| find(*ty)),
        ComponentDefinedType::Variant(variant) => {
            variant.cases.values().filter_map(|case| case.ty).find_map(find)
        }
        ComponentDefinedType::Tuple(tuple) => tuple.types.iter().find_map(|ty| find(*ty)),
        ComponentDefinedType::Flags(_) | ComponentDefinedType::Enum(_) => None,
        ComponentDefinedType::List { element, .. }
        | ComponentDefinedType::FixedLengthList { element, .. } => find(*element),
        ComponentDefinedType::Option { ty, .. } => find(*ty),
        ComponentDefinedType::Result { ok, err, .. } => {
            [*ok, *err].into_iter().flatten().find_map(find)
        }
        ComponentDefinedType::Map { .. } => Some("map"),
        ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => Some("resource"),
        ComponentDefinedType::Future { .. } => Some("future"),
        ComponentDefinedType::Stream { .. } => Some("stream"),
    }
}
