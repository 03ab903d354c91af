//! What this process costs, read from `/proc`: processor time without the far end's and the bench's own threads, memory,
//! files, threads. Linux only, as the service is.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Threads that are not the service: the simulated exchange, whoever measures, and the application and API clients.
const OTHERS: [&str; 2] = ["sim-wire", "bench"];

/// What the machine was doing beside: the load average of the last minute.
pub(super) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

/// Processor time that the service has used in this process so far.
pub(super) fn service_cpu() -> Duration {
    let whole =
        nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from);
    let others: u64 = tasks().filter(|task| is_other(task)).map(|task| on_cpu_ns(&task)).sum();
    whole.saturating_sub(Duration::from_nanos(others))
}

fn tasks() -> impl Iterator<Item = std::path::PathBuf> {
    let entries = fs::read_dir("/proc/self/task").into_iter().flatten();
    entries.flatten().map(|entry| entry.path())
}

fn is_other(task: &Path) -> bool {
    // The first thread of the process runs the bench.
    let is_first = task.file_name().and_then(|name| name.to_str()) == Some(std::process::id().to_string().as_str());
    let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
    is_first || OTHERS.iter().any(|other| name.starts_with(other))
}

fn on_cpu_ns(task: &Path) -> u64 {
    let text = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// Resident memory of a process, in octets.
pub(super) fn rss(pid: u32) -> u64 {
    field(pid, "VmRSS:") * 1024
}

/// Threads of a process.
pub(super) fn threads(pid: u32) -> u64 {
    field(pid, "Threads:")
}

fn field(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// Open files of a process.
pub(super) fn files(pid: u32) -> u64 {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |entries| entries.count() as u64)
}

/// Octets of the files of a folder, without its folders.
pub(super) fn octets_in(folder: &Path, prefix: &str) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    ours.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_the_bench_are_told_from_the_services_by_their_names() {
        let is_other = |name: &str| {
            let look = || is_other(Path::new("/proc/thread-self"));
            std::thread::Builder::new().name(name.into()).spawn(look).expect("a thread").join().expect("it ends")
        };
        assert!(is_other("sim-wire") && is_other("bench app"));
        assert!(!is_other("media") && !is_other("tokio-rt-worker"));
    }

    #[test]
    fn work_is_counted_and_memory_and_files_are_seen() {
        let before = service_cpu();
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(60) {
            std::hint::black_box(0);
        }
        assert!(service_cpu() > before);
        assert!(rss(std::process::id()) > 1 << 20 && files(std::process::id()) > 2 && threads(std::process::id()) > 0);
    }
}
