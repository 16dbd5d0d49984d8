//! The methods that cross, by number.

/// A method of an object. The numbers never change: host and worker may be of different versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub(super) enum Method {
    /// Of the worker itself: loads the plugin, whose provider becomes object [`PROVIDER`].
    Load = 1,
    Backends = 16,
    GetBackend = 17,
    Configuration = 32,
    Properties = 33,
    Status = 34,
    Run = 35,
    RetrieveJob = 36,
    Jobs = 37,
    JobStatus = 48,
    Result = 49,
    Cancel = 50,
    CreationDate = 51,
    QueuePosition = 52,
    ErrorMessage = 53,
    /// Of every object, the host included.
    Supports = 64,
    Call = 65,
    Open = 66,
}

/// The object that is the provider.
pub(super) const PROVIDER: u64 = 0;

/// The methods with the names by which messages speak of them.
const METHODS: [(Method, &str); 18] = [
    (Method::Load, "load"),
    (Method::Backends, "backends"),
    (Method::GetBackend, "get_backend"),
    (Method::Configuration, "configuration"),
    (Method::Properties, "properties"),
    (Method::Status, "status"),
    (Method::Run, "run"),
    (Method::RetrieveJob, "retrieve_job"),
    (Method::Jobs, "jobs"),
    (Method::JobStatus, "status"),
    (Method::Result, "result"),
    (Method::Cancel, "cancel"),
    (Method::CreationDate, "creation_date"),
    (Method::QueuePosition, "queue_position"),
    (Method::ErrorMessage, "error_message"),
    (Method::Supports, "supports"),
    (Method::Call, "call"),
    (Method::Open, "open"),
];

impl Method {
    pub(super) fn of_number(number: u32) -> Option<Self> {
        METHODS.iter().map(|(method, _)| *method).find(|method| *method as u32 == number)
    }

    pub(super) fn name(self) -> &'static str {
        METHODS.iter().find(|(method, _)| *method == self).map_or("", |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_name_and_is_found_by_its_number() {
        for (method, name) in METHODS {
            assert_eq!(Method::of_number(method as u32), Some(method));
            assert_eq!((method.name(), name.is_empty()), (name, false));
        }
        assert_eq!(Method::of_number(0), None);
    }
}
