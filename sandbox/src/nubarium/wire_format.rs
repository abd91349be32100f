//! Nubarium's bodies, field by field in the documented order, and the ways in which its generations differ.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::people::Person;
use crate::scenario::{CodeStyle, FieldNames, NubariumOutcome, NubariumScenario, TextStyle};

/// A flat JSON object whose fields keep the order in which they were written.
pub(super) struct Body(Vec<(&'static str, Field)>);

enum Field {
    Text(String),
    Number(u8),
}

/// The outcomes that are not positive: code, text, and whether `estatus` stands first (codes 3 to 5) or last.
struct Refusal {
    code: u8,
    text: &'static str,
    html: &'static str,
    is_status_first: bool,
}

const NO_NSS: Refusal = Refusal {
    code: 1,
    text: "No se encontro un numero asociado al CURP.",
    html: "<p>No se encontr&oacute; un n&uacute;mero asociado al <b>CURP</b>.</p>",
    is_status_first: false,
};
const LIMIT_REACHED: Refusal = Refusal {
    code: 2,
    text: "El numero de operaciones por periodo ha sido alcanzada (2 operacion(es) cada 1 dia(s)) , favor de intentar mas tarde.",
    html: "<p>El n&uacute;mero de operaciones por periodo ha sido alcanzada (2 operacion(es) cada 1 d&iacute;a(s)) ,<br/>\
           favor de intentar m&aacute;s tarde.</p><script>alert('portal')</script>",
    is_status_first: false,
};
const EMAIL_REGISTERED: Refusal = Refusal {
    code: 3,
    text: "El correo electronico que capturo ya se encuentra registrado en el Instituto relacionado a una CURP distinta a la capturada.",
    html: "El correo electr&oacute;nico que captur&oacute; ya se encuentra registrado en el Instituto<br>relacionado a una \
           <a href=\"https://portal.invalid\">CURP</a> distinta a la capturada.",
    is_status_first: true,
};
const NOT_IN_RENAPO: Refusal = Refusal {
    code: 4,
    text: "No se localizó información en RENAPO con la CURP capturada.",
    html: "No se localiz&#243; informaci&#xF3;n en <i>RENAPO</i> con la CURP capturada.",
    is_status_first: true,
};
const VISIT_SUBDELEGACION: Refusal = Refusal {
    code: 5,
    text: "Tu solicitud requiere que acudas a la subdelegación",
    html: "<div class=\"msg\">Tu solicitud requiere que acudas a la subdelegaci&oacute;n</div>",
    is_status_first: true,
};

pub(super) fn body(
    outcome: NubariumOutcome,
    person: Option<&Person>,
    validation_code: &str,
    scenario: &NubariumScenario,
) -> Body {
    let refuse = |refusal: &Refusal| refused(refusal, validation_code, scenario);
    match outcome {
        NubariumOutcome::Found => found(person, validation_code, scenario),
        NubariumOutcome::NoNss => refuse(&NO_NSS),
        NubariumOutcome::LimitReached => refuse(&LIMIT_REACHED),
        NubariumOutcome::EmailRegistered => refuse(&EMAIL_REGISTERED),
        NubariumOutcome::NotInRenapo => refuse(&NOT_IN_RENAPO),
        NubariumOutcome::VisitSubdelegacion => refuse(&VISIT_SUBDELEGACION),
        NubariumOutcome::InternalError => internal_error(scenario),
    }
}

pub(super) fn authentication_error() -> Body {
    Body(vec![
        ("estatus", text("ERROR")),
        ("mensaje", text("Error de autenticacion")),
    ])
}

fn found(person: Option<&Person>, validation_code: &str, scenario: &NubariumScenario) -> Body {
    let names = Names::of(scenario);
    let person = person.expect("only a person who exists is found");
    Body(vec![
        ("nss", text(person.nss.as_deref().unwrap_or_default())),
        ("nombre", text(&person.full_name())),
        ("curp", text(&person.curp)),
        (names.validation_code, text(validation_code)),
        (names.status, text("OK")),
        (names.message_code, code(0, scenario)),
    ])
}

fn refused(refusal: &Refusal, validation_code: &str, scenario: &NubariumScenario) -> Body {
    let names = Names::of(scenario);
    let message = match scenario.text {
        Some(TextStyle::Html) => refusal.html,
        Some(TextStyle::Plain) | None => refusal.text,
    };
    let status = (names.status, text("ERROR"));
    let middle = [
        (names.message, text(message)),
        (names.validation_code, text(validation_code)),
    ];
    let code = (names.message_code, code(refusal.code, scenario));
    let [message, validation] = middle;
    Body(if refusal.is_status_first {
        vec![status, message, validation, code]
    } else {
        vec![message, validation, code, status]
    })
}

fn internal_error(scenario: &NubariumScenario) -> Body {
    let names = Names::of(scenario);
    Body(vec![
        (names.status, text("ERROR")),
        (names.message, text("Error de datos")),
    ])
}

struct Names {
    status: &'static str,
    message: &'static str,
    message_code: &'static str,
    validation_code: &'static str,
}

impl Names {
    fn of(scenario: &NubariumScenario) -> Self {
        let documented = Self {
            status: "estatus",
            message: "mensaje",
            message_code: "codigoMensaje",
            validation_code: "codigoValidacion",
        };
        match scenario.names {
            Some(FieldNames::Documented) | None => documented,
            Some(FieldNames::Clave) => Self {
                message_code: "claveMensaje",
                ..documented
            },
            Some(FieldNames::English) => Self {
                status: "status",
                message: "message",
                message_code: "messageCode",
                validation_code: "validationCode",
            },
        }
    }
}

fn text(text: &str) -> Field {
    Field::Text(text.to_owned())
}

fn code(code: u8, scenario: &NubariumScenario) -> Field {
    match scenario.code_as {
        Some(CodeStyle::String) => Field::Text(code.to_string()),
        Some(CodeStyle::Number) | None => Field::Number(code),
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, field) in &self.0 {
            match field {
                Field::Text(text) => map.serialize_entry(name, text)?,
                Field::Number(number) => map.serialize_entry(name, number)?,
            }
        }
        map.end()
    }
}
