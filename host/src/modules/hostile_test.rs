//! Bytes made to hurt: none may panic the loader, or take long, or take much memory.

use std::time::{Duration, Instant};

use super::guests::{ADD, INTERFACES, PREVIEW1, Random, binary};
use super::load::{Check, LoadError, load};
use super::wave::CallText;

/// Far more than any refusal takes here, far less than a compilation would.
const PROMPT: Duration = Duration::from_secs(20);

/// Loads bytes that may be anything. A panic inside counts as a failure.
fn survive(bytes: &[u8], what: &str) -> Option<LoadError> {
    match load(bytes, Check::Full) {
        Ok(_) => None,
        Err(LoadError::Crashed { message }) => panic!("{what}: the loader panicked: {message}"),
        Err(error) => {
            assert!(error.to_string().len() < 4_096, "{what}: the message is endless");
            Some(error)
        }
    }
}

#[test]
fn a_module_cut_off_anywhere_is_refused() {
    for text in [ADD, INTERFACES, PREVIEW1] {
        let whole = binary(text);
        for length in 0..whole.len() {
            let error = survive(&whole[..length], &format!("cut at {length}"));
            // A cut between two sections can leave a module that is whole, and says less: then
            // something else must be missing, save for trailing custom sections.
            if let Some(error) = error {
                assert!(!matches!(error, LoadError::Limit { .. }), "cut at {length}: {error}");
            }
        }
        let error = survive(&whole[..whole.len() / 2], "cut in half");
        assert!(error.is_some(), "half a module is none");
    }
}

#[test]
fn a_module_cut_within_a_section_is_told_where() {
    let whole = binary(ADD);
    let error = survive(&whole[..20], "cut").expect("refused");
    assert!(
        matches!(error, LoadError::Truncated { offset, length: 20 } if offset <= 20),
        "{error}"
    );
}

#[test]
fn random_bytes_are_refused_without_a_panic() {
    let seed = std::env::var("ODEON_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()));
    let mut random = Random(seed);
    println!("ODEON_SEED={seed}");
    for round in 0..3_000 {
        let mut bytes: Vec<u8> = match round % 3 {
            0 => b"\0asm\x01\0\0\0".to_vec(),
            1 => b"\0asm\x0d\0\x01\0".to_vec(),
            _ => Vec::new(),
        };
        bytes.extend((0..random.below(300)).map(|_| random.below(256) as u8));
        survive(&bytes, &format!("seed {seed}, round {round}"));
    }
}

#[test]
fn modules_with_flipped_bytes_are_loaded_or_refused_without_a_panic() {
    let seed = std::env::var("ODEON_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()));
    let mut random = Random(seed);
    println!("ODEON_SEED={seed}");
    for text in [ADD, INTERFACES, PREVIEW1] {
        let whole = binary(text);
        for round in 0..700 {
            let mut bytes = whole.clone();
            for _ in 0..=random.below(4) {
                let at = 8 + random.below(bytes.len() - 8);
                bytes[at] = random.below(256) as u8;
            }
            survive(&bytes, &format!("seed {seed}, round {round}"));
        }
    }
}

#[test]
fn two_hundred_thousand_functions_are_refused_promptly_by_name() {
    let mut module = wasm_encoder::Module::new();
    let mut types = wasm_encoder::TypeSection::new();
    types.ty().function([], []);
    let mut functions = wasm_encoder::FunctionSection::new();
    let mut code = wasm_encoder::CodeSection::new();
    let mut body = wasm_encoder::Function::new([]);
    body.instruction(&wasm_encoder::Instruction::End);
    for _ in 0..200_000 {
        functions.function(0);
        code.function(&body);
    }
    module.section(&types).section(&functions).section(&code);
    let module = module.finish();
    let mut component = wasm_encoder::Component::new();
    component.section(&wasm_encoder::RawSection { id: 1, data: &module });
    for bytes in [module.clone(), component.finish()] {
        let begun = Instant::now();
        let error = survive(&bytes, "200,000 functions").expect("refused");
        assert!(error.to_string().contains("functions-max"), "{error}");
        assert!(error.to_string().contains("200000"), "{error}");
        assert!(begun.elapsed() < PROMPT);
    }
}

#[test]
fn nested_components_are_refused_by_depth() {
    let nested = |depth: usize| {
        let (open, close) = ("(component ".repeat(depth), ")".repeat(depth));
        survive(&binary(&format!("{open}{close}")), "nested")
    };
    assert_eq!(nested(16), None);
    let error = nested(17).expect("refused");
    assert!(error.to_string().contains("component-depth-max"), "{error}");
}

#[test]
fn components_that_unfold_without_end_are_refused_promptly() {
    // Each of 15 components instantiates the one before four times: 2^30 instances.
    let mut text = String::from(
        "(component (component $c0 (core module $m) (core instance (instantiate $m)))",
    );
    for level in 1..16 {
        let before = level - 1;
        let twice = format!("(instance (instantiate $b{level}))").repeat(4);
        text.push_str(&format!(
            "(component $c{level} (alias outer 1 $c{before} (component $b{level})) {twice})"
        ));
    }
    text.push_str("(instance (instantiate $c15)))");
    let begun = Instant::now();
    let error = survive(&binary(&text), "unfolding").expect("refused");
    assert!(error.to_string().contains("unfolded-items-max"), "{error}");
    assert!(begun.elapsed() < PROMPT);
}

#[test]
fn huge_claimed_counts_cost_nothing() {
    // Sections whose count claims four thousand million entries, with nothing behind.
    for header in [&b"\0asm\x01\0\0\0"[..], &b"\0asm\x0d\0\x01\0"[..]] {
        for section in 0..=13 {
            let mut bytes = header.to_vec();
            bytes.extend([section, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]);
            let begun = Instant::now();
            let error = survive(&bytes, &format!("section {section}"));
            // A custom section with a name of that length is broken too.
            assert!(error.is_some(), "section {section}");
            assert!(begun.elapsed() < PROMPT);
            // And a section that claims to be that long.
            let mut bytes = header.to_vec();
            bytes.extend([section, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]);
            assert!(survive(&bytes, "long section").is_some());
        }
    }
}

#[test]
fn types_that_double_at_each_step_have_short_texts() {
    let mut text = String::from("(component (type $t0 (tuple u8 u8))");
    for step in 1..18 {
        let before = step - 1;
        text.push_str(&format!("(type $t{step} (tuple $t{before} $t{before}))"));
    }
    text.push_str(r#"(import "f" (func (param "a" $t17))))"#);
    let loaded = load(text.as_bytes(), Check::Full).expect("valid, if silly");
    let signature = &loaded.shape.imports[0].functions[0].signature;
    assert!(signature.len() < 3_000 && signature.ends_with('…'), "{}", signature.len());
    // The validator stops the doubling before it takes long.
    for step in 18..60 {
        let before = step - 1;
        let more = format!("(type $t{step} (tuple $t{before} $t{before}))(import");
        text = text.replacen("(import", &more, 1);
    }
    let text = text.replace("$t17))))", "$t59))))");
    let begun = Instant::now();
    assert!(survive(text.as_bytes(), "doubling").is_some());
    assert!(begun.elapsed() < PROMPT);
}

#[test]
fn control_characters_of_a_guest_never_reach_a_message() {
    let module = "(module (import \"env\" \"\\1b[2Jx\\07\" (func)) (func (export \"_start\")))";
    let error = survive(&binary(module), "escape").expect("refused").to_string();
    assert!(!error.contains(['\u{1b}', '\u{7}']), "{error:?}");
    assert!(error.contains("env.\\u{1b}[2Jx"), "{error:?}");
}

#[test]
fn random_calls_are_parsed_or_refused_without_a_panic() {
    let seed: u64 = u64::from(std::process::id());
    let mut random = Random(seed);
    let parts = [
        "f",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "'",
        "\\",
        "1",
        "-1.5e3",
        "a-b",
        "%",
        "some",
        "none",
        "ok",
        "\"\"\"",
        "\n",
        "//",
        "é",
        "\u{1F600}",
        " ",
        "true",
        "#",
        "\\u{1}",
    ];
    println!("seed {seed}");
    for _ in 0..20_000 {
        let text: String =
            (0..random.below(24)).map(|_| parts[random.below(parts.len())]).collect();
        if let Err(error) = CallText::parse(&text) {
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn types_and_text_nested_without_end_do_not_exhaust_the_stack() {
    // A component type that declares a component type that declares one, a million times; then
    // the same with instance types.
    for kind in [0x41, 0x42] {
        let levels = 1_000_000;
        let mut types = vec![1];
        for _ in 0..levels {
            types.extend([kind, 1, 1]);
        }
        types.extend([kind, 0]);
        let mut component = wasm_encoder::Component::new();
        component.section(&wasm_encoder::RawSection { id: 7, data: &types });
        let component = component.finish();
        let error = survive(&component, "nested types").expect("refused").to_string();
        assert!(error.contains("type-depth-max"), "{error}");
        // The same as the WIT of a core module.
        let mut module = wasm_encoder::Module::new();
        module.section(&wasm_encoder::CustomSection {
            name: "component-type:x".into(),
            data: component.into(),
        });
        let error = survive(&module.finish(), "nested WIT").expect("refused").to_string();
        assert!(error.contains("type-depth-max"), "{error}");
    }
    for open in ["(", "(component ", "(component (type (component ", "(module (func (block ", "(;"]
    {
        let text = open.repeat(300_000);
        assert!(survive(text.as_bytes(), open).is_some());
    }
    let instructions =
        format!("(module (func {} {}))", "block ".repeat(300_000), "end ".repeat(300_000));
    assert!(survive(instructions.as_bytes(), "blocks").is_some(), "no WIT, if nothing else");
}

#[test]
fn metadata_that_is_no_wit_is_refused_without_a_panic() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut random = Random(seed);
    for round in 0..1_000 {
        let mut module = wasm_encoder::Module::new();
        let mut data: Vec<u8> = if round % 2 == 0 { b"\0asm\x0d\0\x01\0".to_vec() } else { vec![] };
        data.extend((0..random.below(100)).map(|_| random.below(256) as u8));
        module.section(&wasm_encoder::CustomSection {
            name: "component-type:x".into(),
            data: data.into(),
        });
        assert!(survive(&module.finish(), &format!("seed {seed}, round {round}")).is_some());
    }
}
