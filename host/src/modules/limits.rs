//! Every maximum of guest code before it runs, with its unit in the name and the reason beside it.
//!
//! Whoever makes a module chooses all of these numbers, so each is checked before anything is
//! allocated or walked in proportion to it.

/// Longest module, in bytes. A Python interpreter with its libraries is 18 MiB; a message of the
/// network bulk lane carries this much.
pub const MODULE_BYTES_MAX: usize = 128 << 20;

/// Longest component text, in bytes. Its syntax tree is some fifty times as large.
pub const WAT_BYTES_MAX: usize = 4 << 20;

/// Most functions of all core modules of one module together. The largest language runtimes have
/// about 30,000; compiling costs some 50 microseconds each at least.
pub const FUNCTIONS_MAX: u32 = 100_000;

/// Longest body of one function, in bytes. Compilation is not linear in it; interpreter loops of
/// language runtimes stay below a quarter of this.
pub const FUNCTION_BYTES_MAX: usize = 2 << 20;

/// Deepest nesting of components within components. Composition tools make 3 or 4 levels.
pub const COMPONENT_DEPTH_MAX: usize = 16;

/// Most instances and canonical functions that a module comes to when every nested component is
/// unfolded as often as it is instantiated. Without it 40 lines of nested components that each
/// instantiate the next twice would compile for ever.
pub const UNFOLDED_ITEMS_MAX: u64 = 20_000;

/// Most entries of any one list of imports or exports that are looked at one by one.
pub const NAMES_LISTED_MAX: usize = 10_000;

/// Most modules that one store holds.
pub const MODULES_MAX: usize = 10_000;

/// Longest name of a module, in bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// All compiled code in the cache on disk, in bytes; the least recently used go first.
pub const CACHE_BYTES_MAX: u64 = 4 << 30;

/// Longest text of one type in messages and listings, in bytes. Types share their parts, so a
/// small module can have a type whose text would fill the memory.
pub const TYPE_TEXT_BYTES_MAX: usize = 2_048;

/// Longest call or value in WAVE or JSON text, in bytes.
pub const VALUE_TEXT_BYTES_MAX: usize = 16 << 20;

/// Most values in one call, its elements and fields counted. Each costs about 100 bytes, and a
/// search among up to 10,000 names of its type.
pub const VALUES_MAX: usize = 100_000;

/// Deepest nesting of values in text.
pub const VALUE_DEPTH_MAX: usize = 64;
