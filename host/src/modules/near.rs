//! Names that somebody may have meant.
//!
//! Used by every error that says "there is no such ...". Knows only text.

/// Most names that are suggested.
const SUGGESTIONS_MAX: usize = 3;

/// Longer names are not compared: the comparison is quadratic.
const COMPARED_BYTES_MAX: usize = 255;

/// The candidates nearest to `wanted`, best first, at most three; none that is far off.
pub fn near_names<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    if wanted.len() > COMPARED_BYTES_MAX {
        return Vec::new();
    }
    let wanted = wanted.to_lowercase();
    // A third of the letters may be wrong, and always two, save that nothing at all may be left.
    let distance_max = (wanted.chars().count() / 3).max(2);
    let mut scored: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= COMPARED_BYTES_MAX)
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = if lower.starts_with(&wanted) && wanted.len() >= 2 {
                1
            } else {
                strsim::osa_distance(&wanted, &lower)
            };
            let near = distance <= distance_max && distance < lower.chars().count().max(2);
            near.then_some((distance, candidate))
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored.into_iter().take(SUGGESTIONS_MAX).map(|(_, name)| name.to_owned()).collect()
}

/// The end of a message: `; did you mean `a` or `b`?`, or nothing.
pub fn did_you_mean(near: &[String]) -> String {
    match near {
        [] => String::new(),
        names => {
            let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("; did you mean {}?", quoted.join(" or "))
        }
    }
}

/// Names for a message: the first few, and how many more there are.
pub fn listed<S: AsRef<str>>(names: &[S], shown_max: usize) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<String> =
        names.iter().take(shown_max).map(|name| format!("`{}`", shorten(name.as_ref()))).collect();
    match names.len().saturating_sub(shown_max) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A guest's text made fit for one line of a terminal: control characters shown, length bounded.
pub fn shorten(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 120;
    let mut out: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        out.push('…');
    }
    out
}

/// A name that must be one of a type's own, or the message that says so.
pub(super) fn known<'a, N: Iterator<Item = &'a str>>(
    name: &str,
    word: &str,
    names: impl Fn() -> N,
) -> Result<String, String> {
    if names().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let near = did_you_mean(&near_names(name, names()));
    Err(format!("there is no {word} `{}`{near}", shorten(name)))
}
