//! Names, groups, locks and nodes, by the SDKs that have them: on one node and between two.

use std::time::Instant;

use odeon::Spawn;
use odeon_core::Reason;
use odeon_tests::cluster::{Member, Pair};
use odeon_tests::protocol::{Operation, Pid, Value};
use odeon_tests::{DEADLINE, Ended, Puppet, in_time};

use crate::build::{Language, built};
use crate::{deploy, hold, holds_between_two, start};

/// What is checked within one node.
const CHECKS: [&str; 3] = ["check_cluster_names", "check_groups", "check_locks"];

/// What each side of the pair registers in `check_name_lost`.
const CONTESTED: &[u8] = b"contested";

async fn names_groups_and_locks_do_what_they_should(language: Language) {
    hold(language, &CHECKS).await;
}

async fn names_groups_locks_and_watchers_span_two_nodes(language: Language) {
    holds_between_two(language, "check_cluster").await;
}

/// Who has the contested name, as a node knows it.
async fn owner(puppet: &mut Puppet) -> Option<Pid> {
    match puppet.order(Operation::NameWhereis(CONTESTED.to_vec())).await {
        Value::Pid(owner) => owner,
        other => panic!("{other:?} instead of an owner"),
    }
}

/// Waits until somebody, or nobody, has it.
async fn until_owned(puppet: &mut Puppet, is_owned: bool) {
    let begun = Instant::now();
    while owner(puppet).await.is_some() != is_owned {
        assert!(begun.elapsed() < DEADLINE, "the name is owned: never {is_owned}");
        tokio::task::yield_now().await;
    }
}

/// The end of an actor that has registered the contested name, and who asks for owners there.
async fn contender(member: &Member, language: Language) -> (Ended, Puppet) {
    let spawn = Spawn::new(language.name(), start("check_name_lost", &[]));
    let ended = member.world.ground().spawn(spawn).await;
    let mut puppet = member.world.puppet().await;
    until_owned(&mut puppet, true).await;
    (ended, puppet)
}

async fn both_owners_of_a_name_hear_of_its_loss_when_they_meet(language: Language) {
    let Some(module) = built(language) else { return };
    let pair = Pair::start().await;
    deploy(&pair.near.world.ground(), language, module).await;
    deploy(&pair.far.world.ground(), language, module).await;
    let near = contender(&pair.near, language).await;
    let far = contender(&pair.far, language).await;
    pair.connect().await;
    for (ended, mut puppet) in [near, far] {
        assert_eq!(in_time("the end of a contender", ended.wait()).await, Reason::Normal);
        until_owned(&mut puppet, false).await;
    }
}

languages! {
    [C c, Zig zig, Js js, JsFull js_full, Python python, Go go] {
        names_groups_and_locks_do_what_they_should,
        names_groups_locks_and_watchers_span_two_nodes,
        both_owners_of_a_name_hear_of_its_loss_when_they_meet,
    }
}
