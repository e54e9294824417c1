//! A subscription as bytes: an initial response, its events, and the exception that may end it (reference 13.1).

use std::task::{Context, Poll, ready};

use crate::error::ApiError;
use crate::operation::subscribe_to_shard::{Event, Events, Records};
use crate::protocol::event_stream::{self, Kind, begin, finish, message};
use crate::protocol::json;

use super::get_reply::{RecordsLength, RecordsWriter};

const EVENT: Kind = Kind::Event("SubscribeToShardEvent");

/// What the writer may touch behind the payload, as a rule.
const SPARE_BYTES: usize = 2 << 10;

/// The messages of one subscription.
pub struct EventMessages {
    events: Events,
    has_begun: bool,
}

impl EventMessages {
    /// What they are sent as, whatever the request came in.
    pub const CONTENT_TYPE: &str = event_stream::CONTENT_TYPE;

    pub(in crate::protocol) const fn of(events: Events) -> Self {
        Self { events, has_begun: false }
    }

    /// The next message, `None` after the last. The first one is there at once.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        if !std::mem::replace(&mut self.has_begun, true) {
            return Poll::Ready(Some(message(Kind::InitialResponse, b"{}")));
        }
        let mut length = RecordsLength::default();
        let event = ready!(self.events.poll_next(context, |record| length.add(record)));
        Poll::Ready(event.map(|event| match event {
            Event::Records(records) => records_message(*records, &length),
            Event::Exception(error) => exception(&error),
        }))
    }
}

fn records_message(records: Records, length: &RecordsLength) -> Vec<u8> {
    let mut writer = RecordsWriter::of_event(records, length);
    // No more than the limits of an event let through, or one record.
    let payload_bytes = usize::try_from(writer.length()).unwrap_or(usize::MAX);
    let mut message = begin(EVENT, payload_bytes, SPARE_BYTES);
    let mut end = message.len();
    message.resize(end + payload_bytes + SPARE_BYTES, 0);
    while !writer.is_done() {
        end = writer.write_chunk(&mut message, end);
    }
    message.truncate(end);
    finish(&mut message);
    message
}

fn exception(error: &ApiError) -> Vec<u8> {
    let mut payload = b"{\"message\":".to_vec();
    json::write_string(error.message.as_deref().unwrap_or_default(), &mut payload);
    payload.push(b'}');
    message(Kind::Exception(error.kind.name()), &payload)
}
