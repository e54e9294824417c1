//! AddTagsToStream: adds tags to a stream, and replaces the values of those that it has (reference 12).

use crate::control::tags::is_tag_text;
use crate::control::{Attached, Needs, Scope};
use crate::error::ApiError;

use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Tags to be added.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    tags: Vec<(String, String)>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { stream: StreamRef::of(input, caller)?, tags: tags_of(input) })
    }

    /// Adds them all, or none.
    ///
    /// # Errors
    /// E1, E3 unless the stream is ACTIVE or UPDATING, E31 and E32 for bad characters, E34 for too many tags.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { stream, tags } = self;
        let change = stream.begin_change(service, Needs::Settled)?;
        check_texts(&tags, &stream)?;
        let attached = Attached::clone(&change.stream().attached());
        let tags = attached.tags.with(tags).map_err(|_| refusals::too_many_tags(&stream))?;
        change.attach(Attached { tags, ..attached });
        Ok(())
    }
}

/// The member Tags.
pub(super) fn tags_of(input: &Input<'_>) -> Vec<(String, String)> {
    let tags = input.map("Tags").unwrap_or_default();
    tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// E31 and E32, in AWS's order: the stream is looked up first.
pub(super) fn check_texts(tags: &[(String, String)], stream: &StreamRef) -> Result<(), ApiError> {
    let texts = || tags.iter().flat_map(|(key, value)| [key, value]);
    if !texts().all(|text| is_tag_text(text)) {
        return Err(refusals::bad_tag_characters());
    }
    if texts().any(|text| text.contains('%')) {
        return Err(refusals::illegal_added_tag(stream));
    }
    Ok(())
}
