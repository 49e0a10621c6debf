//! To-do lists for a whole cluster.
//!
//! Each list is a server of its own, under a cluster name: all requests for it go through
//! that one actor, wherever they come from. It is found, or started where somebody first
//! asks for it. The functions of `wit/todo.wit` are what people call from the shell.
//!
//! A list is in its server's memory, and ends with the server's node.

use odeon_guest::mailbox::NameLost;
use odeon_guest::names::Resolver;
use odeon_guest::server::{CallError, Caller, Server, ServerRef, Start, Via, serve};
use odeon_guest::{ActorResult, ExitReason, actors, stop};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// One list.
#[derive(Default)]
struct List {
    entries: BTreeMap<u32, Entry>,
    last_id: u32,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    id: u32,
    date: String,
    title: String,
}

/// What a list can be asked. The answer is the entries that it is about.
#[derive(Serialize, Deserialize)]
enum Ask {
    /// A new one: its date, and what there is to do.
    Add(String, String),
    /// Those of a date.
    Entries(String),
    /// The one with this number, for the last time.
    Strike(u32),
}

/// What a list can be told.
#[derive(Serialize, Deserialize)]
enum Tell {
    /// The entries of another server for the same list.
    Merge(Vec<Entry>),
}

impl List {
    fn add(&mut self, date: String, title: String) -> Entry {
        self.last_id += 1;
        let entry = Entry { id: self.last_id, date, title };
        self.entries.insert(entry.id, entry.clone());
        entry
    }
}

impl Server for List {
    type Init = ();
    type Call = Ask;
    type Reply = Vec<Entry>;
    type Cast = Tell;

    fn init((): ()) -> Result<Self, ExitReason> {
        Ok(Self::default())
    }

    fn call(&mut self, ask: Ask, caller: Caller<Vec<Entry>>) -> ActorResult {
        caller.reply(&match ask {
            Ask::Add(date, title) => vec![self.add(date, title)],
            Ask::Entries(date) => {
                self.entries.values().filter(|entry| entry.date == date).cloned().collect()
            }
            Ask::Strike(id) => self.entries.remove(&id).into_iter().collect(),
        });
        Ok(())
    }

    fn cast(&mut self, Tell::Merge(entries): Tell) -> ActorResult {
        for Entry { date, title, .. } in entries {
            self.add(date, title);
        }
        Ok(())
    }

    /// When parts of a cluster meet that each have a server for this list, the older one
    /// goes on.
    fn resolver() -> Resolver {
        Resolver::OldestNotify
    }

    /// The other one gets all that is here, so that nothing is lost. Numbers change.
    fn name_lost(&mut self, lost: NameLost) -> ActorResult {
        let entries = std::mem::take(&mut self.entries).into_values().collect();
        ServerRef::<Self>::at(lost.other).cast(&Tell::Merge(entries));
        Err(ExitReason::Normal)
    }
}

/// The actor behind each list.
fn list(start: Start<()>) -> ActorResult {
    serve::<List>(start)
}

/// This makes a list one of the whole cluster: `Via::local` would give each node its own.
fn name_of(list: &str) -> Via {
    Via::cluster(format!("todo:{list}"))
}

/// How long a list may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A list may end between being found and being asked; this often it is looked for again.
const TRIES: usize = 3;

/// Asks a list, which is found or started.
fn ask(list: &str, ask: &Ask) -> Result<Vec<Entry>, ExitReason> {
    for _ in 0..TRIES {
        let server = ServerRef::<List>::find_or_start(name_of(list), "list", &())?;
        match server.call(ask, PATIENCE) {
            // There was nobody to do anything, so asking again does nothing twice.
            Err(CallError::Exit(ExitReason::Noproc)) => {}
            answer => return Ok(answer?),
        }
    }
    Err(ExitReason::error("the list is not to be reached at the moment"))
}

/// As [`ask`], for a function whose result has no place for an error: that is its actor's
/// exit reason.
fn ask_or_end(list: &str, question: Ask) -> Vec<Entry> {
    ask(list, &question).unwrap_or_else(|reason| stop(&reason))
}

wit_bindgen::generate!({ path: "wit", world: "todo" });

use exports::examples::todo::lists;

/// The functions that people call.
struct Lists;

impl lists::Guest for Lists {
    fn add(list: String, date: String, title: String) -> u32 {
        let added = ask_or_end(&list, Ask::Add(date, title));
        added.first().map_or(0, |entry| entry.id)
    }

    fn entries(list: String, date: String) -> Vec<lists::Entry> {
        let entries = ask_or_end(&list, Ask::Entries(date)).into_iter();
        entries.map(|Entry { id, title, .. }| lists::Entry { id, title }).collect()
    }

    fn strike(list: String, id: u32) -> bool {
        !ask_or_end(&list, Ask::Strike(id)).is_empty()
    }
}

export!(Lists);
actors! { list }
