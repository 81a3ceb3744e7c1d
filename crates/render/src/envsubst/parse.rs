//! From text to pieces.

use super::operator::Operator;
use super::{DEEPEST, Error};

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it stands.
    Text(String),
    /// `${…}`
    Expression(Expression),
}

/// `${…}`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) name: String,
    pub(super) operator: Operator,
    pub(super) arguments: Vec<Piece>,
    /// The line it begins in, from 1.
    pub(super) line: usize,
}

/// Which escapes count in a stretch of text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    /// `$$`
    Dollar,
    /// `$$`, `\/` and `\\`
    All,
}

/// Splits a text into pieces.
pub(super) fn parse(text: &str) -> Result<Vec<Piece>, Error> {
    let mut parser = Parser { text, at: 0, line: 1 };
    let mut pieces = Vec::new();
    while parser.at < text.len() {
        if parser.eat("${") {
            pieces.push(Piece::Expression(parser.expression(0)?));
        } else {
            pieces.push(Piece::Text(parser.until(|_| false, Escapes::Dollar)));
        }
    }
    Ok(pieces)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Parser<'_> {
    /// An expression, from behind its `${` to behind its `}`.
    fn expression(&mut self, depth: usize) -> Result<Expression, Error> {
        let line = self.line;
        if depth >= DEEPEST {
            return Err(Error::TooDeep { line });
        }
        if self.eat("#") {
            let name = self.name();
            if name.is_empty() {
                return Err(Error::BadSubstitution { line });
            }
            return self.close(Expression { name, operator: Operator::Length, arguments: Vec::new(), line });
        }
        let name = self.name();
        if name.is_empty() {
            return Err(Error::VariableName { line });
        }
        let Some(operator) = self.operator() else {
            return if self.eat("}") {
                Ok(Expression { name, operator: Operator::Value, arguments: Vec::new(), line })
            } else {
                Err(Error::MissingClosingBrace { line: self.line })
            };
        };
        let arguments = self.arguments(operator, depth)?;
        self.close(Expression { name, operator, arguments, line })
    }

    fn operator(&mut self) -> Option<Operator> {
        const OPERATORS: &[(&str, Operator)] = &[
            (":=", Operator::Default),
            (":-", Operator::Default),
            (":?", Operator::Default),
            (":+", Operator::Default),
            (":", Operator::Part),
            ("=", Operator::Default),
            (",,", Operator::Lower),
            (",", Operator::LowerFirst),
            ("^^", Operator::Upper),
            ("^", Operator::UpperFirst),
            ("//", Operator::ReplaceAll),
            ("/#", Operator::ReplacePrefix),
            ("/%", Operator::ReplaceSuffix),
            ("/", Operator::ReplaceFirst),
            ("##", Operator::LongestPrefix),
            ("#", Operator::ShortestPrefix),
            ("%%", Operator::LongestSuffix),
            ("%", Operator::ShortestSuffix),
        ];
        OPERATORS.iter().find_map(|(text, operator)| self.eat(text).then_some(*operator))
    }

    fn arguments(&mut self, operator: Operator, depth: usize) -> Result<Vec<Piece>, Error> {
        let not_closing = |next: char| next == '}';
        match operator {
            Operator::Default => {
                let mut arguments = Vec::new();
                while !self.text[self.at..].starts_with('}') {
                    arguments.push(self.argument(not_closing, Escapes::None, depth)?);
                }
                Ok(arguments)
            }
            Operator::Part => {
                let mut arguments = vec![self.argument(|next| matches!(next, ':' | '}'), Escapes::None, depth)?];
                if self.eat(":") {
                    while self.eat(":") {}
                    arguments.push(self.argument(not_closing, Escapes::None, depth)?);
                }
                Ok(arguments)
            }
            Operator::ReplaceFirst | Operator::ReplaceAll | Operator::ReplacePrefix | Operator::ReplaceSuffix => {
                let mut arguments = vec![self.argument(|next| next == '/', Escapes::All, depth)?];
                if !self.eat("/") {
                    return Err(Error::BadSubstitution { line: self.line });
                }
                while self.eat("/") {}
                if !self.text[self.at..].starts_with('}') {
                    arguments.push(self.argument(not_closing, Escapes::All, depth)?);
                }
                Ok(arguments)
            }
            Operator::ShortestPrefix | Operator::LongestPrefix | Operator::ShortestSuffix | Operator::LongestSuffix => {
                Ok(vec![self.argument(not_closing, Escapes::None, depth)?])
            }
            // The rest takes none.
            _ => Ok(Vec::new()),
        }
    }

    /// One argument: an expression, or text up to an expression or the end of the argument. It is never empty.
    fn argument(&mut self, end: impl Fn(char) -> bool, escapes: Escapes, depth: usize) -> Result<Piece, Error> {
        if self.eat("${") {
            return self.expression(depth + 1).map(Piece::Expression);
        }
        let line = self.line;
        match self.until(end, escapes) {
            text if text.is_empty() => Err(Error::Argument { line }),
            text => Ok(Piece::Text(text)),
        }
    }

    /// Text up to `${`, to a character that ends it, or to the end.
    fn until(&mut self, end: impl Fn(char) -> bool, escapes: Escapes) -> String {
        let mut text = String::new();
        while let Some(next) = self.text[self.at..].chars().next() {
            let rest = &self.text[self.at..];
            if rest.starts_with("${") {
                break;
            }
            let is_escape = match escapes {
                Escapes::None => false,
                Escapes::Dollar => rest.starts_with("$$"),
                Escapes::All => rest.starts_with("$$") || rest.starts_with("\\/") || rest.starts_with("\\\\"),
            };
            if is_escape {
                self.at += 1;
                let literal = self.text[self.at..].chars().next().unwrap_or_default();
                self.step(literal);
                text.push(literal);
            } else if end(next) {
                break;
            } else {
                self.step(next);
                text.push(next);
            }
        }
        text
    }

    fn name(&mut self) -> String {
        let rest = &self.text[self.at..];
        let end = rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }

    fn close(&mut self, expression: Expression) -> Result<Expression, Error> {
        if self.eat("}") { Ok(expression) } else { Err(Error::BadSubstitution { line: self.line }) }
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.text[self.at..].starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn step(&mut self, over: char) {
        self.at += over.len_utf8();
        self.line += usize::from(over == '\n');
    }
}
