//! Tests of the free lists. Safe code and no system calls: miri can run them.

use super::*;
use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

fn cold(slot: u32) -> Taken {
    Taken { slot, state: State::Cold }
}

#[test]
fn every_slot_is_handed_out_once_and_then_refused() {
    let pool = Pool::new(100, 8, 4);
    let slots: HashSet<u32> = (0..100).map(|_| pool.take().expect("a free slot").slot).collect();
    assert_eq!(slots.len(), 100);
    assert!(slots.iter().all(|&slot| slot < 100));
    for _ in 0..3 {
        assert_eq!(pool.take(), None);
    }
    assert_eq!(pool.counts().in_use, 100);
    assert_eq!(pool.counts().ever_used, 100);
}

#[test]
fn warm_slots_come_before_cold_ones_and_those_before_unused_ones() {
    let pool = Pool::new(8, 8, 1);
    let taken: Vec<u32> = (0..3).map(|_| pool.take().expect("a free slot").slot).collect();
    pool.put_back(cold(taken[0]), 0, false);
    assert!(pool.promise_warm());
    pool.put_back(Taken { slot: taken[1], state: State::Warm }, 5, true);
    assert_eq!(pool.take(), Some(Taken { slot: taken[1], state: State::Warm }));
    assert_eq!(pool.take(), Some(cold(taken[0])));
    assert_eq!(pool.take().map(|taken| taken.state), Some(State::Fresh));
    assert_eq!(pool.counts().touched_pages_max, 5);
}

#[test]
fn a_slot_whose_preparation_failed_comes_back_as_fresh() {
    let pool = Pool::new(1, 1, 1);
    let taken = pool.take().expect("a free slot");
    assert_eq!(taken.state, State::Fresh);
    pool.put_back(taken, 0, false);
    assert_eq!(pool.take(), Some(taken));
}

#[test]
fn warm_places_are_never_promised_beyond_the_quota() {
    let pool = Pool::new(8, 2, 1);
    let taken: Vec<u32> = (0..4).map(|_| pool.take().expect("a free slot").slot).collect();
    assert!(pool.promise_warm());
    assert!(pool.promise_warm());
    assert!(!pool.promise_warm(), "two promises are out");
    pool.put_back(Taken { slot: taken[0], state: State::Warm }, 1, true);
    assert!(!pool.promise_warm(), "one promise is out, one place is taken");
    // A promise that is not used is free again.
    pool.put_back(cold(taken[1]), 0, true);
    assert!(pool.promise_warm());
    assert_eq!(pool.counts().warm, 1);
}

#[test]
fn slots_freed_on_another_thread_are_reused_before_new_ones() {
    let pool = Arc::new(Pool::new(1_000, 64, 8));
    let taken: Vec<Taken> = (0..10).map(|_| pool.take().expect("a free slot")).collect();
    let other = Arc::clone(&pool);
    thread::spawn(move || {
        for taken in taken {
            other.put_back(cold(taken.slot), 0, false);
        }
    })
    .join()
    .expect("the thread returns its slots");
    for _ in 0..10 {
        assert_eq!(pool.take().map(|taken| taken.state), Some(State::Cold));
    }
    assert_eq!(pool.counts().ever_used, 10);
    assert_eq!(pool.counts().in_use, 10);
}

#[test]
fn the_last_slots_are_found_wherever_they_were_freed() {
    let pool = Arc::new(Pool::new(4, 0, 8));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                let taken = pool.take().expect("four slots for four threads");
                pool.put_back(cold(taken.slot), 0, false);
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("a slot for every thread");
    }
    let all: HashSet<u32> = (0..4).map(|_| pool.take().expect("a free slot").slot).collect();
    assert_eq!(all.len(), 4);
    assert_eq!(pool.take(), None);
}

#[test]
fn no_slot_is_ever_in_two_hands() {
    const SLOTS: usize = 24;
    let rounds = if cfg!(miri) { 50 } else { 50_000 };
    let pool = Arc::new(Pool::new(SLOTS as u32, 8, 2));
    let owned: Arc<Vec<AtomicU32>> = Arc::new((0..SLOTS).map(|_| AtomicU32::new(0)).collect());
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (pool, owned) = (Arc::clone(&pool), Arc::clone(&owned));
            thread::spawn(move || {
                let mut held = Vec::new();
                for round in 0..rounds {
                    if held.len() < 7 && round % 3 != 2 {
                        let taken = pool.take().expect("three times seven are fewer than 24");
                        let owners = owned[taken.slot as usize].fetch_add(1, Ordering::SeqCst);
                        assert_eq!(owners, 0, "slot {} has two owners", taken.slot);
                        held.push(taken.slot);
                    } else if let Some(slot) = held.pop() {
                        owned[slot as usize].fetch_sub(1, Ordering::SeqCst);
                        let promised = pool.promise_warm();
                        let state = if promised { State::Warm } else { State::Cold };
                        pool.put_back(Taken { slot, state }, 1, promised);
                    }
                }
                held.len() as u64
            })
        })
        .collect();
    let held: u64 = threads.into_iter().map(|thread| thread.join().expect("no panic")).sum();
    assert_eq!(pool.counts().in_use, held);
}
