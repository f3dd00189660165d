//! What takes the room in a payload, variable by variable.
//!
//! A payload is a pickle: a program for a small machine with a stack. Here its instructions are followed only as far as to see
//! which bytes belong together; nothing is imported, made or called. What several variables hold is written once, so it counts
//! for the first of them.

use std::ops::Range;

/// How many bytes each variable takes, in the order in which they are written.
pub type Sizes = Vec<(String, usize)>;

/// The sizes of a program's variables.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// Of each of the program's own modules, the main one first.
    pub modules: Vec<Sizes>,
    /// Of each frame, the outermost first.
    pub frames: Vec<Sizes>,
}

/// Reads the sizes from what the runtime's `_save.py` has pickled; nothing if it is laid out in another way.
///
/// The third of several pickles is a tuple. Its first item are the modules with their definitions, its third the modules with
/// their other variables, its fourth the frames, whose first dict are the local variables and whose second the shared ones.
pub fn variables(payload: &[u8]) -> Option<Variables> {
    let mut machine = Machine { bytes: payload, at: 0, stack: Vec::new() };
    let mut pickles = Vec::new();
    while machine.at < payload.len() {
        pickles.push(machine.run()?);
    }
    let [definitions, _, others, frames] = pickles.get(2)?.parts.as_slice() else { return None };
    let names = |dict: &Item| {
        let pairs = dict.parts.chunks_exact(2).filter(|pair| pair[0].text.is_some());
        pairs.map(|pair| (machine.text(&pair[0]), pair[1].size)).collect::<Sizes>()
    };
    let of_dicts = |item: &Item| item.parts.iter().filter(|part| part.is_dict).flat_map(names).collect::<Sizes>();
    let modules = definitions.parts.iter().zip(&others.parts);
    Some(Variables {
        modules: modules.map(|(one, other)| [of_dicts(one), of_dicts(other)].concat()).collect(),
        frames: frames.parts.iter().map(of_dicts).collect(),
    })
}

/// What the machine would have made, as far as it matters here.
#[derive(Debug, Default)]
struct Item {
    /// How many bytes of the payload have gone into it.
    size: usize,
    /// Of a list, tuple or dict, and of what is made by a call with such a tuple, what is in it.
    parts: Vec<Item>,
    is_dict: bool,
    is_mark: bool,
    text: Option<Range<usize>>,
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Item>,
}

impl Machine<'_> {
    /// Follows one pickle to its end, and gives what it makes.
    fn run(&mut self) -> Option<Item> {
        loop {
            let start = self.at;
            match self.number(1)? {
                b'.' => return self.stack.pop(),
                0x80 => self.skip(1)?,
                0x95 => self.skip(8)?,
                // Small values: None, False, True, numbers.
                b'N' | 0x88 | 0x89 => self.push(start),
                b'K' => self.skip(1).map(|()| self.push(start))?,
                b'M' => self.skip(2).map(|()| self.push(start))?,
                b'J' => self.skip(4).map(|()| self.push(start))?,
                b'G' => self.skip(8).map(|()| self.push(start))?,
                // What has its length before it: long numbers, bytes.
                0x8a | b'C' => self.counted(1).map(|_| self.push(start))?,
                0x8b | b'B' => self.counted(4).map(|_| self.push(start))?,
                0x8e | 0x96 => self.counted(8).map(|_| self.push(start))?,
                0x8c => self.push_text(start, 1)?,
                b'X' => self.push_text(start, 4)?,
                0x8d => self.push_text(start, 8)?,
                // The memo: what is fetched from it is written elsewhere.
                b'h' => self.skip(1).map(|()| self.push(start))?,
                b'j' => self.skip(4).map(|()| self.push(start))?,
                0x94 => self.top()?.size += 1,
                // Containers.
                b']' | b')' | 0x8f => self.push(start),
                b'}' => {
                    self.push(start);
                    self.top()?.is_dict = true;
                }
                b'(' => {
                    self.push(start);
                    self.top()?.is_mark = true;
                }
                b'a' => self.add(1)?,
                b's' => self.add(2)?,
                b'e' | b'u' | 0x90 => {
                    let parts = self.popped_to_mark()?;
                    self.top()?.take(parts, 2);
                }
                b't' | 0x91 => {
                    let parts = self.popped_to_mark()?;
                    self.push_made(parts, 2);
                }
                0x85 => self.make(1)?,
                0x86 => self.make(2)?,
                0x87 => self.make(3)?,
                // Globals and calls: name and module, callable and arguments, object and state.
                0x93 => self.merge(2)?,
                b'R' | 0x81 | b'b' => self.merge(2)?,
                0x92 => self.merge(3)?,
                b'Q' => self.top()?.size += 1,
                // What was called for its effect belongs to the object before it.
                b'0' => {
                    let dropped = self.stack.pop()?;
                    if let Some(top) = self.stack.last_mut() {
                        top.size += dropped.size + 1;
                    }
                }
                _ => return None,
            }
        }
    }

    fn number(&mut self, length: usize) -> Option<u8> {
        let first = *self.bytes.get(self.at)?;
        self.skip(length)?;
        Some(first)
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.at = self.at.checked_add(length).filter(|&end| end <= self.bytes.len())?;
        Some(())
    }

    /// Passes what has its length, in so many bytes, before it.
    fn counted(&mut self, digits: usize) -> Option<Range<usize>> {
        let length = self.bytes.get(self.at..self.at + digits)?;
        let length = length.iter().rev().fold(0usize, |value, &byte| value << 8 | usize::from(byte));
        self.skip(digits)?;
        let start = self.at;
        self.skip(length)?;
        Some(start..self.at)
    }

    fn push(&mut self, start: usize) {
        self.stack.push(Item { size: self.at - start, ..Item::default() });
    }

    fn push_text(&mut self, start: usize, digits: usize) -> Option<()> {
        let text = self.counted(digits)?;
        self.stack.push(Item { size: self.at - start, text: Some(text), ..Item::default() });
        Some(())
    }

    fn push_made(&mut self, parts: Vec<Item>, own: usize) {
        let mut made = Item::default();
        made.take(parts, own);
        self.stack.push(made);
    }

    fn top(&mut self) -> Option<&mut Item> {
        self.stack.last_mut()
    }

    fn split(&mut self, count: usize) -> Option<Vec<Item>> {
        let at = self.stack.len().checked_sub(count)?;
        Some(self.stack.split_off(at))
    }

    fn popped_to_mark(&mut self) -> Option<Vec<Item>> {
        let at = self.stack.iter().rposition(|item| item.is_mark)?;
        let parts = self.stack.split_off(at + 1);
        self.stack.pop();
        Some(parts)
    }

    /// Items go into the container below them.
    fn add(&mut self, count: usize) -> Option<()> {
        let parts = self.split(count)?;
        self.top()?.take(parts, 1);
        Some(())
    }

    fn make(&mut self, count: usize) -> Option<()> {
        let parts = self.split(count)?;
        self.push_made(parts, 1);
        Some(())
    }

    /// Several items become one, which has what was in the second of them.
    fn merge(&mut self, count: usize) -> Option<()> {
        let mut parts = self.split(count)?;
        let size = 1 + parts.iter().map(|part| part.size).sum::<usize>();
        let parts = std::mem::take(&mut parts[1].parts);
        self.stack.push(Item { size, parts, ..Item::default() });
        Some(())
    }

    fn text(&self, item: &Item) -> String {
        String::from_utf8_lossy(&self.bytes[item.text.clone().unwrap_or_default()]).into_owned()
    }
}

impl Item {
    fn take(&mut self, parts: Vec<Item>, own: usize) {
        self.size += own + parts.iter().map(|part| part.size).sum::<usize>();
        self.parts.extend(parts);
    }
}

#[cfg(test)]
mod tests {
    use super::variables;

    /// `([(None, {"a": 1})], None, [(None, {"b": [2, 3]}, [])], [("L1", {"c": b"xy"}, {})])`, after two `[]`, as Python pickles it.
    const PAYLOAD: &[u8] = b"\x80\x05].\x80\x05].\x80\x05(]N}\x8c\x01aK\x01s\x86aN]N}\x8c\x01b](K\x02K\x03es]\x87a]\x8c\x02L1}\x8c\x01cC\x02xys}\x87at.";

    #[test]
    fn sizes_are_those_of_what_is_written() {
        let found = variables(PAYLOAD).unwrap();
        assert_eq!(found.modules, [[("a".to_owned(), 2), ("b".to_owned(), 7)]]);
        assert_eq!(found.frames, [[("c".to_owned(), 4)]]);
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        for end in 0..PAYLOAD.len() {
            assert_eq!(variables(&PAYLOAD[..end]), None, "cut at {end}");
        }
        assert_eq!(variables(b"cos\nsystem\n."), None);
        assert_eq!(variables(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff."), None);
    }
}
