//! Which compiler builds guests: what is installed decides, the environment
//! variable `ODEON_WASM_TOOLCHAIN` overrides.
//!
//! - `rustup`: the active toolchain has a wasm target's standard library.
//! - `distro`: Debian's packages, whose standard library is compiled from its
//!   source package along with the guests. As root, missing ones are installed.

use anyhow::{Context, bail};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that chooses.
const VARIABLE: &str = "ODEON_WASM_TOOLCHAIN";

/// What must be installed for `distro`: a file of the package, and the package.
const DISTRO_PACKAGES: [(&str, &str); 5] = [
    ("/usr/bin/rustc", "rustc-web"),
    ("/usr/bin/cargo", "cargo-web"),
    ("/usr/lib/rustlib/src/rust/library/std/Cargo.toml", "rust-web-src"),
    ("/usr/bin/wasm-ld-19", "lld-19"),
    ("/usr/lib/wasm32-wasi/libc.a", "wasi-libc"),
];

/// What guests in C need of the distribution.
const C_PACKAGES: [(&str, &str); 3] = [
    ("/usr/bin/clang-19", "clang-19"),
    ("/usr/bin/wasm-ld-19", "lld-19"),
    ("/usr/lib/wasm32-wasi/libc.a", "wasi-libc"),
];

/// What is said when nothing is found.
const NO_TOOLCHAIN: &str = "no toolchain for WebAssembly guests is installed. Either run
    rustup target add wasm32-unknown-unknown wasm32-wasip2
or, on Debian and its relatives, use the distribution's packages with
    ODEON_WASM_TOOLCHAIN=distro cargo xtask guests
(as root it installs them: rustc-web cargo-web rust-web-src lld-19 wasi-libc)";

/// A way to build guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The active toolchain, with the targets that it has.
    Rustup {
        /// For actors: without WASI where possible, so that they import less.
        actors: &'static str,
        /// For ordinary programs; nothing where only the bare target is there.
        programs: Option<&'static str>,
    },
    /// Debian's packages.
    Distro,
}

impl Toolchain {
    /// Finds a toolchain, and installs the distribution's where asked to.
    ///
    /// # Errors
    /// There is none; the text says what to install.
    pub(crate) fn find() -> anyhow::Result<Self> {
        match env::var(VARIABLE).as_deref() {
            Ok("distro") => {
                install_distro()?;
                Ok(Self::Distro)
            }
            Ok("rustup") => rustup().context(NO_TOOLCHAIN),
            Ok("" | "auto") | Err(env::VarError::NotPresent) => rustup()
                .or_else(|| missing_packages().is_empty().then_some(Self::Distro))
                .context(NO_TOOLCHAIN),
            Ok(other) => bail!("{VARIABLE} is `{other}`; it can be auto, rustup or distro"),
            Err(error) => bail!("{VARIABLE}: {error}"),
        }
    }

    /// The target that actors are built for.
    pub(crate) fn actor_target(self) -> &'static str {
        match self {
            Self::Rustup { actors, .. } => actors,
            Self::Distro => "wasm32-unknown-unknown",
        }
    }

    /// The target that ordinary programs are built for.
    ///
    /// # Errors
    /// There is none; the text says what to install.
    pub(crate) fn program_target(self) -> anyhow::Result<&'static str> {
        match self {
            Self::Rustup { programs, .. } => programs.context(
                "ordinary programs need a WASI target: run `rustup target add wasm32-wasip2`",
            ),
            Self::Distro => Ok("wasm32-wasip1"),
        }
    }

    /// A `cargo build` of this toolchain, run where no configuration but the
    /// user's own is found.
    pub(crate) fn cargo_build(self, target: &str) -> Command {
        let mut cargo = match self {
            Self::Rustup { .. } => {
                Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            }
            Self::Distro => distro_cargo(),
        };
        cargo.current_dir("/").args(["build", "--release", "--target", target]);
        if self == Self::Distro {
            cargo.arg("-Zbuild-std=std,panic_abort");
        }
        cargo
    }
}

/// Debian's cargo, shielded from a rustup installation beside it: its proxies
/// must not be found first, and what the outer cargo has set is not for this one.
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
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "/usr/bin/wasm-ld-19")
        .env("CARGO_TARGET_WASM32_WASIP1_LINKER", "/usr/bin/wasm-ld-19")
        .env(
            "CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS",
            "-L/usr/lib/wasm32-wasi -Clink-self-contained=no \
             -Clink-arg=/usr/lib/wasm32-wasi/crt1-command.o",
        );
    cargo
}

fn is_not_for_distro(name: &str) -> bool {
    // Where cargo keeps its downloads, and how it reaches the registry, stay.
    const KEPT: [&str; 4] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR"];
    let is_cargos = ["CARGO", "RUST", "LD_LIBRARY_PATH"].iter().any(|it| name.starts_with(it));
    is_cargos && !KEPT.iter().any(|it| name.starts_with(it))
}

/// The active toolchain, if it can build actors.
fn rustup() -> Option<Toolchain> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    let has = |target: &str| sysroot.join("lib/rustlib").join(target).join("lib").is_dir();
    let installed = |wanted: [&'static str; 2]| wanted.into_iter().find(|it| has(it));
    Some(Toolchain::Rustup {
        actors: installed(["wasm32-unknown-unknown", "wasm32-wasip2"])?,
        programs: installed(["wasm32-wasip2", "wasm32-wasip1"]),
    })
}

fn missing_packages() -> Vec<&'static str> {
    missing(&DISTRO_PACKAGES)
}

fn missing(packages: &[(&str, &'static str)]) -> Vec<&'static str> {
    let is_missing = |file: &str| !Path::new(file).exists();
    packages.iter().filter(|(file, _)| is_missing(file)).map(|(_, name)| *name).collect()
}

fn install_distro() -> anyhow::Result<()> {
    install(&DISTRO_PACKAGES)
}

/// Installs what guests in C need, where the distribution's packages are asked for.
///
/// # Errors
/// They are missing and cannot be installed.
pub(crate) fn install_for_c() -> anyhow::Result<()> {
    if env::var(VARIABLE).as_deref() == Ok("distro") { install(&C_PACKAGES) } else { Ok(()) }
}

fn install(packages: &[(&str, &'static str)]) -> anyhow::Result<()> {
    let wanted = missing(packages);
    if wanted.is_empty() {
        return Ok(());
    }
    println!("installing {}", wanted.join(" "));
    let command = format!(
        "apt-get update && apt-get install -y --no-install-recommends {}",
        wanted.join(" ")
    );
    let status = Command::new("sh")
        .args(["-c", &command])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .with_context(|| format!("cannot run `{command}`"))?;
    match missing(packages).as_slice() {
        [] => Ok(()),
        still => bail!(
            "the packages {} are missing ({status}); as root, run: {command}",
            still.join(" ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distributions_cargo_sees_the_registry_and_nothing_of_the_outer_cargo() {
        for kept in ["HOME", "CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_REGISTRIES_X", "https_proxy"]
        {
            assert!(!is_not_for_distro(kept), "{kept}");
        }
        for removed in ["CARGO", "CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "RUSTUP_TOOLCHAIN"]
        {
            assert!(is_not_for_distro(removed), "{removed}");
        }
    }
}
