//! The maker's side: safe traits become objects that cross.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use abi_stable::{
    sabi_trait::TD_Opaque,
    std_types::{RArc, RStr, RString, RVec},
};
use ketch_interface::{Backend, Error, Extensions, Filter, Job, Message, Provider, Result};
use serde::Serialize;

use crate::{
    guard::{Guarded, guard, guard_or},
    message,
    raw::{
        BackendRef, JobRef, ObjectRef, Payload, ProviderRef, RawBackend, RawBackend_TO, RawJob,
        RawJob_TO, RawObject, RawObject_TO, RawProvider, RawProvider_TO, Reply,
    },
};

/// A thing of this side, on its way across; `provider` is who answers for it.
struct Exported<T: ?Sized> {
    inner: Guarded<T>,
    provider: Arc<str>,
    name: String,
}

impl<T: ?Sized> Exported<T> {
    fn new(inner: Arc<T>, provider: &Arc<str>, name: String) -> Self {
        Self { inner: Guarded::new(inner), provider: Arc::clone(provider), name }
    }
}

pub(crate) fn provider(inner: Arc<dyn Provider>, id: &Arc<str>) -> ProviderRef {
    let name = inner.name().to_owned();
    RawProvider_TO::from_ptr(RArc::new(Exported::new(inner, id, name)), TD_Opaque)
}

pub(crate) fn object(inner: Arc<dyn Extensions>, id: &Arc<str>) -> ObjectRef {
    RawObject_TO::from_ptr(RArc::new(Exported::new(inner, id, String::new())), TD_Opaque)
}

fn backend(inner: Arc<dyn Backend>, id: &Arc<str>) -> BackendRef {
    let name = inner.name().to_owned();
    RawBackend_TO::from_ptr(RArc::new(Exported::new(inner, id, name)), TD_Opaque)
}

fn job(inner: Arc<dyn Job>, id: &Arc<str>) -> JobRef {
    RawJob_TO::from_ptr(RArc::new(Exported::new(inner, id, String::new())), TD_Opaque)
}

/// The three methods that every object has, over something that may have extensions.
fn supports(extensions: Option<&dyn Extensions>, name: RStr<'_>) -> u32 {
    extensions.map_or(0, |extensions| extensions.supports(name.as_str()))
}

fn call(extensions: Option<&dyn Extensions>, name: RStr<'_>, message: Payload) -> Result<Payload> {
    let extensions = extensions.ok_or_else(|| unknown_extension(name))?;
    Ok(extensions.call(name.as_str(), Message::try_from(message)?)?.into())
}

fn open(
    extensions: Option<&dyn Extensions>,
    name: RStr<'_>,
    message: Payload,
    id: &Arc<str>,
) -> Result<ObjectRef> {
    let extensions = extensions.ok_or_else(|| unknown_extension(name))?;
    Ok(object(extensions.open(name.as_str(), Message::try_from(message)?)?, id))
}

fn document(document: &impl Serialize) -> Result<Payload> {
    Ok(message::from_document(document)?.into())
}

fn unknown_extension(name: RStr<'_>) -> Error {
    Error::not_supported("this object", format!("the extension `{name}`"))
}

/// The same three methods for each kind of object.
macro_rules! extension_methods {
    (|$self:ident| $extensions:expr) => {
        fn supports(&$self, name: RStr<'_>) -> u32 {
            guard_or(0, || supports($extensions, name))
        }

        fn call(&$self, name: RStr<'_>, message: Payload) -> Reply<Payload> {
            guard(&$self.provider, || call($extensions, name, message))
        }

        fn open(&$self, name: RStr<'_>, message: Payload) -> Reply<ObjectRef> {
            guard(&$self.provider, || open($extensions, name, message, &$self.provider))
        }
    };
}

impl RawObject for Exported<dyn Extensions> {
    extension_methods!(|self| Some(&**self.inner));
}

impl RawProvider for Exported<dyn Provider> {
    fn name(&self) -> RString {
        self.name.as_str().into()
    }

    fn backends(&self, _hint: Payload) -> Reply<RVec<BackendRef>> {
        guard(&self.provider, || {
            let backends = self.inner.backends(&Filter::default())?;
            Ok(backends.into_iter().map(|inner| backend(inner, &self.provider)).collect())
        })
    }

    fn get_backend(&self, name: RStr<'_>) -> Reply<BackendRef> {
        guard(&self.provider, || {
            Ok(backend(self.inner.get_backend(name.as_str())?, &self.provider))
        })
    }

    extension_methods!(|self| self.inner.extensions());
}

impl RawBackend for Exported<dyn Backend> {
    fn name(&self) -> RString {
        self.name.as_str().into()
    }

    fn configuration(&self) -> Reply<Payload> {
        guard(&self.provider, || document(&*self.inner.configuration()?))
    }

    fn properties(&self) -> Reply<Payload> {
        guard(&self.provider, || {
            Ok(message::from_properties(self.inner.properties()?.as_deref())?.into())
        })
    }

    fn status(&self) -> Reply<Payload> {
        guard(&self.provider, || document(&self.inner.status()?))
    }

    fn run(&self, request: Payload) -> Reply<JobRef> {
        guard(&self.provider, || {
            let (qobj, options) = message::to_run(&request.try_into()?)?;
            Ok(job(self.inner.run(qobj, options)?, &self.provider))
        })
    }

    fn retrieve_job(&self, job_id: RStr<'_>) -> Reply<JobRef> {
        guard(&self.provider, || Ok(job(self.inner.retrieve_job(job_id.as_str())?, &self.provider)))
    }

    fn jobs(&self, query: Payload) -> Reply<RVec<JobRef>> {
        guard(&self.provider, || {
            let jobs = self.inner.jobs(&message::to_job_query(&query.try_into()?)?)?;
            Ok(jobs.into_iter().map(|inner| job(inner, &self.provider)).collect())
        })
    }

    extension_methods!(|self| self.inner.extensions());
}

impl RawJob for Exported<dyn Job> {
    fn job_id(&self) -> Reply<RString> {
        guard(&self.provider, || Ok(self.inner.job_id().into()))
    }

    fn backend(&self) -> Reply<BackendRef> {
        guard(&self.provider, || Ok(backend(self.inner.backend(), &self.provider)))
    }

    fn status(&self) -> Reply<RString> {
        guard(&self.provider, || Ok(self.inner.status()?.to_string().into()))
    }

    fn result(&self, timeout: i64) -> Reply<Payload> {
        guard(&self.provider, || {
            let timeout = u64::try_from(timeout).ok().map(Duration::from_nanos);
            Ok(message::from_result(&*self.inner.shared_result(timeout)?).into())
        })
    }

    fn cancel(&self) -> Reply<bool> {
        guard(&self.provider, || self.inner.cancel())
    }

    fn creation_date(&self) -> Reply<i64> {
        guard(&self.provider, || {
            let since = self.inner.creation_date()?.and_then(|d| d.duration_since(UNIX_EPOCH).ok());
            Ok(since.and_then(|s| i64::try_from(s.as_millis()).ok()).unwrap_or(i64::MIN))
        })
    }

    fn queue_position(&self) -> Reply<u32> {
        guard(&self.provider, || Ok(self.inner.queue_position()?.unwrap_or(0)))
    }

    fn error_message(&self) -> Reply<RString> {
        guard(&self.provider, || Ok(self.inner.error_message()?.unwrap_or_default().into()))
    }

    extension_methods!(|self| self.inner.extensions());
}
