//! People about whom at least one provider has something else to say.

use super::{day, no_wish, nubarium, person, tuidentidad};
use crate::history::{Employment, job};
use crate::people::Person;
use crate::scenario::{
    KibanInner, KibanScenario, NubariumOutcome, NubariumScenario, Settings, TextStyle, TuIdentidadScenario,
};

pub(super) fn people() -> Vec<Person> {
    let outcome = |outcome| {
        nubarium(NubariumScenario {
            outcome: Some(outcome),
            ..no_wish()
        })
    };
    let code = |code: &str| {
        tuidentidad(TuIdentidadScenario {
            code: Some(code.to_owned()),
            ..no_wish()
        })
    };
    let kiban = |kiban| Settings {
        kiban,
        ..Settings::default()
    };
    vec![
        person("PEPL000909HNLRDSA1", ["LUIS", "", "PEREZ", "PADILLA"], "97000000014")
            .shows("an empty history: WH008 as a warning with HTTP 200")
            .nature(code("WH008")),
        person("OERB560606HZSLSN09", ["BENITO", "", "OLVERA", "ROSAS"], "12907200013")
            .shows("an empty history: WH008 as an error with HTTP 400")
            .nature(tuidentidad(TuIdentidadScenario {
                code: Some("WH008".to_owned()),
                code_status: Some(400),
                ..no_wish()
            })),
        person("ZUNA540308MNELTN05", ["ANA", "", "ZULOAGA", "NATERA"], "")
            .shows("no NSS for this CURP: Nubarium code 1")
            .nature(outcome(NubariumOutcome::NoNss)),
        person("IATR690930HCSBVF04", ["RAFAEL", "", "IBARRA", "TOVAR"], "65887014556")
            .shows("the daily limit of the person is reached: Nubarium code 2")
            .history(vec![some_job()])
            .nature(outcome(NubariumOutcome::LimitReached)),
        person("GARL030517MMCRMZA4", ["LUZ", "", "GARZA", "ROMO"], "53959501015")
            .shows("the e-mail is registered under another CURP: Nubarium code 3, its text with HTML and entities")
            .history(vec![some_job()])
            .nature(nubarium(NubariumScenario {
                outcome: Some(NubariumOutcome::EmailRegistered),
                text: Some(TextStyle::Html),
                ..no_wish()
            })),
        person("BOXW310820HNERXN09", ["WINSTON", "", "BORGES", ""], "")
            .shows("not in RENAPO: Nubarium code 4, Kiban INVALID")
            .nature(Settings {
                kiban: KibanScenario {
                    inner: Some(KibanInner::Invalid),
                    ..no_wish()
                },
                ..outcome(NubariumOutcome::NotInRenapo)
            }),
        person(
            "QUHE700101HVZNRD05",
            ["EDUARDO", "", "QUINTERO", "HERRERA"],
            "11696944773",
        )
        .shows("must visit the subdelegación: Nubarium code 5")
        .history(vec![some_job()])
        .nature(outcome(NubariumOutcome::VisitSubdelegacion)),
        person("JIMN010909MDFMNRA9", ["NORMA", "", "JIMENEZ", "MENDOZA"], "61010100446")
            .shows("Nubarium's internal error, without a code and not billed")
            .history(vec![some_job()])
            .nature(outcome(NubariumOutcome::InternalError)),
        person("CAVM911111MGTSLR00", ["MARTHA", "", "CASTRO", "VILLA"], "56999900337")
            .shows("found at Nubarium, but WH007 at Tu Identidad and NOT_FOUND at Kiban")
            .nature(Settings {
                kiban: KibanScenario {
                    inner: Some(KibanInner::NotFound),
                    ..no_wish()
                },
                ..code("WH007")
            }),
        person("EILK990131MNTSPR03", ["KARLA", "", "ESPINOZA", "LOPEZ"], "32565612127")
            .shows("Kiban fails after its acknowledgement: SERVICE_UNAVAILABLE")
            .history(vec![some_job()])
            .nature(kiban(KibanScenario {
                status: Some("SERVICE_UNAVAILABLE".to_owned()),
                ..no_wish()
            })),
        person("FUZP900820MTSNMT00", ["PETRA", "", "FUENTES", "ZAMORA"], "88901234562")
            .shows("Tu Identidad answers 203, a result with warnings")
            .history(vec![some_job()])
            .nature(tuidentidad(TuIdentidadScenario {
                partial: Some(true),
                ..no_wish()
            })),
        person(
            "DOMG830717HQTMRB08",
            ["GABRIEL", "", "DOMINGUEZ", "MORALES"],
            "45830677881",
        )
        .shows("Tu Identidad is not available: WH001 with HTTP 500, not billed")
        .history(vec![some_job()])
        .nature(code("WH001")),
    ]
}

fn some_job() -> Employment {
    job(
        "COMERCIALIZADORA DEL VALLE SINTETICO SA DE CV",
        "Z1100022233",
        "JALISCO",
        day(2022, 4, 18),
        48_210,
    )
}
