//! What the server tells about itself: gRPC reflection, and the names of its methods.
//!
//! Both come from the descriptor sets that the services were generated from, so they cannot differ from what is served.

use std::{collections::HashMap, sync::Arc};

use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::service::RoutesBuilder;
use tonic_reflection::{pb, server::Builder};

const DESCRIPTOR_SETS: [&[u8]; 2] = [semanas_proto::DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET];
const OF_REFLECTION_ITSELF: [&[u8]; 2] = [pb::v1::FILE_DESCRIPTOR_SET, pb::v1alpha::FILE_DESCRIPTOR_SET];

const BUILT_IN: &str = "the descriptor sets are part of the binary";

/// Adds reflection, in the version of today and in the one that older tools speak.
pub(super) fn add_to(routes: &mut RoutesBuilder, request_bytes_max: usize) {
    let builder = || {
        DESCRIPTOR_SETS.iter().fold(Builder::configure(), |builder, set| {
            builder.register_encoded_file_descriptor_set(set)
        })
    };
    routes.add_service(
        builder()
            .build_v1()
            .expect(BUILT_IN)
            .max_decoding_message_size(request_bytes_max),
    );
    routes.add_service(
        builder()
            .build_v1alpha()
            .expect(BUILT_IN)
            .max_decoding_message_size(request_bytes_max),
    );
}

/// The methods that the server has; a caller can send any path, so only these become labels and names of spans.
pub(super) struct Methods {
    by_path: HashMap<String, Method>,
    unknown: Method,
}

/// A method's names.
#[derive(Clone, Debug)]
pub(super) struct Method {
    /// For example `semanas.v1.WorkHistoryService/LookupNss`.
    pub(super) full_name: Arc<str>,
    pub(super) service: Arc<str>,
    pub(super) name: Arc<str>,
}

impl Methods {
    pub(super) fn of_this_server() -> Methods {
        let sets = DESCRIPTOR_SETS.iter().chain(&OF_REFLECTION_ITSELF);
        let files = sets.flat_map(|set| FileDescriptorSet::decode(*set).expect(BUILT_IN).file);
        let services = files.flat_map(|file| {
            let package = file.package().to_owned();
            file.service
                .into_iter()
                .map(move |service| (format!("{package}.{}", service.name()), service))
        });
        let methods = services.flat_map(|(name, service)| {
            service
                .method
                .into_iter()
                .map(move |method| Method::new(&name, method.name()))
        });
        Methods {
            by_path: methods
                .map(|method| (format!("/{}", method.full_name), method))
                .collect(),
            unknown: Method::new("unknown", "unknown"),
        }
    }

    pub(super) fn find(&self, path: &str) -> &Method {
        self.by_path.get(path).unwrap_or(&self.unknown)
    }
}

impl Method {
    fn new(service: &str, name: &str) -> Method {
        Method {
            full_name: format!("{service}/{name}").into(),
            service: service.into(),
            name: name.into(),
        }
    }
}
