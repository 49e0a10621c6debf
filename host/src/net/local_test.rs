//! Who takes the short way, and who does not.

use std::os::linux::net::SocketAddrExt as _;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::*;
use crate::net::Mode;
use crate::net::listen::{Listener, Ways};
use crate::net::tests::{
    COOKIE, Listening, Nobody, OTHER_COOKIE, at, dial_as, failed, identity, security,
};

/// How a node with `theirs` is reached by one with `ours`.
async fn origin(theirs: Mode, ours: Mode) -> Origin {
    let mut node = Listening::start("a@localhost", security(COOKIE, theirs)).await;
    let target = at("a@localhost", node.address());
    let _dialled = dial_as("b@localhost", &target, &security(COOKIE, ours)).await.expect("let in");
    node.arrived_from().await.1
}

#[tokio::test]
async fn nodes_of_one_machine_take_the_short_way_unless_they_want_tls() {
    let own = i32::try_from(std::process::id()).expect("small");
    assert_eq!(origin(Mode::Auto, Mode::Auto).await, Origin::Process(own));
    assert_eq!(origin(Mode::Plain, Mode::Auto).await, Origin::Process(own));
    for (theirs, ours) in [(Mode::Auto, Mode::Always), (Mode::Always, Mode::Always)] {
        let came = origin(theirs, ours).await;
        assert!(matches!(came, Origin::Address(_)), "{theirs:?} and {ours:?}: {came}");
    }
}

#[tokio::test]
async fn the_cookie_is_asked_for_on_the_short_way_as_well() {
    let mut node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let target = at("a@localhost", node.address());
    failed(dial_as("b@localhost", &target, &security(OTHER_COOKIE, Mode::Auto)).await);
    assert!(node.nobody_arrived());
}

#[tokio::test]
async fn who_takes_tcp_alone_is_reached_by_tcp() {
    let anywhere = ([127, 0, 0, 1], 0).into();
    let keys = security(COOKIE, Mode::Auto);
    let (name, nobody) = (identity("a@localhost"), Arc::new(Nobody));
    let node = Listener::start_for(Ways::Tcp, anywhere, name, keys, nobody);
    let node = node.await.expect("a free port");
    assert!(connect(node.address()).await.is_none());
    let target = at("a@localhost", node.address());
    dial_as("b@localhost", &target, &security(COOKIE, Mode::Auto)).await.expect("let in");
}

#[tokio::test]
async fn a_listener_on_all_addresses_is_found_on_loopback_alone() {
    let port = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let port = port.local_addr().expect("bound").port();
    let _listening = listen(([0, 0, 0, 0], port).into()).expect("the short way");
    assert!(connect(([127, 0, 0, 1], port).into()).await.is_some());
    let mapped = std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    assert!(connect((mapped, port).into()).await.is_some());
    for other in [[127, 0, 0, 2], [0, 0, 0, 0], [192, 0, 2, 1]] {
        assert!(connect((other, port).into()).await.is_none(), "{other:?}");
    }
    assert!(listen(([192, 0, 2, 1], port).into()).is_none());
}

#[tokio::test]
async fn the_end_of_a_node_leaves_its_short_way_free() {
    let node = Listening::start("a@localhost", security(COOKIE, Mode::Auto)).await;
    let address = node.address();
    assert!(listen(address).is_none(), "it has one owner");
    node.server.stop().await;
    assert!(connect(address).await.is_none());
    assert!(listen(address).is_some());
}

#[tokio::test]
async fn the_short_way_of_another_user_is_left_alone() {
    let port = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = port.local_addr().expect("bound");
    let name = name(address).expect("on loopback");
    let listening = std::thread::spawn(move || {
        // This thread's alone; the system notes who begins to listen.
        let other = rustix::process::Uid::from_raw(65_534);
        rustix::thread::set_thread_res_uid(None, Some(other), None)?;
        std::os::unix::net::UnixListener::bind_addr(
            &std::os::unix::net::SocketAddr::from_abstract_name(&name[1..])?,
        )
    });
    let Ok(_listening) = listening.join().expect("no panic") else {
        println!("not shown: this user cannot be another one");
        return;
    };
    assert!(connect(address).await.is_none());
}
