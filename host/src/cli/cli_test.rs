//! The command line as people type it.

use clap::CommandFactory as _;

use super::*;

fn parsed(words: &str) -> Cli {
    parse(words.split(' ').map(OsString::from)).expect(words)
}

fn refused(words: &str) -> clap::Error {
    parse(words.split(' ').map(OsString::from)).expect_err(words)
}

#[test]
fn the_definition_is_sound_and_every_command_says_what_it_does() {
    Cli::command().debug_assert();
    for command in Cli::command().get_subcommands() {
        assert!(command.get_about().is_some(), "{} has no help", command.get_name());
    }
}

#[test]
fn what_follows_the_file_of_run_belongs_to_the_program() {
    let cli = parsed("odeon run --dir data tool.wasm --dir x -v --help");
    let debug = format!("{:?}", cli.command);
    let command = r#"command: ["tool.wasm", "--dir", "x", "-v", "--help"]"#;
    assert!(debug.contains(command), "{debug}");
    assert!(debug.contains("dir: [\"data\"]"), "{debug}");
    refused("odeon run");
}

#[test]
fn spawn_takes_a_function_a_call_or_a_programs_arguments_and_not_both() {
    parsed("odeon spawn counter");
    parsed("odeon spawn counter main 5 --name c --memory 2MiB --env A=b");
    parsed("odeon spawn tool -- -v file");
    refused("odeon spawn tool main -- -v");
    refused("odeon spawn tool --attach --json");
    let error = refused("odeon spawn tool --memory 64MB").to_string();
    assert!(error.contains("64MiB"), "{error}");
}

#[test]
fn listen_takes_a_port_or_an_address() {
    for right in ["4000", "0", "127.0.0.1:4000", "[::1]:0"] {
        let cli = parsed(&format!("odeon node --listen {right}"));
        assert!(matches!(cli.command, Command::Node(_)));
    }
    for wrong in ["99999", "localhost:1", "1.2.3.4", ""] {
        refused(&format!("odeon node --listen {wrong}"));
    }
}

#[test]
fn every_listing_has_json_and_takes_a_node() {
    for listing in ["ps", "modules", "logs"] {
        parsed(&format!("odeon {listing} --json --node a@box"));
    }
    parsed("odeon nodes --json --on b@box:4370");
    parsed("odeon nodes --local --json");
    parsed("odeon info till --json");
    refused("odeon nodes --local --on b");
    parsed("odeon inspect a.wasm --json");
    parsed("odeon doctor --json");
}

#[test]
fn flags_of_the_cluster_are_on_off_or_as_they_were() {
    for right in ["--hidden", "--hidden=false", "--no-mesh=true", "--compress", ""] {
        parsed(format!("odeon node {right}").trim());
    }
    refused("odeon node --hidden=perhaps");
    // A value stands behind `=` only.
    refused("odeon node --hidden false");
}

#[test]
fn a_program_that_runs_elsewhere_keeps_its_own_flags() {
    let cli = parsed("odeon run --on b@box tool.wasm --on x");
    assert_eq!(cli.common.on.as_deref(), Some("b@box"));
    parsed("odeon cluster cookie b@box file");
    parsed("odeon cluster cookie b@box --forget");
    refused("odeon cluster cookie b@box");
    refused("odeon cluster cookie b@box file --forget");
}

#[test]
fn a_mistyped_command_gets_a_near_one() {
    let error = refused("odeon dploy a.wasm").to_string();
    assert!(error.contains("deploy"), "{error}");
}

#[test]
fn the_help_lists_the_exit_codes() {
    let help = Cli::command().render_long_help().to_string();
    for code in ["no node is running", "70", "130"] {
        assert!(help.contains(code), "{code}");
    }
}
