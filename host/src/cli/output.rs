//! What commands print: tables for people, one JSON document for programs.
//!
//! Names and texts come from guests and peers, so control characters are shown and
//! not sent, in tables and messages alike (JSON escapes them by itself). Nobody
//! reading any more is not a failure.

use std::io::Write as _;

use serde::Serialize;

use super::exit::Exit;

/// Writes to the standard output.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Exit> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Exit::unread(),
        _ => Exit::failed(format!("cannot write to the standard output: {error}")),
    })
}

/// Writes a line to the standard output.
pub(crate) fn line(text: &str) -> Result<(), Exit> {
    bytes(format!("{}\n", safe(text)).as_bytes())
}

/// Writes a line to the standard error, if anybody listens.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", safe(text));
}

/// The value as one JSON document.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Exit> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Exit::failed(format!("cannot write JSON: {error}")))?;
    bytes(format!("{text}\n").as_bytes())
}

/// Text of several lines, without what a terminal would obey.
pub(crate) fn safe(text: &str) -> String {
    odeon::io::escape(text, usize::MAX)
}

/// A table under these heads. Nothing but the heads, if there are no rows: that
/// too is an answer.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>]) -> Result<(), Exit> {
    bytes(aligned(heads, rows).as_bytes())
}

fn aligned(heads: &[&str], rows: &[Vec<String>]) -> String {
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let cell = |text: &String| safe(text).replace('\n', "\\n").replace('\t', "\\t");
    let rows: Vec<Vec<String>> =
        std::iter::once(&heads).chain(rows).map(|row| row.iter().map(cell).collect()).collect();
    let width = |column: usize| {
        let widths = rows.iter().filter_map(|row| row.get(column)).map(|it| it.chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let unit = (bytes.max(1).ilog2() as usize / 10).min(UNITS.len() - 1);
    if unit == 0 {
        return format!("{bytes} B");
    }
    let tenths = bytes.saturating_mul(10) >> (10 * unit);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A time span for people.
pub(crate) fn age(ms: u64) -> String {
    match ms / 1000 {
        0 => format!("{ms}ms"),
        s @ 1..=119 => format!("{s}s"),
        s @ 120..=7199 => format!("{}m", s / 60),
        s @ 7200..=172_799 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_control_characters_do_not_reach_the_terminal() {
        let rows = vec![
            vec!["1".to_owned(), "a\x1b[2Jb\nc".to_owned()],
            vec!["100".to_owned(), "x".to_owned()],
        ];
        let text = aligned(&["ID", "NAME"], &rows);
        assert_eq!(text, "ID   NAME\n1    a\\x1b[2Jb\\nc\n100  x\n");
    }

    #[test]
    fn sizes_and_ages_are_short() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(64 << 10), "64.0 KiB");
        assert_eq!(size(1_600_000), "1.5 MiB");
        assert_eq!(size(u64::MAX >> 8), "67108863.9 GiB");
        assert_eq!(age(999), "999ms");
        assert_eq!(age(61_000), "61s");
        assert_eq!(age(7_200_000), "2h");
        assert_eq!(age(u64::MAX), "213503982334d");
    }
}
