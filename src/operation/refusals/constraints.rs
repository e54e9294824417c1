//! Broken constraints of the model: reference 4.

use super::Source::Recorded;

refusals! {
    const CONSTRAINTS;

    /// What is broken, one after the other; `plural` is an `s` unless it is one.
    constraints_broken(count: usize, plural: &str, violations: &str) -> Validation, Recorded("4")
        => "{count} validation error{plural} detected: {violations}";

    /// One of them: the value as Java prints it, in quotes unless it is `null`.
    constraint_broken(value: &str, path: &str, rule: &str) -> Part, Recorded("4")
        => "Value {value} at '{path}' failed to satisfy constraint: {rule}";

    /// A required member is not there.
    must_not_be_null() -> Part, Recorded("V1") => "Member must not be null";

    /// A number is too small.
    below_min(min: i64) -> Part, Recorded("V2") => "Member must have value greater than or equal to {min}";

    /// A number is too large.
    above_max(max: i64) -> Part, Recorded("V2") => "Member must have value less than or equal to {max}";

    /// A text, blob, list or map is too short.
    too_short(min: usize) -> Part, Recorded("V3") => "Member must have length greater than or equal to {min}";

    /// A text, blob, list or map is too long.
    too_long(max: usize) -> Part, Recorded("V3") => "Member must have length less than or equal to {max}";

    /// A text does not match.
    no_match(pattern: &str) -> Part, Recorded("V4")
        => "Member must satisfy regular expression pattern: {pattern}";

    /// A text is none of an enumeration's.
    not_in_set(values: &str) -> Part, Recorded("V5") => "Member must satisfy enum value set: {values}";

    /// Texts of a list break rules, which are told together.
    bad_elements(rules: &str) -> Part, Recorded("V6") => "Member must satisfy constraint: {rules}";

    /// Keys of a map do.
    bad_keys(rules: &str) -> Part, Recorded("V7") => "Map keys must satisfy constraint: {rules}";

    /// Values of a map do.
    bad_values(rules: &str) -> Part, Recorded("V8") => "Map value must satisfy constraint: {rules}";
}
