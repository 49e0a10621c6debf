//! What kind of file this is, by its first bytes.
//!
//! Decides nothing beyond the kind; a wrong file is described so that its owner recognises it.

use super::error::LoadError;

/// The kinds of files that can become a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// A component in the binary format.
    Component,
    /// A core module in the binary format.
    CoreModule,
    /// Either of them as text.
    Text,
}

const MAGIC: &[u8] = b"\0asm";
const CORE_VERSION: [u8; 4] = [1, 0, 0, 0];
const COMPONENT_VERSION: [u8; 4] = [0x0d, 0, 1, 0];

/// Names the kind.
pub(super) fn sniff(bytes: &[u8]) -> Result<Sniffed, LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    if let Some(after_magic) = bytes.strip_prefix(MAGIC) {
        let Some(version) = after_magic.first_chunk::<4>() else {
            return Err(LoadError::Truncated { offset: 4, length: bytes.len() });
        };
        return match *version {
            CORE_VERSION => Ok(Sniffed::CoreModule),
            COMPONENT_VERSION => Ok(Sniffed::Component),
            other => Err(LoadError::BadVersion { version: u32::from_le_bytes(other) }),
        };
    }
    if MAGIC.starts_with(bytes) {
        return Err(LoadError::Truncated { offset: 0, length: bytes.len() });
    }
    if starts_like_text(bytes) {
        return Ok(Sniffed::Text);
    }
    Err(LoadError::NotWasm { found: describe(bytes) })
}

/// Whether the first thing after blanks and comments is a parenthesis.
fn starts_like_text(bytes: &[u8]) -> bool {
    let mut rest = bytes.trim_ascii_start();
    // A block comment starts with a parenthesis itself, so only line comments are skipped.
    while rest.starts_with(b";;") {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        rest = rest[end..].trim_ascii_start();
    }
    rest.starts_with(b"(")
}

/// What a foreign file looks like, and what to do.
fn describe(bytes: &[u8]) -> String {
    let found = match bytes {
        _ if wasmtime::Engine::detect_precompiled(bytes).is_some() => {
            "compiled code (.cwasm), which is never accepted: give the .wasm that it was made from"
        }
        [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] | [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => {
            "a native program: build it for WebAssembly, for Rust with --target wasm32-wasip2"
        }
        [b'P', b'K', 3, 4, ..] | [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            "a compressed archive: unpack it, and give the .wasm within"
        }
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => {
            "a static library: link it into a program, and give the .wasm that it makes"
        }
        [b'#', b'!', ..] => "a script: compile it to a component first",
        _ => return describe_other(bytes),
    };
    found.to_owned()
}

fn describe_other(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(256)];
    let printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if head.iter().all(printable) {
        return "text, but not component text, which starts with `(`: compile the source to a \
                component first"
            .to_owned();
    }
    let shown = &bytes[..bytes.len().min(4)];
    format!("it starts with the bytes {shown:02x?} instead of 00 61 73 6d: name a .wasm file")
}
