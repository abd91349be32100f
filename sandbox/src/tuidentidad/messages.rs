//! The WH codes: texts as documented, the HTTP status of each, and the two shapes in which they travel.

use http::StatusCode;
use serde::Serialize;

use super::result;
use crate::scenario::TuIdentidadScenario;
use crate::wire::Reply;

/// One code. Inside a 200 it is a warning, elsewhere the whole body.
pub(super) struct Message {
    pub(super) code: &'static str,
    pub(super) text: &'static str,
    pub(super) status: u16,
}

/// The code of a ticket.
pub(super) const NOT_READY: &str = "WH004";
const FAILED: &str = "Fail to get the WorkHistory.";
/// The vendor publishes no text for these codes.
const UNDOCUMENTED: &str = "The request could not be completed.";

/// Nobody publishes the body of a 401; only its three fields are documented.
pub(super) const UNAUTHORISED: Message = message("UNAUTHORIZED", "The apikey is invalid or not found", 401);

const MESSAGES: [Message; 20] = [
    message("WH001", "The WorkHistory Service has not avaliable.", 500),
    message("WH002", FAILED, 500),
    message("WH003", FAILED, 500),
    message(
        NOT_READY,
        "Data is not available yet, please try again with VerificationStatus",
        202,
    ),
    message("WH005", FAILED, 500),
    message("WH006", "The VerificationId is invalid or not found", 400),
    message(
        "WH007",
        "There is no Work History information for CURP, NSS in the source of verification. Please review the search information.",
        200,
    ),
    message(
        "WH008",
        "There are no listed weeks, it does not present history at IMSS.",
        200,
    ),
    message("WH009", UNDOCUMENTED, 500),
    message("WH010", UNDOCUMENTED, 500),
    message("WH011", UNDOCUMENTED, 500),
    message("WH012", UNDOCUMENTED, 500),
    message("WH013", UNDOCUMENTED, 500),
    message("WH014", "CURP or NSS parameters have invalid structure.", 400),
    message("WH015", UNDOCUMENTED, 500),
    message("WH016", UNDOCUMENTED, 500),
    message("WH017", UNDOCUMENTED, 500),
    message("WH018", UNDOCUMENTED, 500),
    message("WH019", UNDOCUMENTED, 500),
    message("WH020", "Incorrect information. CURP is required NSS is required", 400),
];

const fn message(code: &'static str, text: &'static str, status: u16) -> Message {
    Message { code, text, status }
}

/// Whether `code` is one of WH001 to WH020.
pub(crate) fn is_known(code: &str) -> bool {
    MESSAGES.iter().any(|message| message.code == code)
}

pub(super) fn of(code: &str) -> &'static Message {
    MESSAGES
        .iter()
        .find(|message| message.code == code)
        .expect("the control API lets only known codes in")
}

/// `{code, message, fullMessage}`, alone or as a warning.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flat {
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_id: Option<String>,
    code: &'static str,
    message: &'static str,
    full_message: String,
}

impl Message {
    pub(super) fn flat(&self, verification_id: Option<&str>) -> Flat {
        Flat {
            verification_id: verification_id.map(str::to_owned),
            code: self.code,
            message: self.text,
            full_message: format!("{}: {}", self.code, self.text),
        }
    }

    /// The message as an error body, under its own status or another one.
    pub(super) fn reply(&self, status: Option<u16>) -> Reply {
        Reply::json(code(status.unwrap_or(self.status)), &self.flat(None))
    }

    pub(super) fn ticket(&self, verification_id: &str) -> Reply {
        Reply::json(code(self.status), &self.flat(Some(verification_id)))
    }
}

/// A code as the final word: a warning beside no data with HTTP 200, an error body otherwise.
pub(super) fn settle(
    message: &Message,
    status: Option<u16>,
    verification_id: &str,
    scenario: &TuIdentidadScenario,
) -> Reply {
    match status.unwrap_or(message.status) {
        200 => Reply::json(
            StatusCode::OK,
            &result::nothing(verification_id, message.flat(None), scenario),
        ),
        status => message.reply(Some(status)),
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
