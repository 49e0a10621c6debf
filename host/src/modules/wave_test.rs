//! Calls written as text.

use serde_json::{Value, json};
use wasmtime::component::{Component, Type, Val};
use wit_component::StringEncoding;
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Resolve, WorldItem};

use super::guests::{ADD, INTERFACES, binary, engine};
use super::limits::{VALUE_DEPTH_MAX, VALUES_MAX};
use super::load::{Check, load};
use super::wave::{
    CallError, CallText, Callee, results_to_json, results_to_wave, val_from_json, val_to_json,
};

/// A component whose world has these items. Its functions trap when they are called: here only
/// their types matter.
fn component(items: &str) -> Component {
    let loaded = load(&core_module(items), Check::Full).unwrap_or_else(|error| panic!("{error}"));
    Component::new(&engine(), &loaded.component).unwrap_or_else(|error| panic!("{error:?}"))
}

fn core_module(items: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = format!("package my:test; world w {{ {items} }}");
    let package = resolve.push_source("test.wit", &wit).unwrap_or_else(|error| panic!("{error:?}"));
    let world = resolve.select_world(&[package], Some("w")).expect("its world");
    let mut text = String::from("(module (memory (export \"memory\") 1)");
    text.push_str(
        "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) unreachable)",
    );
    for item in resolve.worlds[world].exports.values() {
        let WorldItem::Function(function) = item else { panic!("only functions") };
        let core = |types: &[WasmType]| {
            let word = |ty: &WasmType| match ty {
                WasmType::I64 | WasmType::PointerOrI64 => "i64 ",
                WasmType::F32 => "f32 ",
                WasmType::F64 => "f64 ",
                WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32 ",
            };
            types.iter().map(word).collect::<String>()
        };
        let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
        let (params, results) = (core(&signature.params), core(&signature.results));
        let name = &function.name;
        text.push_str(&format!(
            "(func (export \"{name}\") (param {params}) (result {results}) unreachable)"
        ));
    }
    text.push(')');
    let mut module = binary(&text);
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("embedding works");
    module
}

/// Types of every kind that text can write.
fn shapes() -> Component {
    component(
        "record point { x: s32, label: option<string> }
         variant shape { circle(f64), dot, poly(list<point>) }
         enum color { red, light-green }
         flags rights { read, write }
         export draw: func(shape: shape) -> result<s32, string>;
         export paint: func(color: color, rights: rights, at: option<point>);
         export deep: func(x: option<option<u8>>, t: tuple<char, bool>);
         export %list: func(x: list<u8>);
         export wide: func(a: u64, b: s64, c: f32, d: string);
         export none: func();",
    )
}

fn resolve(component: &Component, text: &str) -> Result<(Callee, Vec<Val>), CallError> {
    CallText::parse(text).and_then(|call| call.resolve(component))
}

fn params(component: &Component, text: &str) -> Vec<Val> {
    resolve(component, text).unwrap_or_else(|error| panic!("{text}: {error}")).1
}

fn refused(component: &Component, text: &str) -> String {
    resolve(component, text).expect_err(text).to_string()
}

#[test]
fn arguments_become_values_of_the_functions_types() {
    let add = Component::new(&engine(), ADD).expect("a component");
    let (callee, values) = resolve(&add, "add(1, 2)").expect("it fits");
    assert_eq!(values, [Val::U32(1), Val::U32(2)]);
    assert_eq!(callee.signature(), "add: func(a: u32, b: u32) -> u32");

    let shapes = shapes();
    let point = |x, label| Val::Record(vec![("x".into(), Val::S32(x)), ("label".into(), label)]);
    let none = Val::Option(None);
    let some = |value| Val::Option(Some(Box::new(value)));
    assert_eq!(
        params(&shapes, r#"draw(poly([{x: 1}, {x: -2, label: "b"}]))"#),
        [Val::Variant(
            "poly".into(),
            Some(Box::new(Val::List(vec![
                point(1, none.clone()),
                point(-2, some(Val::String("b".into())))
            ])))
        )]
    );
    assert_eq!(params(&shapes, "draw(dot)"), [Val::Variant("dot".into(), None)]);
    assert_eq!(
        params(&shapes, "paint(light-green, {write})"),
        [Val::Enum("light-green".into()), Val::Flags(vec!["write".into()]), none.clone()]
    );
    assert_eq!(
        params(&shapes, "deep(some(none), ('\\'', true))"),
        [some(none), Val::Tuple(vec![Val::Char('\''), Val::Bool(true)])]
    );
    assert_eq!(
        params(&shapes, r#"wide(18446744073709551615, -9223372036854775808, 0.5, "a\n☃")"#),
        [Val::U64(u64::MAX), Val::S64(i64::MIN), Val::Float32(0.5), Val::String("a\n☃".into())]
    );
    assert_eq!(params(&shapes, " none( ) "), []);
}

#[test]
fn a_wrong_argument_is_shown_with_its_place_and_the_expected_type() {
    let add = Component::new(&engine(), ADD).expect("a component");
    assert_eq!(
        refused(&add, r#"add("x", 2)"#),
        "expected u32, found a string (column 5)\n  add(\"x\", 2)\n      ^^^\n  \
         add: func(a: u32, b: u32) -> u32"
    );
    let text = refused(&add, "add(1, -2)");
    assert!(text.contains("-2 does not fit u32 (column 8)"), "{text}");
    let text = refused(&add, "add(1)");
    assert!(text.contains("argument `b` of type u32 is missing (column 6)"), "{text}");
    let text = refused(&add, "add(1, 2, 3)");
    assert!(text.contains("3 arguments, and the function takes 2 (column 11)"), "{text}");
    let text = refused(&add, "add(1,\n  x)");
    assert!(text.contains("(line 2, column 3)\n    x)\n    ^"), "{text}");
    let shapes = shapes();
    let text = refused(&shapes, "draw(poly([{x: 1}, {x: true}]))");
    assert!(text.contains("expected s32, found a boolean (column 24)"), "{text}");
    let text = refused(&shapes, "draw(circel(1.0))");
    assert!(text.contains("there is no case `circel`; did you mean `circle`?"), "{text}");
    let text = refused(&shapes, "draw(poly([{x: 1, lable: none}]))");
    assert!(text.contains("there is no field `lable`; did you mean `label`?"), "{text}");
    let text = refused(&shapes, "draw(poly([{label: none}]))");
    assert!(text.contains("field `x` of type s32 is missing"), "{text}");
    let text = refused(&shapes, "paint(light-green, {writ})");
    assert!(text.contains("there is no flag `writ`; did you mean `write`?"), "{text}");
    let text = refused(&shapes, "draw(circle)");
    assert!(text.contains("a value of type f64 is missing"), "{text}");
    let text = refused(&shapes, "draw(dot(1))");
    assert!(text.contains("no value belongs here (column 10)"), "{text}");
}

#[test]
fn broken_text_is_shown_with_its_place() {
    let at = |text: &str| match CallText::parse(text) {
        Err(CallError::Text { at, .. }) => at.column,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(at("add"), 4);
    assert_eq!(at("(1)"), 1);
    assert_eq!(at("é(1, ?)"), 6);
    assert_eq!(at("add(1, 2"), 9);
    assert_eq!(at("add(1) 2"), 8);
    let text = CallText::parse("add").expect_err("no arguments").to_string();
    assert!(text.contains("write `add()`"), "{text}");
    // The message stays short and its mark in place where the text is long.
    let long = format!("add({}?)", "1, ".repeat(20_000));
    let text = CallText::parse(&long).expect_err("broken").to_string();
    assert!(text.len() < 400, "{}", text.len());
    let lines: Vec<&str> = text.lines().collect();
    let caret = lines[2].find('^').expect("a mark");
    assert_eq!(lines[1].chars().nth(caret), Some('?'), "{text}");
    let text = CallText::parse("a\u{1b}[2J(1, ?)").expect_err("broken").to_string();
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn functions_are_found_by_name_interface_and_version() {
    let component = Component::new(&engine(), INTERFACES).expect("a component");
    let path = |text: &str| resolve(&component, text).map(|(callee, _)| callee.path);
    assert_eq!(path("only(1)").expect("in one"), "my:calc/ops@1.0.0#only");
    for written in ["my:calc/ops@1.0.0#double(1)", "my:calc/ops#double(1)", "ops#double(1)"] {
        assert_eq!(path(written).expect(written), "my:calc/ops@1.0.0#double");
    }
    let text = refused(&component, "double(1)");
    assert!(text.contains("several interfaces") && text.contains("other@1.0.0#double"), "{text}");
    let text = refused(&component, "onyl(1)");
    assert!(text.contains("did you mean `my:calc/ops@1.0.0#only`?"), "{text}");
    assert!(text.contains("there are `my:calc/ops@1.0.0#double`"), "{text}");
    let text = refused(&component, "other#only(1)");
    assert!(text.contains("there is no exported function"), "{text}");
    let nothing = Component::new(&engine(), "(component)").expect("a component");
    assert!(refused(&nothing, "f()").contains("exports no functions"));
}

#[test]
fn types_that_text_cannot_write_are_refused_before_the_arguments() {
    let component =
        component("resource r; export take: func(x: r); export deep: func() -> list<option<r>>;");
    for text in ["take(1)", "deep()"] {
        let text = refused(&component, text);
        assert!(text.contains("its type has a resource, which text cannot write"), "{text}");
    }
}

#[test]
fn text_that_asks_for_too_much_is_refused_before_it_is_parsed() {
    let limit = |text: &str| match CallText::parse(text) {
        Err(CallError::Limit { limit, .. }) => limit,
        other => panic!("not refused: {:?}", other.map(|_| ())),
    };
    let nested = |depth: usize| format!("f({}{})", "[".repeat(depth), "]".repeat(depth));
    assert!(CallText::parse(&nested(VALUE_DEPTH_MAX - 1)).is_ok());
    assert_eq!(limit(&nested(VALUE_DEPTH_MAX)), "value-depth-max");
    assert_eq!(limit(&"(".repeat(10_000_000)), "value-depth-max");
    assert_eq!(limit(&format!("f([{}])", "0,".repeat(VALUES_MAX))), "values-max");
    assert_eq!(limit(&format!("f(\"{}\")", "x".repeat(17 << 20))), "value-text-bytes-max");
    // What is quoted counts as one value, whatever is in it.
    let quoted = format!("f(\"{}\\\"\", '[', 1)", "([{,".repeat(VALUES_MAX));
    assert!(CallText::parse(&quoted).is_ok());
}

#[test]
fn results_become_wave_and_json() {
    let value = Val::Result(Ok(Some(Box::new(Val::List(vec![Val::U8(1), Val::U8(2)])))));
    assert_eq!(results_to_wave(std::slice::from_ref(&value)).expect("text"), "ok([1, 2])");
    assert_eq!(results_to_json(&[value]).expect("json"), json!({"ok": [1, 2]}));
    assert_eq!(results_to_wave(&[]).expect("text"), "");
    assert_eq!(results_to_json(&[]).expect("json"), Value::Null);
    assert_eq!(results_to_json(&[Val::Float32(0.1)]).expect("json"), json!(0.1));
    assert_eq!(results_to_json(&[Val::Float64(f64::NAN)]).expect("json"), json!("nan"));
    let map = Val::Map(vec![]);
    assert!(matches!(
        results_to_wave(std::slice::from_ref(&map)),
        Err(CallError::NoText { part: "map" })
    ));
    assert!(matches!(results_to_json(&[map]), Err(CallError::NoText { part: "map" })));
}

#[test]
fn json_arguments_give_the_same_values_as_wave() {
    let shapes = shapes();
    let same = |wave: &str, given: Value| {
        let (callee, values) = resolve(&shapes, wave).unwrap_or_else(|error| panic!("{error}"));
        let from_json = callee.params_from_json(&given.to_string());
        assert_eq!(from_json.unwrap_or_else(|error| panic!("{given}: {error}")), values, "{wave}");
        // And back: what JSON says of a value makes that value again.
        for ((_, ty), value) in callee.params.iter().zip(&values) {
            let back = val_from_json(&val_to_json(value).expect("json"), ty);
            assert_eq!(back.expect("it fits"), *value, "{wave}");
        }
    };
    same("draw(circle(1.5))", json!([{"circle": 1.5}]));
    same("draw(dot)", json!(["dot"]));
    same("draw(poly([{x: 1}]))", json!({"shape": {"poly": [{"x": 1}]}}));
    same("paint(red, {read, write})", json!(["red", ["read", "write"]]));
    same("paint(red, {}, {x: 1, label: \"a\"})", json!(["red", [], {"x": 1, "label": "a"}]));
    same("deep(none, ('x', false))", json!([null, ["x", false]]));
    same("deep(some(none), ('x', false))", json!([{"some": null}, ["x", false]]));
    same("deep(some(some(7)), ('x', false))", json!([{"some": 7}, ["x", false]]));
    same("list([1, 2])", json!([[1, 2]]));
    same(
        "wide(18446744073709551615, -1, inf, \"x\")",
        json!(["18446744073709551615", -1, "inf", "x"]),
    );
    same("none()", json!([]));
    same("none()", json!({}));
}

#[test]
fn wrong_json_arguments_are_told_where() {
    let shapes = shapes();
    let refused = |name: &str, given: &str| {
        let callee = Callee::find(&shapes, name).expect("it is there");
        callee.params_from_json(given).expect_err(given).to_string()
    };
    let text = refused("draw", r#"[{"poly": [{"x": 1}, {"x": "a"}]}]"#);
    assert!(text.contains("argument `shape`: ") && text.contains("at .poly[1].x"), "{text}");
    assert!(refused("draw", "[").contains("not JSON"));
    assert!(refused("draw", "1").contains("an array, or an object"));
    assert!(refused("draw", "[]").contains("argument `shape` of type variant"));
    assert!(refused("draw", "[1, 2]").contains("2 arguments, and the function takes 1"));
    assert!(refused("draw", r#"{"shap": "dot"}"#).contains("did you mean `shape`?"));
    assert!(refused("list", "[[256]]").contains("256 does not fit u8"));
    assert!(refused("list", "[[1.5]]").contains("does not fit u8"));
    assert!(refused("list", "[\"x\"]").contains("expected list<u8>, found a string"));
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert!(refused("list", &deep).contains("value-depth-max"));
}

#[test]
fn long_types_are_cut_in_messages() {
    let fields: String = (0..500).map(|index| format!("field-{index}: u8, ")).collect();
    let component = component(&format!("record r {{ {fields} }} export f: func(x: r);"));
    let callee = Callee::find(&component, "f").expect("it is there");
    assert!(matches!(callee.params[0].1, Type::Record(_)));
    assert!(callee.signature().len() < 3_000);
    assert!(refused(&component, "f(1)").len() < 6_000);
}
