//! TagResource: adds tags to a stream or a consumer, and replaces the values of those that it has (reference 12).

use crate::control::tags::is_resource_tag_text;
use crate::control::{Attached, Needs};
use crate::error::ApiError;

use super::add_tags_to_stream::tags_of;
use super::refusals;
use super::resource::Resource;
use super::schema::Input;
use super::service::Service;

/// Tags to be added.
#[derive(Debug, Clone)]
pub struct Request {
    resource: Resource,
    tags: Vec<(String, String)>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The ARN is of no kind of resource that is served.
    pub fn validate(input: &Input<'_>) -> Result<Self, ApiError> {
        Ok(Self { resource: Resource::of(input)?, tags: tags_of(input) })
    }

    /// Adds them all, or none.
    ///
    /// # Errors
    /// E1 or E41, E3 for a stream that is neither ACTIVE nor UPDATING, E31 for bad characters, E34 for too many tags.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { resource, tags } = self;
        let change = resource.begin_change(service, Needs::Settled)?;
        check_texts(&tags)?;
        let attached = change.attached();
        let tags = attached.tags.with(tags).map_err(|_| resource.too_many_tags())?;
        change.attach(Attached { tags, ..attached });
        Ok(())
    }
}

/// E31, by the rules of the operations on any resource.
pub(super) fn check_texts(tags: &[(String, String)]) -> Result<(), ApiError> {
    let is_good = |(key, value): &(String, String)| is_resource_tag_text(key) && is_resource_tag_text(value);
    if tags.iter().all(is_good) { Ok(()) } else { Err(refusals::bad_tag_characters()) }
}
