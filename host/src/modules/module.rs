//! One module: a checked component, its shape, and its machine code for each tier, made when it
//! is first asked for.
//!
//! Shared by everything that runs it; knows nothing of where its bytes are kept.

use std::fmt;
use std::sync::{Arc, OnceLock};

use wasmtime::component::Component;

use super::compile::{CompileError, Compiler, Tier};
use super::digest::Digest;
use super::load::{Check, LoadError, Loaded, Source, load};
use super::shape::Shape;

/// A module that can be compiled and run.
pub struct Module {
    loaded: Loaded,
    compiler: Arc<Compiler>,
    dense: OnceLock<Result<Component, CompileError>>,
    fast: OnceLock<Result<Component, CompileError>>,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("digest", &self.loaded.digest).finish_non_exhaustive()
    }
}

impl Module {
    /// Checks bytes that somebody gave, such as a file's. Compiles nothing yet.
    ///
    /// # Errors
    ///
    /// The bytes are not a module; see [`LoadError`].
    pub fn new(bytes: &[u8], compiler: Arc<Compiler>) -> Result<Arc<Module>, LoadError> {
        Ok(Module::from_loaded(load(bytes, Check::Full)?, compiler))
    }

    /// A module of bytes that were checked.
    pub fn from_loaded(loaded: Loaded, compiler: Arc<Compiler>) -> Arc<Module> {
        let (dense, fast) = (OnceLock::new(), OnceLock::new());
        Arc::new(Module { loaded, compiler, dense, fast })
    }

    /// The digest of the bytes as they were deployed.
    pub fn digest(&self) -> Digest {
        self.loaded.digest
    }

    /// The length of the bytes as they were deployed.
    pub fn source_bytes(&self) -> u64 {
        self.loaded.source_bytes
    }

    /// What was deployed.
    pub fn source(&self) -> Source {
        self.loaded.source
    }

    /// What it imports and exports.
    pub fn shape(&self) -> &Shape {
        &self.loaded.shape
    }

    /// The checked component and all that was found out about it.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// The machine code for a tier, if it was made already. Never waits for a compilation.
    pub fn compiled(&self, tier: Tier) -> Option<Component> {
        self.slot(tier).get().and_then(|outcome| outcome.as_ref().ok()).cloned()
    }

    /// The machine code for a tier, made now if need be. Blocks meanwhile: milliseconds from the
    /// cache, seconds where a language runtime is compiled. Concurrent calls share the work.
    ///
    /// # Errors
    ///
    /// The engine does not accept the module; that stays so.
    pub fn component(&self, tier: Tier) -> Result<Component, CompileError> {
        let compile = || {
            self.compiler.compile_known(&self.loaded.component, self.loaded.component_digest, tier)
        };
        self.slot(tier).get_or_init(compile).clone()
    }

    /// Like [`Module::component`], on a thread that may block.
    ///
    /// # Errors
    ///
    /// The engine does not accept the module, or the runtime is shutting down.
    pub async fn component_async(self: &Arc<Self>, tier: Tier) -> Result<Component, CompileError> {
        if let Some(outcome) = self.slot(tier).get() {
            return outcome.clone();
        }
        let module = Arc::clone(self);
        let compiled = tokio::task::spawn_blocking(move || module.component(tier)).await;
        compiled.unwrap_or_else(|error| Err(CompileError::Crashed { message: error.to_string() }))
    }

    fn slot(&self, tier: Tier) -> &OnceLock<Result<Component, CompileError>> {
        match tier {
            Tier::Dense => &self.dense,
            Tier::Fast => &self.fast,
        }
    }
}
