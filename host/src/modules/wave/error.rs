//! What is wrong with a call, and where: the message shows the text with a mark under the fault.

use std::fmt;
use std::ops::Range;

use wasmtime::component::wasm_wave::parser::ParserError;

use super::super::near::{did_you_mean, listed, shorten};

/// Characters of the text that are shown on each side of a fault.
const SHOWN_CHARS: usize = 40;

/// Why a call was refused. Nothing was called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The text is not a call.
    #[error("{message} ({at}")]
    Text {
        /// The fault.
        message: String,
        /// Where.
        at: Mark,
    },
    /// The arguments do not fit the function's type.
    #[error("{message} ({at}{}", signature_text(signature))]
    Misfit {
        /// What was expected, and what there is.
        message: String,
        /// Where.
        at: Mark,
        /// The function with its type.
        signature: Option<String>,
    },
    /// The JSON arguments do not fit the function's type.
    #[error("{message}{}", signature_text(signature))]
    Json {
        /// What was expected, what there is, and where.
        message: String,
        /// The function with its type.
        signature: Option<String>,
    },
    /// The component exports no such function.
    #[error("there is no exported function `{}`{}", shorten(wanted), exports_text(near, exports))]
    NoFunction {
        /// What was asked for.
        wanted: String,
        /// Functions that are near to it.
        near: Vec<String>,
        /// All there are.
        exports: Vec<String>,
    },
    /// Several exported interfaces have a function of this name.
    #[error("`{wanted}` is in several interfaces: write one of {}", listed(candidates, 8))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// The functions.
        candidates: Vec<String>,
    },
    /// The function's type cannot be written as text.
    #[error("`{}` cannot be called with text: {why}", shorten(function))]
    NotCallable {
        /// The function.
        function: String,
        /// Why not.
        why: String,
    },
    /// A result has a part that text cannot write.
    #[error("the result has a {part}, which text cannot write")]
    NoText {
        /// The part.
        part: &'static str,
    },
    /// The text asks for too much.
    #[error("{found} {what}, and the limit is {max} ({limit})")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        found: usize,
        /// How much there may be.
        max: usize,
        /// The name of the limit.
        limit: &'static str,
    },
}

fn signature_text(signature: &Option<String>) -> String {
    signature.as_ref().map_or(String::new(), |signature| format!("\n  {signature}"))
}

fn exports_text(near: &[String], exports: &[String]) -> String {
    let there = match exports {
        [] => "; the component exports no functions".to_owned(),
        some => format!("; there are {}", listed(some, 12)),
    };
    format!("{}{there}", did_you_mean(near))
}

/// A place in a text, and enough of the text to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
    /// What is shown of the line.
    pub shown: String,
    /// Where in `shown` the mark begins, in characters.
    pub caret: usize,
    /// How long the mark is, in characters.
    pub length: usize,
}

impl Mark {
    /// Marks these bytes of a text. A range that is no part of it marks the nearest place.
    pub fn new(text: &str, span: Range<usize>) -> Mark {
        let start = text.floor_char_boundary(span.start);
        let end = text.floor_char_boundary(span.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let before: Vec<char> = text[line_start..start].chars().rev().take(SHOWN_CHARS).collect();
        let marked = text[start..end.min(line_end)].chars().count().clamp(1, SHOWN_CHARS);
        let after = text[start..line_end].chars().take(SHOWN_CHARS + marked);
        // One character for one, so that the mark stays under its place.
        let plain = |char: char| if char.is_control() { '\u{fffd}' } else { char };
        let shown = before.iter().rev().copied().chain(after).map(plain).collect();
        Mark {
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            shown,
            caret: before.len(),
            length: marked,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 1 {
            write!(f, "line {}, ", self.line)?;
        }
        // Follows an opening parenthesis in the messages above.
        writeln!(f, "column {})", self.column)?;
        writeln!(f, "  {}", self.shown)?;
        write!(f, "  {}{}", " ".repeat(self.caret), "^".repeat(self.length))
    }
}

/// The parser's fault, at our position.
pub(super) fn from_wave(error: &ParserError, text: &str, shift: usize) -> CallError {
    let span = error.span();
    let at = Mark::new(text, span.start + shift..span.end + shift);
    let message = match error.detail() {
        Some(detail) => format!("{}: {}", error.kind(), shorten(detail)),
        None => error.kind().to_string(),
    };
    CallError::Text { message, at }
}
