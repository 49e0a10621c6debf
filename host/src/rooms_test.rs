use super::*;

/// Of a length that no other test has.
fn body(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

#[test]
fn a_copy_is_the_same_bytes_of_any_length_whatever_was_there_before() {
    for bytes in [0, 1, BYTES_MIN - 1, BYTES_MIN, BYTES_MIN + 1, BYTES_MAX, BYTES_MAX + 1] {
        let body = body(bytes);
        let (first, second) = (copy(&body), copy(&body));
        assert!(first == body && second == body, "{bytes}");
        let part = first.slice(bytes / 2..);
        drop(first);
        let longer = copy(&[7; BYTES_MAX]);
        assert_eq!(part, body[bytes / 2..], "nobody writes to what somebody has: {bytes}");
        assert!(longer.iter().all(|byte| *byte == 7));
    }
}

#[test]
fn a_room_is_as_large_as_is_wanted_and_not_much_larger() {
    for bytes in [1, BYTES_MIN, BYTES_MIN + 7, BYTES_MAX / 2, BYTES_MAX, 4 * BYTES_MAX] {
        for _ in 0..2 * KEPT_MAX {
            drop(copy(&body(bytes)));
        }
        let room = Kept.room(bytes);
        assert!(room.is_empty() && room.capacity() >= bytes, "{bytes}");
        assert!(room.capacity() <= WASTE_MAX * bytes.max(16), "{bytes}: {}", room.capacity());
    }
}

#[test]
fn no_more_is_kept_than_the_limits_say() {
    let many: Vec<_> = (0..4 * KEPT_MAX).map(|_| copy(&body(BYTES_MAX))).collect();
    drop(many);
    drop(copy(&body(BYTES_MAX + 1)));
    let kept = KEPT.lock();
    assert!(kept.len() <= KEPT_MAX);
    assert!(kept.iter().all(|room| room.is_empty() && room.capacity() <= BYTES_MAX));
}
