//! A component's types as WIT text, and which of them no text can write.

use std::fmt::{self, Write};

use wasmtime::component::{Type, Val};

use super::super::limits::TYPE_TEXT_BYTES_MAX;
use super::super::shape::Bounded;

/// A type as WIT text; a long one is cut and ends with `…`.
pub fn type_text(ty: &Type) -> String {
    let mut out = Bounded::new(TYPE_TEXT_BYTES_MAX);
    let all = write_type(&mut out, ty);
    out.finish(all)
}

/// Depth is bounded by the validator (100), length by the buffer.
fn write_type(out: &mut Bounded, ty: &Type) -> fmt::Result {
    match ty {
        Type::Bool => out.write_str("bool"),
        Type::S8 => out.write_str("s8"),
        Type::U8 => out.write_str("u8"),
        Type::S16 => out.write_str("s16"),
        Type::U16 => out.write_str("u16"),
        Type::S32 => out.write_str("s32"),
        Type::U32 => out.write_str("u32"),
        Type::S64 => out.write_str("s64"),
        Type::U64 => out.write_str("u64"),
        Type::Float32 => out.write_str("f32"),
        Type::Float64 => out.write_str("f64"),
        Type::Char => out.write_str("char"),
        Type::String => out.write_str("string"),
        Type::ErrorContext => out.write_str("error-context"),
        Type::Own(_) => out.write_str("own<resource>"),
        Type::Borrow(_) => out.write_str("borrow<resource>"),
        Type::List(list) => write_angled(out, "list", &[Some(list.ty())]),
        Type::FixedLengthList(list) => {
            out.write_str("list<")?;
            write_type(out, &list.ty())?;
            write!(out, ", {}>", list.len())
        }
        Type::Map(map) => write_angled(out, "map", &[Some(map.key()), Some(map.value())]),
        Type::Tuple(tuple) => {
            out.write_str("tuple<")?;
            for (index, ty) in tuple.types().enumerate() {
                out.write_str(if index == 0 { "" } else { ", " })?;
                write_type(out, &ty)?;
            }
            out.write_char('>')
        }
        Type::Option(option) => write_angled(out, "option", &[Some(option.ty())]),
        Type::Result(result) => match (result.ok(), result.err()) {
            (None, None) => out.write_str("result"),
            (ok, None) => write_angled(out, "result", &[ok]),
            (ok, err) => write_angled(out, "result", &[ok, err]),
        },
        Type::Future(future) => write_angled(out, "future", &[future.ty()]),
        Type::Stream(stream) => write_angled(out, "stream", &[stream.ty()]),
        Type::Record(_) | Type::Variant(_) | Type::Enum(_) | Type::Flags(_) => write_named(out, ty),
    }
}

fn write_angled(out: &mut Bounded, word: &str, parts: &[Option<Type>]) -> fmt::Result {
    write!(out, "{word}<")?;
    for (index, part) in parts.iter().enumerate() {
        out.write_str(if index == 0 { "" } else { ", " })?;
        match part {
            Some(ty) => write_type(out, ty)?,
            None => out.write_char('_')?,
        }
    }
    out.write_char('>')
}

fn write_named(out: &mut Bounded, ty: &Type) -> fmt::Result {
    let comma = |index: usize| if index == 0 { "" } else { ", " };
    match ty {
        Type::Record(record) => {
            out.write_str("record { ")?;
            for (index, field) in record.fields().enumerate() {
                write!(out, "{}{}: ", comma(index), field.name)?;
                write_type(out, &field.ty)?;
            }
        }
        Type::Variant(variant) => {
            out.write_str("variant { ")?;
            for (index, case) in variant.cases().enumerate() {
                write!(out, "{}{}", comma(index), case.name)?;
                if let Some(ty) = case.ty {
                    out.write_char('(')?;
                    write_type(out, &ty)?;
                    out.write_char(')')?;
                }
            }
        }
        Type::Enum(names) => {
            out.write_str("enum { ")?;
            for (index, name) in names.names().enumerate() {
                write!(out, "{}{name}", comma(index))?;
            }
        }
        Type::Flags(names) => {
            out.write_str("flags { ")?;
            for (index, name) in names.names().enumerate() {
                write!(out, "{}{name}", comma(index))?;
            }
        }
        _ => {}
    }
    out.write_str(" }")
}

/// The first part of a type that no text can write, if there is one. The validator lets no type
/// come to more than a million parts.
pub fn not_callable(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Own(_) | Type::Borrow(_) => Some("resource"),
        Type::Future(_) => Some("future"),
        Type::Stream(_) => Some("stream"),
        Type::ErrorContext => Some("error-context"),
        Type::Map(_) => Some("map"),
        Type::List(list) => not_callable(&list.ty()),
        // Such a list of a million elements costs the writer of its type 20 bytes.
        Type::FixedLengthList(_) => Some("list of fixed length"),
        Type::Record(record) => record.fields().find_map(|field| not_callable(&field.ty)),
        Type::Tuple(tuple) => tuple.types().find_map(|ty| not_callable(&ty)),
        Type::Variant(variant) => {
            variant.cases().filter_map(|case| case.ty).find_map(|ty| not_callable(&ty))
        }
        Type::Option(option) => not_callable(&option.ty()),
        Type::Result(result) => {
            [result.ok(), result.err()].into_iter().flatten().find_map(|ty| not_callable(&ty))
        }
        Type::Bool
        | Type::S8
        | Type::U8
        | Type::S16
        | Type::U16
        | Type::S32
        | Type::U32
        | Type::S64
        | Type::U64
        | Type::Float32
        | Type::Float64
        | Type::Char
        | Type::String
        | Type::Enum(_)
        | Type::Flags(_) => None,
    }
}

/// The first part of a value that no text can write, if there is one. The writer of WAVE text
/// panics on these, so it is asked first.
pub(super) fn foreign_value(value: &Val) -> Option<&'static str> {
    match value {
        Val::Resource(_) => Some("resource"),
        Val::Future(_) => Some("future"),
        Val::Stream(_) => Some("stream"),
        Val::ErrorContext(_) => Some("error-context"),
        Val::Map(_) => Some("map"),
        Val::List(values) | Val::Tuple(values) | Val::FixedLengthList(values) => {
            values.iter().find_map(foreign_value)
        }
        Val::Record(fields) => fields.iter().find_map(|(_, value)| foreign_value(value)),
        Val::Variant(_, payload) | Val::Option(payload) => {
            payload.as_deref().and_then(foreign_value)
        }
        Val::Result(Ok(payload) | Err(payload)) => payload.as_deref().and_then(foreign_value),
        _ => None,
    }
}
