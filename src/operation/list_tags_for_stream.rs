//! ListTagsForStream: the tags of a stream by ascending key, in pages (reference 12).

use crate::control::Scope;
use crate::document::Value;
use crate::error::ApiError;
use crate::limits::LIST_TAGS_PAGE_MAX;

use super::describe_stream::page_size;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Which stream, and after which key.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    after: Option<String>,
    tags_max: usize,
}

/// A page of tags.
#[derive(Debug, Clone)]
pub struct Reply {
    tags: Vec<(String, String)>,
    has_more: bool,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self {
            stream: StreamRef::of(input, caller)?,
            after: input.string("ExclusiveStartTagKey").map(str::to_owned),
            tags_max: page_size(input.integer("Limit"), LIST_TAGS_PAGE_MAX),
        })
    }

    /// Lists them.
    ///
    /// # Errors
    /// E1 if there is no such stream.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let stream = self.stream.find(service)?;
        let attached = stream.attached();
        let rest = attached.tags.after(self.after.as_deref());
        let tags = rest.iter().take(self.tags_max).cloned().collect();
        Ok(Reply { tags, has_more: rest.len() > self.tags_max })
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        Value::structure([("Tags", tag_list(self.tags)), ("HasMoreTags", Value::Bool(self.has_more))])
    }
}

/// A `TagList`.
pub(super) fn tag_list(tags: Vec<(String, String)>) -> Value<'static> {
    let tag = |(key, value)| Value::structure([("Key", Value::string(key)), ("Value", Value::string(value))]);
    Value::List(tags.into_iter().map(tag).collect())
}
