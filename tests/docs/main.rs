//! The documents say what is so: their commands are run, their links and the paths
//! that they name exist.
//!
//! Blocks fenced as `console` hold commands behind `$` and their output, blocks
//! fenced as `sh` hold commands alone. All commands of one document run in order, in
//! an empty home, against the `odeon` that the checks have built. The conventions:
//!
//! - `console figures-vary`: numbers, ids and times of the output are not compared;
//! - a line `...` in the output stands for any lines;
//! - a command that ends in `&` stays, and its first lines of output are awaited;
//! - output that begins with `error:` goes with a failure, any other with success;
//! - this machine's name is `box`, in commands and in output;
//! - `<!-- needs: files -->` before a block: it is run where these are, as guests in languages
//!   whose tools could be had;
//! - `<!-- not run: why -->` before a block: only its words are checked.

mod console;
mod page;

use console::Console;
use page::{Block, Page};
use std::path::{Path, PathBuf};

/// The workspace's root: this package lies in it.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the tests lie in the workspace").to_path_buf()
}

/// Every document of the project: at the root, in `docs`, and beside each example.
fn pages() -> Vec<Page> {
    let root = root();
    let mut folders = vec![root.clone(), root.join("docs")];
    folders.extend(entries(&root.join("examples")));
    let files = folders.iter().flat_map(|folder| entries(folder));
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    files.sort();
    files.iter().map(|file| Page::read(file)).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.expect("a readable folder").path()).collect()
}

#[test]
fn every_command_of_the_documents_does_what_they_show() {
    let mut run = 0;
    for page in pages() {
        let mut console = Console::new(&root());
        for block in &page.blocks {
            match block {
                Block::Run { needs, commands } => {
                    if let Some(lacks) = needs.iter().find(|file| !root().join(file).exists()) {
                        println!("left out: a block of {}: there is no {lacks}", page.name);
                        continue;
                    }
                    for command in commands {
                        console.check(&page.name, command);
                        run += 1;
                    }
                }
                Block::NotRun { why, commands } => {
                    assert!(why.len() > 10, "{}: why is this not run? {why:?}", page.name);
                    for command in commands {
                        console.check_words(&page.name, &command.line);
                    }
                }
            }
        }
    }
    assert!(run >= 15, "the documents show commands, of which only {run} were found");
}

#[test]
fn what_the_documents_point_at_exists() {
    let mut looked_at = 0;
    for page in pages() {
        for target in page.links.iter().chain(&page.paths) {
            let base = if page.links.contains(target) { page.folder.clone() } else { root() };
            assert!(base.join(target).exists(), "{} names {target}, which is not there", page.name);
            looked_at += 1;
        }
    }
    assert!(looked_at >= 30, "only {looked_at} links and paths were found");
}

#[test]
fn the_main_of_the_readme_is_the_one_that_new_makes() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let template = root().join("host/src/cli/new/rust/lib.rs.in");
    let template = std::fs::read_to_string(template).expect("the template");
    let from_main = &template[template.find("fn main").expect("it has a main")..];
    let code = from_main.split_inclusive("\n}\n").next().expect("which ends");
    assert!(readme.contains(code), "README.md shows another actor than `odeon new` makes");
}
