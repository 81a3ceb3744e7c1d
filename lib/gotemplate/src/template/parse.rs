//! From tokens to templates.

mod pipeline;

use std::sync::Arc;

use foldhash::HashMap;

use super::ast::{
    Arm, Branch, Command, Invocation, Literal, Node, Operand, ROOT_VARIABLE, Range, Ref, Source, Span, Tree,
};
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
    text: &Arc<[u8]>,
    funcs: &Funcs,
    nesting: Nesting,
) -> Result<Vec<(Str, Tree)>, ParseError> {
    let mut parser = Parser {
        lexer: Lexer::new(text, ["break", "continue"].map(|name| funcs.get(name).is_some())),
        pending: Vec::new(),
        line: 0,
        at: 0,
        action_line: None,
        text,
        source: Source { name: file.to_owned(), text: text.clone(), ..Source::default() },
        funcs,
        nesting,
        parens: 0,
        blocks: 0,
        names: HashMap::from_iter([(&b"$"[..], ROOT_VARIABLE)]),
        literals: HashMap::default(),
        scope: Scope::default(),
        open: Open::with_room(),
        trees: Vec::new(),
    };
    if u32::try_from(text.len()).is_err() {
        return parser.error("the text is longer than 4 GiB");
    }
    let root = parser.file()?;
    parser.add(file.into(), root)?;
    let Parser { mut source, trees, .. } = parser;
    source.shrink();
    let source = Arc::new(source);
    Ok(trees.into_iter().map(|(name, root)| (name, Tree { source: source.clone(), root })).collect())
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// Tokens that were put back, the next one last.
    pending: Vec<Token>,
    /// Of the token read last, for error messages.
    line: u32,
    /// Where that token stands.
    at: u32,
    /// Where the current action began.
    action_line: Option<u32>,
    text: &'a [u8],
    /// What is parsed so far.
    source: Source,
    funcs: &'a Funcs,
    nesting: Nesting,
    parens: usize,
    blocks: usize,
    /// The number of every variable name in the file.
    names: HashMap<&'a [u8], u32>,
    /// Where every string of the file is among its literals: charts write few of them, many times.
    literals: HashMap<&'a [u8], Ref<Literal>>,
    scope: Scope,
    open: Open,
    trees: Vec<(Str, Span)>,
}

/// Lists that are not complete, one behind the other.
struct Open {
    nodes: Vec<Node>,
    arms: Vec<Arm>,
    commands: Vec<Command>,
    operands: Vec<Operand>,
}

impl Open {
    /// Has room for what most files have open.
    fn with_room() -> Self {
        Self {
            nodes: Vec::with_capacity(64),
            arms: Vec::with_capacity(8),
            commands: Vec::with_capacity(8),
            operands: Vec::with_capacity(16),
        }
    }
}

/// Moves what is open from there on behind what is complete.
fn complete<T>(open: &mut Vec<T>, from: usize, complete: &mut Vec<T>) -> Span {
    let start = complete.len();
    complete.extend(open.drain(from..));
    Span::new(start, complete.len())
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

/// What began a list of nodes.
#[derive(Clone, Copy)]
struct Opening {
    word: &'static str,
    line: u32,
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
    fn next(&mut self) -> Token {
        if let Some(token) = self.pending.pop() {
            return token;
        }
        let token = self.lexer.next();
        (self.line, self.at) = (token.line, token.span.start);
        token
    }

    fn back(&mut self, token: Token) {
        self.pending.push(token);
    }

    fn peek(&mut self) -> Token {
        if let Some(token) = self.pending.last() {
            return *token;
        }
        let token = self.next();
        self.back(token);
        token
    }

    fn next_word(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    /// The next token that is no space, which is left; spaces before it are gone.
    fn peek_word(&mut self) -> Token {
        loop {
            let token = self.peek();
            if token.kind != Kind::Space {
                return token;
            }
            self.pending.pop();
        }
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T> {
        let before = Span { start: 0, end: self.at }.of(self.text);
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        Err(ParseError { file: self.source.name.clone(), line: self.line as usize, column, message: message.into() })
    }

    fn text(&self, token: Token) -> &'a [u8] {
        token.span.of(self.text)
    }

    /// How error messages name a token.
    fn describe(&self, token: Token) -> String {
        let text = self.text(token);
        let shown = || Str::from(text).to_str().into_owned();
        match token.kind {
            Kind::End => "EOF".to_owned(),
            Kind::Error => self.lexer.problem().to_owned(),
            Kind::Keyword(_) | Kind::Dot | Kind::Nil => format!("<{}>", shown()),
            _ if text.len() > 10 => {
                let head: String = shown().chars().take(10).collect();
                format!("{}...", strconv::quote(head.as_bytes()))
            }
            _ => strconv::quote(text),
        }
    }

    fn unexpected<T>(&self, token: Token, context: &str) -> Result<T> {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", self.describe(token)));
        }
        let message = self.describe(token);
        match self.action_line {
            Some(line) if line != token.line => {
                let action = if message.ends_with(" action") { "" } else { " in action" };
                self.error(format!("{message}{action} started at {}:{line}", self.source.name))
            }
            _ => self.error(message),
        }
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token> {
        let token = self.next_word();
        if token.kind == kind { Ok(token) } else { self.unexpected(token, context) }
    }

    fn add(&mut self, name: Str, root: Span) -> Result<()> {
        match self.trees.iter_mut().find(|(known, _)| *known == name) {
            None => self.trees.push((name, root)),
            Some((_, known)) if self.source.is_blank(*known) => *known = root,
            Some(_) if self.source.is_blank(root) => {}
            Some(_) => {
                let name = strconv::quote(name.as_bytes());
                return self.error(format!("template: multiple definition of template {name}"));
            }
        }
        Ok(())
    }

    fn file(&mut self) -> Result<Span> {
        loop {
            match self.peek().kind {
                Kind::End => return Ok(self.complete_nodes(0)),
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
        let opening = self.opening("define");
        let token = self.next_word();
        let name = self.template_name(token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.template_body(name, opening, None)
    }

    /// The rest of a `define` or `block`, which shares nothing with what surrounds it. A wrong end is reported for
    /// `line` if there is one.
    fn template_body(&mut self, name: Str, opening: Opening, line: Option<u32>) -> Result<()> {
        let outer = std::mem::take(&mut self.scope);
        let parens = std::mem::take(&mut self.parens);
        let action_line = self.action_line.take();
        let (root, terminator) = self.list(opening)?;
        if terminator != Terminator::End {
            self.line = line.unwrap_or(self.line);
            return self.error(format!("unexpected {} in {} clause", terminator.text(), opening.word));
        }
        self.add(name, root)?;
        self.scope = outer;
        self.parens = parens;
        self.action_line = action_line;
        Ok(())
    }

    fn template_name(&mut self, token: Token, context: &str) -> Result<Str> {
        if matches!(token.kind, Kind::String | Kind::RawString) {
            self.unquote(token)
        } else {
            self.unexpected(token, context)
        }
    }

    fn unquote(&self, token: Token) -> Result<Str> {
        let quoted = self.text(token);
        let text = if token.kind == Kind::RawString {
            // Raw strings may hold bytes that are no text.
            let body = quoted.get(1..quoted.len() - 1).unwrap_or_default();
            match memchr::memchr(b'\r', body) {
                None => Some(body.into()),
                Some(_) => Some(body.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<u8>>().into()),
            }
        } else {
            strconv::unquote(&Str::from(quoted).to_str()).map(Str::from)
        };
        text.map_or_else(|| self.error("invalid syntax"), Ok)
    }

    fn complete_nodes(&mut self, from: usize) -> Span {
        complete(&mut self.open.nodes, from, &mut self.source.nodes)
    }

    /// What begins with the token that was read last.
    fn opening(&self, word: &'static str) -> Opening {
        Opening { word, line: self.line }
    }

    /// Nodes up to `end` or `else`.
    fn list(&mut self, opening: Opening) -> Result<(Span, Terminator)> {
        self.blocks += 1;
        if self.blocks > self.nesting.blocks {
            return self.error("max block depth exceeded");
        }
        let result = stacker::maybe_grow(RED_ZONE, MORE_STACK, || self.list_here(opening));
        self.blocks -= 1;
        result
    }

    fn list_here(&mut self, opening: Opening) -> Result<(Span, Terminator)> {
        let start = self.open.nodes.len();
        while self.peek_word().kind != Kind::End {
            match self.text_or_action()? {
                Item::Node(node) => self.open.nodes.push(node),
                Item::Terminator(terminator) => return Ok((self.complete_nodes(start), terminator)),
            }
        }
        let Opening { word, line } = opening;
        self.error(format!("unexpected EOF: {{{{{word}}}}} in line {line} has no {{{{end}}}}"))
    }

    fn text_or_action(&mut self) -> Result<Item> {
        let token = self.next_word();
        let span = token.span;
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(span))),
            Kind::Comment => Ok(Item::Node(Node::Comment(span))),
            Kind::LeftDelim => {
                self.action_line = Some(token.line);
                let item = self.action()?;
                self.action_line = None;
                Ok(item)
            }
            _ => self.unexpected(token, "input"),
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
            Keyword::If => Node::If(self.branch(self.opening("if"), Keyword::If)?),
            Keyword::With => Node::With(self.branch(self.opening("with"), Keyword::With)?),
            Keyword::Range => {
                let range = self.range()?;
                Node::Range(Ref::push(&mut self.source.ranges, range))
            }
            Keyword::Template => self.invocation()?,
            Keyword::Define => return self.unexpected(token, "command"),
        }))
    }

    fn leave_range(&mut self, word: &str, node: Node) -> Result<Node> {
        let token = self.next_word();
        if token.kind != Kind::RightDelim {
            return self.unexpected(token, &format!("{{{{{word}}}}}"));
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

    fn branch(&mut self, opening: Opening, keyword: Keyword) -> Result<Branch> {
        let outer = self.scope.variables.len();
        let start = self.open.arms.len();
        let otherwise = loop {
            let pipe = self.pipeline(opening.word, Kind::RightDelim)?;
            let (body, terminator) = self.list(opening)?;
            self.open.arms.push(Arm { pipe, body });
            if terminator == Terminator::End {
                break None;
            }
            if self.peek().kind != Kind::Keyword(keyword) {
                break Some(self.last_list(opening)?);
            }
            self.next();
        };
        self.scope.variables.truncate(outer);
        Ok(Branch { arms: complete(&mut self.open.arms, start, &mut self.source.arms), otherwise })
    }

    fn last_list(&mut self, opening: Opening) -> Result<Span> {
        let (nodes, terminator) = self.list(opening)?;
        if terminator == Terminator::End {
            Ok(nodes)
        } else {
            self.error(format!("expected end; found {}", terminator.text()))
        }
    }

    fn range(&mut self) -> Result<Range> {
        let opening = self.opening("range");
        let outer = self.scope.variables.len();
        let pipe = self.pipeline(opening.word, Kind::RightDelim)?;
        self.scope.ranges += 1;
        let (body, terminator) = self.list(opening)?;
        self.scope.ranges -= 1;
        let otherwise = match terminator {
            Terminator::End => None,
            Terminator::Else => Some(self.last_list(opening)?),
        };
        self.scope.variables.truncate(outer);
        Ok(Range { pipe, body, otherwise })
    }

    fn block(&mut self) -> Result<Node> {
        const CONTEXT: &str = "block clause";
        let opening = self.opening("block");
        let token = self.next_word();
        let name = self.template_name(token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        self.template_body(name.clone(), opening, Some(self.line))?;
        let invocation = Invocation { at: token.span.start, name, pipe: Some(pipe) };
        Ok(Node::Template(Ref::push(&mut self.source.invocations, invocation)))
    }

    fn invocation(&mut self) -> Result<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_word();
        let name = self.template_name(token, CONTEXT)?;
        let next = self.next_word();
        let pipe = if next.kind == Kind::RightDelim {
            None
        } else {
            self.back(next);
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        let invocation = Invocation { at: token.span.start, name, pipe };
        Ok(Node::Template(Ref::push(&mut self.source.invocations, invocation)))
    }
}
