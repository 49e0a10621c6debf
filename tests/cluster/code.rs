//! Modules that travel with spawns.

use odeon::Start;
use odeon::cluster::AcceptModules;
use odeon_tests::cluster::{Pair, Setting};
use odeon_tests::in_time;
use odeon_tests::protocol::SpawnError;

/// A component whose function returns at once; each text gives other bytes.
fn module(text: &str) -> Vec<u8> {
    let source = format!(
        r#"(component
            (core module $m
                (func (export "go"))
                (@custom "note" "{text}"))
            (core instance $i (instantiate $m))
            (func (export "go") (canon lift (core func $i "go"))))"#
    );
    wat::parse_str(&source).expect("right")
}

async fn apart(change: impl Fn(&mut Setting)) -> Pair {
    Pair::start_with(|setting| {
        setting.own_modules = true;
        change(setting);
    })
    .await
}

async fn spawn(pair: &Pair, name: &str) -> Result<odeon_core::Pid, SpawnError> {
    let spawn = odeon::Spawn::new(name, Start::Call("go()".into()));
    in_time("a spawn", pair.near.world.node.spawn_at(&pair.far.name, spawn)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_the_other_node_lacks_comes_along_once() {
    let pair = apart(|_| {}).await;
    let bytes = module("comes along");
    pair.near.world.node.deploy("mine", &bytes).expect("deployed");
    let digest = odeon::modules::digest::Digest::of(&bytes);
    let has = || pair.far.world.node.has(&digest);
    assert!(!has(), "the nodes share no store");
    // At the same moment: one fetch serves all.
    let (first, second, third) =
        tokio::join!(spawn(&pair, "mine"), spawn(&pair, "mine"), spawn(&pair, "mine"));
    for spawned in [first, second, third] {
        assert_eq!(spawned.expect("spawned").node, pair.far.world.node.id());
    }
    assert!(has(), "it is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_no_modules_runs_only_what_it_has() {
    let pair = apart(|setting| setting.cluster.policy.modules = AcceptModules::None).await;
    let bytes = module("not wanted");
    pair.near.world.node.deploy("mine", &bytes).expect("deployed");
    let refused = spawn(&pair, "mine").await.expect_err("it takes none");
    assert!(matches!(refused, SpawnError::Denied(_)), "{refused:?}");
    // What is deployed there too may run, for it is the same bytes.
    pair.far.world.node.deploy("theirs", &bytes).expect("deployed");
    spawn(&pair, "mine").await.expect("it has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_takes_the_modules_of_its_list() {
    let (listed, other) = (module("listed"), module("other"));
    let digest = odeon::modules::digest::Digest::of(&listed).to_string();
    let pair = apart(|setting| {
        setting.cluster.policy.modules = AcceptModules::Listed(vec![digest.clone()]);
    })
    .await;
    pair.near.world.node.deploy("listed", &listed).expect("deployed");
    pair.near.world.node.deploy("other", &other).expect("deployed");
    spawn(&pair, "listed").await.expect("it is on the list");
    let refused = spawn(&pair, "other").await.expect_err("it is not");
    assert!(matches!(refused, SpawnError::Denied(_)), "{refused:?}");
}
