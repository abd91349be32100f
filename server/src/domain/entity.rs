//! The federal entities of Mexico and the many ways they are written.
//!
//! Decides which ISO 3166-2 code a written entity has. It deliberately keeps the text as received beside the code, and
//! refuses nothing: an unknown text has no code, and is still what the provider said.

use serde::{Deserialize, Serialize};

use super::text::{TEXT_CHARS_MAX, clean_text, fold};

/// Every spelling in folded form (upper case, no accents, no punctuation), grouped by code.
const SPELLINGS: [(&str, &[&str]); 32] = [
    ("MX-AGU", &["AGUASCALIENTES"]),
    ("MX-BCN", &["BAJA CALIFORNIA", "BAJA CALIFORNIA NORTE"]),
    ("MX-BCS", &["BAJA CALIFORNIA SUR"]),
    ("MX-CAM", &["CAMPECHE"]),
    ("MX-CHH", &["CHIHUAHUA"]),
    ("MX-CHP", &["CHIAPAS"]),
    (
        "MX-CMX",
        &[
            "CIUDAD DE MEXICO",
            "DISTRITO FEDERAL",
            "CDMX",
            "CD DE MEXICO",
            "MEXICO DISTRITO FEDERAL",
            "DF",
            "D F",
        ],
    ),
    ("MX-COA", &["COAHUILA", "COAHUILA DE ZARAGOZA"]),
    ("MX-COL", &["COLIMA"]),
    ("MX-DUR", &["DURANGO"]),
    ("MX-GRO", &["GUERRERO"]),
    ("MX-GUA", &["GUANAJUATO"]),
    ("MX-HID", &["HIDALGO"]),
    ("MX-JAL", &["JALISCO"]),
    ("MX-MEX", &["MEXICO", "ESTADO DE MEXICO", "EDO DE MEXICO", "EDOMEX"]),
    ("MX-MIC", &["MICHOACAN", "MICHOACAN DE OCAMPO"]),
    ("MX-MOR", &["MORELOS"]),
    ("MX-NAY", &["NAYARIT"]),
    ("MX-NLE", &["NUEVO LEON"]),
    ("MX-OAX", &["OAXACA"]),
    ("MX-PUE", &["PUEBLA"]),
    ("MX-QUE", &["QUERETARO", "QUERETARO DE ARTEAGA"]),
    ("MX-ROO", &["QUINTANA ROO"]),
    ("MX-SIN", &["SINALOA"]),
    ("MX-SLP", &["SAN LUIS POTOSI"]),
    ("MX-SON", &["SONORA"]),
    ("MX-TAB", &["TABASCO"]),
    ("MX-TAM", &["TAMAULIPAS"]),
    ("MX-TLA", &["TLAXCALA"]),
    ("MX-VER", &["VERACRUZ", "VERACRUZ DE IGNACIO DE LA LLAVE"]),
    ("MX-YUC", &["YUCATAN"]),
    ("MX-ZAC", &["ZACATECAS"]),
];

/// A federal entity as a provider wrote it.
///
/// It is stored as the text alone: the code follows from it, so a spelling learned later also helps old records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FederalEntity(String);

impl FederalEntity {
    /// Reads an entity; `None` when the text is empty.
    pub(crate) fn read(text: &str) -> Option<FederalEntity> {
        let raw = clean_text(text, TEXT_CHARS_MAX);
        (!raw.is_empty()).then_some(FederalEntity(raw))
    }

    /// The text as received, cleaned.
    pub(crate) fn raw(&self) -> &str {
        &self.0
    }

    /// The ISO 3166-2 code, such as `MX-CMX`, where the text is a known spelling.
    pub(crate) fn code(&self) -> Option<&'static str> {
        let folded = fold(&self.0);
        let known = SPELLINGS
            .iter()
            .find(|(_, spellings)| spellings.contains(&folded.as_str()));
        known.map(|(code, _)| *code)
    }
}

#[cfg(test)]
mod tests;
