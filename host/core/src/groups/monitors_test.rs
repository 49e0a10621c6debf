//! Who hears of joins and leaves, from when on.

use super::super::Frame;
use super::super::testing::*;
use super::*;

/// What a monitor of this actor begins with.
fn monitors(
    groups: &mut Groups,
    serial: u64,
    about: Option<&Key>,
) -> (Effects, Vec<(Key, Vec<Pid>)>) {
    let mut snapshot = Vec::new();
    let effects = does(groups, |groups, e| {
        let all = groups.monitor(me(serial), monitor(serial), &scope(), about, e);
        snapshot = all.expect("the scope was started");
    });
    (effects, snapshot)
}

#[test]
fn a_monitor_begins_with_what_is_there_and_hears_what_comes() {
    let mut groups = groups(&[A]);
    join(&mut groups, &[1, 1]);
    let (effects, snapshot) = monitors(&mut groups, 2, Some(&group()));
    assert_eq!(effects, [Effect::Watch(me(2))]);
    assert_eq!(snapshot, [(group(), vec![me(1), me(1)])]);
    let effects = hears(&mut groups, A, change(1, true, &[5]));
    assert_eq!(effects, [told(2, true, A, &[5])]);
    let (effects, _) = leave(&mut groups, &[1]);
    assert_eq!(effects, [send(A, change(2, false, &[1])), told(2, false, ME, &[1])]);
}

#[test]
fn a_monitor_of_a_scope_hears_of_all_its_groups() {
    let mut groups = groups(&[A]);
    join(&mut groups, &[1]);
    let (_, snapshot) = monitors(&mut groups, 2, None);
    assert_eq!(snapshot, [(group(), vec![me(1)])]);
    let other = Key::new(b"other").expect("a key");
    let members = vec![(other.clone(), vec![5])];
    let frame = Frame::Change { scope: scope(), version: 1, joined: true, members };
    let effects = hears(&mut groups, A, frame);
    let [Effect::Tell { change, .. }] = &effects[..] else { panic!("one event: {effects:?}") };
    assert_eq!(change.group, other);
}

#[test]
fn a_monitor_of_a_group_without_members_hears_of_the_first() {
    let mut groups = groups(&[]);
    let (_, snapshot) = monitors(&mut groups, 2, Some(&group()));
    assert_eq!(snapshot, [(group(), vec![])]);
    let effects = join(&mut groups, &[1]);
    assert_eq!(effects, [Effect::Watch(me(1)), told(2, true, ME, &[1])]);
}

#[test]
fn who_monitors_may_be_a_member_and_hears_of_itself() {
    let mut groups = groups(&[]);
    monitors(&mut groups, 1, None);
    assert_eq!(join(&mut groups, &[1]), [told(1, true, ME, &[1])]);
    assert_eq!(does(&mut groups, |groups, e| groups.ended(me(1), e)), []);
    assert!(groups.is_blank());
}

#[test]
fn a_monitor_that_is_ended_hears_nothing() {
    let mut groups = groups(&[]);
    monitors(&mut groups, 2, None);
    let mut ended = (false, true);
    let effects = does(&mut groups, |groups, e| {
        ended = (groups.demonitor(monitor(2), e), groups.demonitor(monitor(2), e));
    });
    assert_eq!((effects, ended), (vec![Effect::Unwatch(me(2))], (true, false)));
    assert_eq!(join(&mut groups, &[1]), [Effect::Watch(me(1))]);
}

#[test]
fn only_actors_of_this_node_monitor() {
    let mut groups = groups(&[A]);
    let there = Pid { node: A, serial: 1 };
    let effects = does(&mut groups, |groups, e| {
        let refused = groups.monitor(there, monitor(1), &scope(), None, e);
        assert_eq!(refused, Err(Error::NotLocal));
    });
    assert_eq!(effects, []);
}
