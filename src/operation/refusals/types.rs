//! Wrong types: reference 3. A `target` comes with its article, as the service has it: `an String`, `a Blob`.

use super::Source::{Inferred, Recorded};

refusals! {
    const TYPES;

    /// A truth value where something else belongs.
    boolean_given(target: &str) -> Serialization, Recorded("S1, S5, S9")
        => "class java.lang.Boolean can not be converted to {target}";

    /// A number.
    number_given(target: &str) -> Serialization, Recorded("S2, S5")
        => "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to {target}";

    /// A text.
    text_given(target: &str) -> Serialization, Recorded("S3, S9")
        => "class java.lang.String can not be converted to {target}";

    /// A byte string, which only CBOR has.
    bytes_given(target: &str) -> Serialization, Inferred("S1 and V3, which prints a blob by this name")
        => "class java.nio.HeapByteBuffer can not be converted to {target}";

    /// A time, which only CBOR has.
    time_given(target: &str) -> Serialization, Inferred("S1")
        => "class java.util.Date can not be converted to {target}";

    /// A list where none belongs.
    list_given() -> Serialization, Recorded("S10") => "Start of list found where not expected";

    /// A map or structure where none belongs.
    map_given() -> Serialization, Recorded("S11") => "Start of structure or map found where not expected.";

    /// A text that is no truth value, in capitals.
    no_boolean(upper: &str) -> Serialization, Recorded("S4") => "'{upper}' can not be converted to an Boolean";

    /// A text that cannot be Base64, for its length.
    base64_length(text: &str, units: usize) -> Serialization, Recorded("S6")
        => "'{text}' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but \
            found: {units}";

    /// A text that is not Base64, for one of its characters.
    base64_letter(text: &str, letter: char) -> Serialization, Recorded("S7")
        => "'{text}' can not be converted to a Blob: Invalid Base64 character: '{letter}'";

    /// A text that is not Base64, for bits at its end that belong to no byte.
    base64_end(text: &str) -> Serialization, Recorded("S8, sic")
        => "'{text}' can not be converted to a Blob: Invalid last non-pad Base64 character dectected";

    /// A scalar where a list belongs.
    list_expected() -> Serialization, Recorded("S12") => "Expected list or null";

    /// A scalar where a map belongs.
    map_expected() -> Serialization, Recorded("S13") => "Expected map or null";

    /// A scalar where a structure belongs.
    structure_expected() -> Serialization, Recorded("S14") => "Expected null";
}
