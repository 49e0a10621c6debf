//! Small components, linked and run.

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use super::{Item, items, linked};

/// Two libraries that share a memory and a table, and the program that uses them.
const LIBRARIES: &str = r#"(component
  (core module $env
    (memory (export "memory") 1)
    (table (export "table") 4 funcref)
    (global (export "base") i32 (i32.const 2))
    (global (export "count") (mut i32) (i32.const 5))
    (data (i32.const 8) "\07"))
  (core module $library
    (import "env" "memory" (memory 1))
    (import "env" "table" (table 4 funcref))
    (import "env" "base" (global $base i32))
    (import "env" "count" (global $count (mut i32)))
    (func $seven (result i32) (i32.load8_u (i32.const 8)))
    (func (export "add") (param i32) (result i32)
      (global.set $count (i32.add (global.get $count) (local.get 0)))
      (global.get $count))
    (elem (global.get $base) func $seven))
  (core module $main
    (import "env" "table" (table 4 funcref))
    (import "library" "add" (func $add (param i32) (result i32)))
    (type $number (func (result i32)))
    (func (export "run") (result i32)
      (call $add (i32.mul (i32.const 5) (call_indirect (type $number) (i32.const 2))))))
  (core instance $e (instantiate $env))
  (core instance $l (instantiate $library (with "env" (instance $e))))
  (alias core export $e "table" (core table $t))
  (alias core export $l "add" (core func $add))
  (core instance $shared (export "table" (table $t)))
  (core instance $its (export "add" (func $add)))
  (core instance $m (instantiate $main
    (with "env" (instance $shared)) (with "library" (instance $its))))
  (func (export "run") (result u32) (canon lift (core func $m "run"))))"#;

fn modules(component: &[u8]) -> usize {
    let items = items(component).expect("a component");
    items.iter().filter(|item| matches!(item, Item::Module(_))).count()
}

fn run(component: &[u8]) -> u32 {
    let engine = Engine::default();
    let component = Component::from_binary(&engine, component).expect("it compiles");
    let mut store = Store::new(&engine, ());
    let linker = Linker::new(&engine);
    let instance = linker.instantiate(&mut store, &component).expect("it starts");
    let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run").expect("it has run");
    run.call(&mut store, ()).expect("it runs").0
}

#[test]
fn libraries_become_one_module_that_does_the_same() {
    let before = wat::parse_str(LIBRARIES).expect("a component");
    let after = linked(&before).expect("it is linked");
    assert_eq!((modules(&before), modules(&after)), (3, 1));
    assert_eq!((run(&before), run(&after)), (40, 40));
}

#[test]
fn modules_of_which_one_does_something_at_its_start_stay_as_they_are() {
    let text = LIBRARIES.replace(
        "(elem (global.get $base) func $seven)",
        "(elem (global.get $base) func $seven) (func $two (global.set $count (i32.const 2))) (start $two)",
    );
    let before = wat::parse_str(text).expect("a component");
    let after = linked(&before).expect("it is a component");
    assert_eq!((modules(&before), modules(&after)), (3, 3));
    assert_eq!((run(&before), run(&after)), (37, 37));
}
