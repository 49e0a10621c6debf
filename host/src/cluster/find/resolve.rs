//! Guests that decide between two owners of a name: a function that is called for one
//! decision, on the node of the owner who would keep the name otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use odeon_core::names::{Choice, Names, RESOLVER_MS};
use odeon_core::process::{Event, Filter};
use odeon_core::wire::CallAt;
use odeon_core::{Key, Pid};

use crate::call::{self, Call, Caller};
use crate::cell::Cell;
use crate::limits::Limits;
use crate::native::Native;
use crate::rights::Rights;
use crate::runtime::Runtime;
use crate::spawn::{Code, Plan};
use crate::wasm::Program;

/// The longest name of a function that decides, in bytes.
pub(crate) const FUNCTION_BYTES_MAX: usize = 255;

/// Callbacks are looked through for ones that are no longer needed at this number, and
/// then at twice as many as were.
const CALLBACKS_FIRST_LOOK: usize = 64;

/// A function that decides, and what it runs with: all that of the actor who named it.
#[derive(Clone)]
pub(crate) struct Callback {
    pub(crate) runtime: Weak<Runtime>,
    pub(crate) program: Arc<Program>,
    pub(crate) function: Arc<str>,
    pub(crate) parent: Weak<Cell>,
    pub(crate) group_leader: Pid,
    pub(crate) limits: Arc<Limits>,
    pub(crate) rights: Arc<Rights>,
}

/// The functions of names that are registered.
#[derive(Default)]
pub(super) struct Callbacks {
    by_owner: BTreeMap<(Key, Pid), Callback>,
    next_look: usize,
}

impl Callbacks {
    pub(super) fn get(&self, key: &Key, owner: Pid) -> Option<&Callback> {
        self.by_owner.get(&(key.clone(), owner))
    }

    /// This owner of a name named this function.
    pub(super) fn insert(&mut self, names: &Names, key: Key, owner: Pid, callback: Callback) {
        self.by_owner.insert((key, owner), callback);
        if self.by_owner.len() >= self.next_look.max(CALLBACKS_FIRST_LOOK) {
            self.by_owner.retain(|(key, owner), _| names.is_owner(key, *owner));
            self.next_look = 2 * self.by_owner.len();
        }
    }
}

impl Callback {
    /// Lets the function decide, in the background.
    pub(super) fn run(self, clash: u64, key: Key, own: Pid, other: Pid) {
        let Some(runtime) = self.runtime.upgrade() else { return };
        let spawner = runtime.spawner.clone();
        spawner.spawn(async move {
            let choice = self.decide(&runtime, &key, own, other).await;
            tracing::info!(name = %key, %own, %other, ?choice, "decided between two owners");
            runtime.cluster.find.resolved(&runtime, clash, choice);
        });
    }

    async fn decide(self, runtime: &Arc<Runtime>, key: &Key, own: Pid, other: Pid) -> Choice {
        let mut asker = Native::new(runtime, "resolver");
        let request = runtime.fresh_reference();
        asker.act(|process, effects| process.call_requested(request, effects));
        let caller = Caller { pid: asker.pid(), request, link: None };
        let ids = [own.node.get(), own.serial, other.node.get(), other.serial];
        let argument = [ids.map(u64::to_le_bytes).as_flattened(), key.as_bytes()].concat();
        let function = self.function.to_string();
        let at = CallAt::Entry { function, argument: argument.into() };
        let timeout_ms = u32::try_from(RESOLVER_MS).unwrap_or(u32::MAX);
        let call = Call::new(runtime, Some(caller.clone()), &at, Some(timeout_ms));
        let plan = Plan {
            code: Code::Program(self.program),
            start: call::start(at),
            name: None,
            group_leader: self.group_leader,
            limits: self.limits,
            rights: self.rights,
            parent: self.parent.upgrade(),
            made_by: None,
            family: None,
            call: Some(call),
        };
        runtime.call_here(plan, Some(caller));
        match asker.receive(Filter::Reference(request)).await {
            Some(Event::CallReply { outcome: Ok(chosen), .. }) => match chosen[..] {
                [0] => Choice::Neither,
                [1] => Choice::Own,
                [2] => Choice::Other,
                _ => Choice::Failed,
            },
            _ => Choice::Failed,
        }
    }
}
