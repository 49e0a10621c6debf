//! Calls of functions, on this node or another one.
//!
//! A [`Call`] says which function is to run where, on what and for how long. It can
//! be waited for ([`Call::run`]), asked for without waiting ([`Call::request`]), sent
//! to many nodes at once ([`multicall`]), or done without an answer ([`Call::cast`]).
//! The function runs as an actor of its own; what it returns is the result. One that
//! [`actors!`](crate::actors) lists takes and gives any value; of a module in another
//! language any exported function can be called, as text.
//!
//! ```no_run
//! use odeon_guest::rpc::{self, Call};
//! use odeon_guest::{ActorResult, actors, node, println};
//! use std::time::Duration;
//!
//! fn square(n: u64) -> u64 {
//!     n * n
//! }
//!
//! fn app(_: ()) -> ActorResult {
//!     let there: u64 = rpc::call("b@box", "square", &5)?;
//!     let sum: String = Call::wave("add(1, 2)").module("calc").on("b@box").run_text()?;
//!     println!("{there}, {sum}");
//!     let (nodes, call) = (node::nodes(), Call::function("square", &7));
//!     let outcomes = rpc::multicall::<u64, _>(&nodes, &call.timeout(Duration::from_secs(2)));
//!     for (node, outcome) in nodes.iter().zip(outcomes) {
//!         println!("{node}: {outcome:?}");
//!     }
//!     Ok(())
//! }
//!
//! actors! { app, square }
//! ```

use crate::bindings::odeon::actor::rpc as host;
use crate::codec::{Decode, DecodeError, Encode, Raw};
use crate::mailbox::{self, Event, event_of, event_where, event_where_timeout, millis};
use crate::spawn::Limits;
use crate::timer;
use crate::types::Reference;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::time::Duration;

use crate::bindings::odeon::actor::process::{EntryCall, Module};

pub use host::CallError;

/// Why a call gave no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// It gave no result.
    Call(CallError),
    /// The result is not what this caller takes for one.
    Decode(DecodeError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(CallError::Ended(reason)) => {
                write!(f, "the function ended without a result: {reason}")
            }
            Self::Call(CallError::Noconnection) => f.write_str("no connection to the node"),
            Self::Call(CallError::Timeout) => f.write_str("no result in time"),
            Self::Call(
                CallError::NoModule(text)
                | CallError::NoFunction(text)
                | CallError::BadArgument(text)
                | CallError::SystemLimit(text)
                | CallError::Denied(text),
            ) => write!(f, "not called: {text}"),
            Self::Decode(error) => write!(f, "the result of a call: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// Calls a function of the caller's own module on a node, and waits for what it gives.
///
/// # Errors
/// There is no value; [`Error`] says why.
pub fn call<A: Encode + ?Sized, T: Decode>(
    node: &str,
    function: &str,
    argument: &A,
) -> Result<T, Error> {
    Call::function(function, argument).on(node).run()
}

/// Lets a function of the caller's own module run on a node, and wants to know nothing
/// of it.
///
/// # Errors
/// The call itself is wrong. Nothing else is told.
pub fn cast<A: Encode + ?Sized>(node: &str, function: &str, argument: &A) -> Result<(), CallError> {
    Call::function(function, argument).on(node).cast()
}

/// A call to be made. Unless told otherwise it is of a function of the caller's own
/// module, on this node, takes as long as it likes, and has the caller's limits.
#[derive(Clone, Debug)]
#[must_use = "nothing is called before `run`, `request` or `cast`"]
pub struct Call {
    module: Module,
    target: host::Target,
    options: host::CallOptions,
}

impl Call {
    /// A function behind an SDK's entry, and its argument.
    pub fn function<A: Encode + ?Sized>(function: &str, argument: &A) -> Self {
        let (function, argument) = (function.to_owned(), argument.encode());
        Self::of(host::Target::Entry(EntryCall { function, argument }))
    }

    /// Any exported function, as text: `add(1, 2)`, or with JSON `add [1, 2]`. The
    /// result is WAVE text; see [`Call::run_text`].
    pub fn wave(text: impl Into<String>) -> Self {
        Self::of(host::Target::Wave(text.into()))
    }

    /// As [`Call::wave`], with a result in JSON.
    pub fn json(text: impl Into<String>) -> Self {
        Self::of(host::Target::Json(text.into()))
    }

    fn of(target: host::Target) -> Self {
        let options = host::CallOptions { node: None, timeout_ms: None, limits: None };
        Self { module: Module::This, target, options }
    }

    /// In the module that is deployed under this name, not the caller's own.
    pub fn module(mut self, name: impl Into<String>) -> Self {
        self.module = Module::Name(name.into());
        self
    }

    /// In the module with this SHA-256, as 64 hexadecimal digits.
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.module = Module::Digest(digest.into());
        self
    }

    /// On this node, as `name@host`.
    pub fn on(mut self, node: impl Into<String>) -> Self {
        self.options.node = Some(node.into());
        self
    }

    /// For at most so long: 2^32 - 1 milliseconds are the most. Then the caller hears
    /// [`CallError::Timeout`] and the function is ended.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout_ms = Some(millis(timeout));
        self
    }

    /// With these limits instead of the caller's; they cannot be wider.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = Some(limits);
        self
    }

    /// Makes the call and waits for the value.
    ///
    /// # Errors
    /// There is none; [`Error`] says why.
    pub fn run<T: Decode>(&self) -> Result<T, Error> {
        let outcome = host::call(&self.module, &self.target, &self.options);
        value(outcome)
    }

    /// Makes the call and waits for the text that it gives, for [`Call::wave`] and
    /// [`Call::json`].
    ///
    /// # Errors
    /// There is none; [`Error`] says why.
    pub fn run_text(&self) -> Result<String, Error> {
        let Raw(bytes) = self.run()?;
        String::from_utf8(bytes)
            .map_err(|_| Error::Decode(DecodeError { problem: "it is no text".to_owned() }))
    }

    /// Lets the function run, and wants to know nothing of it.
    ///
    /// # Errors
    /// The call itself is wrong. Nothing else is told.
    pub fn cast(&self) -> Result<(), CallError> {
        host::cast(&self.module, &self.target, &self.options)
    }

    /// Makes the call and does not wait: what is wrong with it is its outcome, too.
    pub fn request<T: Decode>(&self) -> Request<T> {
        let reference = host::request(&self.module, &self.target, &self.options);
        Request { reference, value: PhantomData }
    }
}

fn value<T: Decode>(outcome: Result<Vec<u8>, CallError>) -> Result<T, Error> {
    T::decode(outcome?).map_err(Error::Decode)
}

/// A call under way. Dropping it gives the call up: its outcome never comes.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "dropping a request gives it up"]
pub struct Request<T> {
    reference: Reference,
    value: PhantomData<fn() -> T>,
}

impl<T> Request<T> {
    /// The reference of the `CallReply` event.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.reference
    }

    /// The event is this call's own, or will never come.
    fn over(self) {
        mem::forget(self);
    }
}

impl<T: Decode> Request<T> {
    /// Waits for the outcome. When the time is over the call is given up.
    ///
    /// # Errors
    /// There is no value; [`Error`] says why.
    pub fn receive(self, timeout: Option<Duration>) -> Result<T, Error> {
        match self.wait(timeout) {
            Ok(outcome) => outcome,
            Err(request) => request.give_up().unwrap_or(Err(CallError::Timeout.into())),
        }
    }

    /// Waits for the outcome for a time; [`Duration::ZERO`] only looks.
    ///
    /// # Errors
    /// It has not come; the request comes back, to be waited for again.
    pub fn wait(self, timeout: Option<Duration>) -> Result<Result<T, Error>, Self> {
        match event_of(self.reference, timeout) {
            Some(Event::CallReply(reply)) => {
                self.over();
                Ok(value(reply.outcome))
            }
            _ => Err(self),
        }
    }

    /// Whether this event is the outcome; gives the value then.
    ///
    /// # Errors
    /// It is not; request and event come back.
    #[expect(clippy::result_large_err, reason = "what comes back is what was given")]
    pub fn check(self, event: Event) -> Result<Result<T, Error>, (Self, Event)> {
        match event {
            Event::CallReply(reply) if reply.request == self.reference => {
                self.over();
                Ok(value(reply.outcome))
            }
            event => Err((self, event)),
        }
    }

    /// Gives the call up, unless its outcome has just come.
    fn give_up(self) -> Option<Result<T, Error>> {
        if host::abandon(self.reference) {
            self.over();
            return None;
        }
        self.wait(Some(Duration::ZERO)).ok()
    }
}

impl<T> Drop for Request<T> {
    fn drop(&mut self) {
        if !host::abandon(self.reference) {
            // It has come, and nobody wants it.
            let _unwanted = event_of(self.reference, Some(Duration::ZERO));
        }
    }
}

/// Calls under way, each with a label of the caller's choice. Their outcomes come in
/// any order.
#[derive(Debug)]
#[must_use = "dropping requests gives them up"]
pub struct Requests<L, T> {
    open: BTreeMap<Reference, (L, Request<T>)>,
}

impl<L, T> Default for Requests<L, T> {
    fn default() -> Self {
        Self { open: BTreeMap::new() }
    }
}

/// What came of one of several calls: its label, and its outcome.
pub type Labelled<L, T> = (L, Result<T, Error>);

impl<L, T: Decode> Requests<L, T> {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn add(&mut self, request: Request<T>, label: L) {
        self.open.insert(request.reference, (label, request));
    }

    /// How many are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The labels of those under way, in the order in which they were made.
    pub fn labels(&self) -> impl Iterator<Item = &L> {
        self.open.values().map(|(label, _)| label)
    }

    /// Waits for the next outcome, and takes its call out. Nothing if none is under way.
    /// When the time is over all of them are given up.
    ///
    /// # Errors
    /// No outcome came in time: the labels of those that were given up.
    pub fn receive(&mut self, timeout: Option<Duration>) -> Result<Option<Labelled<L, T>>, Vec<L>> {
        match self.wait(timeout) {
            Some(outcome) => Ok(Some(outcome)),
            None if self.is_empty() => Ok(None),
            None => Err(mem::take(&mut self.open).into_values().map(|(label, _)| label).collect()),
        }
    }

    /// Waits for the next outcome for a time, and takes its call out. Nothing if none is
    /// under way, or none came in time; they stay.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Option<Labelled<L, T>> {
        if self.is_empty() {
            return None;
        }
        let is_ours = |event: &Event| match event {
            Event::CallReply(reply) => self.open.contains_key(&reply.request),
            _ => false,
        };
        let event = match timeout {
            None => event_where(is_ours),
            Some(timeout) => event_where_timeout(timeout, is_ours)?,
        };
        self.check(event).ok()
    }

    /// Whether this event is one of the outcomes; takes its call out then.
    ///
    /// # Errors
    /// It is not; the event comes back.
    pub fn check(&mut self, event: Event) -> Result<Labelled<L, T>, Event> {
        let Event::CallReply(mailbox::CallReply { request, .. }) = &event else {
            return Err(event);
        };
        let Some((label, request)) = self.open.remove(request) else { return Err(event) };
        match request.check(event) {
            Ok(outcome) => Ok((label, outcome)),
            Err((_, event)) => Err(event),
        }
    }
}

/// Makes the same call on many nodes at once, and waits for all outcomes: in the order
/// of the nodes, which may be the same one several times. The call's own timeout is for
/// all of them together.
pub fn multicall<T: Decode, N: AsRef<str>>(nodes: &[N], call: &Call) -> Vec<Result<T, Error>> {
    let deadline = call.options.timeout_ms.map(|ms| timer::now() + Duration::from_millis(ms));
    let ask = |node: &N| call.clone().on(node.as_ref()).request::<T>();
    let requests: Vec<_> = nodes.iter().map(ask).collect();
    let left = || deadline.map(|deadline| deadline.saturating_sub(timer::now()));
    requests.into_iter().map(|request| request.receive(left())).collect()
}

/// Lets a function run on many nodes, and wants to know nothing of it.
///
/// # Errors
/// The call itself is wrong; some nodes may have been asked. Nothing else is told.
pub fn multicast<N: AsRef<str>>(nodes: &[N], call: &Call) -> Result<(), CallError> {
    nodes.iter().try_for_each(|node| call.clone().on(node.as_ref()).cast())
}
