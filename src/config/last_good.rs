//! The last configuration that the service ran with, kept in its state directory, and the media layer's in the cache, as
//! it may not look into the former: with it a box starts whose files were broken since. It is the whole of what was in force, the environment and flags included, and holds only for the main
//! file that it was made from: a wrong `--config` does not start another box's.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{Config, ConfigError, Folders, Loaded, Origin, Refusal, Sources, sources};

/// The first line's beginning; the main file follows.
const MADE_FROM: &str = "# The last good configuration of ";

/// The user's countries, beside it.
const COUNTRIES: &str = "last-good-countries.toml";

/// Who keeps one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// `tipring serve`.
    Service,
    /// `tipring media`.
    Media,
}

/// Where it lies.
pub fn file(keeper: Keeper, folders: &Folders) -> PathBuf {
    match keeper {
        Keeper::Service => folders.state_dir.join("config/last-good.toml"),
        Keeper::Media => folders.cache_dir.join("config/last-good.toml"),
    }
}

/// Keeps a configuration that the service has started or gone on with: whole, or the old one stays.
pub fn keep(keeper: Keeper, config: &Config, main: &Path) -> std::io::Result<()> {
    let this = config.this.clone();
    let folders = Folders { state_dir: this.state_dir, cache_dir: this.cache_dir, runtime_dir: this.runtime_dir };
    let kept = file(keeper, &folders);
    let mut config = config.clone();
    if !config.countries.own().is_empty() {
        // The user's countries are part of what was in force: their file may be broken later.
        let countries = std::path::absolute(kept.with_file_name(COUNTRIES))?;
        write(&countries, config.countries.text())?;
        config.this.countries = countries;
    }
    let body = toml::to_string(&config).map_err(std::io::Error::other)?;
    write(&kept, &format!("{MADE_FROM}{}\n# Written by tipring; edits are lost.\n\n{body}", absolute(main)))
}

/// Writes a text in place of another: whole, or the old one stays.
fn write(kept: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::read_to_string(kept).is_ok_and(|before| before == text) {
        return Ok(());
    }
    let folder = kept.parent().unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let part = kept.with_extension("part");
    let _ = std::fs::remove_file(&part);
    let mut out = std::fs::File::options().write(true).create_new(true).mode(0o600).open(&part)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(&part, kept)?;
    std::fs::File::open(folder)?.sync_all()
}

/// The configuration; where it is refused, the last good one, with `degraded` saying why; where there is none, the
/// refusal.
pub fn load(keeper: Keeper, sources: &Sources) -> Result<Loaded, Refusal> {
    let mut refusal = match Config::load(sources) {
        Ok(loaded) => return Ok(loaded),
        Err(refusal) => refusal,
    };
    let kept = file(keeper, &refusal.folders);
    let Ok(text) = std::fs::read_to_string(&kept) else {
        return Err(refusal);
    };
    let made_from = text.lines().next().and_then(|line| line.strip_prefix(MADE_FROM)).unwrap_or_default();
    if made_from != absolute(&sources.file) {
        return Err(refusal);
    }
    match sources::of_text(&kept, &text) {
        Ok(good) => Ok(Loaded { degraded: Some(refusal), ..good }),
        Err(_) => {
            let why = "the last good configuration is refused too; see `tipring check --config` of it";
            refusal.complaints.push(ConfigError::new(Origin::file(&kept), why));
            Err(refusal)
        }
    }
}

/// A file's whole path in one line.
fn absolute(file: &Path) -> String {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
    path.display().to_string().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A box's files in a folder of their own.
    struct Box {
        folder: PathBuf,
    }

    impl Box {
        fn new(name: &str) -> Box {
            let folder = std::env::temp_dir().join(format!("tipring-last-good-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).expect("a folder");
            Box { folder }
        }

        fn writes(&self, name: &str, text: &str) -> Sources {
            let file = self.folder.join(name);
            let text = text.replace("STATE", &self.folder.join("state").display().to_string());
            std::fs::write(&file, text).expect("written");
            Sources { file, ..Sources::default() }
        }
    }

    impl Drop for Box {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    const GOOD: &str = "[box]\nstate_dir = \"STATE\"\nname = \"front\"\n\
        [[number]]\nnumber = \"1\"\nurl = \"http://app.lan/\"\n[[group]]\nname = \"out\"\nlines = [\"sim 1\"]\n";

    #[test]
    fn a_box_starts_with_the_last_good_one_and_says_why() {
        let files = Box::new("starts");
        let mut sources = files.writes("box.toml", GOOD);
        sources.flags.push(("box.drain_s".into(), "7".into()));
        let good = load(Keeper::Service, &sources).expect("good");
        assert!(good.degraded.is_none());
        keep(Keeper::Service, &good.config, &sources.file).expect("kept");
        let mode = std::fs::metadata(files.folder.join("state/config/last-good.toml"))
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        // A wrong key, not TOML at all behind the place that names the state directory, a file that is gone.
        for broken in ["[box]\nstate_dir = \"STATE\"\nnmae = 1\n", "[box]\nstate_dir = \"STATE\"\n[listen\n"] {
            let sources = files.writes("box.toml", broken);
            let loaded = load(Keeper::Service, &sources).expect("the last good one");
            assert_eq!((loaded.config.this.name.as_str(), loaded.config.this.drain_s), ("front", 7));
            assert_eq!(loaded.config.hash(), good.config.hash());
            assert!(loaded.degraded.is_some_and(|refusal| refusal.complaints.len() == 1));
        }
        let gone =
            Sources { flags: vec![("box.state_dir".into(), format!("{}/state", files.folder.display()))], ..sources };
        std::fs::remove_file(&gone.file).expect("removed");
        assert_eq!(load(Keeper::Service, &gone).expect("the last good one").config.this.name, "front");
    }

    #[test]
    fn inst4_a_box_starts_with_the_last_good_countries_when_their_file_is_broken() {
        let files = Box::new("countries");
        let entry = "[zz]\nname = \"Z\"\ntones_of = \"de\"\ncaller_id = [\"aon\"]\nfxo_mode = \"FCC\"\nlaw = \"a\"\n\
            hang_up = [\"tone\"]\nemergency = [\"4711\"]\nframing = \"e1\"\n";
        let own = files.folder.join("own.toml");
        std::fs::write(&own, entry).expect("written");
        let text = format!("[box]\nstate_dir = \"STATE\"\ncountry = \"zz\"\ncountries = \"{}\"\n", own.display());
        let sources = files.writes("box.toml", &text);
        let good = load(Keeper::Service, &sources).expect("good");
        keep(Keeper::Service, &good.config, &sources.file).expect("kept");
        std::fs::write(&own, entry.replace("aon", "aonn")).expect("written");
        let loaded = load(Keeper::Service, &sources).expect("the last good one");
        let refusal = loaded.degraded.expect("the present one is refused");
        let place = format!("{}:4:15: [zz] caller_id: \"aonn\" is not known; did you mean \"aon\"?", own.display());
        assert_eq!(refusal.lines(), [place]);
        assert_eq!(loaded.config.country().map(|country| country.name.as_str()), Some("Z"));
        assert_eq!(loaded.config.zone(), tipring_dsp::ZoneId::of("de").expect("a zone"));
        // What is in force again is kept again, in its own place.
        keep(Keeper::Service, &loaded.config, &sources.file).expect("kept");
        assert!(load(Keeper::Service, &sources).is_ok());
    }

    #[test]
    fn another_file_does_not_start_with_it() {
        let files = Box::new("another");
        let sources = files.writes("box.toml", GOOD);
        let good = load(Keeper::Service, &sources).expect("good");
        keep(Keeper::Service, &good.config, &sources.file).expect("kept");
        let other = files.writes("other.toml", "[box]\nstate_dir = \"STATE\"\nnmae = 1\n");
        assert_eq!(load(Keeper::Service, &other).expect_err("refused").exit(), 78);
    }

    #[test]
    fn a_last_good_one_that_is_broken_is_named_too() {
        let files = Box::new("broken");
        let sources = files.writes("box.toml", GOOD);
        let good = load(Keeper::Service, &sources).expect("good");
        keep(Keeper::Service, &good.config, &sources.file).expect("kept");
        let kept = files.folder.join("state/config/last-good.toml");
        let text = std::fs::read_to_string(&kept).expect("text");
        std::fs::write(&kept, text.replace("name = \"front\"", "name = 5")).expect("written");
        let sources = files.writes("box.toml", "[box]\nstate_dir = \"STATE\"\nnmae = 1\n");
        let refusal = load(Keeper::Service, &sources).expect_err("refused");
        assert_eq!(refusal.complaints.len(), 2);
        assert!(
            refusal.to_string().contains("last-good.toml: the last good configuration is refused too"),
            "{refusal}"
        );
    }

    #[test]
    fn every_value_survives_being_kept() {
        let every: String = super::super::keys::SECTIONS
            .iter()
            .map(|section| {
                // A store, a recognizer and an engine are named in one of two ways; a file of countries would be read.
                let other_way = ["box.store", "recognizer.url", "speech.url", "box.countries"];
                let keys = super::super::keys::of(section.name).filter(|key| !other_way.contains(&key.path().as_str()));
                let lines: Vec<String> = keys.map(|key| format!("{} = {}\n", key.name, key.example)).collect();
                format!("{}\n{}", section.written(), lines.concat())
            })
            .collect();
        let config = Config::parse(Path::new("t.toml"), &every).expect("every example is good");
        let text = toml::to_string(&config).expect("text");
        let again = Config::parse(Path::new("t.toml"), &text).expect("good");
        assert_eq!(Config::changes(&config, &again), []);
        assert_ne!(Config::changes(&Config::default(), &again), []);
    }
}
