//! Work histories and what they are made of. All of it is personal data: a debug print shows none.

use std::time::SystemTime;

use super::{MovementType, Provider, message, personal};

message! {
    /// What IMSS has on a person's employments and contribution weeks.
    WorkHistory {
        /// Who it is about, as the provider wrote it.
        person: Option<Person> = maybe,
        /// Contribution weeks.
        weeks: Option<Weeks> = maybe,
        /// Current ones first, then by start_date, newest first; at most `limit` of them. Empty is a valid, verified answer.
        employments: Vec<Employment> = each,
        /// How many employments the provider gave, before `limit` was applied.
        employment_count: i32 = same,
        /// Where the history came from.
        provenance: Option<Provenance> = maybe,
        /// Where the NSS came from, when it was looked up and not given.
        nss_provenance: Option<Provenance> = maybe,
    }
}

message! {
    /// The person as the provider knows them.
    Person {
        /// CURP, 18 characters.
        curp: String = same,
        /// NSS, 11 digits; empty when the provider does not give it.
        nss: String = same,
        /// Full name; empty when the provider does not give it.
        full_name: String = same,
    }
}

message! {
    /// Contribution weeks, as reported. Absent differs from zero.
    Weeks {
        /// Weeks quoted (semanas cotizadas).
        quoted: Option<i32> = same,
        /// Weeks discounted (semanas descontadas).
        discounted: Option<i32> = same,
        /// Weeks reintegrated (semanas reintegradas).
        reintegrated: Option<i32> = same,
        /// The total as the provider reports it; not computed.
        total: Option<i32> = same,
        /// Whether total = quoted - discounted + reintegrated; absent when a part is missing.
        reconciles: Option<bool> = same,
    }
}

message! {
    /// One employment registered at IMSS.
    Employment {
        /// Employer's name.
        employer: String = same,
        /// Registro patronal, usually 10 or 11 characters, sometimes masked with asterisks.
        registro_patronal: String = same,
        /// Federal entity as the provider wrote it.
        federal_entity: String = same,
        /// ISO 3166-2 code of the federal entity, for example MX-YUC; empty when the text is not known.
        federal_entity_code: String = same,
        /// First day; absent when the provider does not give it.
        start_date: Option<Date> = maybe,
        /// Last day; absent for a current employment or when unknown, see `current`.
        end_date: Option<Date> = maybe,
        /// Whether the employment is current (vigente).
        current: bool = same,
        /// Daily base salary (salario base de cotización), pesos a day.
        daily_base_salary: Option<Money> = maybe,
        /// Movements, newest first and those without a date last.
        movements: Vec<Movement> = each,
    }
}

message! {
    /// What happened to an employment at IMSS.
    Movement {
        /// Kind of movement.
        r#type: MovementType = value,
        /// The provider's own word for it.
        type_text: String = same,
        /// Day of the movement; absent when the provider does not give it.
        date: Option<Date> = maybe,
        /// Daily base salary from this movement on, pesos a day.
        daily_base_salary: Option<Money> = maybe,
    }
}

message! {
    #[derive(Debug)]
    /// Where an answer came from, so that it can be argued about with the provider.
    Provenance {
        /// Who answered.
        provider: Provider = value,
        /// Version of the adapter that read the answer.
        adapter_version: String = same,
        /// The provider's own reference: Kiban id, Tu Identidad verificationId, Nubarium codigoValidacion.
        provider_reference: String = same,
        /// When the answer was received.
        retrieve_time: Option<SystemTime> = time,
        /// What was odd about the answer, for example "WEEKS_NOT_RECONCILED" or "WH008".
        warnings: Vec<Warning> = each,
    }
}

message! {
    #[derive(Debug)]
    /// Something a reader of the answer should know.
    Warning {
        /// Stable code, UPPER_SNAKE, or the provider's own code such as WH008.
        code: String = same,
        /// One plain sentence without personal data.
        message: String = same,
    }
}

message! {
    #[derive(Debug)]
    /// A civil date as the source wrote it, without a time zone.
    Date {
        /// Year, 1 to 9999.
        year: i32 = same,
        /// Month of the year, 1 to 12.
        month: i32 = same,
        /// Day of the month, 1 to 31.
        day: i32 = same,
    }
}

message! {
    /// An exact decimal amount: units + nanos / 10^9. Never converted through binary floating point.
    Money {
        /// ISO 4217 code; always MXN today.
        currency_code: String = same,
        /// Whole units of the amount. In JSON a string, as every 64-bit number of protobuf.
        units: i64 = same,
        /// Billionths of a unit, of the same sign as units, -999999999 to 999999999.
        nanos: i32 = same,
    }
}

personal!(WorkHistory, Person, Weeks, Employment, Movement, Money);
