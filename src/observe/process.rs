//! What the kernel tells of this process. A system that does not show it gives no figures, and no error.

/// Figures under the names that every exporter uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// User and system.
    pub cpu_s: f64,
    /// Octets.
    pub resident: u64,
    /// Open descriptors.
    pub fds: u64,
    /// And how many there may be.
    pub max_fds: u64,
    /// Threads.
    pub threads: u64,
}

impl Process {
    /// As it is now.
    pub fn now() -> Process {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
        let mut process = Process::of(&read("stat"), &read("status"), &read("limits"));
        // One of them is the directory that is being read.
        let open = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count().saturating_sub(1));
        process.fds = open as u64;
        process
    }

    fn of(stat: &str, status: &str, limits: &str) -> Process {
        // The name in parentheses may have anything in it; what follows are fields 3 and on.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let of_files = limits.lines().find(|line| line.starts_with("Max open files"));
        let soft = of_files.and_then(|line| line.split_whitespace().nth(3)).and_then(|text| text.parse().ok());
        let of_memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: Option<u64> =
            of_memory.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse().ok());
        Process {
            cpu_s: (field(14) + field(15)) as f64 / TICKS_A_SECOND,
            threads: field(20),
            resident: kib.unwrap_or(0) * 1_024,
            fds: 0,
            max_fds: soft.unwrap_or(0),
        }
    }
}

/// The kernel shows times to programs in hundredths, on every architecture that we are built for.
const TICKS_A_SECOND: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_moves_no_field() {
        let stat = "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 12 0 99 8192 3 18446744073709551615";
        let limits = "Limit  Soft  Hard  Units\nMax open files            1024                 4096    files\n";
        let status = "Name:\ta\nVmRSS:\t      12 kB\nThreads:\t12\n";
        let expected = Process { cpu_s: 2.0, resident: 12 * 1_024, fds: 0, max_fds: 1_024, threads: 12 };
        assert_eq!(Process::of(stat, status, limits), expected);
        assert_eq!(Process::of("", "", ""), Process::default());
    }

    #[test]
    fn this_process_has_memory_files_and_a_thread() {
        let now = Process::now();
        assert!(now.resident > 1_000_000 && now.threads >= 1 && now.fds >= 3 && now.max_fds >= now.fds, "{now:?}");
    }
}
