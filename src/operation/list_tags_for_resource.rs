//! ListTagsForResource: all tags of a stream or a consumer, by ascending key (reference 12).

use crate::document::Value;
use crate::error::ApiError;

use super::list_tags_for_stream::tag_list;
use super::resource::Resource;
use super::schema::Input;
use super::service::Service;

/// Which resource.
#[derive(Debug, Clone)]
pub struct Request {
    resource: Resource,
}

/// Its tags.
#[derive(Debug, Clone)]
pub struct Reply {
    tags: Vec<(String, String)>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The ARN is of no kind of resource that is served.
    pub fn validate(input: &Input<'_>) -> Result<Self, ApiError> {
        Ok(Self { resource: Resource::of(input)? })
    }

    /// Lists them.
    ///
    /// # Errors
    /// E1 or E41 if there is no such resource.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let attached = self.resource.attached(service)?;
        Ok(Reply { tags: attached.tags.after(None).to_vec() })
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        Value::structure([("Tags", tag_list(self.tags))])
    }
}
