//! The program `odeon`: parses the command line, runs the command, and turns what
//! comes out into an exit code. Everything else is in the library and in `cli`.

mod cli;

/// Actors come and go with a few dozen small allocations each, made by one worker and
/// often freed by another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ! {
    // Not a return: a read of the standard input that is still under way would
    // keep the process.
    std::process::exit(cli::main().into())
}
