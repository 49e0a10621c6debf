//! The arenas under a real wasmtime: actors that grow, recurse, suspend and
//! leave data behind. One test binary; the parts are in `arena/`.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod arena {
    mod density;
    mod faults;
    mod fibers;
    mod memories;
    mod setup;
}
