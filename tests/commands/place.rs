//! A place of its own for each test (home, runtime directory, working directory),
//! and the program run in it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// No command takes as long on a machine that works.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Directories that no other test sees.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

/// The program, which the build puts beside the directory of the test executables.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        let path = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST").join("odeon");
        assert!(
            path.is_file(),
            "{} is missing: build it first, with `cargo build --workspace` and the profile of \
             the tests (`cargo xtask test` does)",
            path.display()
        );
        path
    })
}

/// A built guest.
pub(crate) fn guest(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests").join(name);
    assert!(path.is_file(), "{} is missing: `cargo xtask guests` builds it", path.display());
    path.to_str().expect("a path of text").to_owned()
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().expect("a temporary directory") };
        for name in ["home", "run", "work"] {
            std::fs::create_dir(place.path(name)).expect("made");
        }
        place
    }

    /// Something in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into the working directory, and gives its name.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path("work").join(name), content).expect("written");
        name.to_owned()
    }

    /// The program, with nothing of the developer's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        // Compiled programs are shared, since they are found by their content alone.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("commands");
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("ODEON_HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("XDG_CACHE_HOME", cache)
            .current_dir(self.path("work"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The program as it is where nobody has told it to ignore the terminal's end: these tests
    /// may run under `nohup`, whose children ignore that.
    pub(crate) fn hearing(&self, arguments: &[&str]) -> Command {
        let program = self.command(arguments);
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP").arg(program.get_program()).args(program.get_args());
        command.env_clear();
        for (name, value) in program.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.current_dir(self.path("work"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end, without input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        finish(start(self.command(arguments)))
    }

    /// Runs it to its end, with this input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: impl Into<Vec<u8>>) -> Done {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        let mut child = start(command);
        let (mut stdin, input) = (child.stdin.take().expect("piped"), input.into());
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let done = finish(child);
        // It may have ended without reading all.
        let _ = writer.join().expect("no panic");
        done
    }

    /// Runs it to its end with these variables besides, without input.
    pub(crate) fn run_in(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Done {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        finish(start(command))
    }

    /// Runs it to its end, which is to be a good one; gives what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!(done.code, Some(0), "{arguments:?}: {done:?}");
        done.text()
    }

    /// Runs it to its end, which is to be a good one; gives the JSON that it printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Runs it, which is to fail with this code and these words on the standard error.
    pub(crate) fn fails(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let done = self.run(arguments);
        done.failed(arguments, code, words);
    }

    /// Starts a node and waits until it is ready.
    pub(crate) fn node(&self, name: &str) -> Running {
        self.node_with(name, &[])
    }

    /// Starts a node with these flags besides, and waits until it is ready.
    pub(crate) fn node_with(&self, name: &str, flags: &[&str]) -> Running {
        self.node_of(name, flags, &[]).0
    }

    /// Starts a node with these flags and variables besides, and waits until it is ready;
    /// gives its port, too.
    pub(crate) fn node_of(
        &self,
        name: &str,
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> (Running, String) {
        let data = self.path(&format!("data-{name}"));
        let data = data.to_str().expect("text");
        let arguments = ["node", "--name", name, "--listen", "0", "--data-dir", data];
        let mut command = self.command(&[&arguments[..], flags].concat());
        command.envs(variables.iter().copied());
        let mut node = Running::new(command);
        let line = node.line();
        assert!(line.starts_with(&format!("node {name}")), "{line}");
        let (_, port) = line.split_once(" ready on 127.0.0.1:").expect("it is ready");
        let port = port.to_owned();
        (node, port)
    }

    /// Waits until a command prints what it should.
    pub(crate) fn until_text(&self, arguments: &[&str], mut right: impl FnMut(&str) -> bool) {
        let begun = Instant::now();
        loop {
            let text = self.ok(arguments);
            if right(&text) {
                return;
            }
            assert!(begun.elapsed() < DEADLINE, "{arguments:?} still prints {text}");
        }
    }

    /// Waits until a listing looks as it should.
    pub(crate) fn until(&self, arguments: &[&str], mut right: impl FnMut(&Value) -> bool) {
        let begun = Instant::now();
        loop {
            let listing = self.json(arguments);
            if right(&listing) {
                return;
            }
            assert!(begun.elapsed() < DEADLINE, "{arguments:?} stays {listing}");
        }
    }
}

impl Done {
    /// The standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.out.clone()).expect("text")
    }

    /// It ended well; gives what it printed.
    pub(crate) fn ok(&self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.text()
    }

    /// It failed with this code, and said these words; and did not panic.
    pub(crate) fn failed(&self, arguments: &[&str], code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{arguments:?}: {self:?}");
        assert!(!self.err.contains("panicked"), "{arguments:?}: {}", self.err);
        for word in words {
            assert!(self.err.contains(word), "{arguments:?}: no `{word}` in: {}", self.err);
        }
    }
}

fn start(mut command: Command) -> Child {
    command.spawn().expect("the program starts")
}

fn collect(mut from: impl std::io::Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).map(|_| all).expect("a pipe can be read")
    })
}

/// Waits for the end, and gives all that was written.
fn finish(mut child: Child) -> Done {
    let out = child.stdout.take().map(collect);
    let err = child.stderr.take().map(collect);
    let code = wait(&mut child);
    let joined = |reader: Option<JoinHandle<Vec<u8>>>| {
        reader.map(|reader| reader.join().expect("no panic")).unwrap_or_default()
    };
    Done { code, out: joined(out), err: String::from_utf8_lossy(&joined(err)).into_owned() }
}

/// Waits for the end in time.
fn wait(child: &mut Child) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status.code();
        }
        if begun.elapsed() > DEADLINE {
            let _ = child.kill();
            panic!("the command did not end within {DEADLINE:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A command that goes on; ended when this goes.
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl Running {
    /// Starts it.
    pub(crate) fn new(command: Command) -> Self {
        Self::with_log(command, Stdio::null())
    }

    /// Starts it with its log there.
    pub(crate) fn with_log(mut command: Command, log: impl Into<Stdio>) -> Self {
        command.stdin(Stdio::piped()).stderr(log);
        let mut child = start(command);
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { input: child.stdin.take(), child, lines }
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    /// Writes to its input.
    pub(crate) fn write(&mut self, text: &str) {
        let input = self.input.as_mut().expect("not closed");
        input.write_all(text.as_bytes()).and_then(|()| input.flush()).expect("it reads");
    }

    /// Sends a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let signal = format!("-{name}");
        let sent = Command::new("kill").args([&signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("`kill` is there").success(), "the process is there");
    }

    /// Ends it without a chance to clean up.
    pub(crate) fn vanish(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited for");
    }

    /// Waits for its end: the code, and what it still printed.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        self.input = None;
        let code = wait(&mut self.child);
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("text");
        (code, rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, in the good case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The fields of a JSON object, in order of name.
pub(crate) fn fields(object: &Value) -> Vec<&str> {
    let object = object.as_object().expect("an object");
    let mut names: Vec<_> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
