//! How messages become bytes and back: protobuf, in buffers as large as the message.
//!
//! tonic's own codec begins each call with 8 KiB for either direction. A stream keeps that while it is idle, and watches are idle
//! most of the time.

use std::marker::PhantomData;

use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, EncodeBuf, Encoder},
};
use tonic_prost::{ProstCodec, ProstDecoder};

/// What a buffer begins with; a larger message takes as much as it needs.
const BUFFER_BYTES: usize = 64;
/// A message goes out as soon as this much of it is there: none waits for the next one, and no more than one waits for a reader
/// who is slow. tonic's own codec gathers 32 KiB, which is what each slow reader of many messages would then hold.
const GATHERED_BYTES: usize = 1;

/// The codec of the stubs.
pub struct FittingCodec<T, U>(PhantomData<(T, U)>);

/// Makes room for a message when there is one.
pub struct FittingEncoder<T>(PhantomData<T>);

impl<T, U> Default for FittingCodec<T, U> {
    fn default() -> Self {
        FittingCodec(PhantomData)
    }
}

impl<T, U> Codec for FittingCodec<T, U>
where
    T: Message + 'static,
    U: Message + Default + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = FittingEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> FittingEncoder<T> {
        FittingEncoder(PhantomData)
    }

    fn decoder(&mut self) -> ProstDecoder<U> {
        ProstCodec::<T, U>::raw_decoder(small_at_first())
    }
}

impl<T: Message> Encoder for FittingEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.encoded_len());
        message.encode(buffer).expect("room was made for it");
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        small_at_first()
    }
}

fn small_at_first() -> BufferSettings {
    BufferSettings::new(BUFFER_BYTES, GATHERED_BYTES)
}
