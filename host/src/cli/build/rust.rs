//! Building in Rust.
//!
//! `ODEON_WASM_TOOLCHAIN` chooses: `rustup` (the active toolchain and one of its
//! wasm targets) or `distro` (Debian's packages, whose standard library is compiled
//! along); `auto`, the default, takes the first that is there. Installs nothing: it
//! says what to install.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::exit::{Exit, code};
use super::tools::missing;

/// The variable that chooses.
const VARIABLE: &str = "ODEON_WASM_TOOLCHAIN";

/// What `distro` needs: a file of the package, and the package.
const DISTRO_PACKAGES: [(&str, &str); 4] = [
    ("/usr/bin/rustc", "rustc-web"),
    ("/usr/bin/cargo", "cargo-web"),
    ("/usr/lib/rustlib/src/rust/library/std/Cargo.toml", "rust-web-src"),
    ("/usr/bin/wasm-ld-19", "lld-19"),
];

/// A component comes out of the first directly; the second takes no WASI.
const TARGETS: [&str; 2] = ["wasm32-wasip2", "wasm32-unknown-unknown"];

/// A way to build guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The active toolchain, for this target.
    Rustup(&'static str),
    /// Debian's packages.
    Distro,
}

/// Runs cargo and gives the module that came out.
pub(super) fn compile(toolchain: Toolchain, dir: &Path) -> Result<PathBuf, Exit> {
    let mut cargo = match toolchain {
        Toolchain::Rustup(_) => Command::new("cargo"),
        Toolchain::Distro => distro_cargo(),
    };
    let target = match toolchain {
        Toolchain::Rustup(target) => target,
        Toolchain::Distro => "wasm32-unknown-unknown",
    };
    cargo.current_dir(dir).args(["build", "--release", "--target", target]);
    cargo.arg("--message-format=json-render-diagnostics");
    if toolchain == Toolchain::Distro {
        cargo.arg("-Zbuild-std=std,panic_abort");
    }
    let failed = |error| Exit::failed(format!("cannot run cargo: {error}"));
    let output = cargo.stderr(Stdio::inherit()).output().map_err(failed)?;
    if !output.status.success() {
        return Err(Exit::failed("the project does not build; cargo says why above"));
    }
    artifact(&output.stdout, &dir.join("Cargo.toml")).ok_or_else(|| {
        Exit::failed(
            "cargo built no module: the library needs `crate-type = [\"cdylib\"]` in [lib]",
        )
    })
}

/// The last module of this package that cargo says it built.
fn artifact(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    let manifest = manifest.canonicalize().ok()?;
    let lines = messages.split(|byte| *byte == b'\n');
    let mut modules = lines.filter_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let from = message.get("manifest_path")?.as_str()?;
        if Path::new(from).canonicalize().ok()? != manifest {
            return None;
        }
        let mut files = message.get("filenames")?.as_array()?.iter().filter_map(|it| it.as_str());
        files
            .find(|file| Path::new(file).extension() == Some(OsStr::new("wasm")))
            .map(PathBuf::from)
    });
    modules.next_back()
}

/// Debian's cargo, shielded from a rustup installation beside it: its proxies must
/// not be found first, and what configures that one is not for this.
fn distro_cargo() -> Command {
    let mut cargo = Command::new("/usr/bin/cargo");
    for (name, _) in env::vars_os() {
        if name.to_str().is_none_or(is_not_for_distro) {
            cargo.env_remove(name);
        }
    }
    cargo
        .env("PATH", "/usr/bin:/bin")
        .env("RUSTC", "/usr/bin/rustc")
        // Building the standard library is not yet for stable compilers.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "/usr/bin/wasm-ld-19");
    cargo
}

fn is_not_for_distro(name: &str) -> bool {
    // Where cargo keeps its downloads, and how it reaches the registry, stay.
    const KEPT: [&str; 4] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR"];
    let is_cargos = ["CARGO", "RUST", "LD_LIBRARY_PATH"].iter().any(|it| name.starts_with(it));
    is_cargos && !KEPT.iter().any(|it| name.starts_with(it))
}

/// The toolchain to build with, or what to install.
pub(crate) fn toolchain() -> Result<Toolchain, Exit> {
    let wanted = env::var(VARIABLE).unwrap_or_default();
    match wanted.as_str() {
        "rustup" => rustup().ok_or_else(|| missing(nothing())),
        "distro" => match missing_packages().as_slice() {
            [] => Ok(Toolchain::Distro),
            packages => Err(missing(format!(
                "packages are missing; as root, run: apt-get install --no-install-recommends {}",
                packages.join(" ")
            ))),
        },
        "" | "auto" => rustup()
            .or_else(|| missing_packages().is_empty().then_some(Toolchain::Distro))
            .ok_or_else(|| missing(nothing())),
        other => {
            let text = format!("{VARIABLE} is `{other}`; it can be auto, rustup or distro");
            Err(Exit::new(code::USAGE, text))
        }
    }
}

fn nothing() -> String {
    format!(
        "no toolchain for WebAssembly guests is installed: run `rustup target add {}`; or, on \
         Debian and its relatives, install {} and set {VARIABLE}=distro",
        TARGETS[0],
        DISTRO_PACKAGES.map(|(_, package)| package).join(" ")
    )
}

/// The active toolchain, if it has one of the targets.
fn rustup() -> Option<Toolchain> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    let has = |target: &&str| sysroot.join("lib/rustlib").join(target).join("lib").is_dir();
    TARGETS.into_iter().find(has).map(Toolchain::Rustup)
}

fn missing_packages() -> Vec<&'static str> {
    let absent =
        |(file, package): &(&str, &'static str)| (!Path::new(file).exists()).then_some(*package);
    DISTRO_PACKAGES.iter().filter_map(absent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_module_of_this_package_is_found_among_cargos_messages() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let manifest = dir.path().join("Cargo.toml");
        fs::write(&manifest, "").expect("written");
        let message = |manifest: &str, file: &str| {
            format!("{{\"manifest_path\":{manifest:?},\"filenames\":[\"/x/a.d\",{file:?}]}}\n")
        };
        let own = manifest.to_str().expect("text");
        let messages = [
            message(own, "/x/mine.wasm"),
            message("/elsewhere/Cargo.toml", "/x/other.wasm"),
            "not json\n{\"reason\":\"build-finished\"}\n".to_owned(),
        ];
        let found = artifact(messages.concat().as_bytes(), &manifest);
        assert_eq!(found, Some("/x/mine.wasm".into()));
        assert_eq!(artifact(message(own, "/x/liba.rlib").as_bytes(), &manifest), None);
    }

    #[test]
    fn the_distributions_cargo_sees_the_registry_and_nothing_of_the_outer_cargo() {
        for kept in ["CARGO_HOME", "CARGO_REGISTRIES_X", "HOME", "HTTPS_PROXY"] {
            assert!(!is_not_for_distro(kept), "{kept}");
        }
        for removed in ["RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO", "CARGO_TARGET_DIR"] {
            assert!(is_not_for_distro(removed), "{removed}");
        }
    }
}
