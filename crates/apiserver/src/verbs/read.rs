//! Reading: one object, or many of one kind, as they are or as they were.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::api::{Api, Target};
use crate::failure::{About, Failure};
use crate::http::query::Query;
use crate::resource::{FieldError, Resource};
use crate::store::{Gone, Stored};
use crate::verbs::select::Selector;

/// How long a read waits for a revision that is not there yet.
const FRESH_WITHIN: Duration = Duration::from_secs(3);
const TOO_OLD: &str = "The provided continue parameter is too old to display a consistent list result. You can start a \
new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or \
deleted between the time the first chunk was returned and now may show up in the list.";

/// Which objects are listed.
#[derive(Debug)]
pub(crate) struct ListOptions {
    pub(crate) selector: Selector,
    limit: Option<usize>,
    page: Option<Page>,
    at: At,
}

/// As of when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Now,
    NotOlderThan(u64),
    Exact(u64),
}

/// Where a list goes on: what a continue token says.
#[derive(Debug, Deserialize, Serialize)]
struct Page {
    v: String,
    rv: u64,
    start: String,
}

impl Page {
    const VERSION: &str = "meta.k8s.io/v1";

    fn encode(revision: u64, start: String) -> String {
        let page = Self { v: Self::VERSION.to_owned(), rv: revision, start };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&page).unwrap_or_default())
    }

    fn decode(token: &str) -> Result<Self, Failure> {
        let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('='));
        let page = bytes.ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        let bad = |why: &str| Failure::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        let page = page.ok_or_else(|| bad("illegal base64 data at input byte 0"))?;
        if page.v != Self::VERSION {
            return Err(bad(&format!("server does not recognize this encoded version {:?}", page.v)));
        }
        Ok(page)
    }
}

/// Some objects, and where the rest is.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) revision: u64,
    pub(crate) items: Vec<(Arc<str>, Stored)>,
    pub(crate) next: Option<String>,
    pub(crate) remaining: Option<usize>,
}

/// A resourceVersion; none when it is not given or 0, which is any.
///
/// # Errors
/// 400 when it is no number.
pub(crate) fn revision(text: Option<&str>) -> Result<Option<u64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let bad = |_| {
        let message = format!("Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax");
        Failure::bad_request(format!("invalid resource version: resourceVersion: {message}"))
    };
    text.parse().map(|revision| Some(revision).filter(|revision| *revision > 0)).map_err(bad)
}

/// A refusal of a revision as upstream passes it on where it does not expect one.
pub(crate) fn as_it_came(failure: Failure) -> Failure {
    let Failure { message, .. } = failure;
    Failure::unknown(message.trim_start_matches("invalid resource version: "))
}

impl ListOptions {
    /// Reads and checks the options of a list.
    ///
    /// # Errors
    /// 400, and 422 for options that contradict each other.
    pub(crate) fn parse(resource: &Resource, query: &Query) -> Result<Self, Failure> {
        let selector = Selector::parse(resource, query.get("labelSelector"), query.get("fieldSelector"))?;
        let limit = query.number("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let given = query.get("resourceVersion");
        let matching = query.get("resourceVersionMatch");
        let mut errors = Vec::new();
        let mut forbid = |field: &str, why: &str| {
            errors.push(FieldError {
                field: field.to_owned(),
                reason: "FieldValueForbidden",
                message: format!("Forbidden: {why}"),
            });
        };
        if let Some(matching) = matching {
            if query.get("continue").is_some() {
                forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
            }
            if given.is_none() {
                forbid("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided");
            } else if matching == "Exact" && given == Some("0") {
                forbid("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
            }
            if !matches!(matching, "Exact" | "NotOlderThan") {
                errors.push(FieldError {
                    field: "resourceVersionMatch".to_owned(),
                    reason: "FieldValueNotSupported",
                    message: format!(
                        "Unsupported value: {matching:?}: supported values: \"Exact\", \"NotOlderThan\", \"\""
                    ),
                });
            }
        }
        if query.get("sendInitialEvents").is_some() {
            errors.push(FieldError {
                field: "sendInitialEvents".to_owned(),
                reason: "FieldValueForbidden",
                message: "Forbidden: sendInitialEvents is forbidden for list".to_owned(),
            });
        }
        if !errors.is_empty() {
            return Err(Failure::invalid("meta.k8s.io", "ListOptions", "", &errors));
        }
        let page = query.get("continue").map(Page::decode).transpose()?;
        if page.is_some() && given.is_some_and(|given| given != "0") {
            return Err(Failure::bad_request("specifying resource version is not allowed when using continue"));
        }
        let at = match (revision(given)?, matching) {
            (None, _) => At::Now,
            (Some(revision), Some("Exact")) => At::Exact(revision),
            // Without a word on how to match, a paged list is of exactly that revision.
            (Some(revision), None) if limit.is_some() => At::Exact(revision),
            (Some(revision), _) => At::NotOlderThan(revision),
        };
        Ok(Self { selector, limit, page, at })
    }

    /// Everything as it is.
    pub(crate) fn everything() -> Self {
        Self { selector: Selector::default(), limit: None, page: None, at: At::Now }
    }
}

impl Api {
    /// One object.
    ///
    /// # Errors
    /// 404.
    pub(crate) fn get(&self, target: &Target) -> Result<Stored, Failure> {
        let about = About::new(&target.resource, &target.name);
        self.store.get(&target.shelf(), &target.key()).ok_or_else(|| Failure::not_found(about))
    }

    /// Waits until a revision is there.
    ///
    /// # Errors
    /// 504 when it does not come.
    pub(crate) async fn catch_up(&self, revision: u64) -> Result<(), Failure> {
        let deadline = tokio::time::Instant::now() + FRESH_WITHIN;
        while self.store.revision() < revision {
            if tokio::time::Instant::now() >= deadline {
                return Err(Failure::too_large_revision(revision, self.store.revision()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// The objects of a resource, in one namespace or in all when it is empty.
    ///
    /// # Errors
    /// 410 for a revision that is forgotten, 504 for one that does not come.
    pub(crate) async fn list(
        &self,
        resource: &Resource,
        namespace: &str,
        options: &ListOptions,
    ) -> Result<List, Failure> {
        let (at, start) = match (&options.page, options.at) {
            (Some(page), _) => (Some(page.rv), page.start.as_str()),
            (None, At::Exact(revision)) => (Some(revision), ""),
            (None, At::Now | At::NotOlderThan(_)) => (None, ""),
        };
        if let At::Exact(revision) | At::NotOlderThan(revision) = options.at {
            self.catch_up(revision).await?;
        }
        self.page(resource, namespace, options, at, start)
    }

    fn page(
        &self,
        resource: &Resource,
        namespace: &str,
        options: &ListOptions,
        at: Option<u64>,
        start: &str,
    ) -> Result<List, Failure> {
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        let found = self.store.list(&resource.shelf(), &prefix, start, at.filter(|at| *at > 0));
        let mut snapshot = found.map_err(|gone| match options.page {
            Some(_) => Failure::expired(TOO_OLD),
            None => too_old(&gone),
        })?;
        let mut list = List { revision: snapshot.revision, items: Vec::new(), next: None, remaining: None };
        if options.selector.is_everything() {
            if let Some(limit) = options.limit.filter(|limit| *limit < snapshot.items.len()) {
                list.remaining = Some(snapshot.items.len() - limit);
                snapshot.items.truncate(limit);
                list.next = snapshot.items.last().map(|(key, _)| Page::encode(snapshot.revision, after(key)));
            }
            list.items = snapshot.items;
            return Ok(list);
        }
        let mut matching = snapshot.items.into_iter().filter(|(key, stored)| options.selector.matches(key, stored));
        match options.limit {
            None => list.items = matching.collect(),
            Some(limit) => {
                list.items = matching.by_ref().take(limit).collect();
                if matching.next().is_some() {
                    list.next = list.items.last().map(|(key, _)| Page::encode(list.revision, after(key)));
                }
            }
        }
        Ok(list)
    }

    /// All objects of a resource in a namespace, or everywhere when it is empty, as they are.
    pub(crate) fn all(&self, resource: &Resource, namespace: &str) -> Vec<(Arc<str>, Stored)> {
        // What is current is never gone.
        self.page(resource, namespace, &ListOptions::everything(), None, "").map(|list| list.items).unwrap_or_default()
    }
}

/// The first key that comes after this one.
fn after(key: &str) -> String {
    format!("{key}\0")
}

/// A revision that the history no longer reaches.
pub(crate) fn too_old(gone: &Gone) -> Failure {
    Failure::expired(format!("too old resource version: {} ({})", gone.asked, gone.oldest))
}
