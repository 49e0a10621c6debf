//! What is printed: a figure a line.

use serde_json::{Value, json};

/// The figures of one show.
pub(crate) struct Report {
    show: &'static str,
    /// Which part of the show, if it has several.
    part: String,
    is_missed: bool,
}

/// What is shown of a reason: those of waits in vain have all that happened before.
const WHY_CHARS_MAX: usize = 400;

/// A show that came to no end.
pub(crate) fn failed(show: &str, why: &str) {
    let why: String = why.chars().take(WHY_CHARS_MAX).collect();
    println!("{}", json!({ "show": show, "failed": why }));
}

impl Report {
    pub(crate) fn new(show: &'static str) -> Self {
        Self { show, part: String::new(), is_missed: false }
    }

    /// What comes now is of this part.
    pub(crate) fn part(&mut self, part: &str) {
        part.clone_into(&mut self.part);
    }

    /// A figure is not what it has to be.
    pub(crate) fn is_missed(&self) -> bool {
        self.is_missed
    }

    /// A figure that is to be known.
    pub(crate) fn note(&self, figure: &str, value: impl Into<Value>) {
        self.line(figure, json!({ "value": value.into() }));
    }

    /// Something that cannot be shown here.
    pub(crate) fn skipped(&self, figure: &str, why: &str) {
        self.line(figure, json!({ "skipped": why }));
    }

    /// A figure that must not be over the bar.
    pub(crate) fn at_most(&mut self, figure: &str, value: f64, bar: f64) {
        self.measured(figure, value, &format!("<= {bar}"), value <= bar);
    }

    /// A figure that must not be under the bar.
    pub(crate) fn at_least(&mut self, figure: &str, value: f64, bar: f64) {
        self.measured(figure, value, &format!(">= {bar}"), value >= bar);
    }

    fn measured(&mut self, figure: &str, value: f64, bar: &str, is_met: bool) {
        let value = (value * 1000.0).round() / 1000.0;
        self.line(figure, json!({ "value": value, "bar": bar, "met": is_met }));
        self.is_missed |= !is_met;
    }

    fn line(&self, figure: &str, rest: Value) {
        let mut line = json!({ "show": self.show });
        if !self.part.is_empty() {
            line["part"] = self.part.as_str().into();
        }
        line["figure"] = figure.into();
        if let (Value::Object(line), Value::Object(rest)) = (&mut line, rest) {
            line.extend(rest);
        }
        println!("{line}");
    }
}
