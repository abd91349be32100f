//! Kiban's test cases, as data: its documentation has reused ids with new meanings before. What each one gives on the
//! wire is published nowhere; this table is where the sandbox decides it. Test cases are never billed.

use super::desk::Ending;
use crate::people::{Person, people};

/// A documented test case: `id` goes into the query parameter `testCaseId`, `name` is Kiban's own.
pub struct TestCase {
    pub id: &'static str,
    pub name: &'static str,
    gives: Gives,
}

enum Gives {
    /// HTTP 400 with this field and text, and no document.
    BadRequest(&'static str, &'static str),
    /// A document with an outer SUCCESS and an inner NOT_FOUND.
    NotFound,
    /// A document with the history of the listed person asked for, or of the sample person.
    Found,
    /// A document that ends in this word, with this error message.
    Failure(&'static str, &'static str),
}

pub const TEST_CASES: [TestCase; 4] = [
    TestCase {
        id: "663567bb713cf2110a1106c3",
        name: "Curp Inválido",
        gives: Gives::BadRequest("curp", super::BAD_CURP),
    },
    TestCase {
        id: "672a749eda95cf0a4c372faf",
        name: "NSS Inválido",
        gives: Gives::NotFound,
    },
    TestCase {
        id: "663567bb713cf2110a1106c2",
        name: "Respuesta exitosa",
        gives: Gives::Found,
    },
    TestCase {
        id: "663567bb713cf2110a1106c5",
        name: "Servicio no disponible",
        gives: Gives::Failure("SERVICE_UNAVAILABLE", "the service is not available"),
    },
];

pub(super) fn find(id: &str) -> Option<&'static TestCase> {
    TEST_CASES.iter().find(|case| case.id == id)
}

impl TestCase {
    pub(super) fn bad_request(&self) -> Option<(&'static str, &'static str)> {
        match self.gives {
            Gives::BadRequest(field, text) => Some((field, text)),
            Gives::NotFound | Gives::Found | Gives::Failure(..) => None,
        }
    }

    pub(super) fn ending(&self, person: Option<Person>) -> Ending {
        match self.gives {
            Gives::Found => Ending::found(person.unwrap_or_else(|| people()[0].clone()), None),
            Gives::NotFound => Ending::NotFound,
            Gives::BadRequest(..) => Ending::Invalid,
            Gives::Failure(status, message) => Ending::failure(status, message),
        }
    }
}
