//! Linear memories: zero at first sight, kept through relocation, refused with
//! the limit named.

use super::setup::{self, Dense};
use odeon_arena::{MemoryArena, MemoryOptions, StackArena, StackOptions};
use wasmtime::{Config, Engine, Instance, Module, Store};

/// Exports `grow`, and `fill`/`check`, which write and compare a pattern that
/// differs in every word over whole 64 KiB pages `[from, to)`.
const GROWER: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "fill") (param $from i32) (param $to i32) (param $key i32)
    (local $at i32)
    (local.set $at (i32.shl (local.get $from) (i32.const 16)))
    (loop $next
      (i32.store (local.get $at) (i32.xor (local.get $at) (local.get $key)))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (i32.shl (local.get $to) (i32.const 16))))))
  (func (export "wrong") (param $from i32) (param $to i32) (param $key i32) (result i32)
    (local $at i32) (local $wrong i32)
    (local.set $at (i32.shl (local.get $from) (i32.const 16)))
    (loop $next
      (local.set $wrong (i32.add (local.get $wrong)
        (i32.ne (i32.load (local.get $at)) (i32.xor (local.get $at) (local.get $key)))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (i32.shl (local.get $to) (i32.const 16)))))
    (local.get $wrong))
  (func (export "dirty") (param $from i32) (param $to i32) (result i32)
    (local $at i32) (local $dirty i32)
    (local.set $at (i32.shl (local.get $from) (i32.const 16)))
    (loop $next
      (local.set $dirty (i32.add (local.get $dirty)
        (i32.ne (i32.load (local.get $at)) (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (i32.shl (local.get $to) (i32.const 16)))))
    (local.get $dirty)))"#;

/// An instance of [`GROWER`].
struct Grower {
    store: Store<()>,
    instance: Instance,
}

impl Grower {
    fn new(dense: &Dense, module: &Module) -> wasmtime::Result<Self> {
        let mut store = Store::new(&dense.engine, ());
        let instance = Instance::new(&mut store, module, &[])?;
        Ok(Self { store, instance })
    }

    fn grow(&mut self, pages: i32) -> i32 {
        let grow = self.instance.get_typed_func(&mut self.store, "grow").expect("an export");
        grow.call(&mut self.store, pages).expect("growing does not trap")
    }

    fn fill(&mut self, from: i32, to: i32, key: i32) {
        let fill = self.instance.get_typed_func(&mut self.store, "fill").expect("an export");
        fill.call(&mut self.store, (from, to, key)).expect("within the memory")
    }

    fn wrong(&mut self, from: i32, to: i32, key: i32) -> i32 {
        let wrong = self.instance.get_typed_func(&mut self.store, "wrong").expect("an export");
        wrong.call(&mut self.store, (from, to, key)).expect("within the memory")
    }

    fn dirty(&mut self, from: i32, to: i32) -> i32 {
        let dirty = self.instance.get_typed_func(&mut self.store, "dirty").expect("an export");
        dirty.call(&mut self.store, (from, to)).expect("within the memory")
    }

    fn load(&mut self, address: i32) -> wasmtime::Result<i32> {
        let load = self.instance.get_typed_func(&mut self.store, "load").expect("an export");
        load.call(&mut self.store, address)
    }
}

#[test]
fn growing_past_a_slot_keeps_the_contents_and_adds_zeros() {
    let dense = setup::small();
    let module = dense.module(GROWER);
    let mut actor = Grower::new(&dense, &module).expect("a memory");
    let base = |actor: &mut Grower| {
        let memory = actor.instance.get_memory(&mut actor.store, "memory").expect("an export");
        memory.data_ptr(&actor.store).addr()
    };
    actor.fill(0, 1, 0x1234);
    let first = base(&mut actor);
    // 64 KiB -> 256 KiB: moves.
    assert_eq!(actor.grow(1), 1);
    let second = base(&mut actor);
    assert_ne!(first, second);
    assert_eq!(actor.wrong(0, 1, 0x1234), 0);
    assert_eq!(actor.dirty(1, 2), 0);
    // Within 256 KiB: stays.
    actor.fill(1, 2, 0x77);
    assert_eq!(actor.grow(2), 2);
    assert_eq!(base(&mut actor), second);
    // 256 KiB -> 2 MiB: moves again.
    assert_eq!(actor.grow(28), 4);
    assert_ne!(base(&mut actor), second);
    assert_eq!(actor.wrong(0, 1, 0x1234), 0);
    assert_eq!(actor.wrong(1, 2, 0x77), 0);
    assert_eq!(actor.dirty(2, 32), 0);
    let in_use: Vec<u64> = dense.memories.stats().iter().map(|class| class.in_use).collect();
    assert_eq!(in_use, [0, 0, 1], "the slots left behind are free");
    drop(actor);
    dense.assert_nothing_in_use();
}

#[test]
fn no_actor_sees_what_another_left() {
    let dense = setup::small();
    let module = dense.module(GROWER);
    for round in 0..40 {
        let mut actor = Grower::new(&dense, &module).expect("a memory");
        let pages = [1, 3, 32][round % 3];
        assert_eq!(actor.grow(pages - 1), 1);
        assert_eq!(actor.dirty(0, pages), 0, "round {round}");
        actor.fill(0, pages, -1);
    }
    dense.assert_nothing_in_use();
}

#[test]
fn an_access_past_the_size_traps_though_the_slot_goes_on() {
    let dense = setup::small();
    let module = dense.module(GROWER);
    let mut actor = Grower::new(&dense, &module).expect("a memory");
    assert_eq!(actor.grow(1), 1);
    assert_eq!(actor.load((128 << 10) - 1).expect("the last byte"), 0);
    for address in [128 << 10, 200 << 10, 256 << 10, 3 << 20, -1] {
        let trap = actor.load(address).expect_err("out of bounds");
        assert_eq!(trap.downcast_ref(), Some(&wasmtime::Trap::MemoryOutOfBounds), "{address}");
    }
}

#[test]
fn growth_without_a_slot_is_refused_and_harmless() {
    let dense = setup::small();
    let module = dense.module(GROWER);
    let mut actors: Vec<Grower> =
        (0..3).map(|_| Grower::new(&dense, &module).expect("a memory")).collect();
    for actor in &mut actors {
        actor.fill(0, 1, 9);
    }
    assert_eq!(actors[0].grow(31), 1);
    assert_eq!(actors[1].grow(31), 1);
    assert_eq!(actors[2].grow(31), -1, "both 2 MiB slots are taken");
    assert_eq!(actors[2].grow(3), 1, "a smaller step still fits");
    assert_eq!(actors[2].grow(1_000), -1, "beyond the largest slot");
    for actor in &mut actors {
        assert_eq!(actor.wrong(0, 1, 9), 0);
    }
    actors.remove(0);
    assert_eq!(actors[1].grow(20), 4, "a freed slot serves the next");
}

#[test]
fn a_spawn_without_a_slot_names_the_limit() {
    let dense = setup::small();
    let module = dense.module(GROWER);
    // 8 small slots, then the larger classes as a spill: 14 in all.
    let actors: Vec<Grower> =
        (0..14).map(|_| Grower::new(&dense, &module).expect("a memory")).collect();
    let error = Grower::new(&dense, &module).map(drop).expect_err("no slot is left");
    let text = format!("{error:#}");
    assert!(text.contains("all 14 arena slots for a linear memory of 65536 bytes"), "{text}");
    let large = dense.module("(module (memory 64))");
    let error = Grower::new(&dense, &large).map(drop).expect_err("4 MiB");
    let text = format!("{error:#}");
    assert!(text.contains("exceeds the largest arena slot of 2097152 bytes"), "{text}");
    drop(actors);
    assert!(Grower::new(&dense, &module).is_ok());
}

#[test]
fn an_engine_that_relies_on_guards_is_refused() {
    let stacks = StackArena::new(&StackOptions::new(setup::STACK_BYTES)).expect("stacks");
    let memories = MemoryArena::new(&setup::small_classes()).expect("memories");
    let check = |change: fn(&mut Config), setting: &str| {
        let mut config = setup::config(&stacks, &memories);
        change(&mut config);
        let engine = Engine::new(&config).expect("a valid configuration");
        let module = Module::new(&engine, GROWER).expect("a valid module");
        let error = Instance::new(Store::new(&engine, ()), &module, &[]).expect_err("unsound");
        assert!(format!("{error:#}").contains(setting), "{error:#}");
    };
    check(|config| _ = config.memory_reservation(1 << 20), "memory_reservation(0)");
    check(|config| _ = config.memory_guard_size(64 << 10), "memory_guard_size(0)");
}

#[test]
fn the_default_classes_fit_this_machine() {
    let options = MemoryOptions::new();
    let arena = MemoryArena::new(&options).expect("37 TiB of address space");
    let reserved: u64 = arena.stats().iter().map(|class| class.reserved_bytes).sum();
    assert_eq!(reserved, options.reserved_bytes());
    assert!(reserved < 64 << 40, "half of the address space is left");
    assert!(options.clone().within(1 << 40).reserved_bytes() <= 1 << 40);
    assert_eq!(options.clone().within(1 << 40).classes.len(), options.classes.len());
}

#[test]
fn classes_out_of_order_are_refused() {
    let mut options = setup::small_classes();
    options.classes.reverse();
    assert!(MemoryArena::new(&options).is_err());
    options.classes.clear();
    assert!(MemoryArena::new(&options).is_err());
}
