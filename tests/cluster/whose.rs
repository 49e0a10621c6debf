//! Pids of nodes that a node has never heard of: they came in a message from a third one,
//! which can say whose they are.

use std::time::Instant;

use odeon::cluster::Options;
use odeon_core::node::{AutoConnect, Nodes};
use odeon_tests::Puppet;
use odeon_tests::cluster::{Member, Place};
use odeon_tests::protocol::{Channel, Event, IoReply, Operation, Pid, Reason, SpawnOptions, Value};

use crate::common::nothing_came;
use crate::support::{down, exit, link, message, monitor, send, spawn_with};

/// Three nodes in a row, which do not become a mesh: the ends know of nobody but the middle.
struct Row {
    left: Member,
    middle: Member,
    right: Member,
    place: Place,
}

impl Row {
    async fn start(left: impl FnOnce(&mut Options), right: impl FnOnce(&mut Options)) -> Self {
        let place = Place::new().await;
        let left = place.start_with(|setting| {
            setting.cluster.mesh = false;
            left(&mut setting.cluster);
        });
        let left = left.await;
        let middle = place.start_with(|setting| {
            setting.cluster.mesh = false;
            setting.forwarded = true;
        });
        let middle = middle.await;
        let right = place.start_with(|setting| {
            setting.cluster.mesh = false;
            right(&mut setting.cluster);
        });
        let right = right.await;
        let row = Self { left, middle, right, place };
        row.left.connect(&row.middle.name).await;
        row.right.connect(&row.middle.name).await;
        row.middle.until_connected(&row.left.name, true).await;
        row.middle.until_connected(&row.right.name, true).await;
        assert_eq!(row.left.nodes(Nodes::Known), std::slice::from_ref(&row.middle.name));
        row
    }

    async fn puppets(&self) -> [Puppet; 2] {
        let mut left = self.left.world.puppet().await;
        left.order(Operation::TrapExit(true)).await;
        [left, self.right.world.puppet().await]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pid_that_a_third_node_told_leads_to_its_node_visible_or_hidden() {
    for (left_hidden, right_hidden) in [(false, false), (false, true), (true, false)] {
        let hides = |hidden| move |options: &mut Options| options.hidden = hidden;
        let row = Row::start(hides(left_hidden), hides(right_hidden)).await;
        let [mut left, mut right] = row.puppets().await;
        left.done(send(right.pid, b"hello")).await;
        assert_eq!(right.event().await, message(left.pid, b"hello"));
        assert!(row.left.knows(&row.right.name));
        nothing_came(&mut right, &mut left).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_monitors_wait_for_the_answer_and_hold() {
    let row = Row::start(|_| {}, |_| {}).await;
    let [mut left, mut right] = row.puppets().await;
    let watched = left.reference(monitor(right.pid)).await;
    left.done(link(right.pid)).await;
    nothing_came(&mut left, &mut right).await;
    right.kill().await;
    let events = [left.event().await, left.event().await];
    let expected = [exit(right.pid, Reason::Killed), down(watched, right.pid, Reason::Killed)];
    assert!(expected.iter().all(|one| events.contains(one)), "{events:?}");
    left.hears_nothing().await;
}

/// While the node in the middle says nothing, nothing is lost and nothing overtakes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_before_the_answer_arrives_in_order_and_before_what_is_sent_after() {
    let row = Row::start(|_| {}, |_| {}).await;
    let [mut left, mut right] = row.puppets().await;
    let mut other = row.left.world.puppet().await;
    row.middle.forwarder().pause();
    for number in 0..200_u32 {
        left.done(send(right.pid, &number.to_be_bytes())).await;
    }
    other.done(send(right.pid, b"other")).await;
    assert!(!row.left.knows(&row.right.name), "nobody has answered");
    row.middle.forwarder().resume();
    for number in 200..400_u32 {
        left.done(send(right.pid, &number.to_be_bytes())).await;
    }
    let (mut next, mut others) = (0_u32, 0);
    while next < 400 || others < 1 {
        let event = right.event().await;
        if event == message(other.pid, b"other") {
            others += 1;
        } else {
            assert_eq!(event, message(left.pid, &next.to_be_bytes()));
            next += 1;
        }
    }
    right.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pid_of_a_former_run_is_noproc_and_nobody_is_dialled() {
    let mut row = Row::start(|_| {}, |_| {}).await;
    let [mut left, right] = row.puppets().await;
    let former = right.pid;
    row.right.halt();
    row.middle.until_connected(&row.right.name, false).await;
    let name = row.right.name.clone();
    let again = row.place.start_with(|setting| {
        setting.name = Some(name.clone());
        setting.cluster.mesh = false;
    });
    let again = again.await;
    again.connect(&row.middle.name).await;
    row.middle.until_connected(&again.name, true).await;
    let watched = left.reference(monitor(former)).await;
    assert_eq!(left.event().await, down(watched, former, Reason::Noproc));
    left.done(link(former)).await;
    assert_eq!(left.event().await, exit(former, Reason::Noproc));
    left.done(send(former, b"lost")).await;
    left.hears_nothing().await;
    assert_eq!(row.left.nodes(Nodes::Known), [row.middle.name.clone()]);
    drop(right);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pid_of_nobody_is_noconnection_after_one_round_of_questions() {
    let row = Row::start(|_| {}, |_| {}).await;
    let [mut left, mut right] = row.puppets().await;
    for serial in [1, 7] {
        let nobody = Pid { node: 4_711, serial };
        let begun = Instant::now();
        let watched = left.reference(monitor(nobody)).await;
        assert_eq!(left.event().await, down(watched, nobody, Reason::Noconnection));
        left.done(link(nobody)).await;
        assert_eq!(left.event().await, exit(nobody, Reason::Noconnection));
        left.done(send(nobody, b"lost")).await;
        left.hears_nothing().await;
        // Nobody waited for the time of a question to end.
        assert!(begun.elapsed().as_millis() < 1_500, "{:?}", begun.elapsed());
    }
    left.done(send(right.pid, b"hello")).await;
    assert_eq!(right.event().await, message(left.pid, b"hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_connects_by_itself_does_not_for_a_pid_either() {
    let row = Row::start(|options| options.auto_connect = AutoConnect::Never, |_| {}).await;
    let [mut left, mut right] = row.puppets().await;
    let watched = left.reference(monitor(right.pid)).await;
    assert_eq!(left.event().await, down(watched, right.pid, Reason::Noconnection));
    left.done(send(right.pid, b"lost")).await;
    assert!(!row.left.knows(&row.right.name));
    assert!(left.yes(Operation::Connect(row.right.name.clone())).await);
    nothing_came(&mut left, &mut right).await;
}

/// Questions without number are bounded: what is too much is answered at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_made_up_pids_is_answered_and_disturbs_nobody() {
    let row = Row::start(|_| {}, |_| {}).await;
    let [mut left, mut right] = row.puppets().await;
    row.middle.forwarder().pause();
    let mut watched = Vec::new();
    for node in 0..300 {
        let nobody = Pid { node: 5_000 + node, serial: 1 };
        watched.push((left.reference(monitor(nobody)).await, nobody));
    }
    row.middle.forwarder().resume();
    let mut events = Vec::new();
    for _ in &watched {
        events.push(left.event().await);
    }
    for (reference, nobody) in watched {
        let lost = down(reference, nobody, Reason::Noconnection);
        assert_eq!(events.iter().filter(|event| **event == lost).count(), 1, "{nobody:?}");
    }
    left.done(send(right.pid, b"hello")).await;
    assert_eq!(right.event().await, message(left.pid, b"hello"));
    assert!(row.left.knows(&row.middle.name));
}

/// An actor that the node in the middle made on the right writes to its leader on the left.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_leader_on_an_unknown_node_is_found() {
    let row = Row::start(|_| {}, |_| {}).await;
    let [mut leader, _right] = row.puppets().await;
    let mut parent = row.middle.world.puppet().await;
    parent.done(Operation::SetGroupLeader { leader: leader.pid, of: parent.pid }).await;
    let cradle = row.right.world.cradle();
    let options = SpawnOptions { node: Some(row.right.name.clone()), ..SpawnOptions::default() };
    let (child_pid, _) = parent.spawned(spawn_with(cradle.start(), options)).await;
    let mut child = cradle.puppet().await;
    let writing = child.begin(Operation::PutChars(Channel::Output, b"from afar".to_vec()));
    let Event::IoRequest { sender, reply_as, .. } = leader.event().await else {
        leader.fail("no request")
    };
    assert_eq!(sender, child_pid);
    leader.done(Operation::Answer { to: sender, reply_as, reply: IoReply::Done }).await;
    assert_eq!(child.finish(writing).await, Value::Done);
}
