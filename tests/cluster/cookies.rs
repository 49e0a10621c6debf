//! Cookies (rows C).

use odeon_tests::cluster::{Place, until};
use odeon_tests::in_time;

/// Erlang's row has a mother that knows each other's cookie.
#[tokio::test(flavor = "multi_thread")]
async fn c01_nodes_with_different_cookies_connect_when_each_has_the_other_s() {
    let place = Place::new().await;
    let mother = place.start().await;
    let cookies = ["the cookie of the first", "the cookie of the second"];
    let mut others = Vec::new();
    for cookie in cookies {
        let cookie = cookie.as_bytes().to_vec();
        others.push(place.start_with(|setting| setting.cookie = cookie).await);
    }
    let [first, second] = &others[..] else { unreachable!() };
    let pairs = [
        (&mother, first),
        (first, &mother),
        (&mother, second),
        (second, &mother),
        (first, second),
        (second, first),
    ];
    for (one, other) in pairs {
        let refused = in_time("an answer", one.world.node.connect(&other.name)).await;
        let error = refused.expect_err("the cookies differ").to_string();
        assert!(error.contains("cookie"), "{error}");
        assert!(!one.knows(&other.name) && !other.knows(&one.name));
    }
    // What the mother knows of each is what that one has as its default.
    for (other, cookie) in others.iter().zip(cookies) {
        mother.set_cookie(&other.name, Some(cookie));
    }
    mother.connect(&first.name).await;
    second.connect(&mother.name).await;
    // They know each other now by hearsay, and still have no cookie in common.
    for (one, other) in [(first, second), (second, first)] {
        let refused = in_time("an answer", one.world.node.connect(&other.name)).await;
        refused.expect_err("the cookies differ");
    }
    first.set_cookie(&second.name, Some(cookies[1]));
    second.connect(&first.name).await;
    until("all are connected", || first.knows(&second.name) && second.knows(&first.name)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c01_defaults_for_each_other_that_differ_refuse_both_ways() {
    let place = Place::new().await;
    let one = place.start_with(|setting| setting.cookie = b"the cookie of one".to_vec()).await;
    let other = place.start_with(|setting| setting.cookie = b"the cookie of other".to_vec()).await;
    // Each uses the other's default: that is not the same for both.
    one.set_cookie(&other.name, Some("the cookie of other"));
    other.set_cookie(&one.name, Some("the cookie of one"));
    for (from, to) in [(&one, &other), (&other, &one)] {
        let refused = in_time("an answer", from.world.node.connect(&to.name)).await;
        assert!(refused.expect_err("they differ").to_string().contains("cookie"));
    }
    one.set_cookie(&other.name, None);
    one.connect(&other.name).await;
}
