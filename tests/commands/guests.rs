//! Small guests, as text: the program takes text too.

/// Copies its input to its output.
pub(crate) const CAT: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read"
      (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write"
      (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 2)
    (func (export "_start")
      (local $count i32) (local $at i32)
      (loop $again
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (i32.const 65536))
        (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
          (then (call $exit (i32.const 9))))
        (local.set $count (i32.load (i32.const 8)))
        (if (i32.eqz (local.get $count)) (then (return)))
        (local.set $at (i32.const 1024))
        (loop $rest
          (i32.store (i32.const 0) (local.get $at))
          (i32.store (i32.const 4) (local.get $count))
          (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
            (then (call $exit (i32.const 8))))
          (local.set $at (i32.add (local.get $at) (i32.load (i32.const 8))))
          (local.set $count (i32.sub (local.get $count) (i32.load (i32.const 8))))
          (br_if $rest (local.get $count)))
        (br $again))))"#;

/// A program that writes a line to its output and one to its error output, and then
/// does what the text says.
pub(crate) fn says(line: &str, then: &str) -> String {
    let (length, escaped) = (line.len() + 1, escaped(line));
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_write"
          (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 64) "{escaped}\0a")
        (func (export "_start")
          (i32.store (i32.const 0) (i32.const 64))
          (i32.store (i32.const 4) (i32.const {length}))
          (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
          (i32.store (i32.const 0) (i32.const 64))
          (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
          {then}))"#
    )
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("\\{byte:02x}")).collect()
}

/// What a program of [`says`] does to run for ever.
pub(crate) const FOR_EVER: &str = "(loop $again (br $again))";

/// Functions to call: `add`, `divide`, which traps by 0, and `spin`, which never
/// returns.
pub(crate) const CALC: &str = r#"(component
    (core module $m
      (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
      (func (export "divide") (param i32 i32) (result i32)
        local.get 0 local.get 1 i32.div_u)
      (func (export "spin") (loop $again (br $again))))
    (core instance $i (instantiate $m))
    (func (export "add") (param "a" u32) (param "b" u32) (result u32)
      (canon lift (core func $i "add")))
    (func (export "divide") (param "a" u32) (param "b" u32) (result u32)
      (canon lift (core func $i "divide")))
    (func (export "spin") (canon lift (core func $i "spin"))))"#;

/// Asks for what nobody offers.
pub(crate) const ASKING: &str = r#"(component
    (import "evil:host/shell@1.0.0" (instance (export "exec" (func)))))"#;

/// A core module that says nothing of its types.
pub(crate) const CORE: &str = r#"(module (func (export "f")))"#;
