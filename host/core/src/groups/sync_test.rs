//! What nodes tell each other, and what is made of it.

use super::super::testing::*;
use super::*;
use crate::id::Pid;

fn there(serials: &[u64]) -> Vec<Pid> {
    serials.iter().map(|serial| Pid { node: A, serial: *serial }).collect()
}

#[test]
fn who_connects_is_asked_and_told_all() {
    let mut groups = groups(&[]);
    join(&mut groups, &[1, 2]);
    let effects = does(&mut groups, |groups, e| groups.node_up(A, false, e));
    assert_eq!(effects, [discover(A)]);
    let effects = hears(&mut groups, A, Frame::Discover { scope: scope() });
    assert_eq!(effects, [send(A, sync(1, of_group(&[1, 2])))]);
    hears(&mut groups, A, sync(3, of_group(&[5])));
    hears(&mut groups, A, change(4, true, &[4]));
    assert_eq!(members(&groups)[2..], there(&[4, 5]));
}

#[test]
fn who_starts_the_scope_later_is_asked_back() {
    let mut groups = groups(&[A]);
    hears(&mut groups, A, change(1, true, &[5]));
    hears(&mut groups, A, Frame::Gone { scope: scope() });
    assert_eq!(members(&groups), []);
    let effects = hears(&mut groups, A, Frame::Discover { scope: scope() });
    assert_eq!(effects, [send(A, sync(0, vec![])), discover(A)]);
}

/// Who asked in vain would otherwise think that it is told of all changes.
#[test]
fn who_asks_for_a_scope_that_is_not_there_is_told_so_and_asks_again_when_it_is() {
    let other = Key::new(b"other").expect("a key");
    let mut groups = groups(&[A]);
    let effects = hears(&mut groups, A, Frame::Discover { scope: other.clone() });
    assert_eq!(effects, [send(A, Frame::Gone { scope: other })]);
    // The other way round: this one asked, in vain, and the scope is there later.
    hears(&mut groups, A, Frame::Gone { scope: scope() });
    let effects = hears(&mut groups, A, Frame::Discover { scope: scope() });
    assert_eq!(effects, [send(A, sync(0, vec![])), discover(A)]);
    // Nothing follows from being told so again.
    assert_eq!(hears(&mut groups, A, Frame::Gone { scope: scope() }), []);
    assert_eq!(hears(&mut groups, A, Frame::Gone { scope: scope() }), []);
}

#[test]
fn hidden_nodes_and_nodes_that_are_not_connected_take_no_part() {
    let mut groups = groups(&[]);
    assert_eq!(does(&mut groups, |groups, e| groups.node_up(A, true, e)), []);
    assert_eq!(does(&mut groups, |groups, e| groups.node_up(ME, false, e)), []);
    assert_eq!(hears(&mut groups, A, sync(0, of_group(&[5]))), []);
    assert_eq!(hears(&mut groups, A, Frame::Discover { scope: scope() }), []);
    assert_eq!(members(&groups), []);
}

#[test]
fn changes_of_a_node_that_did_not_tell_all_are_ignored() {
    let mut groups = groups(&[]);
    does(&mut groups, |groups, e| groups.node_up(A, false, e));
    assert_eq!(hears(&mut groups, A, change(1, true, &[5])), []);
    assert_eq!(members(&groups), []);
}

#[test]
fn a_gap_is_noticed_and_all_is_asked_for_again() {
    let mut groups = groups(&[A]);
    join(&mut groups, &[1]);
    does(&mut groups, |groups, e| {
        assert!(groups.monitor(me(1), monitor(1), &scope(), None, e).is_ok());
    });
    hears(&mut groups, A, change(1, true, &[4, 5, 5]));
    assert_eq!(hears(&mut groups, A, change(1, true, &[9])), []);
    assert_eq!(hears(&mut groups, A, change(3, true, &[6])), [discover(A)]);
    assert_eq!(hears(&mut groups, A, change(4, true, &[7])), []);
    let effects = hears(&mut groups, A, sync(4, of_group(&[7, 5, 6])));
    assert_eq!(effects, [told(1, false, A, &[4, 5]), told(1, true, A, &[6, 7])]);
    assert_eq!(members(&groups)[1..], there(&[5, 6, 7]));
}

#[test]
fn all_may_come_in_parts() {
    let mut groups = groups(&[A]);
    let part = |first, last, serials: &[u64]| {
        let members = of_group(serials);
        Frame::Sync { scope: scope(), version: 9, first, last, members }
    };
    hears(&mut groups, A, change(1, true, &[1]));
    hears(&mut groups, A, part(true, false, &[2]));
    assert_eq!(members(&groups), there(&[1]));
    hears(&mut groups, A, part(false, true, &[3]));
    assert_eq!(members(&groups), there(&[2, 3]));
    // A part without a first one is none.
    assert_eq!(hears(&mut groups, A, part(false, true, &[4])), []);
    assert_eq!(members(&groups), there(&[2, 3]));
}

#[test]
fn what_a_node_has_to_tell_is_cut_into_short_parts() {
    let mut groups = groups(&[]);
    let many: Vec<u64> = (0..5_000).collect();
    join(&mut groups, &many);
    does(&mut groups, |groups, e| groups.node_up(A, false, e));
    let effects = hears(&mut groups, A, Frame::Discover { scope: scope() });
    let mut told = Vec::new();
    for (at, effect) in effects.iter().enumerate() {
        let Effect::Send { to: A, frame: Frame::Sync { first, last, members, .. } } = effect else {
            panic!("not a part: {effect:?}");
        };
        assert_eq!((*first, *last), (at == 0, at + 1 == effects.len()));
        let bytes: usize = members
            .iter()
            .map(|(group, serials)| {
                group.as_bytes().len() + GROUP_BYTES + serials.len() * MEMBER_BYTES
            })
            .sum();
        assert!(bytes <= PART_BYTES);
        told.extend(members.iter().flat_map(|(_, serials)| serials).copied());
    }
    assert_eq!(told, many);
}

#[test]
fn a_node_that_is_lost_takes_its_members_along() {
    let mut groups = groups(&[A]);
    join(&mut groups, &[1]);
    does(&mut groups, |groups, e| {
        assert!(groups.monitor(me(1), monitor(1), &scope(), Some(&group()), e).is_ok());
    });
    hears(&mut groups, A, change(1, true, &[5, 5]));
    let effects = does(&mut groups, |groups, e| groups.node_down(A, e));
    assert_eq!(effects, [told(1, false, A, &[5, 5])]);
    assert_eq!(members(&groups), [me(1)]);
}

#[test]
fn who_leaves_without_having_joined_breaks_a_rule() {
    let mut groups = groups(&[A]);
    let effects = hears(&mut groups, A, change(1, false, &[5]));
    assert_eq!(effects, [Effect::Violation { node: A, violation: Violation::NotJoined }]);
}

#[test]
fn too_many_memberships_of_a_node_break_a_rule() {
    let mut groups = groups(&[A]);
    let violation = [Effect::Violation { node: A, violation: Violation::Memberships }];
    let full = of_group(&vec![1; MEMBERSHIPS_PER_NODE_MAX]);
    hears(&mut groups, A, sync(1, full.clone()));
    assert_eq!(hears(&mut groups, A, change(2, true, &[2])), violation);
    let mut over = full;
    over.extend(of_group(&[2]));
    assert_eq!(hears(&mut groups, A, sync(3, over)), violation);
}

#[test]
fn what_is_left_is_counted_by_multiplicity() {
    assert_eq!(without(&[1, 1, 2, 3], &[1, 3, 4]), [1, 2]);
    assert_eq!(without(&[1, 2], &[0, 1, 2, 2]), []);
    assert_eq!(without(&[], &[1]), []);
}
