//! What hangs on a stream or a consumer without changing what it does: tags and a resource policy (reference 12).

use std::sync::Arc;

use super::tags::Tags;

/// Tags and policy of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attached {
    /// Its tags.
    pub tags: Tags,
    /// Its policy, to the letter as it was put.
    pub policy: Option<Arc<str>>,
}
