//! Nodes that are connected with TLS (rows T).

use odeon::net::Mode;
use odeon_tests::cluster::Pair;
use odeon_tests::protocol::{MonitorOptions, Operation, Reason, SpawnOptions};

use crate::common::{nothing_came, settle};
use crate::support::{down, failing, large, link, message, monitor, send, spawn_with};

async fn secured() -> Pair {
    Pair::start_with(|setting| setting.mode = Mode::Always).await
}

#[tokio::test(flavor = "multi_thread")]
async fn t01_nodes_connect_and_exchange_messages_of_all_sizes_over_tls() {
    let pair = secured().await;
    let (mut near, mut far) = pair.puppets().await;
    for size in [0, 1, 4_000, 16_384, 100_000, 5 << 20] {
        let body = large(size, size);
        near.done(send(far.pid, &body)).await;
        assert!(far.event().await == message(near.pid, &body), "{size} bytes there");
        far.done(send(near.pid, &body)).await;
        assert!(near.event().await == message(far.pid, &body), "{size} bytes back");
    }
    settle(&mut near, &mut far).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t01_links_monitors_and_spawns_work_over_tls() {
    let mut pair = secured().await;
    let (mut near, mut far) = pair.puppets().await;
    let options = SpawnOptions {
        node: Some(pair.far.name.clone()),
        monitor: Some(MonitorOptions::default()),
        ..SpawnOptions::default()
    };
    let (child, reference) = near.spawned(spawn_with(failing("over tls"), options)).await;
    let reason = Reason::Error("over tls".into());
    assert_eq!(near.event().await, down(reference.expect("asked for"), child, reason));
    near.order(Operation::TrapExit(true)).await;
    near.done(link(far.pid)).await;
    let reference = near.reference(monitor(far.pid)).await;
    settle(&mut near, &mut far).await;
    pair.far.halt();
    let both = [near.event().await, near.event().await];
    assert!(both.contains(&down(reference, far.pid, Reason::Noconnection)), "{both:?}");
    assert!(both.contains(&crate::support::exit(far.pid, Reason::Noconnection)), "{both:?}");
    near.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t02_a_node_that_wants_tls_refuses_plain_connections_and_goes_on() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let pair = secured().await;
    let (mut near, mut far) = pair.puppets().await;
    let mut plain = tokio::net::TcpStream::connect(pair.far.address).await.expect("it listens");
    plain.write_all(b"GET /odeon HTTP/1.1\r\n\r\n").await.expect("written");
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.expect("answered and closed");
    assert!(answer.starts_with(b"HTTP/1.1 403"), "{}", String::from_utf8_lossy(&answer));
    nothing_came(&mut near, &mut far).await;
}
