//! The `shardmill` program: an allocator and the command line.

#[cfg(target_os = "linux")]
mod heap;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    #[cfg(target_os = "linux")]
    heap::advise_huge_pages();
    heap::delay_purges();
    shardmill::cli::run(std::env::args_os())
}
