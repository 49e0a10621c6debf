//! Scopes, joining and leaving, and looking up.

use super::testing::*;
use super::*;

#[test]
fn an_actor_joins_as_often_as_it_likes_and_leaves_as_often() {
    let mut groups = groups(&[A]);
    let effects = join(&mut groups, &[2, 1, 2]);
    let joined = send(A, change(1, true, &[1, 2, 2]));
    assert_eq!(effects, [Effect::Watch(me(1)), Effect::Watch(me(2)), joined]);
    assert_eq!(members(&groups), [me(1), me(2), me(2)]);
    let (effects, left) = leave(&mut groups, &[2]);
    assert_eq!((effects, left), (vec![send(A, change(2, false, &[2]))], Ok(())));
    let (effects, left) = leave(&mut groups, &[2, 2, 1]);
    let gone = [send(A, change(3, false, &[1, 2])), Effect::Unwatch(me(1)), Effect::Unwatch(me(2))];
    assert_eq!((effects, left), (gone.to_vec(), Ok(())));
    assert_eq!(leave(&mut groups, &[1]), (vec![], Err(Error::NotJoined)));
    assert_eq!(groups.groups(&scope()), []);
    assert!(groups.is_blank());
}

#[test]
fn an_actor_that_ends_leaves_all_groups() {
    let mut groups = groups(&[A]);
    join(&mut groups, &[1, 1, 2]);
    let other = Key::new(b"other").expect("a key");
    does(&mut groups, |groups, e| {
        assert_eq!(groups.join(&scope(), &other, &[me(1)], e), Ok(()));
    });
    let effects = does(&mut groups, |groups, e| groups.ended(me(1), e));
    let gone = vec![(group(), vec![1, 1]), (other, vec![1])];
    let frame = Frame::Change { scope: scope(), version: 3, joined: false, members: gone };
    assert_eq!(effects, [send(A, frame)]);
    assert_eq!(members(&groups), [me(2)]);
    assert_eq!(does(&mut groups, |groups, e| groups.ended(me(1), e)), []);
}

#[test]
fn only_actors_of_this_node_join_and_leave() {
    let mut groups = groups(&[A]);
    let there = Pid { node: A, serial: 1 };
    let effects = does(&mut groups, |groups, e| {
        let pids = [me(1), there];
        assert_eq!(groups.join(&scope(), &group(), &pids, e), Err(Error::NotLocal));
        assert_eq!(groups.leave(&scope(), &group(), &pids, e), Err(Error::NotLocal));
        assert_eq!(groups.join(&scope(), &group(), &[], e), Ok(()));
    });
    assert_eq!(effects, []);
    assert!(groups.is_blank());
}

#[test]
fn a_scope_that_was_not_started_is_an_error() {
    let mut groups = groups(&[]);
    let other = Key::new(b"other").expect("a key");
    let effects = does(&mut groups, |groups, e| {
        assert_eq!(groups.join(&other, &group(), &[me(1)], e), Err(Error::NoScope));
        assert_eq!(groups.leave(&other, &group(), &[me(1)], e), Err(Error::NoScope));
        assert_eq!(groups.monitor(me(1), monitor(1), &other, None, e), Err(Error::NoScope));
        assert!(!groups.stop(&other, e));
        assert_eq!(groups.start(&scope(), e), Ok(false));
    });
    assert_eq!(effects, []);
    assert_eq!(groups.members(&other, &group()), []);
    assert_eq!(groups.audience(&other, &group()), Audience::default());
    assert_eq!(groups.scopes().count(), 1);
}

#[test]
fn there_are_not_more_scopes_than_allowed() {
    let mut groups = Groups::new(ME);
    for number in 0..SCOPES_MAX as u64 {
        let scope = Key::new(&number.to_le_bytes()).expect("a key");
        assert_eq!(groups.start(&scope, &mut Effects::new()), Ok(true));
    }
    assert_eq!(groups.start(&scope(), &mut Effects::new()), Err(Error::Limit));
}

#[test]
fn there_are_not_more_memberships_than_allowed() {
    let mut groups = groups(&[]);
    let many = vec![me(1); MEMBERSHIPS_PER_NODE_MAX];
    let mut effects = Effects::new();
    assert_eq!(groups.join(&scope(), &group(), &many, &mut effects), Ok(()));
    assert_eq!(groups.join(&scope(), &group(), &[me(1)], &mut effects), Err(Error::Limit));
    groups.ended(me(1), &mut effects);
    assert_eq!(groups.join(&scope(), &group(), &[me(1)], &mut effects), Ok(()));
}

#[test]
fn a_scope_that_is_stopped_forgets_its_members_and_monitors() {
    let mut groups = groups(&[A]);
    join(&mut groups, &[1]);
    hears(&mut groups, A, change(1, true, &[5]));
    does(&mut groups, |groups, e| {
        assert!(groups.monitor(me(2), monitor(2), &scope(), None, e).is_ok());
    });
    let effects = does(&mut groups, |groups, e| assert!(groups.stop(&scope(), e)));
    let gone = send(A, Frame::Gone { scope: scope() });
    assert_eq!(effects, [gone, Effect::Unwatch(me(1)), Effect::Unwatch(me(2))]);
    assert!(groups.is_blank());
    let effects = does(&mut groups, |groups, e| {
        assert_eq!(groups.start(&scope(), e), Ok(true));
    });
    assert_eq!(effects, [discover(A)]);
}

#[test]
fn members_are_found_by_closeness_and_by_chance() {
    let mut groups = groups(&[A, B]);
    assert_eq!(groups.random(&scope(), &group(), 7), None);
    hears(&mut groups, A, change(1, true, &[5, 6]));
    hears(&mut groups, B, change(1, true, &[5]));
    let [a5, a6] = [5, 6].map(|serial| Pid { node: A, serial });
    let b5 = Pid { node: B, serial: 5 };
    let picked: Vec<_> = (0..4).map(|at| groups.random(&scope(), &group(), at)).collect();
    assert_eq!(picked, [Some(a5), Some(a6), Some(b5), Some(a5)]);
    assert_eq!(groups.closest(&scope(), &group(), 2), Some(b5));
    join(&mut groups, &[1, 2]);
    assert_eq!(groups.closest(&scope(), &group(), 2), Some(me(1)));
    assert_eq!(groups.closest(&scope(), &group(), u64::MAX), Some(me(2)));
    assert_eq!(groups.local_members(&scope(), &group()), [me(1), me(2)]);
    assert_eq!(groups.local_groups(&scope()), [group()]);
    let audience = Audience { local: vec![me(1), me(2)], remote: vec![A, B] };
    assert_eq!(groups.audience(&scope(), &group()), audience);
}
