//! What can be asked of a running supervisor, and by whom: everybody who knows
//! its pid or name.

use super::Supervision;
use super::child::{Child, Restart};
use crate::codec::{DecodeError, Encode};
use crate::server::{CallError, ServerRef};
use crate::start::{StartError, Starting};
use crate::types::{Destination, Pid};
use crate::via::Via;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What can be asked of a running supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Request {
    /// The children, in the order in which they start.
    WhichChildren,
    /// Adds a child and starts it.
    StartChild(Child),
    /// Stops a child. It stays known, unless it is temporary.
    TerminateChild(String),
    /// Starts a child that does not run.
    RestartChild(String),
    /// Forgets a child that does not run.
    DeleteChild(String),
}

/// What a supervisor answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The children.
    Children(Vec<ChildInfo>),
    /// The child that was started.
    Started(Pid),
    /// Done.
    Done,
    /// Not done.
    Failed(ChildError),
}

/// One child of a running supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildInfo {
    /// Its id.
    pub id: String,
    /// Nothing while it does not run.
    pub pid: Option<Pid>,
    /// When it is started again.
    pub restart: Restart,
}

/// How many children there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChildCount {
    /// All that the supervisor knows.
    pub known: usize,
    /// Those that run.
    pub running: usize,
}

/// Why a request about a child was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChildError {
    /// There is a child with this id; its pid, if it runs.
    AlreadyThere(Option<Pid>),
    /// There is no child with this id.
    NotFound,
    /// The child runs.
    Running,
    /// The child did not start; in words.
    NotStarted(String),
}

/// A running supervisor, as others see it.
#[derive(Clone, Debug)]
pub struct SupervisorRef {
    server: ServerRef<Supervision>,
}

/// What a request to a supervisor gives: the outer error is of the call, the
/// inner one of the request.
pub type Outcome<T> = Result<Result<T, ChildError>, CallError>;

impl SupervisorRef {
    /// The supervisor with this pid or name.
    #[must_use]
    pub fn at(to: impl Into<Destination>) -> Self {
        Self { server: ServerRef::at(to) }
    }

    /// The supervisor that is found by this whenever it is asked.
    #[must_use]
    pub fn via(via: Via) -> Self {
        Self { server: ServerRef::via(via) }
    }

    /// Starts a supervisor by the name of its function, links it to the caller,
    /// and waits until all its children have started.
    ///
    /// # Errors
    /// It did not get ready; [`StartError`] says why.
    pub fn start_link<A: Encode + ?Sized>(
        function: &str,
        argument: &A,
    ) -> Result<Self, StartError> {
        let argument = argument.encode();
        let starting = Starting { function, argument, link: true, timeout: None, via: None };
        starting.run(|spawn| spawn).map(Self::at)
    }

    /// The children, in the order in which they start.
    ///
    /// # Errors
    /// The supervisor does not answer.
    pub fn which_children(&self, timeout: Duration) -> Result<Vec<ChildInfo>, CallError> {
        match self.server.call(&Request::WhichChildren, timeout)? {
            Answer::Children(children) => Ok(children),
            other => Err(unexpected(&other)),
        }
    }

    /// How many children there are.
    ///
    /// # Errors
    /// The supervisor does not answer.
    pub fn count_children(&self, timeout: Duration) -> Result<ChildCount, CallError> {
        let children = self.which_children(timeout)?;
        let running = children.iter().filter(|child| child.pid.is_some()).count();
        Ok(ChildCount { known: children.len(), running })
    }

    /// Adds a child and starts it.
    ///
    /// # Errors
    /// The supervisor does not answer.
    pub fn start_child(&self, child: Child, timeout: Duration) -> Outcome<Pid> {
        self.started(&Request::StartChild(child), timeout)
    }

    /// Starts a child that was terminated.
    ///
    /// # Errors
    /// The supervisor does not answer.
    pub fn restart_child(&self, id: &str, timeout: Duration) -> Outcome<Pid> {
        self.started(&Request::RestartChild(id.to_owned()), timeout)
    }

    /// Stops a child. It stays known, unless it is temporary.
    ///
    /// # Errors
    /// The supervisor does not answer.
    pub fn terminate_child(&self, id: &str, timeout: Duration) -> Outcome<()> {
        self.done(&Request::TerminateChild(id.to_owned()), timeout)
    }

    /// Forgets a child that was terminated.
    ///
    /// # Errors
    /// The supervisor does not answer.
    pub fn delete_child(&self, id: &str, timeout: Duration) -> Outcome<()> {
        self.done(&Request::DeleteChild(id.to_owned()), timeout)
    }

    fn started(&self, request: &Request, timeout: Duration) -> Outcome<Pid> {
        match self.server.call(request, timeout)? {
            Answer::Started(pid) => Ok(Ok(pid)),
            Answer::Failed(error) => Ok(Err(error)),
            other => Err(unexpected(&other)),
        }
    }

    fn done(&self, request: &Request, timeout: Duration) -> Outcome<()> {
        match self.server.call(request, timeout)? {
            Answer::Done => Ok(Ok(())),
            Answer::Failed(error) => Ok(Err(error)),
            other => Err(unexpected(&other)),
        }
    }
}

fn unexpected(answer: &Answer) -> CallError {
    CallError::Decode(DecodeError { problem: format!("not expected: {answer:?}") })
}
