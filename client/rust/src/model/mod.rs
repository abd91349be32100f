//! What the contract says, in types of our own: no generated type is part of the client's surface.
//!
//! The names are the contract's. It decides how a message is read: a value that this version does not know is kept by its number,
//! an instant that no clock can hold is absent.

mod enums;
mod history;
mod job;
mod operations;
mod raw_requests;
mod reason;
mod requests;

pub use enums::{
    BreakerState, ChargeState, Disposition, JobStage, JobState, MovementType, OutcomeClass, Provider, SnapshotCause,
    Step,
};
pub use history::{Date, Employment, Money, Movement, Person, Provenance, Warning, Weeks, WorkHistory};
pub use job::{Attempt, Failure, JobEvent, Settlement, WorkHistoryJob};
pub use operations::{Charge, ProviderStatus};
pub use reason::ErrorReason;
pub use requests::{
    JobFilter, ListChargesRequest, LookupNssRequest, LookupNssResponse, ResolveWorkHistoryRequest, Subject,
    SubmitWorkHistoryRequest, SubmitWorkHistoryResponse, TimeRange, WatchWorkHistoriesRequest,
};

/// An enum of the contract, with a place for values of later versions.
macro_rules! enumeration {
    ($(#[$doc:meta])* $name:ident, $prefix:literal { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            /// Nothing was said.
            #[default]
            Unspecified,
            $($(#[$variant_doc])* $variant,)*
            /// A value that this version does not know, by its number.
            Unrecognized(i32),
        }

        impl $name {
            /// The name in the contract without its prefix, such as `RUNNING`; none for a value that this version does not know.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self {
                    Self::Unspecified => Some("UNSPECIFIED"),
                    $(Self::$variant => Some($text),)*
                    Self::Unrecognized(_) => None,
                }
            }

            /// The value of a name without its prefix.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    "UNSPECIFIED" => Some(Self::Unspecified),
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// What stands before the names in the contract.
            pub const PREFIX: &'static str = $prefix;
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match (self.name(), self) {
                    (Some(name), _) => formatter.write_str(name),
                    (None, value) => write!(formatter, "UNKNOWN({})", i32::from(*value)),
                }
            }
        }

        impl From<i32> for $name {
            fn from(number: i32) -> Self {
                match crate::raw::v1::$name::try_from(number) {
                    Ok(crate::raw::v1::$name::Unspecified) => Self::Unspecified,
                    $(Ok(crate::raw::v1::$name::$variant) => Self::$variant,)*
                    Err(_) => Self::Unrecognized(number),
                }
            }
        }

        impl From<$name> for i32 {
            fn from(value: $name) -> i32 {
                match value {
                    $name::Unspecified => crate::raw::v1::$name::Unspecified.into(),
                    $($name::$variant => crate::raw::v1::$name::$variant.into(),)*
                    $name::Unrecognized(number) => number,
                }
            }
        }
    };
}

/// A message that the server sends. Behind each field stands how it is read.
macro_rules! message {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $how:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl From<crate::raw::v1::$name> for $name {
            fn from(message: crate::raw::v1::$name) -> Self {
                Self { $($field: super::read::$how(message.$field),)* }
            }
        }

        #[cfg(feature = "testing")]
        impl From<$name> for crate::raw::v1::$name {
            fn from(message: $name) -> Self {
                Self { $($field: super::write::$how(message.$field),)* }
            }
        }
    };
}

/// A debug print shows the type and nothing else.
macro_rules! personal {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    )*};
}

pub(crate) use {enumeration, message, personal};

mod read {
    //! How the fields of a generated message become ours.

    use std::time::SystemTime;

    use prost_types::Timestamp;

    pub(super) fn same<T>(value: T) -> T {
        value
    }

    pub(super) fn value<E: From<i32>>(number: i32) -> E {
        E::from(number)
    }

    pub(super) fn time(time: Option<Timestamp>) -> Option<SystemTime> {
        time.and_then(|time| SystemTime::try_from(time).ok())
    }

    pub(super) fn maybe<A, B: From<A>>(message: Option<A>) -> Option<B> {
        message.map(B::from)
    }

    pub(super) fn each<A, B: From<A>>(list: Vec<A>) -> Vec<B> {
        list.into_iter().map(B::from).collect()
    }
}

#[cfg(feature = "testing")]
mod write {
    //! How our fields become those of a generated message, for a fake's answers.

    use std::time::SystemTime;

    use prost_types::Timestamp;

    pub(super) fn same<T>(value: T) -> T {
        value
    }

    pub(super) fn value<E: Into<i32>>(value: E) -> i32 {
        value.into()
    }

    pub(super) fn time(time: Option<SystemTime>) -> Option<Timestamp> {
        time.map(Timestamp::from)
    }

    pub(super) fn maybe<A, B: From<A>>(message: Option<A>) -> Option<B> {
        message.map(B::from)
    }

    pub(super) fn each<A, B: From<A>>(list: Vec<A>) -> Vec<B> {
        list.into_iter().map(B::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::v1;

    #[test]
    fn a_value_of_a_later_version_is_kept_and_is_none_of_ours() {
        let state = JobState::from(77);
        assert_eq!((state, i32::from(state)), (JobState::Unrecognized(77), 77));
        assert_eq!(state.to_string(), "UNKNOWN(77)");
        assert_eq!(JobState::from(3), JobState::Succeeded);
        assert_eq!(JobState::from_name("OUTCOME_UNKNOWN"), Some(JobState::OutcomeUnknown));
        assert_eq!(
            ErrorReason::from(i32::from(v1::ErrorReason::NoRoute)).to_string(),
            "NO_ROUTE"
        );
    }

    #[test]
    fn a_debug_print_shows_no_personal_data() {
        let person = v1::Person {
            curp: "GOAA970724HYNNNL08".into(),
            nss: "12345678903".into(),
            full_name: "JOSE".into(),
        };
        let history = v1::WorkHistory {
            person: Some(person),
            ..Default::default()
        };
        let job = WorkHistoryJob::from(v1::WorkHistoryJob {
            work_history: Some(history),
            ..Default::default()
        });
        assert_eq!(
            job.work_history.as_ref().unwrap().person.as_ref().unwrap().curp,
            "GOAA970724HYNNNL08"
        );
        let subject = Subject {
            curp: "GOAA970724HYNNNL08".into(),
            ..Default::default()
        };
        let request = SubmitWorkHistoryRequest {
            subject,
            ..Default::default()
        };
        for text in [format!("{job:?}"), format!("{request:?}")] {
            assert!(!text.contains("GOAA") && !text.contains("123456"), "{text}");
        }
    }
}
