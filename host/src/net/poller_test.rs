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

const SOON: Option<Duration> = Some(Duration::from_secs(10));
const NOW: Option<Duration> = Some(Duration::ZERO);

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
    while poller.wait(NOW, || {}) {}
}

#[test]
fn a_reader_is_woken_when_something_comes() {
    let poller = Poller::new().unwrap();
    let (near, mut far) = pair();
    let mut socket = poller.adopt(near).unwrap();
    settle(&poller);
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    assert!(read(&mut socket, &waker, 16).is_pending());
    far.write_all(b"here").unwrap();
    let mut found = false;
    assert!(poller.wait(SOON, || found = true));
    assert!(found);
    assert_eq!(wakes.take(), 1);
    assert!(matches!(read(&mut socket, &waker, 16), Poll::Ready(Ok(bytes)) if bytes == b"here"));
    assert!(read(&mut socket, &waker, 16).is_pending());
}

#[test]
fn an_end_that_came_with_the_last_bytes_is_read() {
    let poller = Poller::new().unwrap();
    let (near, mut far) = pair();
    let mut socket = poller.adopt(near).unwrap();
    settle(&poller);
    let waker = Waker::from(Arc::new(Wakes::default()));
    assert!(read(&mut socket, &waker, 16).is_pending());
    far.write_all(b"last").unwrap();
    drop(far);
    std::thread::sleep(Duration::from_millis(50));
    assert!(poller.wait(SOON, || {}));
    assert!(matches!(read(&mut socket, &waker, 16), Poll::Ready(Ok(bytes)) if bytes == b"last"));
    assert!(matches!(read(&mut socket, &waker, 16), Poll::Ready(Ok(bytes)) if bytes.is_empty()));
}

#[test]
fn a_writer_waits_while_the_other_side_reads_nothing() {
    let poller = Poller::new().unwrap();
    let (near, mut far) = pair();
    let mut socket = poller.adopt(near).unwrap();
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
        poller.wait(SOON, || {});
    }
    assert!(Pin::new(&mut socket).poll_write(&mut context, &chunk).is_ready());
}

#[test]
fn one_thread_waits_and_can_be_woken() {
    let poller = Poller::new().unwrap();
    let (near, _far) = pair();
    let _socket = poller.adopt(near).unwrap();
    settle(&poller);
    let waiting = {
        let poller = Arc::clone(&poller);
        std::thread::spawn(move || poller.wait(None, || {}))
    };
    while !poller.is_attended() {
        std::thread::yield_now();
    }
    std::thread::sleep(Duration::from_millis(20));
    assert!(!poller.wait(NOW, || {}), "another thread is at it");
    poller.wake();
    assert!(!waiting.join().unwrap(), "no socket was ready");
}

#[test]
fn a_dropped_socket_is_no_longer_looked_after() {
    let poller = Poller::new().unwrap();
    let (near, _far) = pair();
    let socket = poller.adopt(near).unwrap();
    assert!(poller.has_sockets());
    drop(socket);
    assert!(!poller.has_sockets());
}
