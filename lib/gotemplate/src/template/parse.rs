//! From tokens to templates.

mod pipeline;

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{Branch, Command, Invocation, Node, Operand, ROOT_VARIABLE, Range, Span, Tree};
use super::lex::{Keyword, Kind, Lexer, Token};
use crate::funcs::Funcs;
use crate::strconv;
use crate::value::Str;

/// A template does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {file}:{line}: {message}")]
pub struct ParseError {
    /// The name under which the text was parsed.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// Where the token stands that is wrong: the byte in the line, from 0, as execution errors count.
    pub column: usize,
    /// What is wrong, in Go's words.
    pub message: String,
}

/// How deeply a template's text may nest.
#[derive(Clone, Copy, Debug)]
pub struct Nesting {
    /// Parentheses within each other.
    pub parens: usize,
    /// Control structures (`if`, `with`, `range`, `block`) within each other.
    pub blocks: usize,
}

impl Default for Nesting {
    /// Go allows 10,000 parentheses and any number of blocks; its stack grows as needed.
    fn default() -> Self {
        Self { parens: 500, blocks: 500 }
    }
}

/// Parses a text into the template of that name and those that it defines, in the order of their ends.
pub(super) fn parse(
    file: &str,
    source: &Arc<[u8]>,
    funcs: &Funcs,
    nesting: Nesting,
) -> Result<Vec<(Str, Tree)>, ParseError> {
    let file: Arc<str> = file.into();
    let mut parser = Parser {
        lexer: Lexer::new(source, ["break", "continue"].map(|name| funcs.get(name).is_some())),
        pending: Vec::new(),
        line: 0,
        at: 0,
        action_line: None,
        file: &file,
        source: source.clone(),
        funcs,
        nesting,
        parens: 0,
        blocks: 0,
        names: HashMap::from([(Str::from_static("$"), ROOT_VARIABLE)]),
        fields: HashMap::new(),
        scope: Scope::default(),
        open: Open::with_room(),
        trees: Vec::new(),
    };
    let root = parser.file()?;
    parser.add((&*file).into(), root)?;
    Ok(parser.trees)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// Tokens that were put back, the next one last.
    pending: Vec<Token<'a>>,
    /// Of the token read last, for error messages.
    line: usize,
    /// Where that token stands.
    at: usize,
    /// Where the current action began.
    action_line: Option<usize>,
    file: &'a Arc<str>,
    source: Arc<[u8]>,
    funcs: &'a Funcs,
    nesting: Nesting,
    parens: usize,
    blocks: usize,
    /// The number of every variable name in the file.
    names: HashMap<Str, u32>,
    /// The name of every field in the file: charts write few of them, many times.
    fields: HashMap<Box<[u8]>, Str>,
    scope: Scope,
    open: Open,
    trees: Vec<(Str, Tree)>,
}

/// Lists that are not complete, one behind the other, so that each is made with room for just what is in it: parsed
/// templates live long.
struct Open {
    nodes: Vec<Node>,
    commands: Vec<Command>,
    operands: Vec<Operand>,
}

impl Open {
    /// Has room for what most files have open.
    fn with_room() -> Self {
        Self { nodes: Vec::with_capacity(64), commands: Vec::with_capacity(8), operands: Vec::with_capacity(16) }
    }
}

/// What each template of a file has for itself.
struct Scope {
    variables: Vec<u32>,
    ranges: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self { variables: vec![ROOT_VARIABLE], ranges: 0 }
    }
}

/// What ended a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Terminator {
    End,
    Else,
}

impl Terminator {
    fn text(self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

enum Item {
    Node(Node),
    Terminator(Terminator),
}

type Result<T, E = ParseError> = std::result::Result<T, E>;

/// The native stack that must be free before a level of nesting is parsed, and how much more is made when it is not.
const RED_ZONE: usize = 64 << 10;
const MORE_STACK: usize = 1 << 20;

impl<'a> Parser<'a> {
    fn next(&mut self) -> Token<'a> {
        if let Some(token) = self.pending.pop() {
            return token;
        }
        let token = self.lexer.next();
        (self.line, self.at) = (token.line, token.at);
        token
    }

    fn back(&mut self, token: Token<'a>) {
        self.pending.push(token);
    }

    fn peek(&mut self) -> &Token<'a> {
        if self.pending.is_empty() {
            let token = self.next();
            self.pending.push(token);
        }
        // There is one: it was pushed if there was none.
        &self.pending[self.pending.len() - 1]
    }

    fn next_word(&mut self) -> Token<'a> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    /// The next token that is no space, which is left; spaces before it are gone.
    fn peek_word(&mut self) -> &Token<'a> {
        while self.peek().kind == Kind::Space {
            self.pending.pop();
        }
        self.peek()
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T> {
        let before = self.source.get(..self.at).unwrap_or_default();
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        Err(ParseError { file: self.file.to_string(), line: self.line, column, message: message.into() })
    }

    fn unexpected<T>(&self, token: &Token<'_>, context: &str) -> Result<T> {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", token.describe()));
        }
        let message = token.describe();
        match self.action_line {
            Some(line) if line != token.line => {
                let action = if message.ends_with(" action") { "" } else { " in action" };
                self.error(format!("{message}{action} started at {}:{line}", self.file))
            }
            _ => self.error(message),
        }
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token<'a>> {
        let token = self.next_word();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn add(&mut self, name: Str, root: Vec<Node>) -> Result<()> {
        let tree = Tree { file: self.file.clone(), source: self.source.clone(), root };
        match self.trees.iter_mut().find(|(known, _)| *known == name) {
            None => self.trees.push((name, tree)),
            Some((_, known)) if known.is_blank() => *known = tree,
            Some(_) if tree.is_blank() => {}
            Some(_) => {
                let name = strconv::quote(name.as_bytes());
                return self.error(format!("template: multiple definition of template {name}"));
            }
        }
        Ok(())
    }

    fn file(&mut self) -> Result<Vec<Node>> {
        loop {
            match self.peek().kind {
                Kind::End => return Ok(self.open.nodes.split_off(0)),
                Kind::LeftDelim => {
                    let delim = self.next();
                    let word = self.next_word();
                    if word.kind == Kind::Keyword(Keyword::Define) {
                        self.definition()?;
                        continue;
                    }
                    self.back(word);
                    self.back(delim);
                }
                _ => {}
            }
            match self.text_or_action()? {
                Item::Node(node) => self.open.nodes.push(node),
                Item::Terminator(terminator) => return self.error(format!("unexpected {}", terminator.text())),
            }
        }
    }

    fn definition(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        let token = self.next_word();
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.template_body(name, CONTEXT, None)
    }

    /// The rest of a `define` or `block`, which shares nothing with what surrounds it. A wrong end is reported for
    /// `line` if there is one.
    fn template_body(&mut self, name: Str, context: &str, line: Option<usize>) -> Result<()> {
        let outer = std::mem::take(&mut self.scope);
        let parens = std::mem::take(&mut self.parens);
        let action_line = self.action_line.take();
        let (root, terminator) = self.list()?;
        if terminator != Terminator::End {
            self.line = line.unwrap_or(self.line);
            return self.error(format!("unexpected {} in {context}", terminator.text()));
        }
        self.add(name, root)?;
        self.scope = outer;
        self.parens = parens;
        self.action_line = action_line;
        Ok(())
    }

    fn template_name(&mut self, token: &Token<'_>, context: &str) -> Result<Str> {
        if matches!(token.kind, Kind::String | Kind::RawString) {
            self.unquote(token)
        } else {
            self.unexpected(token, context)
        }
    }

    fn unquote(&self, token: &Token<'_>) -> Result<Str> {
        let text = if token.kind == Kind::RawString {
            // Raw strings may hold bytes that are no text.
            let body = token.text.get(1..token.text.len() - 1).unwrap_or_default();
            Some(body.iter().copied().filter(|&byte| byte != b'\r').collect())
        } else {
            strconv::unquote(&Str::from(&*token.text).to_str())
        };
        match text {
            Some(text) => Ok(text.into()),
            None => self.error("invalid syntax"),
        }
    }

    /// Nodes up to `end` or `else`.
    fn list(&mut self) -> Result<(Vec<Node>, Terminator)> {
        self.blocks += 1;
        if self.blocks > self.nesting.blocks {
            return self.error("max block depth exceeded");
        }
        let result = stacker::maybe_grow(RED_ZONE, MORE_STACK, || self.list_here());
        self.blocks -= 1;
        result
    }

    fn list_here(&mut self) -> Result<(Vec<Node>, Terminator)> {
        let start = self.open.nodes.len();
        while self.peek_word().kind != Kind::End {
            match self.text_or_action()? {
                Item::Node(node) => self.open.nodes.push(node),
                Item::Terminator(terminator) => return Ok((self.open.nodes.split_off(start), terminator)),
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Result<Item> {
        let token = self.next_word();
        let span = Span { start: token.at, end: token.at + token.text.len() };
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(span))),
            Kind::Comment => Ok(Item::Node(Node::Comment(span))),
            Kind::LeftDelim => {
                self.action_line = Some(token.line);
                let item = self.action()?;
                self.action_line = None;
                Ok(item)
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Result<Item> {
        let token = self.next_word();
        let Kind::Keyword(keyword) = token.kind else {
            self.back(token);
            return Ok(Item::Node(Node::Action(self.pipeline("command", Kind::RightDelim)?)));
        };
        Ok(Item::Node(match keyword {
            Keyword::Block => self.block()?,
            Keyword::Break => self.leave_range("break", Node::Break)?,
            Keyword::Continue => self.leave_range("continue", Node::Continue)?,
            Keyword::Else => return self.otherwise(),
            Keyword::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::Terminator(Terminator::End));
            }
            Keyword::If => Node::If(self.branch("if", Keyword::If)?),
            Keyword::With => Node::With(self.branch("with", Keyword::With)?),
            Keyword::Range => Node::Range(Box::new(self.range()?)),
            Keyword::Template => self.invocation()?,
            Keyword::Define => return self.unexpected(&token, "command"),
        }))
    }

    fn leave_range(&mut self, word: &str, node: Node) -> Result<Node> {
        let token = self.next_word();
        if token.kind != Kind::RightDelim {
            return self.unexpected(&token, &format!("{{{{{word}}}}}"));
        }
        if self.scope.ranges == 0 {
            return self.error(format!("{{{{{word}}}}} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// `else`; a following `if` or `with` is left for whoever expects it.
    fn otherwise(&mut self) -> Result<Item> {
        if !matches!(self.peek_word().kind, Kind::Keyword(Keyword::If | Keyword::With)) {
            self.expect(Kind::RightDelim, "else")?;
        }
        Ok(Item::Terminator(Terminator::Else))
    }

    fn branch(&mut self, context: &str, keyword: Keyword) -> Result<Branch> {
        let outer = self.scope.variables.len();
        let mut arms = Vec::new();
        let otherwise = loop {
            let pipe = self.pipeline(context, Kind::RightDelim)?;
            let (body, terminator) = self.list()?;
            arms.push((pipe, body));
            if terminator == Terminator::End {
                break None;
            }
            if self.peek().kind != Kind::Keyword(keyword) {
                break Some(self.last_list()?);
            }
            self.next();
        };
        self.scope.variables.truncate(outer);
        Ok(Branch { arms, otherwise })
    }

    fn last_list(&mut self) -> Result<Vec<Node>> {
        let (nodes, terminator) = self.list()?;
        if terminator == Terminator::End {
            Ok(nodes)
        } else {
            self.error(format!("expected end; found {}", terminator.text()))
        }
    }

    fn range(&mut self) -> Result<Range> {
        let outer = self.scope.variables.len();
        let pipe = self.pipeline("range", Kind::RightDelim)?;
        self.scope.ranges += 1;
        let (body, terminator) = self.list()?;
        self.scope.ranges -= 1;
        let otherwise = match terminator {
            Terminator::End => None,
            Terminator::Else => Some(self.last_list()?),
        };
        self.scope.variables.truncate(outer);
        Ok(Range { pipe, body, otherwise })
    }

    fn block(&mut self) -> Result<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_word();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        self.template_body(name.clone(), CONTEXT, Some(self.line))?;
        Ok(Node::Template(Box::new(Invocation { at: token.at, name, pipe: Some(pipe) })))
    }

    fn invocation(&mut self) -> Result<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_word();
        let name = self.template_name(&token, CONTEXT)?;
        let next = self.next_word();
        let pipe = if next.kind == Kind::RightDelim {
            None
        } else {
            self.back(next);
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        Ok(Node::Template(Box::new(Invocation { at: token.at, name, pipe })))
    }
}
