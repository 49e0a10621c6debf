//! A server, as others see it: how it is started, found, asked and told.

use super::Server;
use crate::codec::{DecodeError, Encode};
use crate::envelope::Envelope;
use crate::groups::Scope;
use crate::mailbox::{self, Event, event_of};
use crate::process;
use crate::spawn::Spawn;
use crate::start::{StartError, Starting};
use crate::timer;
use crate::types::{Destination, ExitReason, Pid};
use crate::via::Via;
use crate::watch::{AliasMode, MonitorOptions, monitor, monitor_with};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// Between two who were to get one name at the same time nobody may be seen under it, for as
/// long as a message takes. It is looked up again so soon, and for so long at most.
const LOOKED_UP_AGAIN: Duration = Duration::from_millis(2);
const SETTLED_WITHIN: Duration = Duration::from_millis(200);

/// A server, as others see it: by pid, or by a name that is looked up anew whenever
/// something is sent. It can be put into messages.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct ServerRef<S> {
    to: To,
    /// Somebody had the name or was about to get it.
    #[serde(skip)]
    is_expected: bool,
    #[serde(skip)]
    server: PhantomData<fn(S)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum To {
    Destination(Destination),
    Via(Via),
}

impl<S> Clone for ServerRef<S> {
    fn clone(&self) -> Self {
        Self { to: self.to.clone(), ..*self }
    }
}

impl<S> From<Via> for ServerRef<S> {
    fn from(via: Via) -> Self {
        Self::via(via)
    }
}

impl<S> ServerRef<S> {
    /// The server with this pid or name, here or on another node. That it is such
    /// a server is the caller's word.
    #[must_use]
    pub fn at(to: impl Into<Destination>) -> Self {
        Self { to: To::Destination(to.into()), is_expected: false, server: PhantomData }
    }

    /// The server that is found by this, whoever that is when it is asked. That it is such
    /// a server is the caller's word.
    #[must_use]
    pub fn via(via: Via) -> Self {
        let to = match via {
            Via::Local(name) => To::Destination(Destination::Name(name)),
            via => To::Via(via),
        };
        Self { to, is_expected: false, server: PhantomData }
    }

    /// Where a call would go now. Nothing if nobody is found.
    #[must_use]
    pub fn destination(&self) -> Option<Destination> {
        match &self.to {
            To::Destination(to) => Some(to.clone()),
            To::Via(via) => via.whereis().map(Destination::Pid),
        }
    }

    /// The server's pid, where it is known, registered on this node, or found by its
    /// [`Via`].
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        match self.destination()? {
            Destination::Pid(pid) => Some(pid),
            Destination::Name(name) => process::whereis(&name),
            Destination::NodeName(_) | Destination::Alias(_) => None,
        }
    }
}

/// Why a call has no answer. The server may or may not have handled it, unless it is
/// [`ExitReason::Noproc`]: then there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The server ended, or was not there: `Noproc` if nobody has that name or pid,
    /// `Noconnection` if its node was lost or cannot be reached.
    Exit(ExitReason),
    /// No answer came in time; none will come any more.
    Timeout,
    /// The answer is not what this caller takes for one.
    Decode(DecodeError),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(reason) => write!(f, "the called actor ended: {reason}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Decode(error) => write!(f, "the answer: {error}"),
        }
    }
}

impl std::error::Error for CallError {}

/// How a server is started. By default it is neither linked nor named, and has all the
/// time it needs to get ready.
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    /// Whether it is linked to its starter.
    pub link: bool,
    /// How long it may take to get ready, its name included. Then it is killed.
    pub timeout: Option<Duration>,
    /// The name that it takes first, on the node where it starts.
    pub via: Option<Via>,
}

impl<S: Server> ServerRef<S> {
    /// Starts a server by the name of the function that serves it, and waits
    /// until it is ready.
    ///
    /// # Errors
    /// It did not get ready; [`StartError`] says why.
    pub fn start(function: &str, init: &S::Init) -> Result<Self, StartError> {
        Self::start_with(function, init, StartOptions::default(), |spawn| spawn)
    }

    /// [`ServerRef::start`], and links the server to the caller.
    ///
    /// # Errors
    /// As [`ServerRef::start`]. A caller that does not trap exits ends with a
    /// server that fails to start.
    pub fn start_link(function: &str, init: &S::Init) -> Result<Self, StartError> {
        let options = StartOptions { link: true, ..StartOptions::default() };
        Self::start_with(function, init, options, |spawn| spawn)
    }

    /// [`ServerRef::start`] under a name, which nobody else may have: it is the server's
    /// before its `init` runs. The reference that this gives goes by the name.
    ///
    /// # Errors
    /// As [`ServerRef::start`]; [`StartError::AlreadyStarted`] if another actor has the
    /// name. Nobody is refused a group.
    pub fn start_via(via: Via, function: &str, init: &S::Init) -> Result<Self, StartError> {
        let options = StartOptions { via: Some(via.clone()), ..StartOptions::default() };
        Self::start_with(function, init, options, |spawn| spawn)?;
        Ok(Self::via(via))
    }

    /// [`ServerRef::start_via`], and links the server to the caller, also where the name
    /// is taken: then nothing comes of the link.
    ///
    /// # Errors
    /// As [`ServerRef::start_via`] and [`ServerRef::start_link`].
    pub fn start_link_via(via: Via, function: &str, init: &S::Init) -> Result<Self, StartError> {
        let options = StartOptions { link: true, via: Some(via.clone()), timeout: None };
        Self::start_with(function, init, options, |spawn| spawn)?;
        Ok(Self::via(via))
    }

    /// The server of this name; one that is started here if there is none. Of a local or
    /// cluster name all who ask get the same server, also those who ask at once, on
    /// whatever nodes; of a group, those who ask at once may each start one.
    ///
    /// It is not linked with anybody, and lives on when its starter ends. The reference
    /// goes by the name: when the server has ended a call says `Noproc`, and asking
    /// here again starts the next one.
    ///
    /// ```no_run
    /// # use odeon_guest::server::{Server, ServerRef, StartError, Via};
    /// fn list<L: Server<Init = String>>(name: &str) -> Result<ServerRef<L>, StartError> {
    ///     ServerRef::find_or_start(Via::cluster(name), "list", &name.to_owned())
    /// }
    /// ```
    ///
    /// # Errors
    /// There was none, and it did not get ready; [`StartError`] says why.
    pub fn find_or_start(via: Via, function: &str, init: &S::Init) -> Result<Self, StartError> {
        let found = Self { is_expected: true, ..Self::via(via.clone()) };
        if via.whereis().is_some() {
            return Ok(found);
        }
        match Self::start_via(via, function, init) {
            Err(StartError::AlreadyStarted(_)) => Ok(found),
            started => started,
        }
    }

    /// [`ServerRef::start`] with a say in how: [`StartOptions`], and the spawn's own, such
    /// as another module or node. The reference goes by the pid.
    ///
    /// # Errors
    /// As [`ServerRef::start_via`].
    pub fn start_with(
        function: &str,
        init: &S::Init,
        options: StartOptions,
        spawn: impl FnOnce(Spawn) -> Spawn,
    ) -> Result<Self, StartError> {
        let StartOptions { link, timeout, via } = options;
        let starting = Starting { function, argument: init.encode(), link, timeout, via };
        starting.run(spawn).map(Self::at)
    }

    /// Asks, and waits for the answer.
    ///
    /// The wait takes constant time however full the mailbox is, and no answer
    /// comes after it has failed. If the server that a cluster name led to turns out not
    /// to be there, and the name has another owner by then, that one is asked. Where
    /// [`ServerRef::find_or_start`] saw somebody, up to 200 ms are waited for that.
    ///
    /// # Errors
    /// There is no answer; [`CallError`] says why.
    pub fn call(&self, call: &S::Call, timeout: Duration) -> Result<S::Reply, CallError> {
        let noproc = CallError::Exit(ExitReason::Noproc);
        if !matches!(self.to, To::Via(Via::Cluster(_))) {
            return ask::<S>(self.destination().ok_or(noproc)?, call, timeout);
        }
        let deadline = timer::now().saturating_add(timeout);
        let mut asked = None;
        // One that was asked and not there may have found its name taken, and never begun.
        while let Some(next) = self.destination_after(asked.as_ref(), deadline) {
            let left = deadline.saturating_sub(timer::now());
            let answer = ask::<S>(next.clone(), call, left);
            if answer.as_ref().err() != Some(&noproc) {
                return answer;
            }
            asked = Some(next);
        }
        Err(noproc)
    }

    /// Where a call would go that has found nobody there.
    fn destination_after(
        &self,
        asked: Option<&Destination>,
        deadline: Duration,
    ) -> Option<Destination> {
        let settled = deadline.min(timer::now().saturating_add(SETTLED_WITHIN));
        loop {
            let next = self.destination().filter(|next| Some(next) != asked);
            if next.is_some() || !self.is_expected || timer::now() >= settled {
                return next;
            }
            timer::sleep(LOOKED_UP_AGAIN);
        }
    }

    /// Tells, without an answer. Nothing is said where there is no server. Of a group one
    /// member is told: see [`ServerRef::cast_all`].
    pub fn cast(&self, cast: &S::Cast) {
        if let Some(to) = self.destination() {
            post(to, &Envelope::Cast { body: cast.encode() });
        }
    }

    /// Tells every member of a group, as often as it joined, without an answer. It goes to
    /// each node once. Where this is no group, it is [`ServerRef::cast`].
    pub fn cast_all(&self, cast: &S::Cast) {
        let To::Via(Via::Group { scope, group }) = &self.to else { return self.cast(cast) };
        let envelope = Envelope::Cast { body: cast.encode() };
        // There may be nobody, as with `cast`.
        let _ = Scope::named(scope.clone()).send(group, &crate::Raw(envelope.encode()));
    }

    /// Ends the server in an orderly way and waits for its end. Of a group, the one member
    /// that a call would go to.
    ///
    /// # Errors
    /// It ended for another reason than `Normal`, or not in time. `Noproc` if nobody has
    /// the name.
    pub fn stop(&self, timeout: Duration) -> Result<(), CallError> {
        let to = self.destination().ok_or(CallError::Exit(ExitReason::Noproc))?;
        let monitor = monitor(to.clone());
        post(to, &Envelope::Stop);
        match monitor.wait(Some(timeout)) {
            Ok(down) if down.reason == ExitReason::Normal => Ok(()),
            Ok(down) => Err(CallError::Exit(down.reason)),
            Err(_) => Err(CallError::Timeout),
        }
    }
}

/// Asks one actor.
fn ask<S: Server>(
    to: Destination,
    call: &S::Call,
    timeout: Duration,
) -> Result<S::Reply, CallError> {
    let alias = Some(AliasMode::ReplyDemonitor);
    let options = MonitorOptions { alias, tag: None, priority: false };
    let monitor = monitor_with(to.clone(), &options);
    let reference = monitor.reference();
    // A name that nobody has is told by the monitor as well.
    post(to, &Envelope::Call { reply_to: reference, body: call.encode() });
    let answer = match event_of(reference, Some(timeout)) {
        Some(answer) => {
            // Either event has ended the monitor and the alias.
            monitor.keep();
            Some(answer)
        }
        None => {
            // Ends the alias too. An answer that came meanwhile still counts.
            drop(monitor);
            event_of(reference, Some(Duration::ZERO))
        }
    };
    match answer {
        Some(Event::Message(message)) => message.decode().map_err(CallError::Decode),
        Some(Event::Down(down)) => Err(CallError::Exit(down.reason)),
        _ => Err(CallError::Timeout),
    }
}

fn post(to: Destination, envelope: &Envelope) {
    let options = mailbox::SendOptions::empty();
    // What cannot be delivered is dropped.
    let _ = mailbox::send_bytes_with(to, &envelope.encode(), options);
}
