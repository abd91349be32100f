//! People for whom every provider has an answer; what differs is the history and how it is written.

use jiff::ToSpan;

use super::{day, no_wish, nubarium, person, tuidentidad};
use crate::history::{Employment, Weeks, job};
use crate::people::Person;
use crate::scenario::{
    CodeStyle, CurrentJob, FieldNames, ListOrder, NubariumScenario, Settings, TuIdentidadScenario, ValidName,
    WeeksShape,
};

/// The number of employments of the person with the huge history.
const HUGE_EMPLOYMENTS: u32 = 200;

pub(super) fn people() -> Vec<Person> {
    vec![
        person(
            "GOAA970724HYNNNL08",
            ["JOSE", "ALBERTO", "GONZALEZ", "ANGULO"],
            "12345678903",
        )
        .shows("the person of Kiban's documented sample: three jobs, the last one current")
        .history(vec![
            job(
                "ABARROTES LA CEIBA IMAGINARIA SA DE CV",
                "Y5412345101",
                "YUCATAN",
                day(2016, 3, 1),
                18_050,
            )
            .until(day(2018, 8, 31)),
            job(
                "HOTELERA COSTA IRREAL SA DE CV",
                "C2310045109",
                "QUINTANA ROO",
                day(2018, 10, 15),
                31_240,
            )
            .raise(day(2020, 2, 1), 35_600)
            .until(day(2021, 6, 30)),
            job(
                "TECNOLOGIAS ESPEJISMO S DE RL DE CV",
                "Y6498765432",
                "YUCATAN",
                day(2021, 7, 5),
                81_000,
            )
            .raise(day(2023, 1, 16), 123_456),
        ]),
        person("PEMJ920906HNLRRS00", ["JESUS", "", "PÉREZ", "MORENO"], "43018502112")
            .shows("overlapping jobs and three current ones at once")
            .history(vec![
                job(
                    "MANUFACTURAS IMAGINARIAS DEL NORTE S DE RL DE CV",
                    "D4511122331",
                    "NUEVO LEON",
                    day(2012, 1, 9),
                    24_000,
                )
                .until(day(2016, 12, 31)),
                job(
                    "SERVICIOS FICTICIOS DE PERSONAL SA DE CV",
                    "D4599988771",
                    "NUEVO LEON",
                    day(2016, 5, 2),
                    27_550,
                ),
                job(
                    "UNIVERSIDAD DEL DESIERTO AC",
                    "D4500011221",
                    "COAHUILA",
                    day(2019, 8, 12),
                    41_000,
                ),
                job(
                    "CONSULTORIA MIRAGE SC",
                    "A0112233445",
                    "NUEVO LEÓN",
                    day(2022, 2, 1),
                    150_075,
                ),
            ])
            .nature(tuidentidad(TuIdentidadScenario {
                current_job: Some(CurrentJob::Vigente),
                ..no_wish()
            })),
        person(
            "SASO750909HDFNNS05",
            ["OSCAR", "", "SANCHEZ", "SANTILLAN"],
            "04789622331",
        )
        .shows("tiny salaries from before 1993, an NSS with a leading zero, and one entity under four names")
        .history(vec![
            job(
                "TALLERES EL YUNQUE DE PAPEL SA",
                "0112345678",
                "DISTRITO FEDERAL",
                day(1991, 2, 4),
                1_190,
            )
            .until(day(1992, 11, 30)),
            job(
                "IMPRENTA LETRAS VACIAS SA",
                "0198765432",
                "D.F.",
                day(1992, 12, 7),
                1_433,
            )
            .until(day(1998, 4, 3)),
            job(
                "PAPELERA NUBE SA DE CV",
                "Y1234567890",
                "CIUDAD DE MEXICO",
                day(1999, 1, 4),
                9_870,
            )
            .until(day(2011, 9, 30)),
            job(
                "GRAFICOS UTOPIA SA DE CV",
                "Y1234500001",
                "CIUDAD DE MÉXICO",
                day(2012, 1, 2),
                45_310,
            ),
        ]),
        person("PEXL750909HDFRXS02", ["LUIS", "", "PEREZ", ""], "08189782793")
            .shows("no maternal surname; jobs of a single day, also two on the same day")
            .history(vec![
                job(
                    "EVENTOS DE UN DIA SA DE CV",
                    "B7700011109",
                    "MEXICO",
                    day(2010, 5, 10),
                    5_746,
                )
                .until(day(2010, 5, 10)),
                job(
                    "EVENTOS DE UN DIA SA DE CV",
                    "B7700011109",
                    "ESTADO DE MEXICO",
                    day(2010, 5, 15),
                    5_746,
                )
                .until(day(2010, 5, 15)),
                job(
                    "MONTAJES FUGACES SA DE CV",
                    "B7700022209",
                    "ESTADO DE MÉXICO",
                    day(2010, 5, 15),
                    6_000,
                )
                .until(day(2010, 5, 15)),
                job(
                    "LOGISTICA ETEREA SA DE CV",
                    "B7700033309",
                    "MEXICO",
                    day(2014, 3, 3),
                    22_015,
                )
                .until(day(2024, 12, 31)),
            ]),
        person("BASJ841209XCLNCS02", ["JESSI", "", "BANDA", "SICAIROS"], "35888866114")
            .shows("sex X; masked registro patronal; Nubarium sends its code as a string; `Valid` in upper case")
            .history(vec![
                job(
                    "MINERA SUEÑO GRIS SA DE CV",
                    "A05*****10",
                    "COAHUILA DE ZARAGOZA",
                    day(2005, 6, 1),
                    19_999,
                )
                .until(day(2013, 7, 15)),
                job(
                    "ACEROS DE AIRE SA DE CV",
                    "**********",
                    "COAHUILA",
                    day(2013, 9, 2),
                    64_080,
                ),
            ])
            .nature(Settings {
                tuidentidad: TuIdentidadScenario {
                    valid_name: Some(ValidName::Upper),
                    ..no_wish()
                },
                nubarium: NubariumScenario {
                    code_as: Some(CodeStyle::String),
                    ..no_wish()
                },
                ..Settings::default()
            }),
        person(
            "MUBA850314MJCXRN03",
            ["ÁNGELA", "MARÍA", "MUÑOZ", "BARBA"],
            "43030315998",
        )
        .shows("accents and Ñ; entity variants of Veracruz and Michoacán; English field names at Nubarium")
        .history(vec![
            job(
                "PIÑATAS EL NIÑO ALEGRE SA DE CV",
                "F1239876501",
                "VERACRUZ DE IGNACIO DE LA LLAVE",
                day(2006, 1, 16),
                17_045,
            )
            .until(day(2009, 2, 27)),
            job(
                "AÑEJOS DE LA PEÑA S DE RL",
                "F1239876502",
                "VERACRUZ",
                day(2009, 3, 2),
                20_500,
            )
            .until(day(2015, 5, 29)),
            job(
                "CAFÉ Y COMPAÑÍA IMAGINARIA SA DE CV",
                "G4561237801",
                "MICHOACAN DE OCAMPO",
                day(2015, 6, 1),
                33_333,
            )
            .movement("REINGRESO", day(2018, 1, 8), 38_000),
        ])
        .nature(nubarium(NubariumScenario {
            names: Some(FieldNames::English),
            ..no_wish()
        })),
        person("NUGI800229HYNXRR03", ["IRINEO", "", "NUÑEZ", "GARCIA"], "84966311213")
            .shows("born on a leap day; weeks that do not reconcile (total is not quoted - discounted + reintegrated)")
            .history(vec![
                job(
                    "HENEQUENERA FANTASMA SA",
                    "H0912345678",
                    "YUCATAN",
                    day(1998, 4, 6),
                    6_210,
                )
                .until(day(2006, 10, 2)),
                job(
                    "PUERTO QUIMERA SA DE CV",
                    "H0912300001",
                    "CAMPECHE",
                    day(2008, 1, 2),
                    28_700,
                )
                .until(day(2019, 3, 29)),
            ])
            .weeks(Weeks {
                quoted: 1_029,
                discounted: 104,
                reintegrated: 26,
                total: 960,
            }),
        person("TOSD950623MSLRLN04", ["DIANA", "", "TORRES", "SALAZAR"], "90919144221")
            .shows("an oldest-first list, weeks written as an array, a current job without its end date")
            .history(vec![
                job(
                    "AGRICOLA SURCO IRREAL SA DE CV",
                    "E2001122334",
                    "SINALOA",
                    day(2014, 9, 1),
                    15_020,
                )
                .until(day(2016, 1, 29)),
                job(
                    "EMPAQUES HORIZONTE SA DE CV",
                    "E2001122335",
                    "SINALOA",
                    day(2016, 2, 8),
                    18_900,
                )
                .until(day(2020, 4, 30)),
                job(
                    "AGRICOLA SURCO IRREAL SA DE CV",
                    "E2001122334",
                    "SONORA",
                    day(2020, 9, 7),
                    29_640,
                ),
            ])
            .nature(tuidentidad(TuIdentidadScenario {
                order: Some(ListOrder::OldestFirst),
                weeks: Some(WeeksShape::Array),
                current_job: Some(CurrentJob::Absent),
                ..no_wish()
            })),
        person("RIFU740404HSRVLL01", ["ULISES", "", "RIVERA", "FLORES"], "10747422334")
            .shows("the same employer nine times, season after season; a current job marked with the minimum date")
            .history((0..9).map(season).collect())
            .nature(tuidentidad(TuIdentidadScenario {
                current_job: Some(CurrentJob::MinimumDate),
                ..no_wish()
            })),
        person(
            "VAGE620228MOCRTS04",
            ["ESTHER", "", "VARGAS", "GUTIERREZ"],
            "78626233445",
        )
        .shows("a long working life with discounted and reintegrated weeks that reconcile; `claveMensaje` at Nubarium")
        .history(vec![
            job("TEXTILES UTOPIA SA", "J3400011122", "OAXACA", day(1979, 7, 2), 420)
                .movement("MODIFICACIÓN DE SALARIO", day(1985, 1, 1), 1_060)
                .until(day(1990, 12, 31)),
            job(
                "TEXTILES UTOPIA SA DE CV",
                "J3400011122",
                "OAXACA",
                day(1994, 3, 7),
                3_380,
            )
            .until(day(2012, 6, 29)),
        ])
        .weeks(Weeks {
            quoted: 1_555,
            discounted: 210,
            reintegrated: 95,
            total: 1_440,
        })
        .nature(nubarium(NubariumScenario {
            names: Some(FieldNames::Clave),
            ..no_wish()
        })),
        person(
            "HELO881205HMNRNC04",
            ["OCTAVIO", "", "HERNANDEZ", "LANDA"],
            "02838377550",
        )
        .shows("a huge history of 200 employments")
        .history((0..HUGE_EMPLOYMENTS).map(gig).collect()),
        person("MASI050805MVZRLRA8", ["IRENE", "", "MARTINEZ", "SOLIS"], "24909011223")
            .shows("Tu Identidad answers 202 with a ticket first")
            .history(vec![job(
                "CAFETERIA ESPUMA SA DE CV",
                "F7700099001",
                "VERACRUZ",
                day(2023, 8, 14),
                27_490,
            )])
            .nature(tuidentidad(TuIdentidadScenario {
                ticket: Some(true),
                ..no_wish()
            })),
    ]
}

/// One winter harvest at the same employer; the last one is still running.
fn season(year: i16) -> Employment {
    let row = job(
        "UVAS DEL DESIERTO INVENTADO SPR DE RL",
        "E5512300987",
        "SONORA",
        day(2016 + year, 11, 3),
        17_500,
    );
    if year < 8 {
        row.until(day(2017 + year, 2, 26))
    } else {
        row
    }
}

/// One of many short jobs, a month apart.
fn gig(number: u32) -> Employment {
    let start = day(2008, 1, 7).saturating_add((i64::from(number) * 30).days());
    let employer = format!("SERVICIOS EVENTUALES FICTICIOS {:02} SA DE CV", number % 17);
    let registry = format!("C{:09}", 100_000 + number);
    let entity = ["MICHOACAN", "GUANAJUATO", "JALISCO"][number as usize % 3];
    let row = job(&employer, &registry, entity, start, 8_000 + u64::from(number) * 37);
    row.until(start.saturating_add(24.days()))
}
