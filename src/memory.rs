//! How the server divides the memory that it may take.
//!
//! Records held, pinned by readers, and in flight come out of one sum. An eighth goes to request bodies, and a sixteenth
//! of that to small ones beside it; since a body and what is decoded of it are held together, both are counted twice.
//! What is held of requests that wait for that is counted once. What is left after a reserve for the process itself is the
//! records'.

use std::path::Path;

use crate::config::Config;
use crate::limits::{HTTP_BODY_BYTES_MAX, Limit, MEMORY_LIMIT_BYTES_MIN};
use crate::log::Ceiling;

/// What the program, its threads and its buffers take.
const PROCESS_BYTES: u64 = 32 << 20;

/// Request bodies need no more than this, however much there is: a full-size one on each of 32 connections.
const BODIES_BYTES_MAX: u64 = 32 * HTTP_BODY_BYTES_MAX as u64;

/// What is held of requests that wait needs no more than this: the windows of 1,024 streams.
const WAITING_BYTES_MAX: u64 = 64 << 20;

/// Bytes that request bodies may take, by what they are taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyBytes {
    /// Bodies of any size, at least one of full size.
    pub(crate) any: u64,
    /// What is kept for small bodies.
    pub(crate) small: u64,
    /// What is held of requests whose bodies wait for their share.
    pub(crate) waiting: u64,
}

impl BodyBytes {
    /// Of a server that may take so much, or anything.
    fn within(limit: Limit) -> Self {
        let Limit::At(limit_bytes) = limit else {
            let any = BODIES_BYTES_MAX;
            return Self { any, small: any / 16, waiting: WAITING_BYTES_MAX };
        };
        let any = (limit_bytes / 8).clamp(HTTP_BODY_BYTES_MAX as u64, BODIES_BYTES_MAX);
        Self { any, small: any / 16, waiting: (limit_bytes / 16).min(WAITING_BYTES_MAX) }
    }

    /// What bodies take, with what is decoded of them.
    const fn held(self) -> u64 {
        2 * (self.any + self.small) + self.waiting
    }
}

/// Who may take how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryPlan {
    /// Bytes of request bodies at once.
    pub(crate) bodies: BodyBytes,
    /// Bytes of log segments.
    pub(crate) ceiling: Ceiling,
}

impl MemoryPlan {
    /// The plan for these settings on this machine.
    pub(crate) fn of(config: &Config) -> Self {
        let granted = || granted_bytes().map_or(Limit::Infinite, |bytes| Limit::At(bytes / 4 * 3));
        Self::within(config.memory_limit_bytes.unwrap_or_else(granted), config)
    }

    fn within(limit: Limit, config: &Config) -> Self {
        let Limit::At(limit_bytes) = limit else {
            let ceiling = Ceiling { policy: config.at_memory_limit, ..Ceiling::NONE };
            return Self { bodies: BodyBytes::within(limit), ceiling };
        };
        let limit_bytes = limit_bytes.max(MEMORY_LIMIT_BYTES_MIN);
        let bodies = BodyBytes::within(Limit::At(limit_bytes));
        let records_bytes = limit_bytes - bodies.held() - PROCESS_BYTES;
        let soft_bytes = records_bytes / 16 * 15;
        let ceiling = Ceiling { soft_bytes, hard_bytes: records_bytes, policy: config.at_memory_limit };
        Self { bodies, ceiling }
    }
}

/// Memory that the machine has, or that the narrowest cgroup of this process grants, in bytes.
fn granted_bytes() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    machine.into_iter().chain(cgroup_limits()).min()
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

/// The limits of this process's cgroup and those above it; version 2, then version 1.
fn cgroup_limits() -> Vec<u64> {
    let read = |path: &Path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut limits = Vec::new();
    for (root, file, group) in own.lines().filter_map(cgroup_of) {
        let inside = root.join(group.trim_start_matches('/'));
        limits.extend(
            inside.ancestors().take_while(|at| at.starts_with(root)).filter_map(|at| read(&at.join(file))),
        );
    }
    limits
}

/// Where a line of `/proc/self/cgroup` says that memory is limited.
fn cgroup_of(line: &str) -> Option<(&'static Path, &'static str, &str)> {
    let mut parts = line.splitn(3, ':');
    let (_, controllers, group) = (parts.next()?, parts.next()?, parts.next()?);
    if controllers.is_empty() {
        Some((Path::new("/sys/fs/cgroup"), "memory.max", group))
    } else if controllers.split(',').any(|controller| controller == "memory") {
        Some((Path::new("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", group))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the parts never add up to more than the whole, from the smallest limit to the largest machine.
    #[test]
    fn the_parts_fit_the_whole() {
        for limit_bytes in [MEMORY_LIMIT_BYTES_MIN, 256 << 20, 1 << 30, 4 << 30, 1 << 40] {
            let plan = MemoryPlan::within(Limit::At(limit_bytes), &Config::default());
            assert!(plan.bodies.held() + plan.ceiling.hard_bytes + PROCESS_BYTES <= limit_bytes);
            assert!(plan.ceiling.soft_bytes >= 32 << 20, "{plan:?}");
            assert!(plan.ceiling.hard_bytes - plan.ceiling.soft_bytes >= 2 << 20, "{plan:?}");
        }
    }

    /// Protects: the forms in which Linux tells of memory.
    #[test]
    fn the_forms_of_linux_are_read() {
        assert_eq!(total_of("MemFree: 1 kB\nMemTotal:       24 kB\n"), Some(24 * 1024));
        assert_eq!(cgroup_of("0::/a/b"), Some((Path::new("/sys/fs/cgroup"), "memory.max", "/a/b")));
        let version_1 = (Path::new("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "/c");
        assert_eq!(cgroup_of("4:cpu,memory:/c"), Some(version_1));
        assert_eq!(cgroup_of("5:cpuset:/c"), None);
        assert!(granted_bytes().is_none_or(|bytes| bytes > 1 << 20));
    }
}
