//! The body of a GetRecords reply in the codec of its request, written window by window.

use crate::error::ApiError;
use crate::operation::{Service, get_records};
use crate::protocol::codec::Codec;

use super::{cbor_get_reply, get_reply};

/// A reply on its way out.
pub enum GetBody {
    /// In JSON.
    Json(get_reply::RecordsWriter),
    /// In CBOR.
    Cbor(cbor_get_reply::RecordsWriter),
}

impl GetBody {
    /// Reads the records that a request asks for.
    ///
    /// # Errors
    /// As those of [`get_records::Request::execute`].
    pub fn read(codec: Codec, request: get_records::Request, service: &Service) -> Result<Self, ApiError> {
        match codec {
            Codec::Json | Codec::ApplicationJson => {
                let mut length = get_reply::RecordsLength::default();
                let reply = request.execute(service, |record| length.add(record))?;
                Ok(Self::Json(get_reply::RecordsWriter::of_get_records(reply, &length)))
            }
            Codec::Cbor => {
                let mut length = cbor_get_reply::RecordsLength::default();
                let reply = request.execute(service, |record| length.add(record))?;
                Ok(Self::Cbor(cbor_get_reply::RecordsWriter::new(reply, &length)))
            }
        }
    }

    /// The whole body's length in bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        match self {
            Self::Json(writer) => writer.length(),
            Self::Cbor(writer) => writer.length(),
        }
    }

    /// Whether everything was written.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match self {
            Self::Json(writer) => writer.is_done(),
            Self::Cbor(writer) => writer.is_done(),
        }
    }

    /// Writes the next part to the start of `window`, which may grow for it, and returns its length. What is behind it
    /// is undefined.
    pub fn write_chunk(&mut self, window: &mut Vec<u8>) -> usize {
        match self {
            Self::Json(writer) => writer.write_chunk(window, 0),
            Self::Cbor(writer) => writer.write_chunk(window),
        }
    }
}
