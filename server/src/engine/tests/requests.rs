//! Requests about people who do not exist.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::harness::PATIENCE;
use crate::{
    domain::{
        curp::Curp,
        ids::Tenant,
        person::{NameParts, PersonName, Subject},
    },
    engine::{Lookup, RequestId, Submit},
};

pub(super) const GIVEN_NAME: &str = "PERSONA";

/// A person for each number.
pub(super) fn curp(number: u32) -> Curp {
    let text = format!("XEXX{:02}0101HNEXXXA8", number % 100);
    Curp::parse_lenient(&text).unwrap()
}

pub(super) fn submit() -> Submit {
    submit_for(1)
}

pub(super) fn submit_for(person: u32) -> Submit {
    let name = PersonName::parse(NameParts {
        given_names: GIVEN_NAME,
        paternal_surname: "INVENTADA",
        maternal_surname: None,
    })
    .unwrap();
    Submit {
        tenant: Tenant::sole(),
        subject: Subject {
            curp: curp(person),
            name: Some(name),
            nss: None,
        },
        limit: 0,
        request_id: None,
        max_age: None,
        allow_repeat_charge: false,
        provider: None,
        test_case_id: None,
        purpose: "test".to_owned(),
        consent_reference: String::new(),
        labels: BTreeMap::new(),
        trace_parent: None,
    }
}

/// A request that only the route by NSS can serve.
pub(super) fn submit_nameless() -> Submit {
    let mut submit = submit();
    submit.subject.name = None;
    submit
}

pub(super) fn request_id(id: &str, body: &str) -> Option<RequestId> {
    Some(RequestId {
        id: id.to_owned(),
        body: body.as_bytes().to_vec(),
    })
}

pub(super) fn lookup() -> Lookup {
    Lookup {
        tenant: Tenant::sole(),
        curp: curp(1),
        max_age: None,
        allow_repeat_charge: false,
        purpose: "test".to_owned(),
        consent_reference: String::new(),
        trace_parent: None,
    }
}

pub(super) fn soon() -> Instant {
    Instant::now() + PATIENCE
}
