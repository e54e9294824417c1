//! The ARN of a user: who calls, as policies and refusals name them.

use super::AccountId;
use std::fmt;

/// `arn:aws:iam::{account}:user/{name}`. Users belong to no region, and here to the partition `aws`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserArn {
    /// Whose user it is.
    pub account: AccountId,
    /// The user's name, in whatever letters.
    pub name: Box<str>,
}

impl fmt::Display for UserArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:iam::{}:user/{}", self.account, self.name)
    }
}
