//! Kubernetes' label selectors: `app=web,tier in (a,b),!legacy`.

use crate::error::{Fault, Reason};
use crate::node::{Map, Node};

/// A list of requirements, all of which must hold.
#[derive(Debug, Default)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Debug)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let mut parser = Parser { rest: text };
        parser
            .selector()
            .map(Self)
            .map_err(|problem| Reason::invalid(format!("{text:?} is not a label selector: {problem}")))
    }

    pub(crate) fn fits(&self, labels: Option<&Map>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.and_then(|labels| labels.get(&requirement.key)).map(Node::text);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.test {
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
                Test::In(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.iter().any(|v| v == value)),
                Test::Greater(than) => number().is_some_and(|number| number > *than),
                Test::Less(than) => number().is_some_and(|number| number < *than),
            }
        })
    }
}

struct Parser<'t> {
    rest: &'t str,
}

const SPECIAL: &[char] = &['=', '!', '(', ')', ',', '>', '<'];

impl<'t> Parser<'t> {
    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        self.skip();
        while !self.rest.is_empty() {
            requirements.push(self.requirement()?);
            self.skip();
            if self.rest.is_empty() {
                break;
            }
            if !self.take(",") {
                return Err(format!("expected a comma before {:?}", self.rest));
            }
            self.skip();
            if self.rest.is_empty() {
                return Err("expected a label after the last comma".to_owned());
            }
        }
        Ok(requirements)
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        if self.take("!") {
            let key = self.key()?;
            return Ok(Requirement { key, test: Test::Missing });
        }
        let key = self.key()?;
        self.skip();
        let test = if self.rest.is_empty() || self.rest.starts_with(',') {
            Test::Exists
        } else if self.take("==") || self.take("=") {
            Test::In(vec![self.value()?])
        } else if self.take("!=") {
            Test::NotIn(vec![self.value()?])
        } else if self.take(">") {
            Test::Greater(self.number()?)
        } else if self.take("<") {
            Test::Less(self.number()?)
        } else {
            match self.word() {
                "in" => Test::In(self.values()?),
                "notin" => Test::NotIn(self.values()?),
                other => return Err(format!("found {other:?}, expected one of in, notin, =, ==, !=, >, <")),
            }
        };
        Ok(Requirement { key, test })
    }

    fn key(&mut self) -> Result<String, String> {
        self.skip();
        let key = self.word();
        let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let inside = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !inside || !edge(name.chars().next()) || !edge(name.chars().next_back()) || name.len() > 63 {
            return Err(format!("{key:?} is not the name of a label"));
        }
        Ok(key.to_owned())
    }

    fn value(&mut self) -> Result<String, String> {
        self.skip();
        let value = self.word();
        let inside = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
        if !inside || !edge(value.chars().next()) || !edge(value.chars().next_back()) || value.len() > 63 {
            return Err(format!("{value:?} is not the value of a label"));
        }
        Ok(value.to_owned())
    }

    fn number(&mut self) -> Result<i64, String> {
        let value = self.value()?;
        value.parse().map_err(|_| format!("{value:?} is not a whole number"))
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        self.skip();
        if !self.take("(") {
            return Err("expected ( before the values".to_owned());
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value()?);
            self.skip();
            if self.take(")") {
                return Ok(values);
            }
            if !self.take(",") {
                return Err("expected , or ) after a value".to_owned());
            }
        }
    }

    fn word(&mut self) -> &'t str {
        let end = self.rest.find(|c: char| c.is_ascii_whitespace() || SPECIAL.contains(&c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }
}

#[cfg(test)]
mod tests {
    use super::LabelSelector;
    use crate::node::{Map, Node};

    #[track_caller]
    fn check(selector: &str, expected: bool) {
        let labels: Map =
            [("app", "web"), ("tier", "back"), ("n", "5")].into_iter().map(|(k, v)| (k.into(), Node::str(v))).collect();
        assert_eq!(LabelSelector::parse(selector).unwrap().fits(Some(&labels)), expected, "{selector}");
    }

    #[test]
    fn requirements_hold_together() {
        for selector in
            ["", "app", "app=web", "app==web,tier", "app in (web, x)", "app notin (x)", "!y", "y!=1", "n>4", "n<6"]
        {
            check(selector, true);
        }
        for selector in ["y", "app=x", "app!=web", "app in (x,y)", "!app", "n>5", "tier notin (back)", "app,y"] {
            check(selector, false);
        }
        for broken in ["app=web,", "a b", "app in web", "=x", "app=(x)", ","] {
            assert!(LabelSelector::parse(broken).is_err(), "{broken}");
        }
    }
}
