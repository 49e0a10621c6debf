//! Node names: which text can be one, and which two can belong together.
//!
//! A whole name is `first@host`, of plain words: it becomes a file name on the
//! machines of others, so it must not be able to spell a path.

/// The longest name of a node, in bytes: with an ending it still names a file.
pub const NAME_BYTES_MAX: usize = 200;

/// Whether this text is the whole name of a node, host included.
pub fn is_whole_name(name: &str) -> bool {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
    };
    let parts = name.split_once('@');
    name.len() <= NAME_BYTES_MAX && parts.is_some_and(|(first, host)| part(first) && part(host))
}

/// Whether it is a long name, `a@box.example.org`, rather than a short one, `a@box`.
/// The two kinds do not connect with each other: one host would be two.
pub fn is_long_name(name: &str) -> bool {
    name.split_once('@').is_some_and(|(_, host)| host.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_name_is_two_plain_words() {
        for name in ["a@box", "a-1_b.c@box.example.org", "a@127.0.0.1"] {
            assert!(is_whole_name(name), "{name}");
        }
        let long = format!("{}@box", "a".repeat(NAME_BYTES_MAX));
        for name in ["", "a", "@", "a@", "@box", "a@b@c", "../a@b", "a@..", "a b@c", "ä@b", &long]
        {
            assert!(!is_whole_name(name), "{name}");
        }
    }

    #[test]
    fn a_dot_in_the_host_makes_a_name_long() {
        assert!(is_long_name("a@box.example.org"));
        assert!(!is_long_name("a@box"));
        assert!(!is_long_name("a.b@box"));
    }
}
