//! One document, taken apart: its blocks of commands, its links, the paths in it.

use std::path::{Path, PathBuf};

/// A document.
pub(crate) struct Page {
    /// Its path within the project, for messages.
    pub(crate) name: String,
    /// Where its links start from.
    pub(crate) folder: PathBuf,
    pub(crate) blocks: Vec<Block>,
    /// Files of the project that it links to.
    pub(crate) links: Vec<String>,
    /// Paths from the project's root that it names.
    pub(crate) paths: Vec<String>,
}

/// A block of commands.
pub(crate) enum Block {
    /// Run where these files of the project are.
    Run {
        needs: Vec<String>,
        commands: Vec<Command>,
    },
    NotRun {
        why: String,
        commands: Vec<Command>,
    },
}

/// A command, and what it prints.
pub(crate) struct Command {
    pub(crate) line: String,
    /// Nothing where the document does not show it.
    pub(crate) output: Option<Vec<String>>,
    pub(crate) figures_vary: bool,
}

/// Folders at the root, by which a path in the text is told from other words.
const FOLDERS: [&str; 8] =
    [".ci/", ".github/", "docs/", "examples/", "guest-sdk/", "host/", "tests/", "wit/"];

impl Page {
    pub(crate) fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).expect("a readable document");
        let name = file.strip_prefix(crate::root()).unwrap_or(file).display().to_string();
        Self {
            blocks: blocks(&name, &text),
            links: links(&text),
            paths: paths(&text),
            folder: file.parent().expect("it lies in a folder").to_path_buf(),
            name,
        }
    }
}

fn blocks(name: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else {
            if !line.trim().is_empty() {
                before = line;
            }
            continue;
        };
        let body: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        let (language, options) = fence.split_once(' ').unwrap_or((fence, ""));
        let figures_vary = options == "figures-vary";
        assert!(options.is_empty() || figures_vary, "{name}: what is `{options}`?");
        let commands = match language {
            "console" => console(&body, figures_vary),
            "sh" => shell(&body),
            _ => continue,
        };
        assert!(!commands.is_empty(), "{name}: a block without commands: {body:?}");
        let said = |what| before.strip_prefix(what).and_then(|it| it.strip_suffix(" -->"));
        blocks.push(match said("<!-- not run: ") {
            Some(why) => Block::NotRun { why: why.to_owned(), commands },
            None => {
                let needs = said("<!-- needs: ").unwrap_or_default();
                let needs = needs.split_whitespace().map(str::to_owned).collect();
                Block::Run { needs, commands }
            }
        });
        before = "";
    }
    blocks
}

fn console(body: &[&str], figures_vary: bool) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for line in body {
        match line.strip_prefix("$ ") {
            Some(line) => commands.push(Command {
                line: line.to_owned(),
                output: Some(Vec::new()),
                figures_vary,
            }),
            None => {
                let last = commands.last_mut().expect("output comes after a command");
                last.output.get_or_insert_default().push((*line).to_owned());
            }
        }
    }
    commands
}

fn shell(body: &[&str]) -> Vec<Command> {
    let lines = body.iter().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let command =
        |line: &&str| Command { line: (*line).to_owned(), output: None, figures_vary: false };
    lines.map(command).collect()
}

/// The targets of `](...)` that are files of the project.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .collect()
}

/// What stands between backquotes and begins with a folder of the project.
fn paths(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| !word.contains(['*', ' ', '<', '{', '\n']))
        .map(str::to_owned)
        .collect()
}
