//! What can go wrong with a remote repository, in words that upstream's users know.

use std::io;
use std::time::Duration;

use auth::ClientError;
use tree::{PathError, TreePath};
use version::ConstraintError;

/// Why there is nothing to show for a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The references could not be listed.
    #[error("unable to list remote for '{url}'")]
    List {
        /// The repository.
        url: String,
        /// What the remote, or the way to it, said.
        source: RemoteError,
    },
    /// The objects could not be fetched.
    #[error("unable to clone '{url}'")]
    Clone {
        /// The repository.
        url: String,
        /// What the remote, or the way to it, said.
        source: RemoteError,
    },
    /// The repository has no branch or tag of that name.
    #[error("unable to clone '{url}': couldn't find remote ref \"{name}\"{hint}")]
    NoSuchReference {
        /// The repository.
        url: String,
        /// With `refs/heads/` or `refs/tags/`.
        name: String,
        /// `; ` and what there is instead.
        hint: String,
    },
    /// The repository has no reference of that full name.
    #[error("unable to resolve ref '{name}' to a specific commit")]
    Unresolved {
        /// As asked for.
        name: String,
    },
    /// A full name that cannot be one.
    #[error("ref {name} is invalid; Git refs cannot begin or end with a slash '/'")]
    InvalidName {
        /// As asked for.
        name: String,
    },
    /// The commit is not among what was fetched.
    #[error("unable to resolve commit object for '{commit}': object not found{hint}")]
    NoSuchCommit {
        /// As asked for.
        commit: String,
        /// ` in …`, or what is wrong with the id.
        hint: String,
    },
    /// The semver range cannot be read.
    #[error("semver parse error")]
    Constraint {
        /// Why.
        source: ConstraintError,
    },
    /// No tag is a version in the range.
    #[error("no match found for semver: {constraint}")]
    NoVersion {
        /// The range.
        constraint: String,
    },
    /// There is no commit at all.
    #[error("git repository is empty")]
    Empty,
    /// It took too long.
    #[error("{url}: {step} took longer than the timeout of {timeout:?}: context deadline exceeded")]
    Deadline {
        /// The repository.
        url: String,
        /// What was being done.
        step: &'static str,
        /// For all steps together.
        timeout: Duration,
    },
    /// TLS or the proxy cannot be set up.
    #[error("failed to create Git client")]
    Client {
        /// Why.
        source: ClientError,
    },
    /// The SSH key cannot be used.
    #[error("unable to construct auth method with options")]
    Key {
        /// Why.
        source: KeyError,
    },
    /// The credentials are of another kind than the URL.
    #[error("the credentials do not fit the URL scheme '{scheme}'")]
    Scheme {
        /// Of the URL.
        scheme: String,
    },
    /// What the server sent is no pack, or more than we take.
    #[error("unable to read the objects of '{url}'")]
    Objects {
        /// The repository.
        url: String,
        /// What is wrong with it.
        source: ObjectError,
    },
    /// The commit's tree is not one that we accept.
    #[error("unable to read the tree of commit {commit}")]
    Tree {
        /// The commit.
        commit: String,
        /// What is wrong with it.
        source: ObjectError,
    },
    /// Our own disk failed.
    #[error("keep the objects on disk")]
    Disk {
        /// What the system said.
        source: io::Error,
    },
}

/// Why a private key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It needs a passphrase and there is none.
    #[error("the SSH identity is encrypted and there is no 'password' for it")]
    Encrypted,
    /// The passphrase is not the right one.
    #[error("the SSH identity cannot be decrypted with the 'password'")]
    Passphrase,
    /// It is no key that we know.
    #[error("the SSH identity is not a private key in OpenSSH, PKCS#1 or PKCS#8 format")]
    Unreadable,
    /// It cannot be made or written down.
    #[error("cannot make an SSH key: {reason}")]
    Made {
        /// In the library's words.
        reason: String,
    },
}

/// Why a remote did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// There is no such repository, or not for us.
    #[error("repository not found: {reason}")]
    NotFound {
        /// In the server's words.
        reason: String,
    },
    /// We have to say who we are.
    #[error("authentication required: {reason}")]
    Unauthenticated {
        /// In the server's words.
        reason: String,
    },
    /// We may not.
    #[error("authorization failed: {reason}")]
    Forbidden {
        /// In the server's words.
        reason: String,
    },
    /// Another status of HTTP.
    #[error("unexpected client error: status code {status}: {reason}")]
    Status {
        /// The code.
        status: u16,
        /// In the server's words.
        reason: String,
    },
    /// The request did not get through, or the answer broke off.
    #[error("{method} \"{url}\": {reason}")]
    Http {
        /// `Get` or `Post`.
        method: &'static str,
        /// The address of the request, without credentials.
        url: String,
        /// Down to the system's words.
        reason: String,
    },
    /// The server does not speak Git there.
    #[error("{url} does not speak Git's smart HTTP protocol: the answer is of type {content_type:?}")]
    NotGit {
        /// The address of the request, without credentials.
        url: String,
        /// Of the answer.
        content_type: String,
    },
    /// The connection to an SSH server, before any key was looked at.
    #[error("dial tcp {address}: {reason}")]
    Dial {
        /// Host and port.
        address: String,
        /// In the system's words.
        reason: String,
    },
    /// The SSH server's key is not among the known ones.
    #[error("ssh: handshake failed: knownhosts: {problem}; the server shows {shown}{hint}")]
    HostKey {
        /// What is wrong with it.
        problem: &'static str,
        /// Algorithm and fingerprint.
        shown: String,
        /// `; ` and what to do.
        hint: String,
    },
    /// The SSH server does not accept our key.
    #[error("ssh: handshake failed: ssh: unable to authenticate as '{user}': the server refuses the key {fingerprint}")]
    Refused {
        /// The user.
        user: String,
        /// Of our public key.
        fingerprint: String,
    },
    /// Another fault of SSH.
    #[error("ssh: {reason}")]
    Ssh {
        /// In the library's words.
        reason: String,
    },
    /// The server said so within the protocol.
    #[error("remote: {message}")]
    Remote {
        /// In its words.
        message: String,
    },
    /// The server does not keep to the protocol.
    #[error("the server does not keep to the Git protocol: {what}")]
    Protocol {
        /// What is wrong.
        what: &'static str,
    },
    /// The repository names its objects by SHA-256.
    #[error("the repository uses SHA-256 object names, which are not supported; use one with SHA-1")]
    Sha256,
    /// More than we take.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Our own disk failed.
    #[error("keep the objects on disk")]
    Disk {
        /// What the system said.
        source: io::Error,
    },
}

/// What is wrong with objects that a server sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The pack is damaged, or not one.
    #[error("the pack cannot be read: {reason}")]
    Pack {
        /// In the library's words.
        reason: String,
    },
    /// Something that was wanted, or that a tree refers to, is not there.
    #[error("object {id} is missing")]
    Missing {
        /// 40 hexadecimal digits.
        id: String,
    },
    /// An object is not what it should be.
    #[error("object {id} cannot be read: {reason}")]
    Malformed {
        /// 40 hexadecimal digits.
        id: String,
        /// In the library's words.
        reason: String,
    },
    /// A file name that would lead out of a checkout or into its `.git`.
    #[error("the directory {dir} holds the invalid name {name:?}; remove it from the repository")]
    Name {
        /// Where.
        dir: TreePath,
        /// The name as far as it is text.
        name: String,
        /// Why, where there is more to say.
        source: Option<PathError>,
    },
    /// Two entries of a directory have the same name.
    #[error("{path} is there twice")]
    Twice {
        /// Which.
        path: TreePath,
    },
    /// More than we take.
    #[error("the tree has more than {limit} entries")]
    Entries {
        /// The limit.
        limit: usize,
    },
}
