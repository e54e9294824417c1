//! UntagResource: takes tags of a stream or a consumer away; keys that are not there are passed over (reference 12).

use crate::control::{Attached, Needs};
use crate::error::ApiError;

use super::remove_tags_from_stream::texts_of;
use super::resource::Resource;
use super::schema::Input;
use super::service::Service;

/// Tags to be removed.
#[derive(Debug, Clone)]
pub struct Request {
    resource: Resource,
    keys: Vec<String>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The ARN is of no kind of resource that is served.
    pub fn validate(input: &Input<'_>) -> Result<Self, ApiError> {
        Ok(Self { resource: Resource::of(input)?, keys: texts_of(input, "TagKeys") })
    }

    /// Removes them. No tag has a key of bad characters, so such a key is passed over like any other.
    ///
    /// # Errors
    /// E1 or E41, E3 for a stream that is neither ACTIVE nor UPDATING.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let change = self.resource.begin_change(service, Needs::Settled)?;
        let attached = change.attached();
        change.attach(Attached { tags: attached.tags.without(&self.keys), ..attached });
        Ok(())
    }
}
