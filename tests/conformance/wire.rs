//! The contract as data: messages from and to JSON by their descriptors, so that a case can say what no generated type can
//! hold (an enum value of tomorrow), and frames of gRPC. It knows no case.

use std::sync::LazyLock;

use anyhow::{Context as _, anyhow};
use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, SerializeOptions};
use serde_json::Value;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut pool = DescriptorPool::decode(semanas_proto::DESCRIPTORS).expect("the contract's own descriptors");
    pool.decode_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .expect("the descriptors of the health service");
    pool
});

/// The method that a path names.
pub fn method(path: &str) -> Option<MethodDescriptor> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    POOL.get_service_by_name(service)?
        .methods()
        .find(|it| it.name() == method)
}

/// The method of this name, in whichever service.
pub fn method_named(name: &str) -> Option<MethodDescriptor> {
    POOL.services()
        .find_map(|service| service.methods().find(|it| it.name() == name))
}

/// A frame that holds the method's answer, which is given as protobuf's JSON, with `more` bytes at its end.
pub fn answer_frame(method: &MethodDescriptor, json: &Value, more: &[u8]) -> anyhow::Result<Bytes> {
    let message = DynamicMessage::deserialize(method.output(), json.clone())
        .with_context(|| format!("the script's message is no {}: {json}", method.output().full_name()))?;
    let mut body = message.encode_to_vec();
    body.extend_from_slice(more);
    Ok(frame(&body))
}

fn frame(body: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + body.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(body.len()).expect("no case has messages of gigabytes"));
    frame.put_slice(body);
    frame.freeze()
}

/// What a request's body says, with the contract's field names; fields that are not set are left out.
pub fn request_json(method: &MethodDescriptor, body: &[u8]) -> anyhow::Result<Value> {
    let (head, message) = body.split_at_checked(5).ok_or_else(|| anyhow!("no whole gRPC frame"))?;
    if head[0] != 0 {
        return Err(anyhow!("the request is compressed, which nobody agreed on"));
    }
    let message = DynamicMessage::decode(method.input(), message)?;
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false);
    Ok(message.serialize_with_options(serde_json::value::Serializer, &options)?)
}

/// A field of length-delimited type that the contract does not have.
pub fn unknown_field(number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut bytes);
    prost::encoding::encode_varint(0, &mut bytes);
    bytes
}
