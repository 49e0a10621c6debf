//! Guests that send too much.

use odeon::LimitsPatch;
use odeon_core::Reason;
use odeon_test_protocol::{Operation, Value};

use crate::bed::{Bed, resident_bytes, soon, until};
use crate::puppet::{Puppet, told};

/// Floods victims, one after the other, for ever.
async fn flood_for_ever(bed: &Bed, limits: LimitsPatch, messages: u64, bytes: u64) {
    let mut flooder = Puppet::new(&bed.node).await;
    loop {
        let victim = Puppet::limited(&bed.node, limits).await;
        let to = told(victim.pid);
        assert_eq!(flooder.ask(Operation::Flood { to, messages, bytes }).await, Value::Done);
        soon(bed.node.ended(victim.pid)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_messages_ends_the_victim_at_its_limit_and_nobody_else() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let limits = LimitsPatch { mailbox_messages: Some(1_000), ..LimitsPatch::default() };
    let victim = Puppet::limited(&bed.node, limits).await;
    let mut flooder = Puppet::new(&bed.node).await;
    let to = told(victim.pid);
    let report = flooder.ask(Operation::Flood { to, messages: 100_000, bytes: 8 }).await;
    assert_eq!(report, Value::Done, "the flooder is not hurt");
    let mut bystander = Puppet::new(&bed.node).await;
    until("the victim is gone", || bed.node.actor(victim.pid).is_none()).await;
    let noted = bed.node.output().subscribe().take(usize::MAX);
    let noted: Vec<_> = noted.iter().filter(|line| line.actor == victim.pid.serial).collect();
    assert_eq!(noted.len(), 1, "{noted:?}");
    let text = "limit: mailbox-messages-max of 1000";
    assert!(noted[0].text.contains(text), "{}", noted[0].text);
    assert_eq!(bystander.ask(Operation::Me).await, Value::Pid(Some(told(bystander.pid))));
    let attack = flood_for_ever(&bed, limits, 20_000, 8);
    bed.calm_during(attack, "flood of messages").await;
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_bytes_ends_the_victim_at_its_limit_and_the_memory_comes_back() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let mut flooder = Puppet::new(&bed.node).await;
    let mut stock = None;
    for _ in 0..8 {
        let victim = Puppet::new(&bed.node).await;
        let to = told(victim.pid);
        let report = flooder.ask(Operation::Flood { to, messages: 600, bytes: 1 << 20 }).await;
        assert_eq!(report, Value::Done, "the flooder is not hurt");
        let noted = |line: &odeon::io::Line| {
            line.actor == victim.pid.serial
                && line.text.contains("limit: mailbox-bytes-max of 268435456")
        };
        until("the victim's end is noted", || {
            bed.node.output().subscribe().take(usize::MAX).iter().any(noted)
        })
        .await;
        // The system's allocator keeps what one flood took, 256 MiB, for each of the few
        // threads that took it. Eight floods that were never given back would be 2 GiB.
        let stock = *stock.get_or_insert_with(resident_bytes);
        until("the memory is back", || resident_bytes() < stock + ((3 * 256) << 20)).await;
    }
    let limits = LimitsPatch { mailbox_bytes: Some(16 << 20), ..LimitsPatch::default() };
    bed.calm_during(flood_for_ever(&bed, limits, 40, 1 << 20), "flood of bytes").await;
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_messages_are_not_free() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let limits = LimitsPatch { mailbox_bytes: Some(1 << 20), ..LimitsPatch::default() };
    let victim = Puppet::limited(&bed.node, limits).await;
    let mut flooder = Puppet::new(&bed.node).await;
    let to = told(victim.pid);
    flooder.ask(Operation::Flood { to, messages: 100_000, bytes: 0 }).await;
    until("the victim is gone", || bed.node.actor(victim.pid).is_none()).await;
    let record = bed.node.output().subscribe().take(usize::MAX);
    let text = "limit: mailbox-bytes-max of 1048576";
    assert!(record.iter().any(|line| line.text.contains(text)), "{record:?}");
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_ends_its_sender_and_never_arrives() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let mut receiver = Puppet::new(&bed.node).await;
    let to = told(receiver.pid);
    let mut sender = Puppet::new(&bed.node).await;
    let longest = Operation::Flood { to, messages: 1, bytes: 16 << 20 };
    assert_eq!(sender.ask(longest).await, Value::Done, "the longest that is allowed");
    sender.order(Operation::Flood { to, messages: 1, bytes: (16 << 20) + 1 });
    let reason = soon(bed.node.ended(sender.pid)).await.to_string();
    assert_eq!(reason, "limit: message-bytes-max of 16777216 exceeded: a message of 16777217");
    let Some(waiting) = bed.node.actor(receiver.pid) else { panic!("the receiver lives") };
    assert_eq!(waiting.mailbox, 1, "only the allowed one arrived");
    assert_eq!(receiver.ask(Operation::Me).await, Value::Pid(Some(to)));
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_to_the_group_leader_does_not_end_the_record() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    let mut flooders = Vec::new();
    for _ in 0..4 {
        let mut flooder = Puppet::new(&bed.node).await;
        let Value::Pid(Some(to)) = flooder.ask(Operation::GroupLeader).await else {
            panic!("an actor has a group leader")
        };
        let flood = Operation::Flood { to, messages: 40, bytes: 8 << 20 };
        flooder.order(Operation::Repeat(3, Box::new(flood)));
        flooders.push(flooder);
    }
    for flooder in &mut flooders {
        assert_eq!(soon(flooder.report()).await, Value::Done);
    }
    drop(flooders);
    says_a_line(&bed).await;
    bed.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_cannot_end_the_record_of_the_node() {
    let bed = Bed::new().await;
    bed.deploy_guest();
    for reason in [odeon_test_protocol::Reason::Kill, odeon_test_protocol::Reason::Shutdown] {
        let mut hostile = Puppet::new(&bed.node).await;
        let Value::Pid(Some(leader)) = hostile.ask(Operation::GroupLeader).await else {
            panic!("an actor has a group leader")
        };
        hostile.ask(Operation::Exit(leader, reason)).await;
        let linked = Operation::Link { to: leader, priority: false };
        hostile.ask(linked).await;
        hostile.order(Operation::Trap(odeon_test_protocol::Trap::Unreachable));
        assert!(matches!(
            soon(bed.node.ended(hostile.pid)).await,
            Reason::Trap(_) | Reason::NoProc
        ));
        says_a_line(&bed).await;
    }
    bed.recovers().await;
}

/// An actor writes, and it is in the record.
async fn says_a_line(bed: &Bed) {
    let mut writer = Puppet::new(&bed.node).await;
    let chars = b"still here\n".to_vec();
    let put = Operation::PutChars(odeon_test_protocol::Channel::Output, chars);
    assert_eq!(writer.ask(put).await, Value::Done, "output still works");
    let said =
        |line: &odeon::io::Line| line.actor == writer.pid.serial && line.text == "still here";
    until("the line is in the record", || {
        bed.node.output().subscribe().take(usize::MAX).iter().any(said)
    })
    .await;
}
