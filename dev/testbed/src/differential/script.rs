//! Reading scripts.

use http::Method;

/// Requests that belong together.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is about.
    pub name: String,
    /// In order.
    pub requests: Vec<Request>,
}

/// One request of a script, with `$NAME`s still in it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The line it stands on, from 1.
    pub line: usize,
    /// The verb of HTTP.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Options by name.
    pub options: Vec<(String, String)>,
    /// The lines of the body; none for no body.
    pub body: Vec<String>,
    /// What to keep of the answer: name and pointer.
    pub captures: Vec<(String, String)>,
}

impl Request {
    /// An option of the request.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A line of a script says nothing that is understood.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ScriptError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Reads a script.
///
/// # Errors
/// [`ScriptError`] for what stands where it cannot.
pub fn parse(text: &str) -> Result<Vec<Scenario>, ScriptError> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line_number = at + 1;
        let error = |problem| ScriptError { line: line_number, problem };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("== ") {
            scenarios.push(Scenario { name: name.to_owned(), requests: Vec::new() });
            continue;
        }
        let requests = &mut scenarios.last_mut().ok_or_else(|| error("no scenario has begun"))?.requests;
        if let Some(request) = request(line_number, line) {
            requests.push(request);
            continue;
        }
        let last = requests.last_mut().ok_or_else(|| error("no request has begun"))?;
        match line.strip_prefix("=> ").and_then(|rest| rest.split_once(' ')) {
            Some((name, pointer)) => last.captures.push((name.to_owned(), pointer.to_owned())),
            None => last.body.push(line.to_owned()),
        }
    }
    Ok(scenarios)
}

fn request(line_number: usize, line: &str) -> Option<Request> {
    let (method, rest) = line.split_once(' ')?;
    let method = match method {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        _ => return None,
    };
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    let path = words.next()?.to_owned();
    let options = words.filter_map(|word| word.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    Some(Request { line: line_number, method, path, options, body: Vec::new(), captures: Vec::new() })
}
