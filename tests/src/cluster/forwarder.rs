//! A network between two nodes that a test has in its hands.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    /// From who dialled.
    there: bool,
    /// To who dialled.
    back: bool,
    /// Connections of an earlier number than this are to end.
    cut: u64,
    /// New connections are taken.
    open: bool,
}

/// Forwards connections to a node, unless it is told not to. Bytes that it holds back
/// are not lost: they go on when it goes on.
pub struct Forwarder {
    address: SocketAddr,
    flow: Arc<watch::Sender<Flow>>,
    _forwarding: JoinSet<()>,
}

impl Forwarder {
    pub(super) async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let first = Flow { there: true, back: true, cut: 0, open: true };
        let flow = Arc::new(watch::Sender::new(first));
        let mut forwarding = JoinSet::new();
        forwarding.spawn(accept(listener, to, Arc::clone(&flow)));
        Self { address, flow, _forwarding: forwarding }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets bytes through from who dialled, and to who dialled, from now on or no longer.
    pub fn pass(&self, there: bool, back: bool) {
        self.flow.send_modify(|flow| (flow.there, flow.back) = (there, back));
    }

    /// Lets nothing through.
    pub fn pause(&self) {
        self.pass(false, false);
    }

    /// Lets everything through.
    pub fn resume(&self) {
        self.pass(true, true);
    }

    /// Ends all connections without a word.
    pub fn cut(&self) {
        self.flow.send_modify(|flow| flow.cut += 1);
    }

    /// Takes new connections, or ends them at once.
    pub fn open(&self, open: bool) {
        self.flow.send_modify(|flow| flow.open = open);
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, flow: Arc<watch::Sender<Flow>>) {
    let mut pumps = JoinSet::new();
    loop {
        let Ok((one, _)) = listener.accept().await else { return };
        let now = *flow.borrow();
        if !now.open {
            continue;
        }
        let Ok(other) = TcpStream::connect(to).await else { continue };
        let _ = (one.set_nodelay(true), other.set_nodelay(true));
        let ((one_read, one_write), (other_read, other_write)) =
            (one.into_split(), other.into_split());
        let flow = flow.subscribe();
        pumps.spawn(async move {
            let there = pump(one_read, other_write, flow.clone(), now.cut, |flow| flow.there);
            let back = pump(other_read, one_write, flow, now.cut, |flow| flow.back);
            // Both end with either: the sockets close.
            tokio::select! {
                () = there => {}
                () = back => {}
            }
        });
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut flow: watch::Receiver<Flow>,
    number: u64,
    passes: impl Fn(&Flow) -> bool,
) {
    let mut ended = flow.clone();
    let copied = async {
        let mut buffer = vec![0; 64 << 10];
        loop {
            if flow.wait_for(|flow| passes(flow)).await.is_err() {
                return;
            }
            // In this order: what comes after a pause waits, an end too.
            let read = tokio::select! {
                biased;
                Ok(_) = flow.wait_for(|flow| !passes(flow)) => continue,
                read = from.read(&mut buffer) => read,
            };
            let Ok(bytes @ 1..) = read else { return };
            if to.write_all(&buffer[..bytes]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = copied => {}
        _ = ended.wait_for(|flow| flow.cut > number) => {}
    }
}
