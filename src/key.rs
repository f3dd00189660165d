//! The keys that checkpoints are signed with: the user's own, and imported ones, whose checkpoints are believed, too.
//!
//! The own key is 32 random bytes in a file that only its owner can read, made when it is first needed; the runtime's `_key.py`
//! finds it in the same place. An imported one is a file `keys/FINGERPRINT` beside it. As text, a key is
//! `heresy-key-1:` and 64 hexadecimal digits.

use std::env;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{KeyInit, Mac};

use crate::cache;

const SIZE: usize = 32;
const TEXT_START: &str = "heresy-key-1:";

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; SIZE]);

impl Key {
    /// What tells keys apart, and tells nothing of them.
    pub fn fingerprint(&self) -> String {
        cache::hash_one(&[b"heresy key\n", &self.0[..]].concat())[..8].to_owned()
    }

    /// BLAKE2b with a key (RFC 7693).
    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = Blake2bMac::<U32>::new_from_slice(&self.0).expect("a key of 32 bytes is not too long");
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    pub fn to_text(&self) -> String {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{TEXT_START}{digits}")
    }

    /// Before: what `to_text` gives, with or without space around it. After: the key; nothing if it is not one.
    pub fn from_text(text: &str) -> Option<Key> {
        let digits = text.trim().strip_prefix(TEXT_START)?;
        let mut key = [0; SIZE];
        if digits.len() != 2 * SIZE || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Key(key))
    }

    fn read(path: &Path) -> io::Result<Key> {
        let bytes = fs::read(path)?;
        let key = bytes.try_into().map_err(|_| io::Error::other(format!("{} is no key", path.display())))?;
        Ok(Key(key))
    }
}

/// Where the own key is, or goes.
pub fn place() -> PathBuf {
    let given = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given("HERESY_KEY").unwrap_or_else(|| {
        let home = || env::home_dir().unwrap_or_default().join(".config");
        given("XDG_CONFIG_HOME").unwrap_or_else(home).join("heresy").join("key")
    })
}

/// The user's own key, made if there is none.
pub fn own() -> io::Result<Key> {
    let place = place();
    match Key::read(&place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read,
    }
    let mut key = [0; SIZE];
    fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
    match put(&place, &key) {
        // Another process was faster: then its key is the key.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Key::read(&place),
        made => made.map(|()| Key(key)),
    }
}

/// The same, if there is one.
pub fn existing() -> Option<Key> {
    Key::read(&place()).ok()
}

/// The imported ones.
pub fn imported() -> Vec<Key> {
    let entries = fs::read_dir(imported_folder()).into_iter().flatten().flatten();
    entries.filter_map(|entry| Key::read(&entry.path()).ok()).collect()
}

fn imported_folder() -> PathBuf {
    place().parent().unwrap_or(Path::new("")).join("keys")
}

/// Has checkpoints that are signed with a key believed from now on. False if they are already.
pub fn import(key: &Key) -> io::Result<bool> {
    if existing().as_ref() == Some(key) || imported().contains(key) {
        return Ok(false);
    }
    put(&imported_folder().join(key.fingerprint()), &key.0).map(|()| true)
}

/// Makes a file of a key, whole and durable or not at all; never in the place of another file.
fn put(path: &Path, key: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let fresh = folder.join(format!(".{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    let linked = file.write_all(key).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&fresh, path));
    fs::remove_file(&fresh)?;
    linked?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn signs_as_pythons_hashlib() {
        let mut key = [0x0b; 32];
        key[20..].fill(0);
        let digits: String = Key(key).sign(b"Hi There").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits, "0eb9efc53f28231fe92db94165071ab687fb0df157b98e2268419762d5c567cb");
    }

    #[test]
    fn text_and_back() {
        let key = Key(std::array::from_fn(|at| at as u8 * 7));
        assert!(Key::from_text(&format!(" {}\n", key.to_text())) == Some(key.clone()));
        assert!(Key::from_text(&key.to_text()[1..]).is_none());
        assert!(Key::from_text(&key.to_text().replace("00", "+0")).is_none());
        assert_eq!(key.fingerprint().len(), 8);
    }
}
