//! From parsed WAVE to values of a component's types, with the place and the expected type of
//! whatever does not fit.
//!
//! The parser's own conversion checks every list again at each level and says only "invalid
//! type"; this one visits each value once.

use std::ops::Range;

use wasmtime::component::wasm_wave::ast::{Node, NodeType};
use wasmtime::component::wasm_wave::parser::ParserError;
use wasmtime::component::wasm_wave::untyped::UntypedFuncCall;
use wasmtime::component::{Type, Val};

use super::super::near::{self, shorten};
use super::find::Callee;
use super::types::type_text;

/// What does not fit, and where in the parser's text.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

impl Misfit {
    fn new(node: &Node, message: String) -> Misfit {
        Misfit { span: node.span(), message }
    }

    fn wrong(node: &Node, ty: &Type) -> Misfit {
        Misfit::new(node, format!("expected {}, found {}", type_text(ty), describe(node.ty())))
    }
}

fn describe(node: NodeType) -> &'static str {
    match node {
        NodeType::BoolTrue | NodeType::BoolFalse => "a boolean",
        NodeType::Number => "a number",
        NodeType::Char => "a character",
        NodeType::String | NodeType::MultilineString => "a string",
        NodeType::Tuple => "a tuple",
        NodeType::List => "a list",
        NodeType::Record => "a record",
        NodeType::Label => "a name",
        NodeType::VariantWithPayload => "a variant",
        NodeType::OptionSome | NodeType::OptionNone => "an option",
        NodeType::ResultOk | NodeType::ResultErr => "a result",
        NodeType::Flags => "flags",
    }
}

/// The arguments of a call. Optional parameters at the end may be left out.
pub(super) fn arguments(
    callee: &Callee,
    call: &UntypedFuncCall<'_>,
    source: &str,
) -> Result<Vec<Val>, Misfit> {
    let list = call.params_node();
    let given: Vec<&Node> = match list {
        Some(list) => list.as_tuple().map_err(|error| from_parser(&error))?.collect(),
        None => Vec::new(),
    };
    let takes = callee.params.len();
    if let Some(extra) = given.get(takes) {
        let message = format!("{} arguments, and the function takes {takes}", given.len());
        return Err(Misfit::new(extra, message));
    }
    let mut values = Vec::with_capacity(takes);
    for (index, (name, ty)) in callee.params.iter().enumerate() {
        values.push(match (given.get(index), ty) {
            (Some(node), ty) => value(node, ty, source)?,
            (None, Type::Option(_)) => Val::Option(None),
            (None, ty) => {
                let end = list.map_or(source.len(), |list| list.span().end);
                let message = format!("argument `{name}` of type {} is missing", type_text(ty));
                return Err(Misfit { span: end.saturating_sub(1)..end, message });
            }
        });
    }
    Ok(values)
}

fn from_parser(error: &ParserError) -> Misfit {
    Misfit { span: error.span(), message: error.kind().to_string() }
}

/// One value. Recursion is bounded by the nesting of the text, which was checked.
fn value(node: &Node, ty: &Type, source: &str) -> Result<Val, Misfit> {
    let wrong = |_: ParserError| Misfit::wrong(node, ty);
    match ty {
        Type::Bool => node.as_bool().map(Val::Bool).map_err(wrong),
        Type::S8 => number(node, ty, source).map(Val::S8),
        Type::U8 => number(node, ty, source).map(Val::U8),
        Type::S16 => number(node, ty, source).map(Val::S16),
        Type::U16 => number(node, ty, source).map(Val::U16),
        Type::S32 => number(node, ty, source).map(Val::S32),
        Type::U32 => number(node, ty, source).map(Val::U32),
        Type::S64 => number(node, ty, source).map(Val::S64),
        Type::U64 => number(node, ty, source).map(Val::U64),
        Type::Float32 => number(node, ty, source).map(Val::Float32),
        Type::Float64 => number(node, ty, source).map(Val::Float64),
        Type::Char => node.as_char(source).map(Val::Char).map_err(|error| text(node, ty, &error)),
        Type::String => match node.as_str(source) {
            Ok(string) => Ok(Val::String(string.into_owned())),
            Err(error) => Err(text(node, ty, &error)),
        },
        Type::List(list) => {
            let element = list.ty();
            let nodes = node.as_list().map_err(wrong)?;
            nodes.map(|node| value(node, &element, source)).collect::<Result<_, _>>().map(Val::List)
        }
        Type::Tuple(tuple) => {
            let nodes = node.as_tuple().map_err(wrong)?;
            if nodes.len() != tuple.types().len() {
                return Err(Misfit::wrong(node, ty));
            }
            let parts = nodes.zip(tuple.types()).map(|(node, ty)| value(node, &ty, source));
            parts.collect::<Result<_, _>>().map(Val::Tuple)
        }
        Type::Record(_) => record(node, ty, source),
        Type::Variant(_) => variant(node, ty, source),
        Type::Enum(names) => {
            let label = node.as_enum(source).map_err(wrong)?;
            known(node, label, "case", || names.names()).map(Val::Enum)
        }
        Type::Flags(names) => flags(node, ty, names.names().collect(), source),
        Type::Option(option) => match node.ty() {
            NodeType::OptionNone => Ok(Val::Option(None)),
            NodeType::OptionSome => {
                payload(node, node.as_option().map_err(wrong)?, Some(option.ty()), source)
                    .map(Val::Option)
            }
            // A bare value stands for `some` of it, where that can be told apart.
            _ if stands_alone(&option.ty()) => {
                value(node, &option.ty(), source).map(|inner| Val::Option(Some(Box::new(inner))))
            }
            _ => Err(Misfit::wrong(node, ty)),
        },
        Type::Result(result) => match (node.as_result(), result.ok()) {
            (Ok(Ok(inner)), ok) => payload(node, inner, ok, source).map(|ok| Val::Result(Ok(ok))),
            (Ok(Err(inner)), _) => {
                payload(node, inner, result.err(), source).map(|err| Val::Result(Err(err)))
            }
            (Err(_), Some(ok)) if stands_alone(&ok) => {
                value(node, &ok, source).map(|inner| Val::Result(Ok(Some(Box::new(inner)))))
            }
            (Err(_), _) => Err(Misfit::wrong(node, ty)),
        },
        // Refused when the function was looked up.
        Type::Own(_)
        | Type::Borrow(_)
        | Type::Future(_)
        | Type::Stream(_)
        | Type::ErrorContext
        | Type::Map(_)
        | Type::FixedLengthList(_) => Err(Misfit::wrong(node, ty)),
    }
}

fn stands_alone(ty: &Type) -> bool {
    !matches!(ty, Type::Option(_) | Type::Result(_))
}

fn number<N: std::str::FromStr>(node: &Node, ty: &Type, source: &str) -> Result<N, Misfit> {
    if node.ty() != NodeType::Number {
        return Err(Misfit::wrong(node, ty));
    }
    let digits = source.get(node.span()).unwrap_or_default();
    digits.parse().map_err(|_| {
        Misfit::new(node, format!("{} does not fit {}", shorten(digits), type_text(ty)))
    })
}

/// A string or character: of the wrong kind, or with a fault inside.
fn text(node: &Node, ty: &Type, error: &ParserError) -> Misfit {
    let kind_fits = matches!(
        (ty, node.ty()),
        (Type::Char, NodeType::Char) | (Type::String, NodeType::String | NodeType::MultilineString)
    );
    if kind_fits { from_parser(error) } else { Misfit::wrong(node, ty) }
}

fn record(node: &Node, ty: &Type, source: &str) -> Result<Val, Misfit> {
    let Type::Record(record) = ty else { return Err(Misfit::wrong(node, ty)) };
    let given: std::collections::BTreeMap<&str, &Node> =
        node.as_record(source).map_err(|_| Misfit::wrong(node, ty))?.collect();
    let mut fields = Vec::with_capacity(record.fields().len());
    for field in record.fields() {
        let value = match (given.get(field.name), &field.ty) {
            (Some(node), ty) => value(node, ty, source)?,
            (None, Type::Option(_)) => Val::Option(None),
            (None, ty) => {
                let message =
                    format!("field `{}` of type {} is missing", field.name, type_text(ty));
                return Err(Misfit::new(node, message));
            }
        };
        fields.push((field.name.to_owned(), value));
    }
    for (name, inner) in given {
        known(inner, name, "field", || record.fields().map(|field| field.name))?;
    }
    Ok(Val::Record(fields))
}

fn variant(node: &Node, ty: &Type, source: &str) -> Result<Val, Misfit> {
    let Type::Variant(variant) = ty else { return Err(Misfit::wrong(node, ty)) };
    let (label, inner) = node.as_variant(source).map_err(|_| Misfit::wrong(node, ty))?;
    let label = known(node, label, "case", || variant.cases().map(|case| case.name))?;
    let case = variant.cases().find(|case| case.name == label);
    let of = case.and_then(|case| case.ty);
    payload(node, inner, of, source).map(|inner| Val::Variant(label, inner))
}

fn flags(node: &Node, ty: &Type, names: Vec<&str>, source: &str) -> Result<Val, Misfit> {
    let given = node.as_flags(source).map_err(|_| Misfit::wrong(node, ty))?;
    let given = given.map(|flag| flag.strip_prefix('%').unwrap_or(flag));
    let set: Result<_, _> =
        given.map(|flag| known(node, flag, "flag", || names.iter().copied())).collect();
    set.map(Val::Flags)
}

fn payload(
    node: &Node,
    inner: Option<&Node>,
    ty: Option<Type>,
    source: &str,
) -> Result<Option<Box<Val>>, Misfit> {
    match (inner, ty) {
        (Some(inner), Some(ty)) => value(inner, &ty, source).map(|value| Some(Box::new(value))),
        (None, None) => Ok(None),
        (None, Some(ty)) => {
            Err(Misfit::new(node, format!("a value of type {} is missing in it", type_text(&ty))))
        }
        (Some(inner), None) => Err(Misfit::new(inner, "no value belongs here".to_owned())),
    }
}

/// A name, if it is one of these.
fn known<'a, N: Iterator<Item = &'a str>>(
    node: &Node,
    name: &str,
    word: &str,
    names: impl Fn() -> N,
) -> Result<String, Misfit> {
    near::known(name, word, names).map_err(|message| Misfit::new(node, message))
}
