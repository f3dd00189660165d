//! Nesting: how deep a file's expressions go, known before anything recurses over them.
//!
//! **Input** the text; **Output** a weight that no part of the syntax tree is deeper than, or a diagnostic.
//! **Guarantees** a stack of [`stack_for`] that weight suffices for the parser, every walk over the tree, and its end.
//!
//! Most files have fewer operators in all than a thread has room for, and counting bytes shows it; of the others, one pass
//! over the tokens finds the weight. Python's own limits on brackets and indentation are checked here, too.

use rustpython_ruff_python_ast as ast;
use rustpython_ruff_python_parser as parser;

use ast::token::{TokenKind, Tokens};
use parser::Mode;
use parser::lexer::lex;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Source;

/// CPython's tokenizer has room for so many open brackets (`MAXLEVEL`), in all versions from 3.11 to 3.15.
const MAX_BRACKETS: usize = 200;
/// And for so many levels of indentation (`MAXINDENT`, less the outermost).
const MAX_INDENTATION: usize = 99;
/// And for so many f-strings inside each other (`MAXFSTRINGLEVEL`, less the file itself).
const MAX_STRINGS: usize = 149;
/// Operators in one expression; CPython's parser and compiler give up far below.
const MAX_WEIGHT: usize = 50_000;

/// Stack that one step of nesting may take, with a margin of five (measured without and with optimisation).
const STACK_PER_STEP: usize = if cfg!(debug_assertions) { 24 * 1024 } else { 6 * 1024 };
const STACK_AT_LEAST: usize = 16 * 1024 * 1024;

/// A weight that needs no measuring: a thread with room for it serves for nearly all files.
pub const USUAL_WEIGHT: usize = 20_000;

/// The stack to transpile a file of this weight with. It is only mapped, and costs nothing until it is used.
pub fn stack_for(weight: usize) -> usize {
    STACK_AT_LEAST + weight * STACK_PER_STEP
}

/// A weight that no expression of a file exceeds.
pub fn weight(source: &Source) -> Result<usize, Diagnostic> {
    if source.text().len() < USUAL_WEIGHT {
        return Ok(source.text().len());
    }
    let bound = bound(source.text());
    if bound <= USUAL_WEIGHT {
        return Ok(bound);
    }
    let depth = depth(lexed(source.text()));
    depth.excess().map_or(Ok(depth.weight), |excess| Err(too_deep(source, excess)))
}

/// Refuses what is nested more deeply than Python allows.
pub fn check(source: &Source, tokens: &Tokens) -> Result<(), Diagnostic> {
    let kinds = || tokens.iter().map(|token| token.kind());
    if !may_exceed(kinds()) {
        return Ok(());
    }
    let depth = depth(kinds());
    depth.excess().map_or(Ok(()), |excess| Err(too_deep(source, excess)))
}

/// How many operators and brackets a text has at most: as many as it has bytes for them. (`and` and `or` are flat. A word may
/// stand right behind a number: `0xfif x else y`.)
fn bound(text: &str) -> usize {
    // Without branches, and in bytes, so that the compiler makes vector instructions of it.
    let may_nest = |(&byte, &next): (&u8, &u8)| {
        let is_operator = ((b'!'..=b'/').contains(&byte) & (byte != b',') & (byte != b')') & (byte != b'#'))
            | (b':'..=b'@').contains(&byte)
            | (byte == b'[')
            | (byte == b'^')
            | (b'{'..=b'~').contains(&byte);
        let begins_word = ((byte == b'n') & (next == b'o'))
            | ((byte == b'i') & (next == b'f'))
            | ((byte == b'l') & (next == b'a'))
            | ((byte == b'a') & (next == b'w'))
            | ((byte == b'y') & (next == b'i'));
        u8::from(is_operator | begins_word)
    };
    let (bytes, nexts) = (text.as_bytes(), text.as_bytes().get(1..).unwrap_or_default());
    let chunks = bytes.chunks(usize::from(u8::MAX)).zip(nexts.chunks(usize::from(u8::MAX)));
    1 + chunks.map(|(bytes, nexts)| usize::from(bytes.iter().zip(nexts).map(may_nest).sum::<u8>())).sum::<usize>()
}

fn too_deep(source: &Source, excess: &str) -> Diagnostic {
    // Tokens of the lexer do not say where they are, so the place is found by looking at how much text it takes.
    let text = source.text();
    let (mut enough, mut too_little) = (text.len(), 0);
    while enough - too_little > 1 {
        let middle = text.floor_char_boundary(too_little + (enough - too_little) / 2);
        if middle == too_little {
            break;
        }
        let is_enough = depth(lexed(&text[..middle])).excess().is_some();
        *(if is_enough { &mut enough } else { &mut too_little }) = middle;
    }
    let place = too_little..enough;
    Diagnostic::new(Code::NESTED_TOO_DEEPLY, excess).at(source.name(), source.shared_text(), place, "too deep here")
}

/// The kinds of a text's tokens, without a parser.
fn lexed(text: &str) -> impl Iterator<Item = TokenKind> {
    let mut lexer = lex(text, Mode::Module);
    std::iter::from_fn(move || Some(lexer.next_token()).filter(|&kind| kind != TokenKind::EndOfFile))
}

#[derive(Debug, Default)]
struct Depth {
    brackets: usize,
    indentation: usize,
    strings: usize,
    weight: usize,
}

impl Depth {
    fn excess(&self) -> Option<&'static str> {
        if self.brackets > MAX_BRACKETS {
            Some("too many nested brackets: Python allows 200")
        } else if self.indentation > MAX_INDENTATION {
            Some("too many levels of indentation: Python allows 99")
        } else if self.strings > MAX_STRINGS {
            Some("too many nested f-strings: Python allows 149")
        } else if self.weight > MAX_WEIGHT {
            Some("the expression is nested too deeply")
        } else {
            None
        }
    }
}

/// The greatest depths anywhere in a sequence of tokens, or up to where one is too great.
///
/// Brackets nest, and so does each operator with the one before it (`1 + 1 + 1`, `not not x`, `a.b().c()`), until a comma
/// or the end of the statement. Comparisons, `and` and `or` are flat, but a chain of them is short anyway.
fn depth(tokens: impl Iterator<Item = TokenKind>) -> Depth {
    let mut greatest = Depth::default();
    let mut indentation: usize = 0;
    let mut strings: usize = 0;
    // For each open bracket, the operators since its last comma; and how many lambdas still await their colon, since a
    // comma among their parameters ends nothing.
    let mut levels = vec![Level::default()];
    let mut weight = 0;
    for kind in tokens {
        let open = levels.len() - 1;
        let Some(level) = levels.last_mut() else { break };
        match kind {
            TokenKind::Indent => indentation += 1,
            TokenKind::Dedent => indentation = indentation.saturating_sub(1),
            TokenKind::FStringStart | TokenKind::TStringStart => strings += 1,
            TokenKind::FStringEnd | TokenKind::TStringEnd => strings = strings.saturating_sub(1),
            TokenKind::Newline => {
                levels.truncate(1);
                levels.iter_mut().for_each(|level| *level = Level::default());
                weight = 0;
            }
            kind if is_opening(kind) => {
                level.operators += 1;
                weight += 1;
                levels.push(Level::default());
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace if open > 0 => {
                weight -= levels.pop().map_or(0, |level| level.operators);
            }
            TokenKind::Comma | TokenKind::Semi if level.lambdas == 0 => {
                weight -= level.operators;
                level.operators = 0;
            }
            TokenKind::Colon => level.lambdas = level.lambdas.saturating_sub(1),
            kind if nests(kind) => {
                level.lambdas += usize::from(kind == TokenKind::Lambda);
                level.operators += 1;
                weight += 1;
            }
            _ => continue,
        }
        // Inside of f-strings CPython counts otherwise, and leniently.
        let brackets = if strings == 0 { levels.len() - 1 } else { 0 };
        greatest.brackets = greatest.brackets.max(brackets);
        greatest.indentation = greatest.indentation.max(indentation);
        greatest.strings = greatest.strings.max(strings);
        greatest.weight = greatest.weight.max(weight);
        if greatest.excess().is_some() {
            break;
        }
    }
    greatest
}

/// Whether a file could be nested more deeply than is allowed: it has a statement with so many brackets, strings or tokens in all,
/// or so many levels of indentation. Nearly none has, and to know it is cheaper than the depth.
fn may_exceed(tokens: impl Iterator<Item = TokenKind>) -> bool {
    let (mut brackets, mut strings, mut length, mut indentation) = (0, 0, 0, 0_usize);
    for kind in tokens {
        length += 1;
        match kind {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => brackets += 1,
            TokenKind::FStringStart | TokenKind::TStringStart => strings += 1,
            TokenKind::Indent => indentation += 1,
            TokenKind::Dedent => indentation = indentation.saturating_sub(1),
            TokenKind::Newline if length <= MAX_WEIGHT => (brackets, strings, length) = (0, 0, 0),
            TokenKind::Newline => return true,
            _ => continue,
        }
        if brackets > MAX_BRACKETS || strings > MAX_STRINGS || indentation > MAX_INDENTATION {
            return true;
        }
    }
    length > MAX_WEIGHT
}

#[derive(Clone, Copy, Debug, Default)]
struct Level {
    operators: usize,
    lambdas: usize,
}

fn is_opening(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace)
}

/// Whether a token makes an expression around, or beside, what comes before or after it.
fn nests(kind: TokenKind) -> bool {
    kind.as_binary_operator().is_some()
        || matches!(
            kind,
            TokenKind::Tilde
                | TokenKind::Not
                | TokenKind::Lambda
                | TokenKind::If
                | TokenKind::Await
                | TokenKind::Yield
                | TokenKind::Dot
                | TokenKind::ColonEqual
                | TokenKind::FStringStart
                | TokenKind::TStringStart
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights() {
        let depth = |text| depth(lexed(text));
        assert_eq!(depth("x = 1 + 2 + 3\n").weight, 2);
        assert_eq!(depth("x = [1 + 2, 3 + 4, 5 + 6]\n").weight, 2);
        assert_eq!(depth("f(g(h(x)))\n").brackets, 3);
        assert_eq!(depth("lambda x, y: lambda z, w: lambda: 0\n").weight, 3);
        assert_eq!(depth("if x:\n  if y:\n    pass\n").indentation, 2);
        assert_eq!(depth("x = ')'\n(1)\n").brackets, 1);
    }
    #[test]
    fn what_may_exceed_is_looked_at() {
        let exceeds = |text: &str| (may_exceed(lexed(text)), depth(lexed(text)).excess().is_some());
        assert_eq!(exceeds(&format!("{}x{}\n", "(".repeat(200), ")".repeat(200))), (false, false));
        assert_eq!(exceeds(&format!("{}x{}\n", "(".repeat(201), ")".repeat(201))), (true, true));
        assert_eq!(exceeds(&"f(x)\n".repeat(300)), (false, false));
        assert_eq!(exceeds(&format!("[{}]\n", "f(x), ".repeat(300))), (true, false));
        assert_eq!(exceeds(&format!("x = 1{}\n", " + 1".repeat(50_001))), (true, true));
        let indented = |levels| (0..levels).map(|level| format!("{}if x:\n", " ".repeat(level))).collect::<String>();
        assert_eq!([98, 101].map(|levels| exceeds(&indented(levels))), [(false, false), (true, true)]);
    }

    #[test]
    fn counting_bytes_misses_no_operator() {
        let texts = [
            "x = 1 + 2 // 3 ** -4 >> ~5 @ y < z | 7 ^ 8 & 9 % 2 != 3\n",
            "f(g(h[x.y]), {1: 2}, *a, **b)\n",
            "not(not 1),lambda:lambda x:0,(yield),(y:=2)\n",
            "async def f():await(await x)if await y else[await z]\n",
            "f'{x}' rF'''{y!r:{z}}''' t\"{0}\"\n",
            "x if(y)if z else(0)else 1if 2else 0xfif 3else 1jif 4else 5\n",
        ];
        for text in texts {
            let nesting = lexed(text).filter(|&kind| nests(kind) || is_opening(kind)).count();
            assert!(bound(text) > nesting, "{text}: {} for {nesting}", bound(text));
        }
    }
}
