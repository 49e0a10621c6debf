//! Where actors' output goes and their input comes from, on the host's side.
//!
//! A group leader is an actor. A guest can be one; this file makes hosts be one: a
//! [`Device`] (a terminal, a pipe, a client's connection) behind a pid, and the
//! node's own [`Output`] for actors that nobody is attached to.

mod device;
mod output;
mod terminal;

pub(crate) use device::lead;
pub use device::{Device, Leader};
pub use output::{Line, Output, Source, Subscription};
pub use terminal::Terminal;

/// Text that is safe to show: control characters are shown as `\x1b` and the like,
/// line ends and tabs excepted, and what is over `bytes_max` is cut.
pub fn escape(text: &str, bytes_max: usize) -> String {
    let end = text.floor_char_boundary(bytes_max);
    let mut safe = String::with_capacity(end);
    for character in text[..end].chars() {
        match character {
            '\n' | '\t' => safe.push(character),
            // C0, DEL and C1 start escape sequences; the bidirectional overrides
            // make text read other than it is.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                safe.extend(character.escape_unicode());
            }
            _ if character.is_control() => {
                safe.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            _ => safe.push(character),
        }
    }
    if end < text.len() {
        safe.push_str("...");
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn control_characters_are_shown_and_not_sent() {
        assert_eq!(escape("a\x1b[31mb\x07\tc\n", 100), "a\\x1b[31mb\\x07\tc\n");
        assert_eq!(escape("\u{9b}31m", 100), "\\x9b31m");
        assert_eq!(escape("a\u{202e}b", 100), "a\\u{202e}b");
        assert_eq!(escape("grün", 100), "grün");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(escape("ααα", 3), "α...");
    }
}
