//! Where the service is, and the part of it that belongs to a project of a hub.

use ketch_core::{Error, Result};
use reqwest::Url;

use crate::account::Account;

/// Where the public service was.
const PUBLIC: &str = "https://quantumexperience.ng.bluemix.net/api";

/// The address and the project.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    pub(super) api: Url,
    /// Hub, group and project.
    project: Option<[String; 3]>,
}

impl Place {
    /// The project may also stand in the address, as `…/Hubs/h/Groups/g/Projects/p`.
    ///
    /// # Errors
    /// If the address is not a URL.
    pub(super) fn of(account: &Account) -> Result<Self> {
        let given = account.url.as_deref().filter(|url| !url.is_empty()).unwrap_or(PUBLIC);
        let (base, tail) = given.split_once("/Hubs/").unwrap_or((given, ""));
        let api = Url::parse(base).ok().filter(Url::has_host);
        let mut api = api.ok_or_else(|| {
            let message = format!("the url of account `{}` is not a URL", account.name);
            Error::other("account.invalid", message)
        })?;
        api.set_query(None);
        if api.path() == "/" {
            api.set_path("/api");
        }
        let in_url = match tail.trim_end_matches('/').split('/').collect::<Vec<_>>()[..] {
            [hub, "Groups", group, "Projects", project] => Some([hub, group, project]),
            _ => None,
        };
        let named = match (&account.hub, &account.group, &account.project) {
            (Some(hub), Some(group), Some(project)) => Some([&**hub, &**group, &**project]),
            _ => None,
        };
        let project = named.or(in_url).map(|project| project.map(str::to_owned));
        Ok(Self { api, project })
    }

    /// The way to the list of devices.
    pub(super) fn devices(&self) -> Vec<&str> {
        self.within("devices").unwrap_or_else(|| vec!["Backends"])
    }

    /// The way to what is told of single devices.
    pub(super) fn about_devices(&self) -> Vec<&str> {
        match &self.project {
            Some([hub, ..]) => vec!["Network", hub, "devices"],
            None => vec!["Backends"],
        }
    }

    /// The way to the jobs.
    pub(super) fn jobs(&self) -> Vec<&str> {
        self.within("jobs").unwrap_or_else(|| vec!["Jobs"])
    }

    fn within<'a>(&'a self, what: &'a str) -> Option<Vec<&'a str>> {
        let [hub, group, project] = self.project.as_ref()?;
        Some(vec!["Network", hub, "Groups", group, "Projects", project, what])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn place(fields: Value) -> Place {
        let mut document = json!({"name": "a", "token": "t"});
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Place::of(&serde_json::from_value(document).unwrap()).unwrap()
    }

    #[test]
    fn a_project_changes_the_ways() {
        let public = place(json!({}));
        assert_eq!(public.api.as_str(), PUBLIC);
        assert_eq!((public.devices(), public.jobs()), (vec!["Backends"], vec!["Jobs"]));
        let url = "https://q.example/api/Hubs/h/Groups/g/Projects/p";
        let fields = json!({"url": "https://q.example", "hub": "h", "group": "g", "project": "p"});
        for network in [place(json!({"url": url})), place(fields)] {
            assert_eq!(network.api.as_str(), "https://q.example/api");
            let jobs = ["Network", "h", "Groups", "g", "Projects", "p", "jobs"];
            assert_eq!(network.jobs(), jobs);
            assert_eq!(network.about_devices(), ["Network", "h", "devices"]);
        }
    }
}
