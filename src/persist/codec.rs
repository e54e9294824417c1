//! What stands in a block: numbers in seven-bit groups, texts with their length, and what is made of them.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::control::reshard_plan::{Plan as ReshardPlan, Step};
use crate::control::{
    Attached, Consumer, DailyQuota, EncryptionTimes, Life, Pending, Plan, RecordDistribution, SavedShard,
    SavedStream, Scope, ShardLevelMetrics, StreamMode, StreamSettings, Tags,
};
use crate::names::{
    AccountId, ConsumerName, HashKey, HashKeyRange, Region, SequenceNumber, ShardId, StreamArn, StreamName,
};
use crate::policy::Policy;
use crate::router::Parents;

/// Something that can stand in a block.
pub(super) trait Field: Sized {
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);
    /// Takes it from the front; `None` if it is not there.
    fn get(input: &mut &[u8]) -> Option<Self>;
}

impl Field for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        let mut left = *self;
        while left >= 0x80 {
            out.push(left.to_le_bytes()[0] | 0x80);
            left >>= 7;
        }
        out.push(left.to_le_bytes()[0]);
    }

    #[inline]
    fn get(input: &mut &[u8]) -> Option<Self> {
        let mut number = 0;
        for shift in (0..Self::BITS).step_by(7) {
            let (byte, rest) = input.split_first()?;
            *input = rest;
            number |= Self::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

impl Field for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        u64::get(input)?.try_into().ok()
    }
}

impl Field for usize {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u64).put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        u64::get(input)?.try_into().ok()
    }
}

impl Field for [u8; 16] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = input.split_first_chunk()?;
        *input = rest;
        Some(*bytes)
    }
}

impl Field for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(get_text(input)?.to_owned())
    }
}

impl Field for Arc<str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        get_text(input).map(Self::from)
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    text.len().put(out);
    out.extend_from_slice(text.as_bytes());
}

fn get_text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(get_bytes(input)?).ok()
}

/// Bytes with their length before them.
fn get_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::get(input)?;
    let (bytes, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(bytes)
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.is_some().into());
        if let Some(some) = self {
            some.put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        match u32::get(input)? {
            0 => Some(None),
            1 => T::get(input).map(Some),
            _ => None,
        }
    }
}

impl<T: Field> Field for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(self, out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        (0..usize::get(input)?).map(|_| T::get(input)).collect()
    }
}

fn put_list<T: Field>(list: &[T], out: &mut Vec<u8>) {
    list.len().put(out);
    for element in list {
        element.put(out);
    }
}

impl<T: Field> Field for Arc<T> {
    fn put(&self, out: &mut Vec<u8>) {
        T::put(self, out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        T::get(input).map(Self::new)
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some((A::get(input)?, B::get(input)?))
    }
}

/// What is written as a text and read by a function.
macro_rules! as_text {
    ($type:ty, $text:expr, $parse:expr) => {
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                put_text(AsRef::<str>::as_ref(&$text(self)), out);
            }

            fn get(input: &mut &[u8]) -> Option<Self> {
                $parse(get_text(input)?)
            }
        }
    };
}

as_text!(StreamArn, StreamArn::to_string, StreamArn::parse);
as_text!(AccountId, AccountId::to_string, AccountId::parse);
as_text!(Region, |region: &Region| region.to_string(), Region::parse);
as_text!(ConsumerName, ConsumerName::to_string, ConsumerName::parse);
as_text!(StreamName, StreamName::to_string, StreamName::parse);
as_text!(StreamMode, |mode: &StreamMode| mode.name(), StreamMode::parse);
as_text!(RecordDistribution, |one: &RecordDistribution| one.name(), RecordDistribution::parse);

impl Field for ShardId {
    fn put(&self, out: &mut Vec<u8>) {
        self.index().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Self::new(u32::get(input)?)
    }
}

impl Field for HashKeyRange {
    fn put(&self, out: &mut Vec<u8>) {
        self.start.0.to_le_bytes().put(out);
        self.end.0.to_le_bytes().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let mut key = || Some(HashKey(u128::from_le_bytes(Field::get(input)?)));
        let (start, end) = (key()?, key()?);
        (start <= end).then_some(Self { start, end })
    }
}

impl Field for Parents {
    fn put(&self, out: &mut Vec<u8>) {
        self.parent().put(out);
        self.adjacent().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let (parent, adjacent) = (Option::get(input)?, Option::get(input)?);
        Some(parent.map_or(Self::NONE, |parent| Self::new(parent, adjacent)))
    }
}

impl Field for Scope {
    fn put(&self, out: &mut Vec<u8>) {
        self.account.put(out);
        self.region.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self { account: Field::get(input)?, region: Field::get(input)? })
    }
}

impl Field for crate::control::account::Run {
    fn put(&self, out: &mut Vec<u8>) {
        self.started_ms.put(out);
        self.ends_ms.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self { started_ms: Field::get(input)?, ends_ms: Field::get(input)? })
    }
}

impl Field for Life {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { created_ms, active_from_ms, updating_until_ms, gone_from_ms } = self;
        for time_ms in [created_ms, active_from_ms, updating_until_ms, gone_from_ms] {
            time_ms.put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self {
            created_ms: Field::get(input)?,
            active_from_ms: Field::get(input)?,
            updating_until_ms: Field::get(input)?,
            gone_from_ms: Field::get(input)?,
        })
    }
}

impl Field for StreamSettings {
    fn put(&self, out: &mut Vec<u8>) {
        self.mode.put(out);
        self.record_bytes_max.put(out);
        self.distribution.put(out);
        self.key_id.put(out);
        let metrics: Vec<_> = self.shard_level_metrics.names().map(str::to_owned).collect();
        metrics.put(out);
        self.warm_throughput_mibps.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self {
            mode: Field::get(input)?,
            record_bytes_max: Field::get(input)?,
            distribution: Field::get(input)?,
            key_id: Field::get(input)?,
            shard_level_metrics: {
                let names: Vec<String> = Field::get(input)?;
                ShardLevelMetrics::of(names.iter().map(String::as_str))
            },
            warm_throughput_mibps: Field::get(input)?,
        })
    }
}

impl Field for Plan {
    fn put(&self, out: &mut Vec<u8>) {
        self.before.put(out);
        self.after.put(out);
        self.from_ms.put(out);
        put_list(self.encrypted.switches_ms(), out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self {
            before: Field::get(input)?,
            after: Field::get(input)?,
            from_ms: Field::get(input)?,
            encrypted: {
                let switches_ms: Vec<u64> = Field::get(input)?;
                if !switches_ms.is_sorted() {
                    return None;
                }
                EncryptionTimes::of(switches_ms)
            },
        })
    }
}

impl Field for Policy {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self.text(), out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self::new(get_text(input)?))
    }
}

impl Field for Attached {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(self.tags.after(None), out);
        self.policy.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let tags: Vec<(String, String)> = Field::get(input)?;
        Some(Self { tags: Tags::default().with(tags).ok()?, policy: Field::get(input)? })
    }
}

impl Field for Consumer {
    fn put(&self, out: &mut Vec<u8>) {
        self.name.put(out);
        self.attached.put(out);
        for time in [self.created_s, self.active_from_ms, self.gone_from_ms] {
            time.put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self {
            name: Field::get(input)?,
            attached: Field::get(input)?,
            created_s: Field::get(input)?,
            active_from_ms: Field::get(input)?,
            gone_from_ms: Field::get(input)?,
        })
    }
}

impl Field for DailyQuota {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as usize).put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Self::ALL.get(usize::get(input)?).copied()
    }
}

impl Field for Step {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(&self.parents, out);
        put_list(&self.children, out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let (parents, children) = (Vec::get(input)?, Vec::get(input)?);
        Some(Self { parents: SmallVec::from_vec(parents), children: SmallVec::from_vec(children) })
    }
}

impl Field for Pending {
    fn put(&self, out: &mut Vec<u8>) {
        self.due_ms.put(out);
        self.planned_open.put(out);
        self.plan.rounds.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self {
            due_ms: Field::get(input)?,
            planned_open: Field::get(input)?,
            plan: ReshardPlan { rounds: Field::get(input)? },
        })
    }
}

impl Field for SavedShard {
    fn put(&self, out: &mut Vec<u8>) {
        self.id.put(out);
        self.range.put(out);
        self.created_s.put(out);
        self.parents.put(out);
        self.closed.put(out);
        for number in [self.horizon, self.tip, self.next_counter] {
            number.put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let shard = Self {
            id: Field::get(input)?,
            range: Field::get(input)?,
            created_s: Field::get(input)?,
            parents: Field::get(input)?,
            closed: Field::get(input)?,
            horizon: Field::get(input)?,
            tip: Field::get(input)?,
            next_counter: Field::get(input)?,
        };
        // What does not fit a sequence number was never issued.
        let closed_s = shard.closed.as_ref().map_or(0, |(closed_s, _)| *closed_s);
        let fits = shard.created_s.max(closed_s) <= SequenceNumber::TIME_S_MAX
            && shard.tip.max(shard.next_counter) <= SequenceNumber::COUNTER_MAX;
        (fits && shard.horizon <= shard.tip).then_some(shard)
    }
}

impl Field for SavedStream {
    fn put(&self, out: &mut Vec<u8>) {
        self.arn.put(out);
        self.incarnation.put(out);
        self.life.put(out);
        self.retention_ms.put(out);
        self.expired_before_ms.put(out);
        self.plan.put(out);
        self.attached.put(out);
        self.consumers.put(out);
        self.daily_use.put(out);
        self.resharding.put(out);
        self.shards.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self {
            arn: Field::get(input)?,
            incarnation: Field::get(input)?,
            life: Field::get(input)?,
            retention_ms: Field::get(input)?,
            expired_before_ms: Field::get(input)?,
            plan: Field::get(input)?,
            attached: Field::get(input)?,
            consumers: Field::get(input)?,
            daily_use: Field::get(input)?,
            resharding: Field::get(input)?,
            shards: Field::get(input)?,
        })
    }
}
