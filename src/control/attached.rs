//! What hangs on a stream or a consumer without changing what it does: tags and a resource policy (reference 12).

use super::tags::Tags;
use crate::policy::Policy;

/// Tags and policy of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attached {
    /// Its tags.
    pub tags: Tags,
    /// Its policy.
    pub policy: Option<Policy>,
}
