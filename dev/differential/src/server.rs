//! Asks an API server, and takes the answer as it comes.

use http::{Method, Request};
use kube::Client;
use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The code of HTTP.
    pub code: u16,
    /// The object, or the `Status`.
    pub body: Value,
}

impl Answer {
    /// Whether the request was carried out.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// What the `Status` says.
    pub fn message(&self) -> &str {
        self.body.get("message").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Sends a request with a body in JSON.
///
/// # Errors
/// When there is no answer at all.
pub async fn send(
    client: &Client,
    method: Method,
    path: &str,
    content_type: &str,
    body: &Value,
) -> Result<Answer, String> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("Content-Type", content_type)
        .header("Accept", "application/json")
        .body(kube::client::Body::from(body))
        .map_err(|error| error.to_string())?;
    let response = client.send(request).await.map_err(|error| error.to_string())?;
    let code = response.status().as_u16();
    let bytes = response.into_body().collect_bytes().await.map_err(|error| error.to_string())?;
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    Ok(Answer { code, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) })
}

/// Reads.
///
/// # Errors
/// When there is no answer, or it is a refusal.
pub async fn get(client: &Client, path: &str) -> Result<Value, String> {
    let answer = send(client, Method::GET, path, "application/json", &Value::Null).await?;
    if answer.is_ok() { Ok(answer.body) } else { Err(format!("GET {path}: {}", answer.body)) }
}
