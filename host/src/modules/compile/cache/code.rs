//! Compiled code on its way from a file to an engine: copied once, and checked as it is copied.
//!
//! The copy is this process's alone, and what was checked is what is loaded. On Linux it is a
//! file in memory that nobody can write to any more, this process included: an engine maps it,
//! code and the first contents of memories alike, and reads what is used of it. Elsewhere it is
//! bytes, which an engine copies once more.

use std::fs::File;
use std::io::{Read, Write};

use wasmtime::Engine;
use wasmtime::component::Component;

use super::{MAGIC, TRAILER_BYTES};

/// As much is copied at a time: it stays in the processor's cache between the three that look
/// at it.
const COPIED_BYTES: usize = 256 << 10;

/// Code that is whole, and that nobody else can change.
pub(super) enum Code {
    /// A sealed file in memory.
    #[cfg(target_os = "linux")]
    Sealed(File),
    Bytes(Vec<u8>),
}

impl Code {
    /// Reads so many bytes, which the trailer follows.
    pub(super) fn read(file: &File, length: u64) -> Result<Self, &'static str> {
        #[cfg(target_os = "linux")]
        if let Some(mut memory) = sealed::new() {
            copy(file, length, &mut memory)?;
            sealed::seal(&memory).map_err(|_| "its copy cannot be sealed")?;
            return Ok(Self::Sealed(memory));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        copy(file, length, &mut bytes)?;
        Ok(Self::Bytes(bytes))
    }

    /// The component that this is.
    ///
    /// # Errors
    /// It is for another engine.
    pub(super) fn load(self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: both need what `serialize` made. It comes from a file of this user in a
        // directory of this user, neither of which anybody else can write to (checked on the
        // open descriptors, so nothing can be put in their place afterwards); only `put` writes
        // there, and the checksum says that it is whole. It is in this process's own memory,
        // or in a file in memory that has no name and is sealed, so that nobody can change it
        // after the check. That it fits the engine, wasmtime checks itself.
        unsafe {
            match self {
                #[cfg(target_os = "linux")]
                Self::Sealed(file) => Component::deserialize_file(engine, sealed::path(&file)),
                Self::Bytes(bytes) => Component::deserialize(engine, bytes),
            }
        }
    }
}

/// Copies so many bytes and compares their checksum with the trailer behind them.
fn copy(mut file: &File, length: u64, to: &mut impl Write) -> Result<(), &'static str> {
    let unreadable = |_| "it cannot be read";
    let mut checksum = crc32fast::Hasher::new();
    let mut buffer = vec![0; COPIED_BYTES];
    let mut left = length;
    while left > 0 {
        let most = usize::try_from(left).map_or(COPIED_BYTES, |left| left.min(COPIED_BYTES));
        let count = file.read(&mut buffer[..most]).map_err(unreadable)?;
        if count == 0 {
            return Err("it is cut off");
        }
        checksum.update(&buffer[..count]);
        to.write_all(&buffer[..count]).map_err(|_| "there is no memory for it")?;
        left -= count as u64;
    }
    let mut trailer = [0; TRAILER_BYTES];
    file.read_exact(&mut trailer).map_err(unreadable)?;
    let is_whole =
        trailer.split_at(size_of::<u32>()) == (&checksum.finalize().to_le_bytes(), &MAGIC[..]);
    if is_whole { Ok(()) } else { Err("it is damaged") }
}

/// Files in memory.
#[cfg(target_os = "linux")]
mod sealed {
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::path::{Path, PathBuf};

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    /// One that is empty; nothing where the system has none, or no names for open files.
    pub(super) fn new() -> Option<File> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = File::from(memfd_create("compiled code", flags).ok()?);
        path(&file).exists().then_some(file)
    }

    /// From here on nobody can change it.
    pub(super) fn seal(file: &File) -> rustix::io::Result<()> {
        let all = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        fcntl_add_seals(file, all)
    }

    /// By which this process, and no other, can open it.
    pub(super) fn path(file: &File) -> PathBuf {
        Path::new("/proc/self/fd").join(file.as_raw_fd().to_string())
    }
}
