//! The servers, supervisors and tasks that the SDK's checks use.

use odeon_guest::server::{Caller, Server, Start, serve};
use odeon_guest::supervisor::{Child, Strategy, Supervisor};
use odeon_guest::task::Job;
use odeon_guest::{ActorResult, Event, ExitReason, Pid, next_event, send, trap_exit};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A sum that can be asked to answer later.
#[derive(Debug)]
pub(crate) struct Tally {
    sum: u64,
    waiting: Vec<Caller<u64>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    Add(u64),
    AddLater(u64),
    Die(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Tell {
    Add(u64),
    AnswerAll,
}

impl Tally {
    fn answer_all(&mut self) {
        for caller in self.waiting.drain(..) {
            caller.reply(&self.sum);
        }
    }
}

impl Server for Tally {
    type Init = u64;
    type Call = Ask;
    type Reply = u64;
    type Cast = Tell;

    fn init(first: u64) -> Result<Self, ExitReason> {
        match first {
            u64::MAX => Err(ExitReason::error("too much")),
            sum => Ok(Self { sum, waiting: Vec::new() }),
        }
    }

    fn call(&mut self, ask: Ask, caller: Caller<u64>) -> ActorResult {
        match ask {
            Ask::Add(number) => {
                self.sum += number;
                caller.reply(&self.sum);
            }
            Ask::AddLater(number) => {
                self.sum += number;
                self.waiting.push(caller);
            }
            Ask::Die(text) => return Err(ExitReason::Error(text)),
        }
        Ok(())
    }

    fn cast(&mut self, tell: Tell) -> ActorResult {
        match tell {
            Tell::Add(number) => self.sum += number,
            Tell::AnswerAll => self.answer_all(),
        }
        Ok(())
    }

    fn info(&mut self, event: Event) -> ActorResult {
        if let Event::Message(message) = event {
            if message.decode::<String>().is_ok_and(|text| text == "answer all") {
                self.answer_all();
            }
        }
        Ok(())
    }
}

pub(crate) fn tally(start: Start<u64>) -> ActorResult {
    serve::<Tally>(start)
}

pub(crate) fn square(job: Job<u64>) -> ActorResult {
    let square = job.argument.checked_mul(job.argument).expect("too large to square");
    job.finish(&square)
}

/// Three children `a`, `b`, `c`, under the strategy that the argument names, with
/// two restarts allowed.
pub(crate) fn root(start: Start<String>) -> ActorResult {
    let strategy = match start.argument.as_str() {
        "one-for-one" => Strategy::OneForOne,
        "one-for-all" => Strategy::OneForAll,
        _ => Strategy::RestForOne,
    };
    Supervisor::new(strategy)
        .intensity(2, Duration::from_secs(60))
        .child(Child::server("a", "tally", &1_u64))
        .child(Child::actor("b", "waiter", &()))
        .child(Child::server("c", "tally", &3_u64))
        .run(start)
}

/// Three children that tell the argument of their starts and ends.
pub(crate) fn reporting_root(start: Start<Pid>) -> ActorResult {
    let reporter = |name: &str| Child::server(name, "reporter", &(start.argument, name.to_owned()));
    let children = [reporter("a"), reporter("b"), reporter("c")];
    children.into_iter().fold(Supervisor::new(Strategy::OneForOne), Supervisor::child).run(start)
}

pub(crate) fn reporter(start: Start<(Pid, String)>) -> ActorResult {
    let (to, name) = start.argument;
    trap_exit(true);
    send(to, &format!("start {name}"));
    start.starter.ready();
    loop {
        if let Event::Exit(exited) = next_event() {
            send(to, &format!("end {name}"));
            return Err(exited.reason);
        }
    }
}
