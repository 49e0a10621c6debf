use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicU32;
use std::task::Wake;

use super::*;

/// Counts its wakes.
#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn take(&self) -> u32 {
        self.0.swap(0, Ordering::SeqCst)
    }
}

/// Looks until something is told, for ten seconds at most.
fn soon(poller: &Poller) -> bool {
    let begun = Instant::now();
    while !poller.look() {
        if begun.elapsed() > Duration::from_secs(10) {
            return false;
        }
    }
    true
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    near.set_nonblocking(true).unwrap();
    (near, listener.accept().unwrap().0)
}

fn read(socket: &mut Socket, waker: &Waker, room: usize) -> Poll<io::Result<Vec<u8>>> {
    let mut bytes = vec![0; room];
    let mut buffer = ReadBuf::new(&mut bytes);
    let polled = Pin::new(socket).poll_read(&mut Context::from_waker(waker), &mut buffer);
    let filled = buffer.filled().to_vec();
    polled.map_ok(|()| filled)
}

/// Looks until nothing more is told.
fn settle(poller: &Poller) {
    while poller.look() {}
}

#[test]
fn a_reader_is_woken_when_something_comes() {
    let poller = Poller::new().unwrap();
    let (near, mut far) = pair();
    let mut socket = poller.adopt(near.into()).unwrap();
    settle(&poller);
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    assert!(read(&mut socket, &waker, 16).is_pending());
    far.write_all(b"here").unwrap();
    let mut found = false;
    assert!(poller.wait(|| false, || found = true));
    assert!(found);
    assert_eq!(wakes.take(), 1);
    assert!(matches!(read(&mut socket, &waker, 16), Poll::Ready(Ok(bytes)) if bytes == b"here"));
    assert!(read(&mut socket, &waker, 16).is_pending());
}

#[test]
fn an_end_that_came_with_the_last_bytes_is_read() {
    let poller = Poller::new().unwrap();
    let (near, mut far) = pair();
    let mut socket = poller.adopt(near.into()).unwrap();
    settle(&poller);
    let waker = Waker::from(Arc::new(Wakes::default()));
    assert!(read(&mut socket, &waker, 16).is_pending());
    far.write_all(b"last").unwrap();
    drop(far);
    std::thread::sleep(Duration::from_millis(50));
    assert!(soon(&poller));
    assert!(matches!(read(&mut socket, &waker, 16), Poll::Ready(Ok(bytes)) if bytes == b"last"));
    assert!(matches!(read(&mut socket, &waker, 16), Poll::Ready(Ok(bytes)) if bytes.is_empty()));
}

#[test]
fn a_writer_waits_while_the_other_side_reads_nothing() {
    let poller = Poller::new().unwrap();
    let (near, mut far) = pair();
    let mut socket = poller.adopt(near.into()).unwrap();
    settle(&poller);
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let chunk = vec![7; 1 << 20];
    let mut written = 0;
    let mut context = Context::from_waker(&waker);
    while let Poll::Ready(done) = Pin::new(&mut socket).poll_write(&mut context, &chunk) {
        written += done.unwrap();
    }
    let mut bytes = vec![0; written];
    far.read_exact(&mut bytes).unwrap();
    while wakes.take() == 0 {
        assert!(soon(&poller));
    }
    assert!(Pin::new(&mut socket).poll_write(&mut context, &chunk).is_ready());
}

#[test]
fn one_thread_waits_and_can_be_woken() {
    let poller = Poller::new().unwrap();
    let (near, _far) = pair();
    let _socket = poller.adopt(near.into()).unwrap();
    settle(&poller);
    let waiting = {
        let poller = Arc::clone(&poller);
        std::thread::spawn(move || poller.wait(|| true, || {}))
    };
    while !poller.is_attended() {
        std::thread::yield_now();
    }
    std::thread::sleep(Duration::from_millis(20));
    assert!(!poller.wait(|| true, || {}), "another thread is at it");
    poller.wake();
    assert!(!waiting.join().unwrap(), "no socket was ready");
}

#[test]
fn looks_become_fewer_when_they_are_in_vain_and_more_when_they_find() {
    let mut keenness = Keenness::default();
    let mut waits_to_look = |found: bool| {
        let skipped = (0..).take_while(|_| !keenness.wants_to_look()).count();
        keenness.looked(found);
        skipped
    };
    let in_vain: Vec<_> = (0..8).map(|_| waits_to_look(false)).collect();
    assert_eq!(in_vain, [0, 4, 16, 64, 256, 1024, 4096, 4096]);
    // Half of them find something: that is too few.
    let half: Vec<_> = (0..6).map(|look| waits_to_look(look % 2 == 0)).collect();
    assert_eq!(half, [4096, 0, 4096, 0, 4096, 0]);
    // Nearly all do.
    assert_eq!(waits_to_look(true), 4096);
    assert!((0..60).all(|_| waits_to_look(true) == 0));
    let miss_of_ten: Vec<_> = (0..20).map(|look| waits_to_look(look % 10 != 0)).collect();
    assert!(miss_of_ten.iter().all(|skipped| *skipped <= 4), "{miss_of_ten:?}");
}

#[test]
fn a_waiter_looks_while_nobody_else_works_and_then_sleeps() {
    let poller = Poller::new().unwrap();
    let (near, mut far) = pair();
    let _socket = poller.adopt(near.into()).unwrap();
    settle(&poller);
    let asked = std::cell::Cell::new(0);
    let is_alone = |so: bool| {
        asked.set(asked.get() + 1);
        so
    };
    far.write_all(b"here").unwrap();
    assert!(poller.wait(|| is_alone(false), || {}));
    assert_eq!(asked.take(), 1);
    far.write_all(b"again").unwrap();
    assert!(poller.wait(|| is_alone(true), || {}));
    assert!(asked.take() > 1);
}

#[test]
fn a_dropped_socket_is_no_longer_looked_after() {
    let poller = Poller::new().unwrap();
    let (near, _far) = pair();
    let socket = poller.adopt(near.into()).unwrap();
    assert!(poller.has_sockets());
    drop(socket);
    assert!(!poller.has_sockets());
}
