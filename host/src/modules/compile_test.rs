//! Compiling once, and the cache of compiled code.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use wasmtime::component::Linker;
use wasmtime::{Config, Engine, Store};

use super::compile::{Compiler, Engines, Progress, Step, Tier, TierChoice};
use super::guests::{ADD, SUBTRACT, binary, engine};
use super::module::Module;
use super::shape::Shape;

/// How often the compiler compiled and took from the cache.
#[derive(Default)]
struct Counts {
    compiled: AtomicUsize,
    cached: AtomicUsize,
    failed: AtomicUsize,
}

impl Counts {
    fn seen(&self) -> (usize, usize, usize) {
        let get = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (get(&self.compiled), get(&self.cached), get(&self.failed))
    }
}

fn counting(engines: Engines, cache: Option<&Path>) -> (Arc<Compiler>, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let seen = Arc::clone(&counts);
    let hook = move |progress: &Progress| {
        let count = match progress.step {
            Step::Started => return,
            Step::Done(_) => &seen.compiled,
            Step::Cached(_) => &seen.cached,
            Step::Failed(_) => &seen.failed,
        };
        count.fetch_add(1, Ordering::SeqCst);
    };
    let mut compiler = Compiler::new(engines).with_progress(Arc::new(hook));
    if let Some(cache) = cache {
        compiler = compiler.with_cache(cache);
    }
    (Arc::new(compiler), counts)
}

fn cached_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("the cache is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// What the component's `add` makes of 7 and 2: it runs, and it is the right one.
fn seven_and_two(component: &wasmtime::component::Component) -> u32 {
    let mut store = Store::new(component.engine(), ());
    store.set_epoch_deadline(1);
    let instance = Linker::new(component.engine())
        .instantiate(&mut store, component)
        .expect("it needs no imports");
    let add = instance.get_typed_func::<(u32, u32), (u32,)>(&mut store, "add").expect("its type");
    add.call(&mut store, (7, 2)).expect("it runs").0
}

#[test]
fn ten_who_ask_at_once_share_one_compilation() {
    let (compiler, counts) = counting(Engines::single(engine()), None);
    let module = Module::new(ADD.as_bytes(), compiler).expect("a module");
    let barrier = Barrier::new(10);
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(seven_and_two(&module.component(Tier::Dense).expect("it compiles")), 9);
            });
        }
    });
    assert_eq!(counts.seen(), (1, 0, 0));
}

#[test]
fn two_modules_of_the_same_bytes_that_ask_at_once_compile_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let (compiler, counts) = counting(Engines::single(engine()), Some(directory.path()));
    let bytes = binary(ADD);
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                compiler.compile(&bytes, Tier::Dense).expect("it compiles");
            });
        }
    });
    // Whoever came too late for the flight found the file.
    assert_eq!(counts.seen().0, 1);
}

#[test]
fn compiled_code_is_found_again_by_another_compiler_and_works() {
    let directory = tempfile::tempdir().expect("a directory");
    let (first, counts) = counting(Engines::single(engine()), Some(directory.path()));
    let bytes = binary(ADD);
    assert_eq!(seven_and_two(&first.compile(&bytes, Tier::Dense).expect("it compiles")), 9);
    assert_eq!(counts.seen(), (1, 0, 0));
    let (second, counts) = counting(Engines::single(engine()), Some(directory.path()));
    assert_eq!(seven_and_two(&second.compile(&bytes, Tier::Dense).expect("it is there")), 9);
    assert_eq!(counts.seen(), (0, 1, 0));
    assert_eq!(cached_files(directory.path()).len(), 1, "no file of a write is left");
}

#[test]
fn tiers_engines_and_modules_do_not_share_compiled_code() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut config = Config::new();
    config.epoch_interruption(false);
    let other = Engine::new(&config).expect("an engine");
    let bytes = binary(ADD);
    let (one, _) = counting(Engines::single(engine()), Some(directory.path()));
    one.compile(&bytes, Tier::Dense).expect("it compiles");
    one.compile(&bytes, Tier::Fast).expect("it compiles");
    one.compile(&binary(SUBTRACT), Tier::Fast).expect("it compiles");
    let (two, counts) = counting(Engines::single(other), Some(directory.path()));
    two.compile(&bytes, Tier::Dense).expect("it compiles");
    assert_eq!(counts.seen(), (1, 0, 0), "another engine's code does not fit");
    assert_eq!(cached_files(directory.path()).len(), 4);
}

#[test]
fn damaged_compiled_code_is_compiled_again_and_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let bytes = binary(ADD);
    let (compiler, _) = counting(Engines::single(engine()), Some(directory.path()));
    compiler.compile(&bytes, Tier::Dense).expect("it compiles");
    let file = cached_files(directory.path()).remove(0);
    let whole = std::fs::read(&file).expect("the code");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let foreign = b"not code at all".repeat(100);
    for damaged in [&whole[..whole.len() / 2], &whole[..10], &[][..], &flipped, &foreign] {
        std::fs::write(&file, damaged).expect("writing");
        let (again, counts) = counting(Engines::single(engine()), Some(directory.path()));
        assert_eq!(seven_and_two(&again.compile(&bytes, Tier::Dense).expect("it compiles")), 9);
        assert_eq!(counts.seen(), (1, 0, 0));
        assert_eq!(std::fs::read(&file).expect("the code").len(), whole.len());
    }
}

#[test]
fn code_that_others_could_have_written_is_not_loaded() {
    let directory = tempfile::tempdir().expect("a directory");
    let bytes = binary(ADD);
    let (compiler, _) = counting(Engines::single(engine()), Some(directory.path()));
    compiler.compile(&bytes, Tier::Dense).expect("it compiles");
    let file = cached_files(directory.path()).remove(0);
    let open = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(&file, open).expect("the mode");
    let (again, counts) = counting(Engines::single(engine()), Some(directory.path()));
    again.compile(&bytes, Tier::Dense).expect("it compiles");
    assert_eq!(counts.seen(), (1, 0, 0), "compiled, not loaded");

    // A link in its place is not followed, wherever it leads.
    let elsewhere = directory.path().join("elsewhere");
    std::fs::rename(&file, &elsewhere).expect("a move");
    std::os::unix::fs::symlink(&elsewhere, &file).expect("a link");
    let (again, counts) = counting(Engines::single(engine()), Some(directory.path()));
    again.compile(&bytes, Tier::Dense).expect("it compiles");
    assert_eq!(counts.seen(), (1, 0, 0), "compiled, not loaded");
}

#[test]
fn a_cache_that_others_can_write_to_is_not_used() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(directory.path(), open).expect("the mode");
    let (compiler, counts) = counting(Engines::single(engine()), Some(directory.path()));
    assert!(!compiler.has_cache());
    compiler.compile(&binary(ADD), Tier::Dense).expect("it compiles without");
    assert_eq!(counts.seen(), (1, 0, 0));
    assert_eq!(cached_files(directory.path()).len(), 0);
}

#[test]
fn a_cache_of_another_user_is_not_private() {
    let user = rustix::process::geteuid();
    let other = user.as_raw().wrapping_add(1);
    assert_eq!(super::compile::not_private(user.as_raw(), 0o100_700, user), None);
    assert_eq!(super::compile::not_private(user.as_raw(), 0o100_755, user), None);
    assert!(super::compile::not_private(other, 0o100_700, user).is_some());
    assert!(super::compile::not_private(user.as_raw(), 0o100_720, user).is_some());
    assert!(super::compile::not_private(user.as_raw(), 0o100_702, user).is_some());
}

#[test]
fn without_a_usable_cache_everything_works_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    std::fs::write(&file, "in the way").expect("writing");
    let (compiler, _) = counting(Engines::single(engine()), Some(&file.join("cache")));
    assert!(!compiler.has_cache());
    compiler.compile(&binary(ADD), Tier::Dense).expect("it compiles");

    // And when it goes away later.
    let cache = directory.path().join("cache");
    let (compiler, counts) = counting(Engines::single(engine()), Some(&cache));
    assert!(compiler.has_cache());
    std::fs::remove_dir_all(&cache).expect("removing");
    compiler.compile(&binary(ADD), Tier::Dense).expect("it compiles");
    compiler.compile(&binary(SUBTRACT), Tier::Dense).expect("it compiles");
    assert_eq!(counts.seen(), (2, 0, 0));
}

#[test]
fn what_the_engine_refuses_is_an_error_for_all_who_asked() {
    let (compiler, counts) = counting(Engines::single(engine()), None);
    let error = compiler.compile(b"\0asm\x0d\0\x01\0\x07", Tier::Fast).expect_err("cut off");
    assert!(error.to_string().contains("the fast engine refuses"), "{error}");
    assert_eq!(counts.seen(), (0, 0, 1));
}

#[test]
fn the_async_form_gives_the_same_code() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (compiler, counts) = counting(Engines::single(engine()), None);
    let module = Module::new(ADD.as_bytes(), compiler).expect("a module");
    assert!(module.compiled(Tier::Dense).is_none());
    let one = runtime.block_on(module.component_async(Tier::Dense)).expect("it compiles");
    let two = runtime.block_on(module.component_async(Tier::Dense)).expect("it is there");
    assert_eq!((seven_and_two(&one), seven_and_two(&two)), (9, 9));
    assert!(module.compiled(Tier::Dense).is_some() && module.compiled(Tier::Fast).is_none());
    assert_eq!(counts.seen(), (1, 0, 0));
}

#[test]
fn auto_gives_small_modules_the_dense_tier_and_language_runtimes_the_fast_one() {
    let small = Shape { code_bytes: 100_000, memory_bytes_min: 17 << 16, ..Shape::default() };
    let large = Shape { code_bytes: 2_500_000, ..Shape::default() };
    assert_eq!(TierChoice::Auto.tier(&small), Tier::Dense);
    assert_eq!(TierChoice::Auto.tier(&large), Tier::Fast);
    assert_eq!(TierChoice::Dense.tier(&large), Tier::Dense);
    assert_eq!("fast".parse::<TierChoice>().map(|choice| choice.tier(&small)), Ok(Tier::Fast));
    assert!("faster".parse::<TierChoice>().is_err());
}
