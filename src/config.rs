//! `[tool.heresy]` in the `pyproject.toml` of the current project, and where that project is.
//!
//! ```toml
//! [tool.heresy]
//! instrument = ["otherlib.*"]   # make these modules continuable, too
//! exclude = ["app.plugins.*"]   # leave these alone: they are imported again when the program continues
//! checkpoint-dir = "/scratch/checkpoints"
//! keep = 5                      # as --keep
//! compress = "none"             # as --compress
//! on-unsaved = "refuse"         # what to do about objects that cannot be saved
//! ```

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use heresy::{Code, Diagnostic};
use serde::Deserialize;

use crate::cli::{Compress, OnUnsaved};
use crate::exit::Exit;
use crate::refusal::Refusal;

const BAD_CONFIG: Code = Code { number: "H022", name: "bad-config" };

/// What marks the root of a project.
const MARKERS: &[&str] = &["pyproject.toml", "setup.py", "setup.cfg", ".git", ".hg"];

/// What a project says of heresy.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    pub instrument: Vec<String>,
    pub exclude: Vec<String>,
    /// Where checkpoints go in place of `.heresy` in the current directory; relative to the project's folder.
    pub checkpoint_dir: Option<PathBuf>,
    pub keep: Option<u32>,
    pub compress: Option<Compress>,
    pub on_unsaved: Option<OnUnsaved>,
}

/// The project that a folder belongs to: the nearest folder upwards that looks like the root of one.
///
/// A home folder, or the root of the file system, is none, whatever lies in it: all of a user's programs would be one.
pub fn project_of(folder: &Path) -> Option<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from).and_then(|home| home.canonicalize().ok());
    let is_project = |folder: &&Path| MARKERS.iter().any(|marker| folder.join(marker).exists());
    let found = folder.ancestors().find(is_project)?;
    (found.parent().is_some() && Some(found) != home.as_deref()).then(|| found.to_owned())
}

/// Reads what a project says, if it says anything.
pub fn read(project: Option<&Path>) -> Result<Config, Refusal> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct PyProject {
        tool: Tool,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Tool {
        heresy: Config,
    }
    let Some(project) = project else { return Ok(Config::default()) };
    let path = project.join("pyproject.toml");
    // Most have none, or one that says nothing of heresy and may be anything.
    let Ok(text) = fs::read_to_string(&path) else { return Ok(Config::default()) };
    if !text.contains("heresy") {
        return Ok(Config::default());
    }
    let parsed: PyProject = toml::from_str(&text).map_err(|error| {
        let range = error.span().unwrap_or_default();
        let name = path.display().to_string();
        let diagnostic = Diagnostic::new(BAD_CONFIG, format!("{name} cannot be read: {}", error.message()));
        Refusal::new(Exit::Usage, diagnostic.at(&name, &text.as_str().into(), range.start..range.end, "here"))
    })?;
    let mut config = parsed.tool.heresy;
    config.checkpoint_dir = config.checkpoint_dir.map(|folder| project.join(folder));
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{OnUnsaved, project_of, read};

    #[test]
    fn reads_the_nearest_project() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let inner = root.join("app/core");
        fs::create_dir_all(&inner).unwrap();
        fs::write(
            root.join("app/pyproject.toml"),
            "[tool.heresy]\nexclude = [\"a.*\"]\ncheckpoint-dir = \"c\"\non-unsaved = \"refuse\"\n",
        )
        .unwrap();
        let project = project_of(&inner).unwrap();
        assert_eq!(project, root.join("app"));
        let config = read(Some(&project)).unwrap();
        assert_eq!(config.on_unsaved, Some(OnUnsaved::Refuse));
        assert_eq!((config.exclude, config.checkpoint_dir), (vec!["a.*".to_owned()], Some(root.join("app/c"))));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_shows_it() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("pyproject.toml"), "[tool.heresy]\nexlude = []\n").unwrap();
        let refusal = read(Some(root.path())).unwrap_err();
        assert!(refusal.to_string().contains("exlude"), "{refusal}");
    }
}
