//! Group leaders of other nodes: input and output (rows I, and D06).

use odeon_tests::cluster::{Pair, until};
use odeon_tests::protocol::{
    Channel, Event, IoError, IoReply, IoRequest, Operation, SpawnOptions, Value,
};

use crate::common::{nothing_came, settle};
use crate::support::spawn_with;

fn put(text: &str) -> Operation {
    Operation::PutChars(Channel::Output, text.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_output_of_an_actor_goes_to_the_leader_of_its_spawner_on_another_node() {
    let pair = Pair::start().await;
    pair.connect().await;
    let [mut leader, mut parent] = pair.near.world.puppets().await;
    let lead = Operation::SetGroupLeader { leader: leader.pid, of: parent.pid };
    parent.done(lead).await;
    let cradle = pair.far.world.cradle();
    let options = SpawnOptions { node: Some(pair.far.name.clone()), ..SpawnOptions::default() };
    let (child_pid, _) = parent.spawned(spawn_with(cradle.start(), options)).await;
    let mut child = cradle.puppet().await;
    assert_eq!(child.order(Operation::GroupLeader).await, Value::Pid(Some(leader.pid)));
    for text in ["one\n", "two\n"] {
        let writing = child.begin(put(text));
        let Event::IoRequest { sender, reply_as, request } = leader.event().await else {
            leader.fail("no request")
        };
        assert_eq!(sender, child_pid);
        assert_eq!(request, IoRequest::PutChars(Channel::Output, text.into()));
        leader.done(Operation::Answer { to: sender, reply_as, reply: IoReply::Done }).await;
        assert_eq!(child.finish(writing).await, Value::Done);
    }
    // Input and its end come the other way.
    for (line, expected) in
        [(Some(b"in\n".to_vec()), IoReply::Data(b"in\n".to_vec())), (None, IoReply::Eof)]
    {
        let reading = child.begin(Operation::GetLine("? ".into()));
        let Event::IoRequest { sender, reply_as, request } = leader.event().await else {
            leader.fail("no request")
        };
        assert_eq!(request, IoRequest::GetLine("? ".into()));
        leader.done(Operation::Answer { to: sender, reply_as, reply: expected }).await;
        assert_eq!(child.finish(reading).await, Value::Line(line));
    }
    leader.hears_nothing().await;
}

/// The node's own leader writes what actors of other nodes give it into its record.
#[tokio::test(flavor = "multi_thread")]
async fn i01_output_of_an_actor_on_another_node_is_in_the_record_of_the_spawner_s_node() {
    let pair = Pair::start().await;
    let mut child = pair.far_puppet().await;
    let text = "from afar ".repeat(2000);
    child.done(put(&text)).await;
    child.done(put("\n")).await;
    let leader = child.order(Operation::GroupLeader).await;
    let Value::Pid(Some(leader)) = leader else { panic!("{leader:?}") };
    assert_eq!(leader.node, pair.near.world.node.id().get());
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_output_fails_when_the_leader_s_node_goes_away() {
    let mut pair = Pair::start().await;
    let (mut leader, mut child) = pair.puppets().await;
    child.done(Operation::SetGroupLeader { leader: leader.pid, of: child.pid }).await;
    settle(&mut child, &mut leader).await;
    let writing = child.begin(put("never answered"));
    let Event::IoRequest { .. } = leader.event().await else { leader.fail("no request") };
    pair.near.halt();
    let terminated = Value::Failed(odeon_tests::protocol::Failure::Io(IoError::Terminated));
    assert_eq!(child.finish(writing).await, terminated);
    // And what comes after it fails as well, and does not hang.
    assert_eq!(child.order(put("later")).await, terminated);
    assert!(child.is_alive().await);
    child.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_output_fails_when_the_leader_on_another_node_ends() {
    let pair = Pair::start().await;
    let (mut leader, mut child) = pair.puppets().await;
    child.done(Operation::SetGroupLeader { leader: leader.pid, of: child.pid }).await;
    let writing = child.begin(put("never answered"));
    let Event::IoRequest { .. } = leader.event().await else { leader.fail("no request") };
    leader.kill().await;
    let terminated = Value::Failed(odeon_tests::protocol::Failure::Io(IoError::Terminated));
    assert_eq!(child.finish(writing).await, terminated);
    assert_eq!(child.order(put("later")).await, terminated);
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_options_of_a_leader_on_another_node_are_asked_as_they_are() {
    let pair = Pair::start().await;
    let (mut leader, mut asker) = pair.puppets().await;
    let options = vec![("echo".to_owned(), "no".to_owned()), (String::new(), "é".into())];
    let asking = asker.begin(Operation::Ask(leader.pid, IoRequest::SetOptions(options.clone())));
    let Event::IoRequest { sender, reply_as, request } = leader.event().await else {
        leader.fail("no request")
    };
    assert_eq!(request, IoRequest::SetOptions(options.clone()));
    let reply = IoReply::Options(options.clone());
    leader.done(Operation::Answer { to: sender, reply_as, reply }).await;
    assert_eq!(asker.finish(asking).await, Value::Io(IoReply::Options(options)));
    for reply in [
        IoReply::Failed(IoError::Request),
        IoReply::Failed(IoError::Enotsup),
        IoReply::Failed(IoError::Other("full".into())),
    ] {
        let asking = asker.begin(Operation::Ask(leader.pid, IoRequest::GetOptions));
        let Event::IoRequest { sender, reply_as, .. } = leader.event().await else {
            leader.fail("no request")
        };
        leader.done(Operation::Answer { to: sender, reply_as, reply: reply.clone() }).await;
        assert_eq!(asker.finish(asking).await, Value::Io(reply));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d06_the_leader_of_an_actor_of_another_node_is_set_and_connects_again() {
    let pair = Pair::start().await;
    let (mut near, mut far) = pair.puppets().await;
    let mut leader = pair.near.world.puppet().await;
    for round in 0..10 {
        let lead = |leader| Operation::SetGroupLeader { leader, of: far.pid };
        near.done(lead(leader.pid)).await;
        nothing_came(&mut near, &mut far).await;
        assert_eq!(far.order(Operation::GroupLeader).await, Value::Pid(Some(leader.pid)));
        assert!(pair.near.world.node.disconnect(&pair.far.name).await, "round {round}");
        pair.far.until_connected(&pair.near.name, false).await;
        // The signal itself connects.
        near.done(Operation::SetGroupLeader { leader: near.pid, of: far.pid }).await;
        until("the leader is another", || pair.near.knows(&pair.far.name)).await;
        nothing_came(&mut near, &mut far).await;
        assert_eq!(far.order(Operation::GroupLeader).await, Value::Pid(Some(near.pid)));
    }
    leader.hears_nothing().await;
}

/// What was written is in the output of who spawned, whole and in order.
#[tokio::test(flavor = "multi_thread")]
async fn i01_much_output_arrives_whole_and_in_order() {
    let pair = Pair::start().await;
    let (mut leader, mut child) = pair.puppets().await;
    child.done(Operation::SetGroupLeader { leader: leader.pid, of: child.pid }).await;
    for bytes in [1, 4_000, 20_000, 300_000, 2 << 20] {
        let text = crate::support::large(bytes, bytes);
        let writing = child.begin(Operation::PutChars(Channel::Error, text.clone()));
        let mut came = Vec::new();
        while came.len() < text.len() {
            let Event::IoRequest { sender, reply_as, request } = leader.event().await else {
                leader.fail("no request")
            };
            let IoRequest::PutChars(Channel::Error, piece) = request else {
                panic!("another request")
            };
            came.extend_from_slice(&piece);
            leader.done(Operation::Answer { to: sender, reply_as, reply: IoReply::Done }).await;
        }
        assert!(came == text, "{bytes} bytes: others came");
        assert_eq!(child.finish(writing).await, Value::Done);
    }
}
