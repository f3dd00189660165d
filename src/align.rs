//! Alignment: where each statement of a script is in a later version of it.
//!
//! **Input** two texts; **Output** for each statement of the old one, its counterpart in the new, if it has one.
//!
//! ```text
//! old                           new
//! total = 0                     total = 0
//! for item in items:            for item in items:
//!     total += price[item]          if item in price:
//!                                       total += price[item]
//! ```
//!
//! **Guarantees** a counterpart stands in the same scope and never before that of an earlier statement of its suite, unless it
//! was moved as it is. What could be the counterpart of several is *ambiguous*, and of none: nothing is guessed.
//!
//! Suites are compared statement by statement, whole ones first; in what is left, compound statements find each
//! other by their headers, definitions by name, others by likeness. What still has none, or is in one other place as it is, is
//! looked for all over its scope, if there is only one such text: a block that was indented or changed places, a function that
//! was renamed.
//!
//! Statements are numbered in the order of the text; `elif` and `except` are parts of theirs.

use rustc_hash::FxHashMap;
use similar::{Algorithm, DiffOp, TextDiff, capture_diff_slices};

use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::{Options, accept};

mod statements;

use statements::{Statement, flattened, read};

/// How much alike a rewritten statement must be to its old self, from 0 to 1, where others could be meant.
const ALIKE: f32 = 0.5;

/// How much of a statement is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sameness {
    /// It was rewritten.
    Edited,
    /// A compound statement: its header is as it was, with `elif`, `else` and `except`, its suites are not.
    Header,
    Whole,
}

/// Where an old statement is in the new text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counterpart {
    At(usize, Sameness),
    Gone,
    Ambiguous,
}

/// Where a program goes on that was about to begin an old statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this new statement: the counterpart, or the first of those put in right before it or in its place.
    At(usize),
    Gone,
    Ambiguous,
}

/// For each old statement, its counterpart and its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alignment(pub Vec<(Counterpart, Start)>);

impl Alignment {
    /// One JSON array for the runtime: for each old statement `[counterpart, sameness, start]`, numbers from 0; -1 is gone,
    /// -2 ambiguous; the sameness is 0 (edited), 1 (header) or 2 (whole).
    pub fn to_json(&self) -> String {
        let rows = self.0.iter().map(|(counterpart, start)| {
            let (at, sameness) = match *counterpart {
                Counterpart::At(at, sameness) => (at as i64, sameness as i64),
                Counterpart::Gone => (-1, 0),
                Counterpart::Ambiguous => (-2, 0),
            };
            let start = match *start {
                Start::At(at) => at as i64,
                Start::Gone => -1,
                Start::Ambiguous => -2,
            };
            format!("[{at},{sameness},{start}]")
        });
        format!("[{}]", rows.collect::<Vec<_>>().join(","))
    }
}

/// Aligns two versions of a script.
pub fn align(old: &Source, new: &Source, options: &Options) -> Result<Alignment, Diagnostic> {
    accept(old, options, |old_tree, _| {
        accept(new, options, |new_tree, _| {
            let old = read(old, old_tree.tokens(), &old_tree.syntax().body);
            let new = read(new, new_tree.tokens(), &new_tree.syntax().body);
            aligned(&old, &new)
        })
    })?
}

fn aligned(old: &[Statement], new: &[Statement]) -> Alignment {
    let (old_flat, new_flat) = (flattened(old), flattened(new));
    let mut aligner = Aligner {
        found: vec![Counterpart::Gone; old_flat.len()],
        taken: vec![false; new_flat.len()],
        suites: Vec::new(),
        texts: [counted(&old_flat), counted(&new_flat)],
    };
    aligner.align_suites(old, new);
    aligner.find_moved(&old_flat, &new_flat);
    let starts = aligner.starts();
    Alignment(aligner.found.into_iter().zip(starts).collect())
}

/// How often each text is in each scope.
type Texts = FxHashMap<(Option<usize>, u64), usize>;

fn counted(statements: &[&Statement]) -> Texts {
    let mut texts = Texts::default();
    for statement in statements {
        *texts.entry((statement.scope, statement.whole)).or_default() += 1;
    }
    texts
}

/// What a statement can be found by.
#[derive(PartialEq)]
enum Key<'a> {
    Text(u64),
    Name(&'a str),
}

struct Aligner<'a> {
    found: Vec<Counterpart>,
    /// Which new statements are counterparts.
    taken: Vec<bool>,
    /// The suites that were compared.
    suites: Vec<(&'a [Statement], &'a [Statement])>,
    /// The texts of both.
    texts: [Texts; 2],
}

impl<'a> Aligner<'a> {
    fn align_suites(&mut self, old: &'a [Statement], new: &'a [Statement]) {
        self.suites.push((old, new));
        let texts = |suite: &[Statement]| suite.iter().map(|statement| statement.whole).collect::<Vec<_>>();
        let (old_texts, new_texts) = (texts(old), texts(new));
        let count = |texts: &[u64], text: u64| texts.iter().filter(|&&other| other == text).count();
        let mut gap = (0, 0);
        for op in capture_diff_slices(Algorithm::Patience, &old_texts, &new_texts) {
            let DiffOp::Equal { old_index, new_index, len } = op else { continue };
            self.align_gap(&old[gap.0..old_index], &new[gap.1..new_index]);
            for (a, b) in old[old_index..old_index + len].iter().zip(&new[new_index..new_index + len]) {
                // Of several of one text, some of which came or went, none can be told.
                let is_clear = count(&old_texts, a.whole) == count(&new_texts, b.whole);
                self.pair_whole(a, b, is_clear);
            }
            gap = (old_index + len, new_index + len);
        }
        self.align_gap(&old[gap.0..], &new[gap.1..]);
    }

    fn pair_whole(&mut self, old: &'a Statement, new: &'a Statement, is_clear: bool) {
        self.taken[new.number] = true;
        self.found[old.number] =
            if is_clear { Counterpart::At(new.number, Sameness::Whole) } else { Counterpart::Ambiguous };
        for (old, new) in old.suites.iter().zip(&new.suites) {
            for (old, new) in old.iter().zip(new) {
                self.pair_whole(old, new, is_clear);
            }
        }
    }

    /// Two runs of statements of which none is as it was.
    fn align_gap(&mut self, old: &'a [Statement], new: &'a [Statement]) {
        // Several of one name, as the functions of a property are, are told by their decorators and parameters.
        let by_header =
            |statement: &Statement| (!statement.suites.is_empty()).then_some((statement.kind, statement.head));
        self.pair_unique(old, new, by_header);
        let by_name = |statement: &Statement| statement.name.as_ref().map(|name| (statement.kind, name.clone()));
        self.pair_unique(old, new, by_name);
        let (old, new) = self.left(old, new);
        self.pair_alike(&old, &new);
    }

    /// What has no counterpart yet, and is not to be found elsewhere.
    fn left(&self, old: &'a [Statement], new: &'a [Statement]) -> (Vec<&'a Statement>, Vec<&'a Statement>) {
        let is_left = |old: &&Statement| self.found[old.number] == Counterpart::Gone && !self.has_moved(old);
        (old.iter().filter(is_left).collect(), new.iter().filter(|new| !self.taken[new.number]).collect())
    }

    /// Pairs the statements that have a key which no other on their side has.
    fn pair_unique<K: PartialEq>(
        &mut self,
        old: &'a [Statement],
        new: &'a [Statement],
        key: impl Fn(&Statement) -> Option<K>,
    ) {
        let (old, new) = self.left(old, new);
        let unique = |among: &[&'a Statement], wanted: &K| {
            let mut having = among.iter().filter(|statement| key(statement).as_ref() == Some(wanted));
            let first = having.next().copied();
            first.filter(|_| having.next().is_none())
        };
        for &statement in &old {
            let Some(wanted) = key(statement) else { continue };
            if let (Some(a), Some(b)) = (unique(&old, &wanted), unique(&new, &wanted)) {
                self.pair_edited(a, b);
            }
        }
    }

    /// Whether the very text of an old statement is in one other place of its scope now: it is not to be found by likeness.
    fn has_moved(&self, old: &Statement) -> bool {
        let scope = match old.scope.map(|scope| self.found[scope]) {
            None => None,
            Some(Counterpart::At(scope, _)) => Some(scope),
            Some(_) => return false,
        };
        let count = |texts: &Texts, scope| texts.get(&(scope, old.whole)).copied();
        count(&self.texts[0], old.scope) == Some(1) && count(&self.texts[1], scope) == Some(1)
    }

    /// Pairs each statement with the one that is most like it, where that holds on both sides and keeps their order.
    fn pair_alike(&mut self, old: &[&'a Statement], new: &[&'a Statement]) {
        if let (&[a], &[b]) = (old, new)
            && a.kind == b.kind
            && a.name.is_none()
        {
            return self.pair_edited(a, b);
        }
        let likeness = |a: &Statement, b: &Statement| match a.kind == b.kind && a.name.is_none() {
            true => TextDiff::from_words(&*a.text, &*b.text).ratio(),
            false => 0.0,
        };
        let best = |row: &mut dyn Iterator<Item = f32>| {
            let ratios: Vec<f32> = row.collect();
            let most = ratios.iter().copied().fold(ALIKE, f32::max);
            let mut having = (0..ratios.len()).filter(|&at| ratios[at] >= most);
            having.next().filter(|_| having.next().is_none())
        };
        let mut next = 0;
        for a in old {
            let Some(at) = best(&mut new.iter().map(|b| likeness(a, b))) else { continue };
            let back = best(&mut old.iter().map(|other| likeness(other, new[at])));
            if at >= next && back.is_some_and(|back| old[back].number == a.number) {
                self.pair_edited(a, new[at]);
                next = at + 1;
            }
        }
    }

    fn pair_edited(&mut self, old: &'a Statement, new: &'a Statement) {
        let sameness = if old.head == new.head { Sameness::Header } else { Sameness::Edited };
        self.taken[new.number] = true;
        self.found[old.number] = Counterpart::At(new.number, sameness);
        for (old, new) in old.suites_beside(new) {
            self.align_suites(old, new);
        }
    }

    /// Looks all over a scope for what has no counterpart beside its neighbours: the same text, a definition of the same name,
    /// or one that differs in its name alone.
    fn find_moved(&mut self, old: &[&'a Statement], new: &[&'a Statement]) {
        let keys: [fn(&Statement) -> Option<Key<'_>>; 4] = [
            |statement| Some(Key::Text(statement.whole)),
            |statement| statement.name.as_ref().map(|_| Key::Text(statement.head)),
            |statement| statement.name.as_deref().map(Key::Name),
            |statement| statement.name.as_ref().map(|_| Key::Text(statement.nameless)),
        ];
        for key in keys {
            for &statement in old {
                let scope = match statement.scope.map(|scope| self.found[scope]) {
                    None => None,
                    Some(Counterpart::At(scope, _)) => Some(scope),
                    Some(_) => continue,
                };
                if self.found[statement.number] != Counterpart::Gone || key(statement).is_none() {
                    continue;
                }
                let is_like = |other: &Statement| other.kind == statement.kind && key(other) == key(statement);
                let rivals = old.iter().filter(|other| other.scope == statement.scope && is_like(other));
                let mut candidates = new.iter().filter(|other| other.scope == scope && is_like(other));
                let (Some(candidate), None, 1) = (candidates.next(), candidates.next(), rivals.count()) else {
                    continue;
                };
                match self.taken[candidate.number] {
                    true => continue,
                    false if candidate.whole == statement.whole => self.pair_whole(statement, candidate, true),
                    false => self.pair_edited(statement, candidate),
                }
            }
        }
    }

    fn starts(&self) -> Vec<Start> {
        let mut starts: Vec<Start> = (self.found.iter())
            .map(|counterpart| match *counterpart {
                Counterpart::At(new, _) => Start::At(new),
                Counterpart::Gone => Start::Gone,
                Counterpart::Ambiguous => Start::Ambiguous,
            })
            .collect();
        for &(old, new) in &self.suites {
            // Where in the new suite the counterpart of the nearest statement before is, plus one.
            let mut after = Some(0);
            let mut gone = 0;
            for (at, statement) in old.iter().enumerate() {
                let beside = |number: usize| new.iter().position(|other| other.number == number);
                match self.found[statement.number] {
                    Counterpart::At(number, _) => {
                        let here = beside(number);
                        if let (Some(after), Some(here), 0) = (after, here, gone)
                            && after < here
                            && new[after..here].iter().all(|other| !self.taken[other.number])
                        {
                            starts[statement.number] = Start::At(new[after].number);
                        }
                        (after, gone) = (here.map(|here| here + 1), 0);
                    }
                    Counterpart::Ambiguous => (after, gone) = (None, 0),
                    Counterpart::Gone => {
                        // The first of those that went: what stands in their place, or what came behind them.
                        let rest = old[at..].iter().find_map(|other| match self.found[other.number] {
                            Counterpart::Gone => None,
                            Counterpart::At(number, _) => Some(beside(number)),
                            Counterpart::Ambiguous => Some(None),
                        });
                        let end = rest.unwrap_or(Some(new.len()));
                        if let (Some(after), Some(end), 0) = (after, end, gone)
                            && after <= end
                            && let Some(first) = new.get(after)
                        {
                            starts[statement.number] = Start::At(first.number);
                        }
                        gone += 1;
                    }
                }
            }
        }
        starts
    }
}

#[cfg(test)]
mod tests;
