//! The process of a member, as the test has it: what is asked of the node there, and what is
//! heard by actors of the host there.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, PipeReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc as blocking};
use std::thread::JoinHandle;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};

use super::talk::{Ask, Heard, UNANSWERED, hear, read, say};
use crate::DEADLINE;

/// Killed when this goes.
pub(super) struct Process {
    name: String,
    child: Mutex<Child>,
    says: Mutex<UnixStream>,
    expecting: Arc<Mutex<Expecting>>,
    numbers: AtomicU64,
    /// Of what it says and what it prints.
    readers: Mutex<Vec<JoinHandle<()>>>,
}

/// Who waits for what the process says.
#[derive(Default)]
struct Expecting {
    answers: HashMap<u64, Answered>,
    natives: HashMap<u64, mpsc::UnboundedSender<Heard>>,
    /// It says nothing any more.
    ended: bool,
}

type Answered = Box<dyn FnOnce(Vec<u8>) + Send>;

impl Process {
    /// Starts it. What it prints is printed by this process, as if it were the test's own.
    pub(super) fn start(name: &str) -> Self {
        let this = std::env::current_exe().expect("a test has a path");
        let program = this.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
        let program = program.join("odeon-test-member");
        assert!(program.is_file(), "{}: build the workspace first", program.display());
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let (printed, prints) = std::io::pipe().expect("a pipe");
        let child = Command::new(program)
            .stdin(OwnedFd::from(theirs))
            .stdout(prints.try_clone().expect("another end"))
            .stderr(prints)
            .spawn()
            .expect("it starts");
        let expecting = Arc::new(Mutex::new(Expecting::default()));
        let said = ours.try_clone().expect("another end");
        let (told, who) = (Arc::clone(&expecting), name.to_owned());
        let readers = vec![
            std::thread::spawn(move || listen(&said, &told)),
            // Threads inherit where a test's output goes.
            std::thread::spawn(move || print(printed, &who)),
        ];
        Self {
            name: name.to_owned(),
            child: Mutex::new(child),
            says: Mutex::new(ours),
            expecting,
            numbers: AtomicU64::new(UNANSWERED + 1),
            readers: Mutex::new(readers),
        }
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A number for an actor of the host, and what that one hears.
    pub(super) fn native(&self) -> (u64, mpsc::UnboundedReceiver<Heard>) {
        let (number, (tell, hears)) = (self.number(), mpsc::unbounded_channel());
        let mut expecting = self.expecting.lock().expect("nobody panics with it");
        if !expecting.ended {
            expecting.natives.insert(number, tell);
        }
        (number, hears)
    }

    /// The actor of this number hears nothing any more.
    pub(super) fn forget(&self, native: u64) {
        self.expecting.lock().expect("nobody panics with it").natives.remove(&native);
    }

    /// Says something that is not answered. Nothing happens if the process has ended.
    pub(super) fn tell(&self, what: &Ask) {
        say(&self.says.lock().expect("nobody panics with it"), UNANSWERED, what);
    }

    fn begin(&self, what: &impl Serialize, answered: Answered) {
        let number = self.number();
        {
            let mut expecting = self.expecting.lock().expect("nobody panics with it");
            if expecting.ended {
                return;
            }
            expecting.answers.insert(number, answered);
        }
        say(&self.says.lock().expect("nobody panics with it"), number, what);
    }

    /// Asks, and waits here for the answer: for what is answered at once.
    ///
    /// # Panics
    /// There is none.
    pub(super) fn ask_now<T: DeserializeOwned>(&self, what: &impl Serialize) -> T {
        let (tell, told) = blocking::channel();
        self.begin(what, Box::new(move |answer| drop(tell.send(answer))));
        match told.recv_timeout(DEADLINE) {
            Ok(answer) => read(&answer),
            Err(error) => panic!("no answer of the process of {}: {error}", self.name),
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Panics
    /// The process ends before that.
    pub(super) async fn ask<T: DeserializeOwned>(&self, what: &impl Serialize) -> T {
        let (tell, told) = oneshot::channel();
        self.begin(what, Box::new(move |answer| drop(tell.send(answer))));
        match told.await {
            Ok(answer) => read(&answer),
            Err(_) => panic!("the process of {} ended before it answered", self.name),
        }
    }

    /// What the system calls it.
    pub(super) fn id(&self) -> u32 {
        self.child.lock().expect("nobody panics with it").id()
    }

    /// Ends it at once: the system closes what it had open. Returns when that is done.
    pub(super) fn kill(&self) {
        let mut child = self.child.lock().expect("nobody panics with it");
        // Fails only where it has ended before.
        let _ = child.kill();
        let _ = child.wait();
        for reader in self.readers.lock().expect("nobody panics with it").drain(..) {
            let _ = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Hands out what the process says, until it ends.
fn listen(said: &UnixStream, expecting: &Mutex<Expecting>) {
    while let Some((number, body)) = hear(said) {
        let mut expecting = expecting.lock().expect("nobody panics with it");
        if let Some(answered) = expecting.answers.remove(&number) {
            drop(expecting);
            answered(body);
        } else if let Some(native) = expecting.natives.get(&number) {
            // Nobody hears it when the actor is about to go.
            let _ = native.send(read(&body));
        }
    }
    let mut expecting = expecting.lock().expect("nobody panics with it");
    *expecting = Expecting { ended: true, ..Expecting::default() };
}

fn print(printed: PipeReader, who: &str) {
    for line in BufReader::new(printed).lines() {
        let Ok(line) = line else { return };
        println!("{who}: {line}");
    }
}
