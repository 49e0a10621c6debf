//! Writes the seeds, which are kept as text, where a fuzzer looks for them: a file each in
//! `fuzz/corpus/TARGET/`.

use std::path::Path;

use anyhow::Context as _;
use odeon_core::peer::fuzz::TARGETS;

fn main() -> anyhow::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in TARGETS {
        let dir = corpus.join(target.name);
        std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        let seeds = target.seeds();
        for (at, seed) in seeds.iter().enumerate() {
            let path = dir.join(format!("seed-{at:03}"));
            std::fs::write(&path, seed).with_context(|| path.display().to_string())?;
        }
        println!("{}: {} seeds", target.name, seeds.len());
    }
    Ok(())
}
