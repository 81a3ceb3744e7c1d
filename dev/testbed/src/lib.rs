//! Real servers for tests: a control plane, Git over HTTP and SSH, a sink for events, and our own binary as a child.
//!
//! Every server takes its ports from the kernel, writes below a temporary folder of its own, and is gone when its value
//! is dropped or the test process ends, in whatever way.

pub mod control_plane;
pub mod differential;
pub mod flux;
pub mod git;
pub mod kinds;
pub mod namespace;
pub mod notifications;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod recordings;
pub mod repository;
pub mod smart_http;
pub mod world;

pub use control_plane::{ControlPlane, Kind, Requests, StartError, User};
pub use flux::Flux;
pub use namespace::Namespace;
pub use notifications::Notifications;
pub use proxy::Proxy;
pub use repository::Repository;
pub use smart_http::SmartHttp;
pub use world::World;

use tokio::sync::OnceCell;

/// The control plane that all tests of one binary share, started by the first of them; each test has its own
/// [`Namespace`].
///
/// # Errors
/// As [`ControlPlane::start`]; the next caller tries again.
pub async fn shared() -> Result<&'static ControlPlane, StartError> {
    static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
    SHARED.get_or_try_init(ControlPlane::start).await
}
