//! Nodes come and go, actors end, and lookups.

use super::testing::*;
use super::*;

#[test]
fn alone_a_name_is_registered_at_once_and_free_when_its_owner_ends() {
    let mut names = names(&[]);
    let owner = owns(&mut names, 1).pid;
    assert_eq!(names.whereis(&key()), Some(owner));
    let effects = does(&mut names, |names, e| names.ended(0, owner, e));
    assert_eq!(effects, [Effect::Unwatch(owner), show(None)]);
    assert!(names.is_blank());
}

#[test]
fn who_connects_is_told_of_this_nodes_names_and_tells_of_its_own() {
    let mut names = names(&[]);
    let own = owns(&mut names, 1);
    let effects = does(&mut names, |names, e| names.node_up(0, A, false, e));
    assert_eq!(effects, [send(A, set(own))]);
    let other = Key::new(b"other").expect("a key");
    let effects = hears(&mut names, A, Frame::Set(vec![(other.clone(), claim(pid(A, 1)))]));
    assert_eq!(effects, [Effect::Show { key: other.clone(), pid: Some(pid(A, 1)) }]);
    assert_eq!(names.names(None).collect::<Vec<_>>(), [(&key(), pid(ME, 1)), (&other, pid(A, 1))]);
    assert_eq!(names.names(Some(&key())).count(), 1);
}

#[test]
fn a_node_that_is_lost_takes_its_names_along() {
    let mut names = names(&[A, B]);
    hears(&mut names, A, set(claim(pid(A, 1))));
    let effects = does(&mut names, |names, e| names.node_down(0, A, e));
    assert_eq!(effects, [show(None)]);
    assert_eq!(does(&mut names, |names, e| names.node_down(0, A, e)), []);
    assert!(names.is_blank());
}

#[test]
fn hidden_nodes_take_no_part() {
    let mut names = names(&[]);
    owns(&mut names, 1);
    assert_eq!(does(&mut names, |names, e| names.node_up(0, A, true, e)), []);
    assert_eq!(hears(&mut names, A, set(claim(pid(A, 1)))), []);
    assert_eq!(names.whereis(&key()), Some(pid(ME, 1)));
}

#[test]
fn a_node_speaks_only_for_its_own_actors() {
    let mut names = names(&[A, B]);
    assert_eq!(hears(&mut names, A, set(claim(pid(B, 1)))), []);
    assert_eq!(hears(&mut names, A, propose(1, claim(pid(B, 1)))), []);
    assert!(names.is_blank());
}

#[test]
fn many_names_are_told_in_parts() {
    let mut names = names(&[]);
    let several = NAMES_PER_FRAME_MAX as u64 + 1;
    for number in 0..several {
        let name = Key::new(&number.to_le_bytes()).expect("a key");
        does(&mut names, |names, e| {
            names.request(0, number, name, register(pid(ME, 1)), 1_000, e);
        });
    }
    let effects = does(&mut names, |names, e| names.node_up(0, A, false, e));
    let lengths = effects.iter().map(|effect| match effect {
        Effect::Send { to: A, frame: Frame::Set(claims) } => claims.len(),
        other => panic!("not a part: {other:?}"),
    });
    assert_eq!(lengths.collect::<Vec<_>>(), [NAMES_PER_FRAME_MAX, 1]);
}

#[test]
fn what_others_own_is_not_ended_from_here() {
    let mut names = names(&[A]);
    hears(&mut names, A, set(claim(pid(A, 1))));
    assert_eq!(does(&mut names, |names, e| names.ended(0, pid(A, 1), e)), []);
}
