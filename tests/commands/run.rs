//! `odeon run` and `odeon call` on files: programs in this terminal.

use std::process::Stdio;

use crate::guests::{CALC, CAT, FOR_EVER, says};
use crate::place::{Place, Running, guest};

#[test]
fn an_unmodified_program_reads_the_input_and_its_arguments() {
    let place = Place::new();
    let wordcount = guest("wordcount.wasm");
    let done = place.run_with(&["run", &wordcount], "one two\nthree\n");
    assert_eq!((done.code, done.text().as_str()), (Some(0), "2 3 14\n"), "{done:?}");
    let done = place.run_with(&["run", &wordcount, "-w", "-l"], "a b c\n");
    assert_eq!((done.code, done.text().as_str()), (Some(0), "1 3\n"), "{done:?}");
}

#[test]
fn the_programs_exit_code_and_errors_are_the_commands() {
    let place = Place::new();
    let wordcount = guest("wordcount.wasm");
    let done = place.run_with(&["run", &wordcount, "--what"], "");
    done.failed(&[], 1, &["wordcount: unknown option --what"]);
    assert!(done.out.is_empty(), "errors go to the error output: {done:?}");
    // WASI 0.2 tells success from failure and no more: other codes come as 1.
    for (code, shown) in [(0, 0), (1, 1), (7, 1), (255, 1)] {
        let file = place.file("exits.wat", says("x", &format!("(call $exit (i32.const {code}))")));
        let done = place.run(&["run", &file]);
        assert_eq!((done.code, done.text().as_str()), (Some(shown), "x\n"));
        assert_eq!(done.err, "x\n", "its own words and no others");
    }
}

#[test]
fn environment_arrives_where_it_is_granted_and_not_else() {
    let place = Place::new();
    let wordcount = guest("wordcount.wasm");
    let granted = ["run", "--env", "WORDCOUNT_MIN=3", &wordcount];
    assert_eq!(place.run_with(&granted, "one two").code, Some(1), "two words are too few");
    assert_eq!(place.run_with(&granted, "one two three").code, Some(0));
    let mut command = place.command(&["run", &wordcount]);
    command.env("WORDCOUNT_MIN", "3");
    let (code, _) = Running::new(command).end();
    assert_eq!(code, Some(0), "this shell's environment is not the guest's");
}

#[test]
fn megabytes_go_through_both_pipes_unchanged() {
    let place = Place::new();
    let cat = place.file("cat.wat", CAT);
    let noise = |at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8;
    let sent: Vec<u8> = (0..5_000_000).map(noise).collect();
    let done = place.run_with(&["run", &cat], sent.clone());
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out == sent, "{} of {} bytes came back", done.out.len(), sent.len());
}

#[test]
fn a_trap_is_exit_code_70_and_says_what_it_was() {
    let place = Place::new();
    let file = place.file("traps.wat", says("before", "unreachable"));
    let done = place.run(&["run", &file]);
    done.failed(&["run"], 70, &["trap: wasm `unreachable` instruction executed"]);
    assert_eq!(done.text(), "before\n", "what it wrote before is not lost");
    let recursing =
        r#"(module (memory (export "memory") 1) (func $f (export "_start") (call $f)))"#;
    let file = place.file("recurses.wat", recursing);
    place.fails(&["run", &file], 70, &["limit: stack-bytes-max of "]);
}

#[test]
fn an_interrupt_ends_the_program_with_code_130() {
    let place = Place::new();
    let file = place.file("spins.wat", says("on my way", FOR_EVER));
    let mut running = Running::new(place.command(&["run", &file]));
    assert_eq!(running.line(), "on my way");
    running.signal("INT");
    assert_eq!(running.end(), (Some(130), String::new()));
}

#[test]
fn a_program_whose_reader_has_gone_ends_in_silence() {
    let place = Place::new();
    let cat = place.file("cat.wat", CAT);
    let mut command = place.command(&["run", &cat]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    drop(child.stdout.take());
    let mut input = child.stdin.take().expect("piped");
    let writer =
        std::thread::spawn(move || std::io::Write::write_all(&mut input, &vec![b'x'; 4_000_000]));
    let output = child.wait_with_output().expect("it ends");
    let _ = writer.join().expect("no panic");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
}

#[test]
fn a_function_of_a_file_can_be_called() {
    let place = Place::new();
    let calc = place.file("calc.wat", CALC);
    assert_eq!(place.ok(&["call", &calc, "add(1, 2)"]), "3\n");
    place.fails(&["call", &calc, "divide(1, 0)"], 70, &["integer divide by zero"]);
}

#[test]
fn a_wrong_call_says_what_was_meant_and_where() {
    let place = Place::new();
    let calc = place.file("calc.wat", CALC);
    place.fails(&["call", &calc, "ad(1, 2)"], 4, &["ad", "did you mean", "add"]);
    place.fails(&["call", &calc, r#"add(1, "x")"#], 2, &["column 8", "^"]);
    place.fails(&["call", &calc, "add(1)"], 2, &["add"]);
    place.fails(&["call", &calc, "add(1, 2"], 2, &["column"]);
    place.fails(&["call", &calc, "add(1, 4294967296)"], 2, &["column 8"]);
    place.fails(&["run", &calc], 2, &["no program", "odeon call", "odeon inspect"]);
}

#[test]
fn a_wrong_file_is_named_with_the_fix() {
    let place = Place::new();
    for command in ["run", "inspect", "deploy"] {
        place.fails(&[command, "nowhere.wasm"], 4, &["no file nowhere.wasm"]);
    }
    place.fails(&["call", "nowhere.wasm", "f()"], 4, &["no file nowhere.wasm"]);
    let text = place.file("notes.wasm", "Dear diary,");
    place.fails(&["run", &text], 1, &["notes.wasm", "not WebAssembly", "compile the source"]);
    let empty = place.file("empty.wasm", "");
    place.fails(&["run", &empty], 1, &["the file is empty"]);
    let native = place.file("native.wasm", b"\x7fELF\x02\x01\x01");
    place.fails(&["run", &native], 1, &["a native program", "wasm32-wasip2"]);
    let whole = std::fs::read(guest("wordcount.wasm")).expect("there");
    let half = place.file("half.wasm", &whole[..whole.len() / 2]);
    place.fails(&["run", &half], 1, &["cut off", "copy or build it again"]);
    place.fails(&["run", "."], 1, &["."]);
}

#[test]
fn control_characters_of_a_guests_errors_do_not_reach_the_terminal() {
    let place = Place::new();
    let module = "(module (import \"env\" \"\\1b[2Jx\" (func)) (func (export \"_start\")))";
    let file = place.file("evil.wat", module);
    let done = place.run(&["run", &file]);
    done.failed(&["run"], 1, &["env."]);
    assert!(!done.err.contains('\x1b'), "{:?}", done.err);
}
