//! One call of an exported function, in an instance of its own that is an actor
//! for as long as the call takes.

use std::sync::Arc;

use odeon_core::signal::CallError;
use odeon_core::{Pid, Reason};
use tokio::sync::oneshot;
use wasmtime::component::Val;

use super::actor::{Entrance, Start};
use crate::limits::Limits;
use crate::node::Ended;
use crate::rights::Rights;
use crate::runtime::Runtime;
use crate::spawn::{Code, Plan};

/// Where the values of a call go, when it returns.
pub(crate) type Answer = oneshot::Sender<Vec<Val>>;

/// Calls a function of a deployed module.
pub(crate) async fn call(
    runtime: &Arc<Runtime>,
    module: &str,
    text: &str,
    group_leader: Pid,
    rights: Arc<Rights>,
    limits: Arc<Limits>,
) -> Result<Vec<Val>, CallError> {
    let plan = Plan {
        code: Code::Named(module.into()),
        start: Start::Call(text.into()),
        name: None,
        group_leader,
        limits,
        rights,
        parent: None,
        made_by: None,
        family: None,
        call: None,
    };
    let mut born = Arc::clone(runtime).prepare(plan).await?;
    let (answer, result) = oneshot::channel();
    if let Entrance::Call { answer: place, .. } = born.entrance() {
        *place = Some(answer);
    }
    let mut watcher = crate::native::Native::new(runtime, "call");
    let born_pid = born.pid();
    watcher.monitor(born_pid);
    born.run();
    // A caller that goes away drops the watcher; the callee is ended with it.
    let _guard = EndOnDrop { runtime, pid: born_pid };
    match result.await {
        Ok(values) => Ok(values),
        Err(_) => Err(CallError::Ended(Ended(watcher).wait().await)),
    }
}

struct EndOnDrop<'a> {
    runtime: &'a Arc<Runtime>,
    pid: Pid,
}

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.runtime.exit(self.pid, Reason::Kill);
    }
}
