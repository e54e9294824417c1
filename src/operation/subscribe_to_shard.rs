//! SubscribeToShard: the records of a shard, pushed to a consumer as they come (reference 13.1).
//!
//! A subscription is pulled by its connection: [`Events::poll_next`] gives one event after the other, each when the
//! client has room for it. So HTTP's flow control is the back-pressure, nothing is read ahead, and a slow subscriber holds
//! no more than what its connection has not sent yet.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rand_xoshiro::rand_core::Rng;

use crate::clock::{Alarm, Clock};
use crate::control::{ConsumerStatus, Ending, Stream, Subscription};
use crate::error::ApiError;
use crate::limits::{EVENT_BYTES_MAX, EVENT_PERIOD_MS, EVENT_RECORDS_MAX, SUBSCRIPTION_MS};
use crate::log::{ReadLimits, Record};
use crate::names::{ConsumerArn, SequenceNumber, ShardId};
use crate::shard::readers::Reader;
use crate::shard::{Shard, Watcher};

use super::consumer_ref::{ConsumerRef, arn_of};
use super::records_read::RecordsRead;
use super::refusals;
use super::schema::Input;
use super::seal::with_random;
use super::service::Service;
use super::start::Start;

/// What each event may hold.
const LIMITS: ReadLimits = ReadLimits { records_max: EVENT_RECORDS_MAX, bytes_max: EVENT_BYTES_MAX };

/// Who subscribes to which shard, and where it starts.
#[derive(Debug, Clone)]
pub struct Request {
    consumer: ConsumerRef,
    shard: ShardId,
    start: Start,
    dry_run: bool,
}

/// What the subscriber is told.
pub enum Event {
    /// Records, or that there are none.
    Records(Box<Records>),
    /// Why the subscription ends before its time; the last event.
    Exception(ApiError),
}

/// Records, or none, and what is told beside them.
pub struct Records {
    /// The records.
    pub read: RecordsRead,
    /// Where to go on, with AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER; none at the end of a closed shard, which is the
    /// last event.
    pub continuation: Option<SequenceNumber>,
}

/// The events of one subscription.
pub struct Events {
    consumer: ConsumerArn,
    stream: Arc<Stream>,
    shard: Arc<Shard>,
    subscription: Arc<Subscription>,
    watcher: Watcher,
    clock: Clock,
    /// Rings when the subscriber has heard nothing for too long, and when the subscription ends.
    alarm: Alarm,
    /// Of the next record.
    position: u64,
    /// Of the last record, or of one before `position`.
    counter: u64,
    /// Names the reader.
    chain: u64,
    is_over: bool,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// ConsumerARN is not the ARN of a consumer, or E7 for a shard id that cannot be read.
    pub fn validate(input: &Input<'_>) -> Result<Self, ApiError> {
        let consumer = ConsumerRef::by_arn(input.string("ConsumerARN").unwrap_or_default())?;
        let shard = input.string("ShardId").unwrap_or_default();
        let shard = ShardId::parse_lenient(shard)
            .ok_or_else(|| refusals::shard_not_found(&consumer.stream, shard))?;
        let start = input.structure("StartingPosition");
        let start = Start {
            kind: start.and_then(|start| start.string("Type")).unwrap_or_default().to_owned(),
            number: start.and_then(|start| start.string("SequenceNumber")).map(str::to_owned),
            timestamp_ms: start.and_then(|start| start.timestamp_ms("Timestamp")),
        };
        Ok(Self { consumer, shard, start, dry_run: input.boolean("DryRun") == Some(true) })
    }

    /// Subscribes.
    ///
    /// # Errors
    /// E41 if there is no such consumer, E6 if there is no such shard, E39 if the consumer is not ACTIVE, E40 if it
    /// subscribed to the shard less than 5 s ago, then E10 to E16 about the start.
    pub fn execute(self, service: &Service) -> Result<Events, ApiError> {
        let Self { consumer, shard, start, dry_run } = self;
        let (stream, (found, status)) = consumer.find(service)?;
        let now_ms = service.clock.now_ms();
        let map = stream.shard_map();
        let shard = map
            .find(shard, stream.horizon_ms(now_ms))
            .map(|listed| Arc::clone(listed.shard))
            .ok_or_else(|| refusals::no_shard(&consumer.stream, shard))?;
        let arn = arn_of(&consumer.stream, &found);
        if status != ConsumerStatus::Active {
            return Err(refusals::subscriber_not_active(&arn));
        }
        let too_soon = |_| refusals::subscribed_elsewhere(&arn, shard.id);
        let subscriptions = stream.subscriptions();
        subscriptions.check(&found, shard.id, now_ms).map_err(too_soon)?;
        let position = start.position(&shard, &consumer.stream, now_ms)?;
        if dry_run {
            return Err(refusals::dry_run());
        }
        let subscription = subscriptions.begin(&found, shard.id, now_ms).map_err(too_soon)?;
        let events = Events {
            consumer: arn,
            subscription,
            watcher: Watcher::of(Arc::clone(&shard)),
            alarm: Alarm::new(service.clock.clone(), now_ms.saturating_add(EVENT_PERIOD_MS)),
            clock: service.clock.clone(),
            position,
            // 0 is the shard's StartingSequenceNumber.
            counter: shard.log().counter_before(position).unwrap_or(0),
            chain: with_random(|random| random.next_u64() | 1),
            is_over: false,
            stream,
            shard,
        };
        // From here on, whoever deregisters the consumer ends the subscription; before, it may have missed it.
        match consumer.find_in(&events.stream, now_ms)? {
            (_, ConsumerStatus::Active) => Ok(events),
            _ => Err(refusals::subscriber_not_active(&events.consumer)),
        }
    }
}

impl Events {
    /// The next event, `None` after the last. `visit` sees each record of it.
    ///
    /// Records are there as soon as they are published. A subscriber that hears nothing for 5 s is told that nothing
    /// came; after 5 minutes the subscription ends.
    pub fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        mut visit: impl FnMut(&Record<'_>),
    ) -> Poll<Option<Event>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Some(ending) = self.subscription.poll_ending(context) {
            self.is_over = true;
            return Poll::Ready(self.exception(ending).map(Event::Exception));
        }
        let (mut is_armed, mut is_due) = (false, false);
        loop {
            let now_ms = self.clock.now_ms();
            if now_ms >= self.ends_ms() {
                self.is_over = true;
                return Poll::Ready(None);
            }
            let Some(read) = self.read(now_ms, &mut visit) else {
                self.is_over = true;
                let error = refusals::no_shard(&self.consumer.stream.clone().into(), self.shard.id);
                return Poll::Ready(Some(Event::Exception(error)));
            };
            if read.slice.records_count > 0 || read.children.is_some() || is_due {
                return Poll::Ready(Some(self.event(read, now_ms)));
            }
            if is_armed {
                ready!(self.alarm.poll(context));
                // The next look is at the time by which it rang, and the next alarm counts from there.
                is_due = true;
            } else {
                // What came before this is seen by the second look.
                self.watcher.arm(context.waker());
                is_armed = true;
            }
        }
    }

    fn read(&mut self, now_ms: u64, visit: &mut impl FnMut(&Record<'_>)) -> Option<RecordsRead> {
        let Self { stream, shard, position, counter, .. } = self;
        let visit = |record: &Record<'_>| {
            *counter = record.counter;
            visit(record);
        };
        let read = RecordsRead::read(stream, shard.id, *position, LIMITS, now_ms, visit)?;
        *position = read.slice.next;
        Some(read)
    }

    fn event(&mut self, read: RecordsRead, now_ms: u64) -> Event {
        self.alarm.put_off(now_ms.saturating_add(EVENT_PERIOD_MS).min(self.ends_ms()));
        self.shard.readers().note(Reader { chain: self.chain, position: self.position, seen_ms: now_ms });
        self.is_over = read.children.is_some();
        let arrival_ms = read.slice.last_arrival_ms.unwrap_or(now_ms);
        let continuation = (!self.is_over).then(|| self.shard.sequence_number(self.counter, arrival_ms));
        Event::Records(Box::new(Records { read, continuation }))
    }

    fn ends_ms(&self) -> u64 {
        self.subscription.begun_ms().saturating_add(SUBSCRIPTION_MS)
    }

    /// What the subscriber is told at the end, if anything.
    fn exception(&self, ending: Ending) -> Option<ApiError> {
        match ending {
            Ending::TakenOver => Some(refusals::subscribed_elsewhere(&self.consumer, self.shard.id)),
            Ending::Deregistered => Some(refusals::no_consumer(&self.consumer, self.consumer.stream.account)),
            Ending::ServerStops => None,
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.subscription.finish();
    }
}
