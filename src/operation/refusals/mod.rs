//! Every message that the server gives: its text, when it is given, and where the text is from.
//!
//! The tables of this room are the one place where such texts are. A line of a table is two things: a function, which
//! the code calls to refuse something, and a [`Row`], which tests read. So no text is given that is in no table, and
//! one that a later capture corrects is corrected in one line. `tests/data/expectations` has an example of every row,
//! with what a server answers to it.
//!
//! Texts are those of the reference, by their numbers there: A of its section 2, S of 3, V of 4, E of 14. What was not
//! recorded is [`Inferred`](Source::Inferred) and says from what.
//!
//! - [`callers`], [`signatures`]: requests that never reach an operation, and what is not served.
//! - [`types`], [`constraints`]: what a request must look like.
//! - [`streams`], [`readers`], [`records`], [`sharding`], [`administration`]: what operations refuse.
//! - [`superseded`]: texts that were recorded and are not given any more.

use crate::error::ErrorKind;

/// A message.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The name of its function here.
    pub name: &'static str,
    /// The exception that carries it; `None` for a part of other messages.
    pub kind: Option<ErrorKind>,
    /// The text, with a `{name}` for each part that differs; `None` where there is no message member at all.
    pub text: Option<&'static str>,
    /// Where the text is from.
    pub source: Source,
    /// When it is given.
    pub given: Given,
}

/// Where a text is from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// A real answer was captured: its number in the reference, or the public thread that has it.
    Recorded(&'static str),
    /// It is a guess: from what, or its number in the reference if that says no more.
    Inferred(&'static str),
    /// AWS has nothing like it.
    Own,
}

/// When a message is given.
#[derive(Debug, Clone, Copy)]
pub enum Given {
    /// With any settings.
    Always,
    /// With this flag only.
    With(&'static str),
    /// When something breaks inside, which no request can bring about: the test that does, as `file::name`.
    Broken(&'static str),
    /// Never, because today's limit differs: why.
    Superseded(&'static str),
}

/// A table: its name, then lines of `name(arguments) -> Exception, source, when => text, slots;`. A line without a text
/// has no message member, one that does not tell when is given always, and a `Part` is a part of other messages.
macro_rules! refusals {
    (const $table:ident; $(
        $(#[doc = $meaning:literal])+
        $name:ident($($argument:ident: $of:ty),*) -> $kind:ident, $source:expr $(, $given:expr)?
        $(=> $text:literal $(, $slot:ident = $value:expr)*)?;
    )+) => {
        $(
            $(#[doc = $meaning])+
            pub(crate) fn $name($($argument: $of),*) -> answer!($kind) {
                said!($kind $(, $text $(, $slot = $value)*)?)
            }
        )+

        pub(super) const $table: &[super::Row] = &[$(
            super::Row {
                name: stringify!($name),
                kind: kind!($kind),
                text: text!($($text)?),
                source: $source,
                given: given!($($given)?),
            },
        )+];
    };
}

/// What a row's function makes.
macro_rules! answer {
    (Part) => {
        String
    };
    ($kind:ident) => {
        crate::error::ApiError
    };
}

macro_rules! said {
    (Part, $($text:tt)+) => { std::fmt::format(format_args!($($text)+)) };
    ($kind:ident) => { crate::error::ApiError::bare(crate::error::ErrorKind::$kind) };
    ($kind:ident, $($text:tt)+) => {
        crate::error::ApiError::new(crate::error::ErrorKind::$kind, said!(Part, $($text)+))
    };
}

macro_rules! kind {
    (Part) => {
        None
    };
    ($kind:ident) => {
        Some(crate::error::ErrorKind::$kind)
    };
}

macro_rules! text {
    () => {
        None
    };
    ($text:literal) => {
        Some($text)
    };
}

macro_rules! given {
    () => {
        super::Given::Always
    };
    ($given:expr) => {
        $given
    };
}

mod administration;
mod callers;
mod constraints;
mod readers;
mod records;
mod sharding;
mod signatures;
mod streams;
mod superseded;
mod types;

pub(crate) use administration::*;
pub(crate) use callers::*;
pub(crate) use constraints::*;
pub(crate) use readers::*;
pub(crate) use records::*;
pub(crate) use sharding::*;
pub(crate) use signatures::*;
pub(crate) use streams::*;
pub(crate) use types::*;

/// Every message, in the order of the reference as far as it has them.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [
        CALLERS,
        SIGNATURES,
        TYPES,
        CONSTRAINTS,
        STREAMS,
        READERS,
        RECORDS,
        SHARDING,
        ADMINISTRATION,
        superseded::SUPERSEDED,
    ];
    tables.into_iter().flatten()
}
