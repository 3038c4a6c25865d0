//! What the page says, in the language of its people: a key for every sentence, all in one file.

use std::{collections::HashMap, sync::LazyLock};

/// The file.
const ENGLISH: &str = include_str!("messages/en.toml");

static MESSAGES: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| toml::from_str(ENGLISH).expect("the messages are key and text a line"));

/// The text of a key; the key itself when there is none.
pub(super) fn message(key: &str) -> Option<&'static str> {
    MESSAGES.get(key).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Keys in quotes before a mark, in every file of a folder.
    fn used(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                used(&path, found);
                continue;
            }
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let name = path.display().to_string();
            let filters = text.split("|t").filter_map(|before| before.strip_suffix('"')?.rsplit('"').next());
            let calls =
                text.split(" t(\"").chain(text.split("(t(\"")).skip(1).filter_map(|after| after.split('"').next());
            let keys = filters.chain(calls).filter(|key| key.contains('.') && !key.contains(['/', ' ', '<', '(']));
            found.extend(keys.map(|key| (name.clone(), key.to_owned())));
        }
    }

    #[test]
    fn every_key_that_a_page_uses_has_a_text() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = vec![];
        used(&root.join("templates/web"), &mut found);
        used(&root.join("src/web"), &mut found);
        assert!(found.len() > 50, "{found:?}");
        let missing: Vec<_> = found.iter().filter(|(_, key)| message(key).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
