//! From the headers of a request to the one whom it comes from, or whom it acts for.

use std::collections::BTreeMap;

use http::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::access::rbac::Attributes;
use crate::access::token::{Claims, ISSUER};
use crate::access::user::{AUTHENTICATED, MASTERS, User};
use crate::api::Api;
use crate::failure::{About, Failure};

impl Api {
    /// Whoever sends these headers.
    ///
    /// # Errors
    /// 401 for everyone unknown: there is no anonymous user.
    pub(crate) fn authenticate(&self, headers: &HeaderMap) -> Result<User, Failure> {
        let header = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|header| {
            let (scheme, token) = header.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        token.and_then(|token| self.user_of_token(token)).ok_or_else(Failure::unauthorized)
    }

    /// Whom a token belongs to.
    pub(crate) fn user_of_token(&self, token: &str) -> Option<User> {
        if let Some(user) = self.users.find(token) {
            return Some(user);
        }
        let claims = self.claims(token)?;
        if !claims.audiences.iter().any(|audience| audience == ISSUER) {
            return None;
        }
        Some(user_of(&claims))
    }

    /// What a token says, if it still counts: the account, and what it is bound to, must be there.
    pub(crate) fn claims(&self, token: &str) -> Option<Claims> {
        let claims = self.signer.verify(token, self.now().as_second())?;
        let is_there = |shelf: &str, name: &str, uid: &str, namespace: Option<&str>| {
            let key = namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
            self.store.get(shelf, &key).is_some_and(|stored| {
                stored.parse().get("metadata").and_then(|m| m.get("uid")).and_then(serde_json::Value::as_str)
                    == Some(uid)
            })
        };
        let account = is_there("serviceaccounts", &claims.name, &claims.uid, Some(&claims.namespace));
        let bound = claims.bound.as_ref().is_none_or(|(kind, name, uid)| match kind.as_str() {
            "Node" => is_there("nodes", name, uid, None),
            kind => is_there(&format!("{}s", kind.to_ascii_lowercase()), name, uid, Some(&claims.namespace)),
        });
        (account && bound).then_some(claims)
    }

    /// Whom the request acts for, when it says so and may.
    ///
    /// # Errors
    /// 403 without the right to impersonate, 500 for headers that name no user, as upstream's.
    pub(crate) fn impersonate(&self, user: User, headers: &HeaderMap) -> Result<User, Failure> {
        let one = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = one("impersonate-user");
        let uid = one("impersonate-uid");
        let groups: Vec<String> =
            headers.get_all("impersonate-group").iter().filter_map(|v| v.to_str().ok()).map(str::to_owned).collect();
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in headers {
            if let Some(key) = key.as_str().strip_prefix("impersonate-extra-") {
                let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
                extra.entry(key).or_default().push(value.to_str().unwrap_or_default().to_owned());
            }
        }
        if name.is_empty() {
            if groups.is_empty() && extra.is_empty() && uid.is_empty() {
                return Ok(user);
            }
            return Err(Failure::internal("requested impersonation without impersonating a user"));
        }
        let policy = self.rbac.policy(&self.store);
        let may = |group: &str, resource: &str, subresource: &str, namespace: &str, name: &str| {
            let asked = Attributes {
                verb: "impersonate".to_owned(),
                group: group.to_owned(),
                version: "v1".to_owned(),
                resource: resource.to_owned(),
                subresource: subresource.to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                path: None,
            };
            if policy.allows(&user, &asked) { Ok(()) } else { Err(forbidden(&user, &asked)) }
        };
        let mut impersonated = User::new(name, groups.iter().cloned());
        match impersonated.as_service_account() {
            Some((namespace, account)) => {
                may("", "serviceaccounts", "", namespace, account)?;
                if groups.is_empty() {
                    impersonated = User::service_account(namespace, account, "");
                }
            }
            None => may("", "users", "", "", name)?,
        }
        for group in &groups {
            may("", "groups", "", "", group)?;
        }
        for (key, values) in &extra {
            for value in values {
                may("authentication.k8s.io", "userextras", key, "", value)?;
            }
        }
        if !uid.is_empty() {
            may("authentication.k8s.io", "uids", "", "", uid)?;
        }
        uid.clone_into(&mut impersonated.uid);
        impersonated.extra = extra;
        Ok(impersonated)
    }

    /// Refuses what the rules do not allow.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn authorize(&self, user: &User, asked: &Attributes) -> Result<(), Failure> {
        if user.is_in(MASTERS) || self.rbac.policy(&self.store).allows(user, asked) {
            return Ok(());
        }
        Err(forbidden(user, asked))
    }
}

/// The account that a token speaks for.
pub(crate) fn user_of(claims: &Claims) -> User {
    let mut user = User::service_account(&claims.namespace, &claims.name, &claims.uid);
    let mut extra = |key: &str, value: &str| {
        user.extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value.to_owned()]);
    };
    extra("credential-id", &format!("JTI={}", claims.id));
    if let Some((kind, name, uid)) = &claims.bound
        && kind != "Secret"
    {
        let kind = kind.to_ascii_lowercase();
        extra(&format!("{kind}-name"), name);
        extra(&format!("{kind}-uid"), uid);
    }
    user
}

fn forbidden(user: &User, asked: &Attributes) -> Failure {
    let name = &user.name;
    let verb = &asked.verb;
    if let Some(path) = &asked.path {
        let about = About { group: "", plural: "", name: "" };
        return Failure::forbidden(about, &format!("User {name:?} cannot {verb} path {path:?}"));
    }
    let resource = if asked.subresource.is_empty() {
        asked.resource.clone()
    } else {
        format!("{}/{}", asked.resource, asked.subresource)
    };
    let place = if asked.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", asked.namespace)
    };
    let group = &asked.group;
    let why = format!("User {name:?} cannot {verb} resource {resource:?} in API group {group:?} {place}");
    Failure::forbidden(About { group, plural: &asked.resource, name: &asked.name }, &why)
}

/// The users that are known by a token of their own.
pub(crate) struct Users(Vec<(String, User)>);

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(_, user)| &user.name)).finish()
    }
}

impl Users {
    /// The administrator, and further users with their tokens.
    pub(crate) fn new(admin_token: String, others: impl IntoIterator<Item = (String, User)>) -> Self {
        let admin = User::new("kubernetes-admin", [MASTERS.to_owned(), AUTHENTICATED.to_owned()]);
        Self(std::iter::once((admin_token, admin)).chain(others).collect())
    }

    fn find(&self, token: &str) -> Option<User> {
        // Every token is compared in full: how long it takes says nothing of how much was right.
        let same = |known: &str| aws_lc_rs::constant_time::verify_slices_are_equal(known.as_bytes(), token.as_bytes());
        let mut found = None;
        for (known, user) in &self.0 {
            if same(known).is_ok() {
                found = Some(user.clone());
            }
        }
        found
    }
}
