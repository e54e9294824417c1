//! How much memory the segments of a server may take, and how room is made.

use crate::limits::AtMemoryLimit;

/// How much memory segments may take, in bytes, and what happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceiling {
    /// From here on room is made before more is taken.
    pub soft_bytes: u64,
    /// From here on nothing is given.
    pub hard_bytes: u64,
    /// How room is made.
    pub policy: AtMemoryLimit,
}

impl Ceiling {
    /// No ceiling.
    pub const NONE: Self = Self { soft_bytes: u64::MAX, hard_bytes: u64::MAX, policy: AtMemoryLimit::Trim };

    /// How much is freed at once when the soft mark is met, in bytes: little enough to stay mapped for the next
    /// segments, so that a server at its ceiling touches no fresh page.
    #[must_use]
    pub const fn relief_bytes(&self) -> u64 {
        self.soft_bytes / 64
    }
}
