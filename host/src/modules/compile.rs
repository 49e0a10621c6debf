//! From a checked component to machine code, once per component and engine.
//!
//! The compiler is given its engines and owns the cache on disk. It compiles the same component
//! for the same tier once, however many ask at the same time. All of it blocks: callers on a
//! runtime use the async forms of `module`.

mod cache;

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use wasmtime::Engine;
use wasmtime::component::Component;

pub use cache::CacheError;
pub(super) use cache::not_private;

use super::digest::Digest;
use super::near::shorten;
use super::shape::Shape;
use cache::{Cache, CacheKey};

/// Code of more bytes than this is a language runtime rather than an actor: its instances are
/// few and busy, so `Auto` gives it the fast tier.
const DENSE_CODE_BYTES_MAX: u64 = 1 << 20;

/// The same for the memory that an instance starts with.
const DENSE_MEMORY_BYTES_MAX: u64 = 4 << 20;

/// Which engine runs a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// As many instances as fit into the memory.
    Dense,
    /// Fewer instances, whose code runs faster.
    Fast,
}

/// Which engine somebody asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TierChoice {
    /// The one that suits the module's size.
    #[default]
    Auto,
    /// The dense one.
    Dense,
    /// The fast one.
    Fast,
}

impl TierChoice {
    /// The tier for a module of this shape.
    pub fn tier(self, shape: &Shape) -> Tier {
        let large = shape.code_bytes > DENSE_CODE_BYTES_MAX
            || shape.memory_bytes_min > DENSE_MEMORY_BYTES_MAX;
        match self {
            TierChoice::Dense => Tier::Dense,
            TierChoice::Fast => Tier::Fast,
            TierChoice::Auto if large => Tier::Fast,
            TierChoice::Auto => Tier::Dense,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::Dense => "dense",
            Tier::Fast => "fast",
        })
    }
}

/// Text that names no tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a tier: write `auto`, `dense` or `fast`")]
pub struct BadTier;

impl FromStr for TierChoice {
    type Err = BadTier;

    fn from_str(text: &str) -> Result<TierChoice, BadTier> {
        match text {
            "auto" => Ok(TierChoice::Auto),
            "dense" => Ok(TierChoice::Dense),
            "fast" => Ok(TierChoice::Fast),
            _ => Err(BadTier),
        }
    }
}

/// The engines of a host. Both may be the same one.
#[derive(Clone)]
pub struct Engines {
    /// Runs the dense tier.
    pub dense: Engine,
    /// Runs the fast tier.
    pub fast: Engine,
}

impl Engines {
    /// One engine for both tiers.
    pub fn single(engine: Engine) -> Engines {
        Engines { dense: engine.clone(), fast: engine }
    }

    /// The engine of a tier.
    pub fn of(&self, tier: Tier) -> &Engine {
        match tier {
            Tier::Dense => &self.dense,
            Tier::Fast => &self.fast,
        }
    }
}

/// Why a component could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The engine refuses it: invalid code, or something that the engine is not set up for.
    #[error("the {tier} engine refuses the module: {message}")]
    Refused {
        /// The engine.
        tier: Tier,
        /// Its words.
        message: String,
    },
    /// A fault of the compiler, which this module brought out.
    #[error("compiling the module made the compiler fail ({message}): please report it as a bug")]
    Crashed {
        /// What was said.
        message: String,
    },
}

/// What happens to a module in the compiler: for whoever shows progress.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The digest of the component in the binary format.
    pub component: Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// The engine that it is compiled for.
    pub tier: Tier,
    /// How far it is.
    pub step: Step,
}

/// How far a compilation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was in the cache; loading took so long.
    Cached(Duration),
    /// It begins. `Done` or `Failed` follows.
    Started,
    /// It is done, after so long.
    Done(Duration),
    /// It failed, after so long.
    Failed(Duration),
}

/// Called from the thread that compiles; must not block.
pub type ProgressHook = Arc<dyn Fn(&Progress) + Send + Sync>;

/// A compilation that is under way, or its outcome, for all who asked meanwhile.
type Flight = Arc<OnceLock<Result<Component, CompileError>>>;

/// Compiles components for the engines that it was given.
pub struct Compiler {
    engines: Engines,
    cache: Option<Cache>,
    hook: Option<ProgressHook>,
    /// Only what is under way: what is done belongs to the module that asked.
    flights: Mutex<HashMap<(Digest, Tier), Flight>>,
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiler").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl Compiler {
    /// A compiler that keeps nothing on disk.
    pub fn new(engines: Engines) -> Compiler {
        Compiler { engines, cache: None, hook: None, flights: Mutex::default() }
    }

    /// Keeps compiled code in this directory, which is made with mode 0700 if it is not there.
    /// A directory that cannot be used, or that others could write to, is not used: that is
    /// logged once, and everything works on without it.
    #[must_use]
    pub fn with_cache(mut self, directory: impl Into<PathBuf>) -> Compiler {
        let directory = directory.into();
        match Cache::open(&directory) {
            Ok(cache) => self.cache = Some(cache),
            Err(error) => tracing::warn!("compiled code is not kept: {error}"),
        }
        self
    }

    /// Calls a function at each step.
    #[must_use]
    pub fn with_progress(mut self, hook: ProgressHook) -> Compiler {
        self.hook = Some(hook);
        self
    }

    /// The engines.
    pub fn engines(&self) -> &Engines {
        &self.engines
    }

    /// Whether compiled code is kept on disk.
    pub fn has_cache(&self) -> bool {
        self.cache.is_some()
    }

    /// Compiles a component that `load` has checked, or takes it from the cache. Asked for the
    /// same one by several threads at once, it works once, and all get the outcome.
    ///
    /// Blocks for seconds where a language runtime is compiled.
    ///
    /// # Errors
    ///
    /// The engine does not accept it.
    pub fn compile(&self, component: &[u8], tier: Tier) -> Result<Component, CompileError> {
        self.compile_known(component, Digest::of(component), tier)
    }

    /// The same for a component whose digest is known.
    pub(super) fn compile_known(
        &self,
        component: &[u8],
        digest: Digest,
        tier: Tier,
    ) -> Result<Component, CompileError> {
        let flight = Arc::clone(self.flights.lock().entry((digest, tier)).or_default());
        let outcome = flight.get_or_init(|| self.obtain(digest, component, tier)).clone();
        let mut flights = self.flights.lock();
        // Somebody may have begun anew meanwhile: only this flight is removed.
        if flights.get(&(digest, tier)).is_some_and(|current| Arc::ptr_eq(current, &flight)) {
            flights.remove(&(digest, tier));
        }
        outcome
    }

    fn obtain(
        &self,
        digest: Digest,
        component: &[u8],
        tier: Tier,
    ) -> Result<Component, CompileError> {
        let begun = Instant::now();
        let report = |step| {
            if let Some(hook) = &self.hook {
                let bytes = component.len() as u64;
                hook(&Progress { component: digest, bytes, tier, step });
            }
        };
        let engine = self.engines.of(tier);
        let key = CacheKey { digest, tier, engine: engine_hash(engine) };
        if let Some(compiled) = self.cache.as_ref().and_then(|cache| cache.get(&key, engine)) {
            report(Step::Cached(begun.elapsed()));
            return Ok(compiled);
        }
        report(Step::Started);
        let compiled = compile_now(engine, component, tier);
        match &compiled {
            Ok(compiled) => {
                if let Some(cache) = &self.cache {
                    cache.put(&key, compiled);
                }
                report(Step::Done(begun.elapsed()));
            }
            Err(_) => report(Step::Failed(begun.elapsed())),
        }
        compiled
    }
}

fn compile_now(engine: &Engine, component: &[u8], tier: Tier) -> Result<Component, CompileError> {
    // A panic of the code generator is a fault in a library that guest code brought out. It must
    // cost this module, not the node; the engine keeps nothing of a compilation that failed.
    let compiled = catch_unwind(AssertUnwindSafe(|| Component::from_binary(engine, component)));
    match compiled {
        Ok(Ok(compiled)) => Ok(compiled),
        Ok(Err(error)) => {
            let causes: Vec<String> =
                error.chain().take(4).map(|cause| shorten(&cause.to_string())).collect();
            Err(CompileError::Refused { tier, message: causes.join(": ") })
        }
        Err(panic) => {
            let message = shorten(&super::load::panic_text(panic.as_ref()));
            Err(CompileError::Crashed { message })
        }
    }
}

/// What decides whether code compiled elsewhere fits this engine: wasmtime's version and all
/// settings that the code depends on.
fn engine_hash(engine: &Engine) -> u64 {
    // The same in every process of one build; another build only compiles once more.
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}
