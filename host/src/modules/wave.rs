//! Calls written as text: `add(1, 2)`, or `my:pkg/iface@1.0.0#func(..)` for a function within an
//! exported interface, with arguments in WAVE, or in JSON as in `add [1, 2]`, checked against the
//! callee's own type.
//!
//! Text comes from people, guests and peers: its length, nesting and number of values are
//! limited before anything is parsed. Types that no text can write (resources, streams, futures)
//! are refused before the arguments are looked at. Nothing is called here.

mod error;
mod find;
mod json;
mod types;
mod values;

use std::borrow::Borrow;

use wasmtime::component::wasm_wave::untyped::UntypedFuncCall;
use wasmtime::component::wasm_wave::wasm::DisplayValue;
use wasmtime::component::{Component, Val};

pub use error::{CallError, Mark};
pub use find::Callee;
pub use json::{JsonMisfit, val_from_json, val_to_json};
pub use types::{not_callable, type_text};

use super::limits::{VALUE_DEPTH_MAX, VALUE_TEXT_BYTES_MAX, VALUES_MAX};
use super::shape::Bounded;

/// A call whose text is well formed so far as can be said without the callee's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallText {
    text: String,
    /// Where the argument list begins.
    arguments: usize,
}

impl CallText {
    /// Reads a call.
    ///
    /// # Errors
    ///
    /// The text is too long or too deep, or is not of the form `name(..)`.
    pub fn parse(text: &str) -> Result<CallText, CallError> {
        let call = CallText::split(text)?;
        let (padded, shift) = call.padded();
        match UntypedFuncCall::parse(&padded) {
            Ok(_) => Ok(call),
            Err(error) => Err(error::from_wave(&error, text, shift)),
        }
    }

    /// Finds where the arguments begin, and looks at nothing behind that.
    fn split(text: &str) -> Result<CallText, CallError> {
        check_size(text)?;
        let Some(arguments) = text.find('(') else {
            let at = Mark::new(text, text.len()..text.len());
            let name = super::near::shorten(text.trim());
            let message = format!("a call needs its arguments: write `{name}()` for none");
            return Err(CallError::Text { message, at });
        };
        let call = CallText { text: text.to_owned(), arguments };
        if call.path().is_empty() || call.path().ends_with('#') {
            let message = "the name of a function comes before the arguments".to_owned();
            return Err(CallError::Text { message, at: Mark::new(text, 0..arguments) });
        }
        Ok(call)
    }

    /// What is called: a function's name, with its interface and `#` before it if they were
    /// written.
    pub fn path(&self) -> &str {
        self.text[..self.arguments].trim()
    }

    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Finds the function in a component, and makes its arguments.
    ///
    /// # Errors
    ///
    /// There is no such function (near names are named), it has a type that text cannot write,
    /// or the arguments do not fit; the error shows where.
    pub fn resolve(&self, component: &Component) -> Result<(Callee, Vec<Val>), CallError> {
        self.resolve_by(|path| Callee::find(component, path))
    }

    /// As [`CallText::resolve`], by any way to find functions.
    fn resolve_by<C: Borrow<Callee>>(
        &self,
        find: impl FnOnce(&str) -> Result<C, CallError>,
    ) -> Result<(C, Vec<Val>), CallError> {
        let (padded, shift) = self.padded();
        let call = UntypedFuncCall::parse(&padded)
            .map_err(|error| error::from_wave(&error, &self.text, shift))?;
        let found = find(self.path())?;
        let callee = found.borrow();
        let params = values::arguments(callee, &call, &padded).map_err(|misfit| {
            let span = misfit.span.start + shift..misfit.span.end + shift;
            let at = Mark::new(&self.text, span);
            let signature = Some(callee.signature());
            CallError::Misfit { message: misfit.message, at, signature }
        })?;
        Ok((found, params))
    }

    /// The argument list behind a name that the parser knows, which is stricter about names than
    /// we are, and how far its positions are from ours.
    fn padded(&self) -> (String, usize) {
        // The parenthesis has at least one byte of name before it, for `f` to stand in for.
        (format!("f{}", &self.text[self.arguments..]), self.arguments.saturating_sub(1))
    }
}

/// Refuses text that would cost too much, without parsing it. Quoted parts count as one value.
fn check_size(text: &str) -> Result<(), CallError> {
    if text.len() > VALUE_TEXT_BYTES_MAX {
        let (found, max) = (text.len(), VALUE_TEXT_BYTES_MAX);
        return Err(CallError::Limit {
            what: "bytes of text",
            found,
            max,
            limit: "value-text-bytes-max",
        });
    }
    let bytes = text.as_bytes();
    let (mut depth, mut depth_max, mut values, mut index) = (0_usize, 0, 1_usize, 0);
    while index < bytes.len() {
        match bytes[index] {
            b'(' | b'[' | b'{' => {
                depth += 1;
                depth_max = depth_max.max(depth);
                values += 1;
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            // Text that ends within quotes is refused by the parser at that very place.
            b'"' | b'\'' => index = end_of_quoted(bytes, index),
            b'/' if bytes.get(index + 1) == Some(&b'/') => {
                let end = bytes[index..].iter().position(|&byte| byte == b'\n');
                index = end.map_or(bytes.len(), |end| index + end);
            }
            _ => {}
        }
        index += 1;
    }
    // The argument list itself is one level.
    let checks = [
        (depth_max, VALUE_DEPTH_MAX, "levels of nested values", "value-depth-max"),
        (values, VALUES_MAX, "values", "values-max"),
    ];
    for (found, max, what, limit) in checks {
        if found > max {
            return Err(CallError::Limit { what, found, max, limit });
        }
    }
    Ok(())
}

/// The index of the quote that ends what begins at `start`.
fn end_of_quoted(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    if bytes[start..].starts_with(b"\"\"\"") {
        let inner = &bytes[start + 3..];
        let end = inner.windows(3).position(|three| three == b"\"\"\"");
        return end.map_or(bytes.len(), |end| start + 3 + end + 2);
    }
    let mut index = start + 1;
    while index < bytes.len() && bytes[index] != quote {
        index += if bytes[index] == b'\\' { 2 } else { 1 };
    }
    index
}

/// Finds the function that a call means, by its path, and makes its arguments: those in
/// parentheses are WAVE; as an array in order or an object by name, as in `add [1, 2]`, they are
/// JSON.
///
/// # Errors
///
/// As those of [`CallText`] and [`Callee::params_from_json`].
pub fn resolve<C: Borrow<Callee>>(
    text: &str,
    find: impl FnOnce(&str) -> Result<C, CallError>,
) -> Result<(C, Vec<Val>), CallError> {
    let arguments = arguments_at(text);
    if !text[arguments..].starts_with(['[', '{']) {
        return CallText::split(text)?.resolve_by(find);
    }
    check_size(text)?;
    let found = find(path(text))?;
    let params = found.borrow().params_from_json(&text[arguments..])?;
    Ok((found, params))
}

/// Checks what can be checked of a call without the callee's type.
///
/// # Errors
///
/// As those of [`CallText::parse`]; JSON is only measured.
pub fn check(text: &str) -> Result<(), CallError> {
    match text[arguments_at(text)..].starts_with(['[', '{']) {
        true => check_size(text),
        false => CallText::parse(text).map(drop),
    }
}

/// What a call is of, as far as its text says so.
pub fn path(text: &str) -> &str {
    text[..arguments_at(text)].trim()
}

fn arguments_at(text: &str) -> usize {
    text.find(['(', '[', '{']).unwrap_or(text.len())
}

/// What a call gave, as WAVE text: nothing for no result.
///
/// # Errors
///
/// A value has no text, or the text would be over [`VALUE_TEXT_BYTES_MAX`].
pub fn results_to_wave(results: &[Val]) -> Result<String, CallError> {
    let mut out = Bounded::new(VALUE_TEXT_BYTES_MAX);
    for (index, value) in results.iter().enumerate() {
        if let Some(part) = types::foreign_value(value) {
            return Err(CallError::NoText { part });
        }
        let space = if index == 0 { "" } else { " " };
        let written =
            std::fmt::Write::write_fmt(&mut out, format_args!("{space}{}", DisplayValue(value)));
        if written.is_err() {
            let max = VALUE_TEXT_BYTES_MAX;
            let (what, limit) = ("bytes or more of result text", "value-text-bytes-max");
            return Err(CallError::Limit { what, found: max, max, limit });
        }
    }
    Ok(out.finish(Ok(())))
}

/// What a call gave, as JSON: `null` for no result.
///
/// # Errors
///
/// A value has no text.
pub fn results_to_json(results: &[Val]) -> Result<serde_json::Value, CallError> {
    match results {
        [] => Ok(serde_json::Value::Null),
        [one] => val_to_json(one),
        several => several.iter().map(val_to_json).collect(),
    }
}
