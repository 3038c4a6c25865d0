//! A stable name for a terminal whose own name is another at every start.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// Why there is no link.
#[derive(Debug, Error)]
pub enum LinkError {
    /// Something else has the name.
    #[error("--link {}: there is something else than a symbolic link; choose another path or remove it", .0.display())]
    Taken(PathBuf),
    /// The link cannot be made.
    #[error("--link {path}: {cause}", path = .0.display(), cause = .1)]
    Failed(PathBuf, io::Error),
}

/// A symbolic link that goes when this is dropped.
#[derive(Debug)]
pub struct Link {
    path: PathBuf,
    target: PathBuf,
}

impl Link {
    /// Makes the link, in the place of an older one.
    pub fn make(path: &Path, target: &Path) -> Result<Self, LinkError> {
        let failed = |cause| LinkError::Failed(path.to_owned(), cause);
        if fs::symlink_metadata(path).is_ok_and(|found| !found.is_symlink()) {
            return Err(LinkError::Taken(path.to_owned()));
        }
        // A host that looks in between finds the old name or the new one, never none.
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".{}", std::process::id()));
        let _ = fs::remove_file(&aside);
        symlink(target, &aside).map_err(failed)?;
        fs::rename(&aside, path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), target: target.to_owned() })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Another program may have put its own there meanwhile.
        if fs::read_link(&self.path).is_ok_and(|target| target == self.target) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_replaces_links_only_and_goes_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modem");
        let first = Link::make(&path, Path::new("/dev/pts/1")).unwrap();
        let second = Link::make(&path, Path::new("/dev/pts/2")).unwrap();
        drop(first);
        assert_eq!(fs::read_link(&path).unwrap(), Path::new("/dev/pts/2"));
        drop(second);
        assert!(fs::symlink_metadata(&path).is_err());
        fs::write(&path, "x").unwrap();
        assert!(matches!(Link::make(&path, Path::new("/dev/pts/1")), Err(LinkError::Taken(_))));
    }
}
