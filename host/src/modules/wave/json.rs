//! Values as JSON, both ways.
//!
//! | WIT | JSON |
//! |---|---|
//! | `bool`, numbers | the same; `"nan"`, `"inf"`, `"-inf"` for what JSON has no number for; integers also as text |
//! | `char`, `string`, `enum` | text |
//! | `list`, `tuple` | array |
//! | `record` | object; optional fields may be left out |
//! | `variant` | `"case"`, or `{"case": payload}` |
//! | `option` | `null`, or the value; within another option `{"some": value}` |
//! | `result` | `{"ok": value}` or `{"err": value}`, `null` for no value |
//! | `flags` | array of names |

use std::fmt;

use serde_json::{Map, Value, json};
use wasmtime::component::{Type, Val};

use super::super::near::{self, did_you_mean, near_names, shorten};
use super::error::CallError;
use super::find::Callee;
use super::types::{foreign_value, type_text};

/// What does not fit, and where: outermost step last.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct JsonMisfit {
    steps: Vec<String>,
    message: String,
}

impl fmt::Display for JsonMisfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.steps.is_empty() {
            f.write_str(" at ")?;
            self.steps.iter().rev().try_for_each(|step| f.write_str(step))?;
        }
        Ok(())
    }
}

impl JsonMisfit {
    fn new(message: String) -> JsonMisfit {
        JsonMisfit { steps: Vec::new(), message }
    }

    fn wrong(json: &Value, ty: &Type) -> JsonMisfit {
        let found = match json {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        JsonMisfit::new(format!("expected {}, found {found}", type_text(ty)))
    }

    fn below(mut self, step: impl Into<String>) -> JsonMisfit {
        self.steps.push(step.into());
        self
    }
}

/// The arguments of a call, from JSON text.
pub(super) fn arguments(callee: &Callee, text: &str) -> Result<Vec<Val>, String> {
    let given: Value = serde_json::from_str(text)
        .map_err(|error| format!("the arguments are not JSON: {error}"))?;
    let takes = callee.params.len();
    let by_index;
    let by_name: Box<dyn Fn(usize, &str) -> Option<Value>> = match given {
        Value::Array(values) if values.len() > takes => {
            return Err(format!("{} arguments, and the function takes {takes}", values.len()));
        }
        Value::Array(values) => {
            by_index = values;
            Box::new(move |index, _| by_index.get(index).cloned())
        }
        Value::Object(fields) => {
            let names = || callee.params.iter().map(|(name, _)| name.as_str());
            if let Some(name) = fields.keys().find(|key| !names().any(|name| name == *key)) {
                let near = did_you_mean(&near_names(name, names()));
                return Err(format!("there is no parameter `{}`{near}", shorten(name)));
            }
            Box::new(move |_, name| fields.get(name).cloned())
        }
        _ => return Err("the arguments are an array, or an object by their names".to_owned()),
    };
    let values = callee.params.iter().enumerate().map(|(index, (name, ty))| {
        match (by_name(index, name), ty) {
            (Some(json), ty) => {
                val_from_json(&json, ty).map_err(|misfit| format!("argument `{name}`: {misfit}"))
            }
            (None, Type::Option(_)) => Ok(Val::Option(None)),
            (None, ty) => Err(format!("argument `{name}` of type {} is missing", type_text(ty))),
        }
    });
    values.collect()
}

/// One value of a type from JSON. Depth is that of the type, 100 at most.
///
/// # Errors
///
/// It does not fit; the error says where.
pub fn val_from_json(json: &Value, ty: &Type) -> Result<Val, JsonMisfit> {
    let wrong = || JsonMisfit::wrong(json, ty);
    match ty {
        Type::Bool => json.as_bool().map(Val::Bool).ok_or_else(wrong),
        Type::S8 => integer(json, ty).map(Val::S8),
        Type::U8 => integer(json, ty).map(Val::U8),
        Type::S16 => integer(json, ty).map(Val::S16),
        Type::U16 => integer(json, ty).map(Val::U16),
        Type::S32 => integer(json, ty).map(Val::S32),
        Type::U32 => integer(json, ty).map(Val::U32),
        Type::S64 => integer(json, ty).map(Val::S64),
        Type::U64 => integer(json, ty).map(Val::U64),
        #[expect(clippy::cast_possible_truncation, reason = "an f32 is the nearest one")]
        Type::Float32 => float(json).map(|float| Val::Float32(float as f32)).ok_or_else(wrong),
        Type::Float64 => float(json).map(Val::Float64).ok_or_else(wrong),
        Type::Char => {
            let mut chars = json.as_str().ok_or_else(wrong)?.chars();
            match (chars.next(), chars.next()) {
                (Some(char), None) => Ok(Val::Char(char)),
                _ => Err(JsonMisfit::new("expected a string of one character".to_owned())),
            }
        }
        Type::String => json.as_str().map(|text| Val::String(text.to_owned())).ok_or_else(wrong),
        Type::List(list) => {
            let element = list.ty();
            let values = json.as_array().ok_or_else(wrong)?;
            each(values.iter().map(|json| (json, &element))).map(Val::List)
        }
        Type::Tuple(tuple) => {
            let values = json.as_array().ok_or_else(wrong)?;
            let types: Vec<Type> = tuple.types().collect();
            if values.len() != types.len() {
                return Err(wrong());
            }
            each(values.iter().zip(&types)).map(Val::Tuple)
        }
        Type::Record(_) => record(json, ty),
        Type::Variant(_) => variant(json, ty),
        Type::Enum(names) => {
            known(json.as_str().ok_or_else(wrong)?, "case", || names.names()).map(Val::Enum)
        }
        Type::Flags(names) => {
            let given = json.as_array().ok_or_else(wrong)?;
            let flag =
                |json: &Value| known(json.as_str().ok_or_else(wrong)?, "flag", || names.names());
            given.iter().map(flag).collect::<Result<_, _>>().map(Val::Flags)
        }
        Type::Option(option) => option_from(json, &option.ty()),
        Type::Result(result) => match single(json) {
            Some(("ok", inner)) => payload(inner, result.ok()).map(|ok| Val::Result(Ok(ok))),
            Some(("err", inner)) => payload(inner, result.err()).map(|err| Val::Result(Err(err))),
            _ => Err(wrong()),
        },
        Type::Own(_)
        | Type::Borrow(_)
        | Type::Future(_)
        | Type::Stream(_)
        | Type::ErrorContext
        | Type::Map(_)
        | Type::FixedLengthList(_) => Err(wrong()),
    }
}

fn each<'a>(values: impl Iterator<Item = (&'a Value, &'a Type)>) -> Result<Vec<Val>, JsonMisfit> {
    values
        .enumerate()
        .map(|(index, (json, ty))| {
            val_from_json(json, ty).map_err(|misfit| misfit.below(format!("[{index}]")))
        })
        .collect()
}

/// An integer as a number, or as text for those that a JSON library would round.
fn integer<N: TryFrom<i128>>(json: &Value, ty: &Type) -> Result<N, JsonMisfit> {
    let wide: Option<i128> = match json {
        Value::Number(number) => {
            number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
        }
        Value::String(digits) => digits.parse().ok(),
        _ => return Err(JsonMisfit::wrong(json, ty)),
    };
    wide.and_then(|wide| N::try_from(wide).ok()).ok_or_else(|| {
        JsonMisfit::new(format!("{} does not fit {}", shorten(&json.to_string()), type_text(ty)))
    })
}

fn float(json: &Value) -> Option<f64> {
    match json {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "nan" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn record(json: &Value, ty: &Type) -> Result<Val, JsonMisfit> {
    let (Type::Record(record), Some(given)) = (ty, json.as_object()) else {
        return Err(JsonMisfit::wrong(json, ty));
    };
    for name in given.keys() {
        known(name, "field", || record.fields().map(|field| field.name))?;
    }
    let fields = record.fields().map(|field| {
        let value = match (given.get(field.name), &field.ty) {
            (Some(json), ty) => val_from_json(json, ty)
                .map_err(|misfit| misfit.below(format!(".{}", field.name)))?,
            (None, Type::Option(_)) => Val::Option(None),
            (None, ty) => {
                let (name, ty) = (field.name, type_text(ty));
                return Err(JsonMisfit::new(format!("field `{name}` of type {ty} is missing")));
            }
        };
        Ok((field.name.to_owned(), value))
    });
    fields.collect::<Result<_, _>>().map(Val::Record)
}

fn variant(json: &Value, ty: &Type) -> Result<Val, JsonMisfit> {
    let Type::Variant(variant) = ty else { return Err(JsonMisfit::wrong(json, ty)) };
    let (label, inner) = match json {
        Value::String(label) => (label.as_str(), &Value::Null),
        other => single(other).ok_or_else(|| JsonMisfit::wrong(json, ty))?,
    };
    let label = known(label, "case", || variant.cases().map(|case| case.name))?;
    let of = variant.cases().find(|case| case.name == label).and_then(|case| case.ty);
    payload(inner, of)
        .map_err(|misfit| misfit.below(format!(".{label}")))
        .map(|inner| Val::Variant(label, inner))
}

fn option_from(json: &Value, inner: &Type) -> Result<Val, JsonMisfit> {
    let value = match (json, inner) {
        (Value::Null, _) => return Ok(Val::Option(None)),
        (_, Type::Option(_)) => match single(json) {
            Some(("some", json)) => val_from_json(json, inner)?,
            _ => {
                let message = "expected null or {\"some\": ..}, as it is an option of an option";
                return Err(JsonMisfit::new(message.to_owned()));
            }
        },
        (json, inner) => val_from_json(json, inner)?,
    };
    Ok(Val::Option(Some(Box::new(value))))
}

fn payload(json: &Value, ty: Option<Type>) -> Result<Option<Box<Val>>, JsonMisfit> {
    match ty {
        Some(ty) => val_from_json(json, &ty).map(|value| Some(Box::new(value))),
        None if json.is_null() => Ok(None),
        None => Err(JsonMisfit::new("no value belongs here".to_owned())),
    }
}

/// The only field of an object.
fn single(json: &Value) -> Option<(&str, &Value)> {
    let mut fields = json.as_object()?.iter();
    match (fields.next(), fields.next()) {
        (Some((name, value)), None) => Some((name, value)),
        _ => None,
    }
}

/// A value as JSON.
///
/// # Errors
///
/// It has a part that text cannot write.
pub fn val_to_json(value: &Val) -> Result<Value, CallError> {
    match foreign_value(value) {
        Some(part) => Err(CallError::NoText { part }),
        None => Ok(to_json(value)),
    }
}

fn to_json(value: &Val) -> Value {
    let inner = |payload: &Option<Box<Val>>| payload.as_deref().map_or(Value::Null, to_json);
    match value {
        Val::Bool(bool) => json!(bool),
        Val::S8(number) => json!(number),
        Val::U8(number) => json!(number),
        Val::S16(number) => json!(number),
        Val::U16(number) => json!(number),
        Val::S32(number) => json!(number),
        Val::U32(number) => json!(number),
        Val::S64(number) => json!(number),
        Val::U64(number) => json!(number),
        // By its own digits: 0.1 stays 0.1.
        Val::Float32(number) => number.to_string().parse().map_or(Value::Null, float_to_json),
        Val::Float64(number) => float_to_json(*number),
        Val::Char(char) => json!(char),
        Val::String(text) | Val::Enum(text) => json!(text),
        Val::List(values) | Val::Tuple(values) | Val::FixedLengthList(values) => {
            values.iter().map(to_json).collect()
        }
        Val::Record(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), to_json(value)));
            Value::Object(fields.collect())
        }
        Val::Variant(name, None) => json!(name),
        Val::Variant(name, payload) => one_field(name, inner(payload)),
        // Without the word, `some(none)` would be `null`, which is `none`.
        Val::Option(Some(value)) if matches!(**value, Val::Option(_)) => {
            one_field("some", to_json(value))
        }
        Val::Option(payload) => inner(payload),
        Val::Result(Ok(payload)) => one_field("ok", inner(payload)),
        Val::Result(Err(payload)) => one_field("err", inner(payload)),
        Val::Flags(names) => json!(names),
        // Refused before.
        Val::Map(_) | Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
            Value::Null
        }
    }
}

fn one_field(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

fn float_to_json(float: f64) -> Value {
    match serde_json::Number::from_f64(float) {
        Some(number) => Value::Number(number),
        None if float.is_nan() => json!("nan"),
        None if float > 0.0 => json!("inf"),
        None => json!("-inf"),
    }
}

/// A name, if it is one of these.
fn known<'a, N: Iterator<Item = &'a str>>(
    name: &str,
    word: &str,
    names: impl Fn() -> N,
) -> Result<String, JsonMisfit> {
    near::known(name, word, names).map_err(JsonMisfit::new)
}
