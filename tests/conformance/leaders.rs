//! Group leaders, input and output (rows I, and D06 on one node).

use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;
use odeon::io::Device;
use odeon_core::Pid as HostPid;
use odeon_core::signal::{Channel as HostChannel, IoError as HostIoError};
use odeon_tests::protocol::{
    Channel, Event, Failure, IoError, IoReply, IoRequest, Module, Operation, Pid, SpawnOptions,
    Value,
};
use odeon_tests::{Puppet, Word, World};

use crate::support::{function, spawn_with};

/// A puppet that another one makes, with its group leader or another one.
async fn child_of(world: &World, parent: &mut Puppet, group_leader: Option<Pid>) -> Puppet {
    let cradle = world.cradle();
    let options = SpawnOptions { group_leader, ..SpawnOptions::default() };
    parent.spawned(spawn_with(cradle.start(), options)).await;
    cradle.puppet().await
}

async fn leader_of(puppet: &mut Puppet) -> Pid {
    match puppet.order(Operation::GroupLeader).await {
        Value::Pid(Some(pid)) => pid,
        other => puppet.fail(&format!("{other:?} instead of a group leader")),
    }
}

fn print(text: &str) -> Operation {
    Operation::PutChars(Channel::Output, text.into())
}

/// Takes the request that waits, and answers it.
async fn serve(leader: &mut Puppet, asker: Pid, expected: IoRequest, reply: IoReply) {
    match leader.event().await {
        Event::IoRequest { sender, reply_as, request } => {
            assert_eq!((sender, request), (asker, expected));
            leader.done(Operation::Answer { to: asker, reply_as, reply }).await;
        }
        other => leader.fail(&format!("{other:?} instead of an I/O request")),
    }
}

#[tokio::test]
async fn i01_output_goes_to_the_group_leader_that_was_inherited() {
    let world = World::start().await;
    let mut leader = world.puppet().await;
    let mut parent = world.puppet_with(|spawn| spawn.group_leader = Some(leader.pid.word())).await;
    let mut child = child_of(&world, &mut parent, None).await;
    let mut grandchild = child_of(&world, &mut child, None).await;
    for puppet in [&mut parent, &mut child, &mut grandchild] {
        assert_eq!(leader_of(puppet).await, leader.pid);
        for (channel, text) in [(Channel::Output, "out"), (Channel::Error, "error")] {
            let printing = puppet.begin(Operation::PutChars(channel, text.into()));
            let expected = IoRequest::PutChars(channel, text.into());
            serve(&mut leader, puppet.pid, expected, IoReply::Done).await;
            assert_eq!(puppet.finish(printing).await, Value::Done);
        }
    }
    leader.hears_nothing().await;
}

#[tokio::test]
async fn i01_a_spawn_with_a_group_leader_inherits_that_one() {
    let world = World::start().await;
    let [leader, mut parent] = world.puppets().await;
    let mut child = child_of(&world, &mut parent, Some(leader.pid)).await;
    assert_eq!(leader_of(&mut child).await, leader.pid);
    let mut grandchild = child_of(&world, &mut child, None).await;
    assert_eq!(leader_of(&mut grandchild).await, leader.pid);
    assert_ne!(leader_of(&mut parent).await, leader.pid, "the parent keeps its own");
}

#[tokio::test]
async fn i01_output_without_a_leader_of_its_own_is_in_the_node_s_record() {
    let world = World::start().await;
    let mut lines = world.node.output().subscribe();
    let mut puppet = world.puppet().await;
    puppet.done(print("first li")).await;
    puppet.done(print("ne\nsecond line\n")).await;
    let mut texts = Vec::new();
    while texts.len() < 2 {
        let more = odeon_tests::in_time("two lines", lines.next(10)).await;
        texts.extend(more.into_iter().map(|line| (line.actor, line.text)));
    }
    let expected = ["first line", "second line"].map(|text| (puppet.pid.serial, text.to_owned()));
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn d06_another_actor_can_set_the_group_leader_and_children_inherit_it() {
    let world = World::start().await;
    let [mut setter, mut target, mut first, mut second] = world.puppets().await;
    for leader in [&mut first, &mut second] {
        let set = Operation::SetGroupLeader { leader: leader.pid, of: target.pid };
        setter.done(set).await;
        // The look is behind the signal, as every signal of the setter is.
        let info = setter.look(target.pid).await.expect("it lives");
        assert_eq!(info.group_leader, leader.pid);
        let mut child = child_of(&world, &mut target, None).await;
        for puppet in [&mut target, &mut child] {
            let printing = puppet.begin(print("hello"));
            let expected = IoRequest::PutChars(Channel::Output, b"hello".to_vec());
            serve(leader, puppet.pid, expected, IoReply::Done).await;
            assert_eq!(puppet.finish(printing).await, Value::Done);
        }
    }
    first.hears_nothing().await;
}

#[tokio::test]
async fn d06_an_actor_can_set_its_own_group_leader() {
    let world = World::start().await;
    let [mut one, leader] = world.puppets().await;
    let set = Operation::SetGroupLeader { leader: leader.pid, of: one.pid };
    let both = one.order(Operation::Batch(vec![set, Operation::GroupLeader])).await;
    let expected = vec![Value::Done, Value::Pid(Some(leader.pid))];
    assert_eq!(both, Value::Batch(expected), "a signal to oneself acts at once");
}

#[tokio::test]
async fn i02_options_that_the_node_s_own_leader_does_not_know_are_refused() {
    let world = World::start().await;
    let mut puppet = world.puppet().await;
    let leader = leader_of(&mut puppet).await;
    let options = IoRequest::SetOptions(vec![("no-such-option".into(), "1".into())]);
    let refused = puppet.order(Operation::Ask(leader, options)).await;
    assert_eq!(refused, Value::Io(IoReply::Failed(IoError::Enotsup)));
    let known = puppet.order(Operation::Ask(leader, IoRequest::GetOptions)).await;
    assert_eq!(known, Value::Io(IoReply::Options(vec![])));
}

#[tokio::test]
async fn i02_requests_and_replies_reach_a_guest_that_leads_as_they_were_sent() {
    let world = World::start().await;
    let [mut leader, mut asker] = world.puppets().await;
    let options = vec![("binary".to_owned(), "true".to_owned())];
    let talks = [
        (IoRequest::SetOptions(options.clone()), IoReply::Done),
        (IoRequest::GetOptions, IoReply::Options(options)),
        (IoRequest::GetLine("prompt> ".into()), IoReply::Data(vec![0, 255, 10])),
        (IoRequest::GetChars("".into(), u32::MAX), IoReply::Eof),
        (IoRequest::GetOptions, IoReply::Failed(IoError::Request)),
        (IoRequest::GetOptions, IoReply::Failed(IoError::Other("words".into()))),
    ];
    for (request, reply) in talks {
        let asking = asker.begin(Operation::Ask(leader.pid, request.clone()));
        serve(&mut leader, asker.pid, request, reply.clone()).await;
        assert_eq!(asker.finish(asking).await, Value::Io(reply));
    }
    assert_eq!(leader.itself().await.monitored_by, [], "a request that was answered is over");
}

#[tokio::test]
async fn a_second_reply_and_one_by_another_name_are_dropped_and_anyone_may_answer() {
    let world = World::start().await;
    let [mut leader, mut asker, mut deputy] = world.puppets().await;
    let asking = asker.begin(Operation::Ask(leader.pid, IoRequest::GetOptions));
    let Event::IoRequest { sender, reply_as, .. } = leader.event().await else { unreachable!() };
    let unknown = leader.reference(Operation::MakeReference).await;
    let answer = |reply_as, reply| Operation::Answer { to: sender, reply_as, reply };
    leader.done(answer(unknown, IoReply::Eof)).await;
    deputy.done(answer(reply_as, IoReply::Done)).await;
    leader.done(answer(reply_as, IoReply::Eof)).await;
    assert_eq!(asker.finish(asking).await, Value::Io(IoReply::Done));
    asker.hears_nothing().await;
}

#[tokio::test]
async fn a_leader_that_ends_or_is_gone_terminates_the_request() {
    let world = World::start().await;
    let [mut leader, mut asker] = world.puppets().await;
    asker.done(Operation::SetGroupLeader { leader: leader.pid, of: asker.pid }).await;
    let terminated = Value::Failed(Failure::Io(IoError::Terminated));
    let printing = asker.begin(print("never written"));
    assert!(matches!(leader.event().await, Event::IoRequest { .. }));
    leader.kill().await;
    assert_eq!(asker.finish(printing).await, terminated, "it ended meanwhile");
    assert_eq!(asker.order(print("x")).await, terminated, "it is gone");
    assert_eq!(asker.order(Operation::GetLine("".into())).await, terminated);
    let nowhere = Pid { node: asker.pid.node ^ 1, serial: 1 };
    let asked = asker.order(Operation::Ask(nowhere, IoRequest::GetOptions)).await;
    assert_eq!(asked, Value::Io(IoReply::Failed(IoError::Terminated)));
    asker.hears_nothing().await;
}

/// Input that is given beforehand.
struct Script(Mutex<VecDeque<u8>>);

impl Script {
    fn take(&self, most: usize, line: bool) -> Option<Bytes> {
        let mut input = self.0.lock().expect("no other user panicked");
        let end = input.iter().position(|byte| line && *byte == b'\n').map(|at| at + 1);
        let length = end.unwrap_or(input.len()).min(most);
        let taken: Vec<u8> = input.drain(..length).collect();
        (!taken.is_empty()).then(|| taken.into())
    }
}

impl Device for Script {
    async fn write(&self, _: HostPid, _: HostChannel, _: Bytes) -> Result<(), HostIoError> {
        Ok(())
    }

    async fn read_line(&self, _: String) -> Result<Option<Bytes>, HostIoError> {
        Ok(self.take(usize::MAX, true))
    }

    async fn read(&self, _: String, bytes_max: u32) -> Result<Option<Bytes>, HostIoError> {
        Ok(self.take(bytes_max as usize, false))
    }
}

#[tokio::test]
async fn i04_lines_and_characters_are_read_up_to_the_end_of_the_input() {
    let world = World::start().await;
    let input = b"first line\n\nabcdefgh\nlast".to_vec();
    let device = world.node.lead(Script(Mutex::new(input.into())));
    let leader = device.pid();
    let mut reader = world.puppet_with(|spawn| spawn.group_leader = Some(leader)).await;
    let line = || Operation::GetLine("> ".into());
    let expect = |text: &str| Value::Line(Some(text.into()));
    assert_eq!(reader.order(line()).await, expect("first line\n"));
    assert_eq!(reader.order(line()).await, expect("\n"));
    let chars = Operation::Ask(leader.word(), IoRequest::GetChars("> ".into(), 3));
    assert_eq!(reader.order(chars.clone()).await, Value::Io(IoReply::Data(b"abc".to_vec())));
    assert_eq!(reader.order(line()).await, expect("defgh\n"));
    assert_eq!(reader.order(line()).await, expect("last"), "a last line without an end");
    for _ in 0..2 {
        assert_eq!(reader.order(line()).await, Value::Line(None), "the end of the input");
        assert_eq!(reader.order(chars.clone()).await, Value::Io(IoReply::Eof));
    }
    drop(device);
}

/// The answers come past the mailbox, so nothing of them is ever found in it.
#[tokio::test]
async fn a_request_leaves_the_mailbox_alone() {
    let world = World::start().await;
    let [mut asker, mut sender] = world.puppets().await;
    sender.done(crate::support::send(asker.pid, b"waits")).await;
    asker.done(print("text\n")).await;
    assert_eq!(asker.order(Operation::GetLine("".into())).await, Value::Line(None));
    assert_eq!(asker.event().await, crate::support::message(sender.pid, b"waits"));
    asker.hears_nothing().await;
}

/// The default is no right to be asked: any actor can be made to lead, and one that
/// does not answer makes its askers wait, not the node.
#[tokio::test]
async fn an_actor_that_waits_for_its_leader_can_be_ended() {
    let world = World::start().await;
    let [mut asker, leader] = world.puppets().await;
    let ended = asker.watch();
    asker.tell(Operation::Ask(leader.pid, IoRequest::GetOptions));
    world.node.exit(asker.pid.word(), odeon_core::Reason::Shutdown);
    assert_eq!(ended.reason().await, odeon_tests::protocol::Reason::Shutdown);
    let mut spawner = world.puppet().await;
    spawner.spawned(Operation::Spawn(Module::This, function("nothing"))).await;
}
