//! RemoveTagsFromStream: takes tags away by their keys; keys that are not there are passed over (reference 12).

use crate::control::tags::is_tag_text;
use crate::control::{Attached, Needs, Scope};
use crate::error::ApiError;

use super::refusals;
use super::schema::{Input, Member};
use super::service::Service;
use super::stream_ref::StreamRef;

/// Tags to be removed.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    keys: Vec<String>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { stream: StreamRef::of(input, caller)?, keys: texts_of(input, "TagKeys") })
    }

    /// Removes them.
    ///
    /// # Errors
    /// E1, E3 unless the stream is ACTIVE or UPDATING, E31 and E33 for bad characters.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { stream, keys } = self;
        let change = stream.begin_change(service, Needs::Settled)?;
        if !keys.iter().all(|key| is_tag_text(key)) {
            return Err(refusals::bad_tag_characters());
        }
        if keys.iter().any(|key| key.contains('%')) {
            return Err(refusals::illegal_removed_tag(&stream));
        }
        let attached = Attached::clone(&change.stream().attached());
        change.attach(Attached { tags: attached.tags.without(&keys), ..attached });
        Ok(())
    }
}

/// A member that is a list of texts.
pub(super) fn texts_of(input: &Input<'_>, name: &str) -> Vec<String> {
    let text = |member: &Member<'_>| match member {
        Member::String(text) => Some(text.to_string()),
        _ => None,
    };
    input.list(name).unwrap_or_default().iter().filter_map(text).collect()
}
