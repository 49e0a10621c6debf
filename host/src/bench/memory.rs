//! What this process uses, page tables included.

/// Bytes of memory, page tables included; what others share counts in part, and what this
/// process maps many times counts once. Looks at each page: not for a million actors.
pub(super) fn own_bytes() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    (kib(&rollup, "Pss:") + kib(&status(), "VmPTE:")) << 10
}

/// Bytes of resident memory and page tables.
pub(super) fn used_bytes() -> u64 {
    let status = status();
    (kib(&status, "VmRSS:") + kib(&status, "VmPTE:")) << 10
}

fn status() -> String {
    std::fs::read_to_string("/proc/self/status").unwrap_or_default()
}

/// The number in the line that begins with this name.
fn kib(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
