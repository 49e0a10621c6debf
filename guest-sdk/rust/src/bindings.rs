//! What `wit-bindgen` makes of `wit/`, and nothing else.
//!
//! The words of the `types` interface are ours (see `types.rs`), so that they
//! have documentation, serde and methods; so is `spawn-error`, which people read. Off wasm every import is a function
//! that panics: that is enough to compile documentation examples and to test
//! what is pure.

wit_bindgen::generate!({
    path: "../../wit",
    world: "actor",
    with: {
        "odeon:actor/types@0.1.0": crate::types,
        "odeon:actor/process@0.1.0/spawn-error": crate::spawn::SpawnError,
    },
    additional_derives: [PartialEq],
    pub_export_macro: true,
    export_macro_name: "export_entry",
    default_bindings_module: "odeon_guest::bindings",
});
