//! What counts of flags and file about other nodes, and what is said about wrong values.

use super::*;

fn settings(own: &ClusterTable, over: &ClusterTable) -> Result<ClusterSettings, String> {
    own.settings(over, "box").map_err(|error| error.to_string())
}

fn read(text: &str) -> ClusterTable {
    toml::from_str(text).expect(text)
}

fn refused(text: &str) -> String {
    settings(&read(text), &ClusterTable::default()).expect_err(text)
}

#[test]
fn without_settings_a_node_is_open_to_its_cluster() {
    let none = ClusterTable::default();
    let settings = settings(&none, &none).expect("right");
    assert!(settings.mesh && !settings.hidden && !settings.compress && settings.join.is_empty());
    assert_eq!((settings.auto_connect, settings.allow), (AutoConnect::Always, None));
    assert_eq!(settings.tick_time, TICK_TIME);
    assert_eq!(settings.policy.modules, AcceptModules::Any);
    assert!(!settings.policy.no_spawns);
}

#[test]
fn the_file_says_all_that_flags_can() {
    let digest = Digest::of(b"x").to_string();
    let file = read(&format!(
        "join = [\"b\", \"c@far:4000\"]\nhidden = true\nmesh = false\nauto-connect = \"once\"\n\
         allow = [\"b\"]\ntick-time = 0.5\ncompress = true\naccept-modules = [\"{digest}\"]\n\
         remote-spawn = false\n"
    ));
    let settings = settings(&file, &ClusterTable::default()).expect("right");
    assert_eq!(settings.join, ["b@box", "c@far:4000"]);
    assert!(settings.hidden && !settings.mesh && settings.compress && settings.policy.no_spawns);
    assert_eq!(settings.auto_connect, AutoConnect::Once);
    assert_eq!(settings.allow, Some(vec!["b@box".to_owned()]));
    assert_eq!(settings.tick_time, Duration::from_millis(500));
    assert_eq!(settings.policy.modules, AcceptModules::Listed(vec![digest]));
}

#[test]
fn a_flag_wins_over_the_file() {
    let file = read(
        "join = [\"b\"]\nhidden = true\nmesh = false\nauto-connect = \"once\"\nallow = [\"b\"]\n\
         tick-time = 5\ncompress = true\naccept-modules = \"none\"\nremote-spawn = false\n",
    );
    let flags = read(
        "join = [\"c\"]\nhidden = false\nmesh = true\nauto-connect = \"never\"\nallow = [\"c\"]\n\
         tick-time = 6\ncompress = false\naccept-modules = \"any\"\nremote-spawn = true\n",
    );
    let settings = settings(&file, &flags).expect("right");
    assert_eq!(settings.join, ["c@box"]);
    assert!(!settings.hidden && settings.mesh && !settings.compress && !settings.policy.no_spawns);
    assert_eq!(settings.auto_connect, AutoConnect::Never);
    assert_eq!(settings.allow, Some(vec!["c@box".to_owned()]));
    assert_eq!(settings.tick_time, Duration::from_secs(6));
    assert_eq!(settings.policy.modules, AcceptModules::Any);
}

#[test]
fn the_functions_that_others_may_call_are_all_none_or_those_of_listed_modules() {
    let calls = |text: &str| settings(&read(text), &read("")).expect("right").policy.calls;
    let digest = "AB".repeat(32);
    assert_eq!(calls(""), None);
    assert_eq!(calls("calls = \"any\""), Some(AcceptCalls::Any));
    assert_eq!(calls("calls = \"none\""), Some(AcceptCalls::None));
    let of = |from: Option<&str>, module: Option<&str>| {
        let [from, module] = [from, module].map(|text| text.map(str::to_owned));
        Allowed { from, module }
    };
    let listed = AcceptCalls::Listed(vec![
        of(None, Some("calc")),
        of(None, Some(&digest.to_lowercase())),
        of(Some("b@box"), Some("odeon")),
        of(Some("c@box"), None),
    ]);
    let (text, list) = (
        format!("calls = \"calc, {digest}, b@box=odeon, c@box = any\""),
        format!("calls = [\"calc\", \"{digest}\", \"b=odeon\", \"c@box=any\"]"),
    );
    assert_eq!(calls(&text), Some(listed.clone()));
    assert_eq!(calls(&list), Some(listed));
    let flag = settings(&read("calls = \"none\""), &read("calls = \"any\"")).expect("right");
    assert_eq!(flag.policy.calls, Some(AcceptCalls::Any));
}

#[test]
fn wrong_values_are_refused_with_what_would_be_right() {
    assert!(refused("auto-connect = \"sometimes\"").contains("always, once and never"));
    for seconds in ["0", "0.05", "3601", "-1", "nan", "inf", "1e300"] {
        let text = format!("tick-time = {}", if seconds == "0" { "0.0" } else { seconds });
        assert!(refused(&text).contains("0.1 to 3600 seconds"), "{seconds}");
    }
    assert!(refused("accept-modules = \"some\"").contains("64 digits"));
    assert!(refused("accept-modules = [\"any\"]").contains("64 digits"));
    assert!(refused("calls = \"a b\"").contains("a module's name or digest"));
    assert!(refused("calls = [\"calc\", \"\"]").contains("it is empty"));
    for node in ["", "a b", "../b", "b@box:", "b@box:0", "b@box:70000", "b@box:x", "@box"] {
        refused(&format!("join = [\"{node}\"]"));
    }
    assert!(refused("join = [\"b@box:x\"]").contains("is no port"));
    assert!(refused("allow = [\"b@box:4370\"]").contains("cannot name a node"));
    let many = vec!["\"b\"".to_owned(); JOIN_MAX + 1].join(",");
    assert!(refused(&format!("join = [{many}]")).contains("at most 256"));
}

#[test]
fn a_name_alone_gets_this_host_and_a_port_may_follow() {
    let target = |text| whole_target(text, "box").expect(text);
    assert_eq!((target("b").name.as_str(), target("b").port), ("b@box", None));
    assert_eq!((target("b:1").name.as_str(), target("b:1").port), ("b@box", Some(1)));
    assert_eq!(target("b@far").name, "b@far");
    assert_eq!(target("b@far.example.org:65535").port, Some(65535));
}
