//! What can become a module, and what every wrong file is told.

use super::guests::{ADD, INTERFACES, PREVIEW1, binary};
use super::limits::{FUNCTION_BYTES_MAX, WAT_BYTES_MAX};
use super::load::{Check, LoadError, Loaded, Source, load};
use super::shape::{Grant, Offer};

fn ok(text: &str) -> Loaded {
    load(text.as_bytes(), Check::Full).unwrap_or_else(|error| panic!("refused: {error}\n{text}"))
}

/// The message that these bytes get.
fn refused(bytes: &[u8]) -> String {
    match load(bytes, Check::Full) {
        Ok(_) => panic!("accepted: {bytes:?}"),
        Err(LoadError::Crashed { message }) => panic!("the loader panicked: {message}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_component_loads_from_binary_and_from_text_alike() {
    let text = ok(ADD);
    let binary = load(&binary(ADD), Check::Full).expect("a component");
    assert_eq!((text.source, binary.source), (Source::Component, Source::Component));
    assert_eq!((text.text, binary.text), (true, false));
    assert_eq!(text.component, binary.component);
    assert_ne!(text.digest, binary.digest, "the digest is of what was given");
    assert_eq!(text.shape, binary.shape);
    assert_eq!(text.shape.functions_count, 1);
    let function = &text.shape.functions[0];
    assert_eq!(function.path(), "add");
    assert_eq!(function.signature, "func(a: u32, b: u32) -> u32");
    assert_eq!(function.not_callable, None);
}

/// A component of one core module, which has this, and of this after it.
fn with_parts(core: &str, outer: &str) -> Loaded {
    ok(&format!(
        r#"(component
             (core module $m {core} (func (export "nothing")))
             (core instance $i (instantiate $m))
             (func (export "nothing") (canon lift (core func $i "nothing")))
             {outer})"#
    ))
}

#[test]
fn a_module_keeps_nothing_if_it_has_nothing_that_changes() {
    let constant = "(global i32 (i32.const 7)) (func $f (param i32) (result i32) local.get 0)";
    for core in ["", constant] {
        assert!(with_parts(core, "").keeps_nothing, "{core}");
    }
    assert!(ok(ADD).keeps_nothing);
    let changeable =
        ["(memory 0)", "(table 0 funcref)", "(global (mut i32) (i32.const 7))"].map(|it| (it, ""));
    let resource = "(type $r (resource (rep i32))) (core func (canon resource.new $r))";
    let import = r#"(import "odeon:actor/log@0.1.0" (instance (export "log" (func))))"#;
    let nested = "(component (core module (memory 1)))";
    let others = [("", resource), ("", import), ("", nested)];
    for (core, outer) in changeable.into_iter().chain(others) {
        assert!(!with_parts(core, outer).keeps_nothing, "{core}{outer}");
    }
    assert!(!ok(PREVIEW1).keeps_nothing);
}

#[test]
fn text_may_begin_with_blanks_and_comments() {
    assert_eq!(ok(&format!("  \n;; ( not yet\n(; nor yet ;)\n{ADD}")).shape, ok(ADD).shape);
}

#[test]
fn a_preview1_program_becomes_a_command() {
    let loaded = ok(PREVIEW1);
    assert_eq!(loaded.source, Source::Preview1Command);
    let command = loaded.shape.command.as_deref().expect("a command");
    assert!(command.starts_with("wasi:cli/run@0.2."), "{command}");
    assert_eq!(loaded.shape.missing_text(), None);
    assert_eq!(loaded.shape.entry, None);
}

#[test]
fn a_core_module_with_wit_becomes_a_component() {
    let mut resolve = wit_parser::Resolve::default();
    let wit = "package my:calc; world calc { export add: func(a: u32, b: u32) -> u32; }";
    let package = resolve.push_source("calc.wit", wit).expect("the test's WIT is right");
    let world = resolve.select_world(&[package], Some("calc")).expect("its world");
    let mut module = binary(
        r#"(module (func (export "add") (param i32 i32) (result i32)
             local.get 0 local.get 1 i32.add))"#,
    );
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding)
        .expect("embedding works");
    let loaded = load(&module, Check::Full).expect("a core module with WIT");
    assert_eq!(loaded.source, Source::CoreModule);
    assert_eq!(loaded.shape.functions[0].signature, "func(a: u32, b: u32) -> u32");
    assert_eq!(loaded.shape.command, None);
}

/// An actor by the canonical ABI alone, with this before its own parts.
fn by_hand(imports: &str) -> Vec<u8> {
    binary(&format!(
        r#"(module
             {imports}
             (memory (export "memory") 1)
             (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
             (func (export "odeon:actor/entry@0.1.0#start") (param i32 i32 i32 i32) (result i32)
               i32.const 0))"#
    ))
}

#[test]
fn a_core_module_by_the_canonical_abi_of_the_contract_needs_no_wit() {
    let me = r#"(import "odeon:actor/process@0.1.0" "me" (func (param i32)))"#;
    let loaded = load(&by_hand(me), Check::Full).expect("an actor by hand");
    assert_eq!(loaded.source, Source::CoreModule);
    assert_eq!(loaded.shape.missing_text(), None);
    assert!(loaded.shape.entry.is_some());
    assert_eq!(loaded.shape.imports.len(), 2, "what it does not use is not imported");
}

#[test]
fn a_core_module_by_hand_that_does_not_fit_the_contract_is_told_where() {
    let message = refused(&by_hand(r#"(import "odeon:actor/process@0.2.0" "me" (func))"#));
    assert!(message.contains("`odeon:actor/process@0.2.0.me`"), "{message}");
    assert!(message.contains("odeon:actor@0.1.0") && message.contains("SDK"), "{message}");
    let message = refused(&by_hand(r#"(import "odeon:actor/process@0.1.0" "mee" (func))"#));
    assert!(message.contains("`odeon:actor/process@0.1.0.mee`"), "{message}");
    let message = refused(&by_hand(r#"(import "env" "puts" (func))"#));
    assert!(message.contains("`env.puts`") && message.contains("linker"), "{message}");
    let message = refused(&by_hand(r#"(import "odeon:actor/process@0.1.0" "me" (func))"#));
    assert!(message.contains("me") && message.contains("do not fit"), "{message}");
    let wrong = r#"(module (memory (export "memory") 1)
                     (func (export "odeon:actor/entry@0.1.0#begin")))"#;
    let message = refused(&binary(wrong));
    assert!(message.contains("do not fit"), "{message}");
}

#[test]
fn the_contract_is_every_file_of_wit() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let entries = std::fs::read_dir(folder).expect("the contract is there");
    let names = entries.map(|entry| entry.expect("readable").file_name());
    let mut names: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
    names.sort();
    let mut known: Vec<_> =
        super::contract::FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    known.sort();
    assert_eq!(known, names);
}

#[test]
fn a_core_module_without_wit_is_told_what_it_has_and_how_to_embed() {
    let message = refused(&binary(
        r#"(module (import "env" "print" (func (param i32)))
                   (func (export "add") (param i32) (result i32) local.get 0))"#,
    ));
    for part in ["`env.print`", "`add`", "without WIT metadata", "wasm-tools component embed"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_program_with_foreign_imports_is_told_which() {
    let module = |import: &str| {
        binary(&format!(r#"(module (import {import} (func)) (func (export "_start")))"#))
    };
    let message = refused(&module(r#""env" "launch""#));
    assert!(message.contains("`env.launch`") && message.contains("linker"), "{message}");
    let message = refused(&module(r#""wbg" "__wbindgen_throw""#));
    assert!(message.contains("wasm-bindgen"), "{message}");
}

#[test]
fn every_wrong_file_is_told_what_it_is_and_what_to_do() {
    let cases: &[(&[u8], &[&str])] = &[
        (b"", &["empty"]),
        (b"\0as", &["cut off"]),
        (b"\0asm\x01", &["cut off"]),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", &["native program", "wasm32-wasip2"]),
        (b"PK\x03\x04....", &["archive", "unpack"]),
        (b"#!/bin/sh\necho", &["script"]),
        (b"fn main() {}", &["text", "compile"]),
        (b"\x01\x02\x03\x04\x05", &["[01, 02, 03, 04]"]),
        (b"\0asm\x0b\0\0\0", &["version 0xb", "rebuild"]),
        (b"(module", &["component text"]),
        (b"(component (import \"x\" (func (param \"a\" nothing))))", &["component text"]),
        (b"(\xff\xfe)", &["not UTF-8 at offset 1"]),
    ];
    for (bytes, parts) in cases {
        let message = refused(bytes);
        for part in *parts {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }
}

#[test]
fn invalid_code_is_found_before_it_is_compiled() {
    let mut module = wasm_encoder::Module::new();
    let mut types = wasm_encoder::TypeSection::new();
    types.ty().function([], [wasm_encoder::ValType::I32]);
    let mut functions = wasm_encoder::FunctionSection::new();
    functions.function(0);
    let mut code = wasm_encoder::CodeSection::new();
    let mut body = wasm_encoder::Function::new([]);
    body.instruction(&wasm_encoder::Instruction::End);
    code.function(&body);
    module.section(&types).section(&functions).section(&code);
    let message = refused(&module.finish());
    assert!(message.contains("invalid WebAssembly at offset"), "{message}");
}

#[test]
fn unsupported_features_are_named() {
    let message = refused(&binary(r#"(component (core module (memory 1 1 shared)))"#));
    assert!(message.contains("threads"), "{message}");
    let message = refused(&binary(r#"(component (import "f" (func async (param "x" u32))))"#));
    assert!(message.contains("asynchronous"), "{message}");
    let message = refused(&binary("(component (import \"c\" (component)))"));
    assert!(message.contains("whole component"), "{message}");
}

#[test]
fn imports_are_sorted_into_what_this_host_has_grants_and_lacks() {
    let loaded = ok(r#"(component
            (import "odeon:actor/timers@0.1.0" (instance (export "now" (func (result u64)))))
            (import "odeon:actor/types@0.1.0" (instance (export "x" (func))))
            (import "odeon:actor/mailbx@0.1.0" (instance (export "send" (func))))
            (import "odeon:actor/log@0.2.0" (instance (export "write" (func))))
            (import "wasi:clocks/wall-clock@0.2.6" (instance (export "now" (func))))
            (import "wasi:filesystem/preopens@0.2.0" (instance (export "get" (func))))
            (import "wasi:sockets/tcp@0.3.0" (instance (export "get" (func))))
            (import "shop:api/cart@1.0.0" (instance (export "add" (func))))
            (import "shop:api/types@1.0.0" (instance)))"#);
    let offer = |name: &str| {
        let import = loaded.shape.imports.iter().find(|import| import.name.starts_with(name));
        import.expect("it is listed").offer.clone()
    };
    let reason = |name: &str| match offer(name) {
        Offer::Missing { reason } => reason,
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!(offer("odeon:actor/timers"), Offer::Actor);
    assert_eq!(offer("wasi:clocks"), Offer::Granted);
    assert_eq!(offer("wasi:filesystem"), Offer::NeedsGrant(Grant::Filesystem));
    assert_eq!(offer("shop:api/types"), Offer::NotNeeded);
    assert!(reason("odeon:actor/types").contains("`x`"), "a function that is not in the WIT");
    assert!(reason("odeon:actor/mailbx").contains("did you mean `odeon:actor/mailbox`"));
    assert!(reason("odeon:actor/log").contains("odeon:actor@0.1.0"));
    assert!(reason("wasi:sockets").contains("0.2"));
    assert!(reason("shop:api/cart").contains("nobody here offers"));
    assert_eq!(loaded.shape.missing().count(), 5);
    assert_eq!(loaded.shape.grants(), [Grant::Filesystem]);
}

#[test]
fn functions_within_interfaces_are_listed_with_their_path() {
    let shape = ok(INTERFACES).shape;
    let paths: Vec<String> = shape.functions.iter().map(|function| function.path()).collect();
    assert_eq!(
        paths,
        ["my:calc/ops@1.0.0#double", "my:calc/ops@1.0.0#only", "my:calc/other@1.0.0#double"]
    );
}

#[test]
fn an_sdk_entry_is_known_by_its_version() {
    let with = |version: &str| {
        ok(&format!(
            r#"(component
                 (core module $m (func (export "f")))
                 (core instance $i (instantiate $m))
                 (func $f (canon lift (core func $i "f")))
                 (instance $e (export "start" (func $f)))
                 (export "odeon:actor/entry@{version}" (instance $e)))"#
        ))
        .shape
    };
    assert_eq!(with("0.1.0").entry.as_deref(), Some("odeon:actor/entry@0.1.0"));
    assert_eq!(with("0.1.7").entry.as_deref(), Some("odeon:actor/entry@0.1.7"));
    assert_eq!(with("0.2.0").entry, None);
    assert_eq!(with("0.2.0").entry_mismatch.as_deref(), Some("odeon:actor/entry@0.2.0"));
}

#[test]
fn memory_at_the_start_is_counted_and_cannot_overflow() {
    let two = ok("(component (core module (memory 3)) (core module (memory 2)))");
    assert_eq!(two.shape.memory_bytes_min, 5 * 65_536);
    let huge = ok("(component (core module (memory i64 0x1_0000_0000_0000)))");
    assert_eq!(huge.shape.memory_bytes_min, u64::MAX);
}

#[test]
fn long_text_and_long_functions_are_refused_by_name() {
    let mut long = ADD.as_bytes().to_vec();
    long.resize(WAT_BYTES_MAX + 1, b' ');
    assert!(refused(&long).contains("wat-bytes-max"));

    let mut module = wasm_encoder::Module::new();
    let mut types = wasm_encoder::TypeSection::new();
    types.ty().function([], []);
    let mut functions = wasm_encoder::FunctionSection::new();
    functions.function(0);
    let mut code = wasm_encoder::CodeSection::new();
    // No locals, so many `nop`, `end`.
    let mut body = vec![0];
    body.resize(FUNCTION_BYTES_MAX + 1, 0x01);
    body.push(0x0b);
    code.raw(&body);
    module.section(&types).section(&functions).section(&code);
    assert!(refused(&module.finish()).contains("function-bytes-max"));
}

#[test]
fn the_contract_itself_is_read() {
    let import = |interface: &str| {
        let name = format!("odeon:actor/{interface}@0.1.0");
        ok(&format!(r#"(component (import "{name}" (instance (export "send" (func)))))"#)).shape
    };
    assert_eq!(import("mailbox").imports[0].offer, Offer::Actor);
    // An interface that is offered, and has no such function.
    assert_eq!(import("log").missing().count(), 1);
    // What guests export cannot be imported.
    assert_eq!(import("entry").missing().count(), 1);
}
