//! Which metrics of a stream's shards are published (enhanced monitoring).

/// The metrics that can be switched, in the order in which they are told (model `MetricsName`).
const NAMES: [&str; 7] = [
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
];

/// A set of shard-level metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShardLevelMetrics(u8);

impl ShardLevelMetrics {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// The set of these names; `ALL` stands for every one (reference 12), an unknown name for none.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let bits = names.into_iter().map(|name| match name {
            "ALL" => (1 << NAMES.len()) - 1,
            _ => NAMES.iter().position(|known| *known == name).map_or(0, |place| 1 << place),
        });
        Self(bits.fold(0, |set, bit| set | bit))
    }

    /// What is in either set.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The names in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().enumerate().filter(move |(place, _)| self.0 & 1 << place != 0).map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(set: ShardLevelMetrics) -> Vec<&'static str> {
        set.names().collect()
    }

    /// Protects: ALL is the seven names, and taking it away leaves nothing.
    #[test]
    fn all_is_every_name() {
        let all = ShardLevelMetrics::of(["ALL"]);
        assert_eq!(names(all), NAMES);
        assert_eq!(ShardLevelMetrics::of(NAMES), all);
        assert_eq!(names(all.without(all)), [""; 0]);
    }

    /// Protects: adding and taking away by name.
    #[test]
    fn sets_of_names() {
        let two = ShardLevelMetrics::of(["OutgoingBytes", "IncomingBytes"]);
        assert_eq!(names(two), ["IncomingBytes", "OutgoingBytes"]);
        let three = two.and(ShardLevelMetrics::of(["IteratorAgeMilliseconds", "IncomingBytes"]));
        assert_eq!(names(three), ["IncomingBytes", "OutgoingBytes", "IteratorAgeMilliseconds"]);
        let one = three.without(ShardLevelMetrics::of(["OutgoingBytes", "IncomingRecords", "IncomingBytes"]));
        assert_eq!(names(one), ["IteratorAgeMilliseconds"]);
    }
}
