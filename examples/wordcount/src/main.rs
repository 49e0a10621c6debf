//! Counts lines, words and bytes, as `wc` does.
//!
//! Nothing here knows Odeon: it is a program for any WASI host, and Odeon runs
//! it as an actor all the same. Its arguments are the spawn's, its standard
//! streams are the group leader's, its exit code is its exit reason.
//!
//! `WORDCOUNT_MIN` is the least number of words that is no failure (exit code 1),
//! to show that granted environment arrives.

use std::env;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

#[derive(Default)]
struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
}

fn count(mut input: impl BufRead) -> io::Result<Counts> {
    let mut counts = Counts::default();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        counts.lines += u64::from(line.ends_with(b"\n"));
        counts.words +=
            line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count() as u64;
        counts.bytes += line.len() as u64;
        line.clear();
    }
    Ok(counts)
}

fn report(counts: &Counts, wanted: &[String]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let all = [("-l", counts.lines), ("-w", counts.words), ("-c", counts.bytes)];
    let shown: Vec<String> = all
        .iter()
        .filter(|(option, _)| wanted.is_empty() || wanted.iter().any(|it| it == option))
        .map(|(_, count)| count.to_string())
        .collect();
    writeln!(output, "{}", shown.join(" "))
}

fn main() -> ExitCode {
    let wanted: Vec<String> = env::args().skip(1).collect();
    if let Some(option) = wanted.iter().find(|it| !["-l", "-w", "-c"].contains(&it.as_str())) {
        eprintln!("wordcount: unknown option {option}; use -l, -w, -c or none");
        return ExitCode::from(2);
    }
    let counts = match count(io::stdin().lock()) {
        Ok(counts) => counts,
        Err(error) => {
            eprintln!("wordcount: cannot read: {error}");
            return ExitCode::from(3);
        }
    };
    if let Err(error) = report(&counts, &wanted) {
        eprintln!("wordcount: cannot write: {error}");
        return ExitCode::from(3);
    }
    let least = env::var("WORDCOUNT_MIN").ok().and_then(|least| least.parse().ok()).unwrap_or(0);
    if counts.words < least { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
