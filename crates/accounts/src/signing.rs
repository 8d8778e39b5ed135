//! The key that tokens are signed with: 256 random bits in a file that only its owner reads.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use crate::AccountsError;

const BYTES: usize = 32;

/// The key of this lakehouse. All its services need the same one. Never shown.
#[derive(Clone)]
pub struct SigningKey([u8; BYTES]);

impl SigningKey {
    /// The key in `file`, which is made, with its folder, if it is not there. Of several programs that make it at once, one does.
    pub fn open(file: &Path) -> Result<Self, AccountsError> {
        match Self::read(file) {
            Ok(key) => Ok(key),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(file).map_err(failed("make", file))?;
                Self::read(file).map_err(failed("read", file))
            }
            Err(error) => Err(failed("read", file)(error)),
        }
    }

    /// A new one that is in no file.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The digits of a file that others may read are no secret any more.
    fn read(file: &Path) -> io::Result<Self> {
        let mut opened = fs::File::open(file)?;
        if opened.metadata()?.permissions().mode() & 0o077 != 0 {
            let reason = "others than its owner may read or write it; see who did, then make it anew or set its mode to 0600";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        }
        let mut text = String::new();
        opened.read_to_string(&mut text)?;
        let reason = "it does not hold 64 hexadecimal digits";
        let bytes = hex::decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, reason))
    }

    /// The bytes themselves, for signing.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A key for another purpose, from which this one cannot be told.
    pub fn derive(&self, purpose: &str) -> [u8; BYTES] {
        let mut digest = Sha256::new();
        digest.update(self.0);
        digest.update(purpose.as_bytes());
        digest.finalize().into()
    }
}

/// The file gets its name when it is whole, and nobody's key is replaced.
fn create(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = file.with_extension(format!("new-{:016x}", rand::random::<u64>()));
    let mut made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let written = made.write_all(format!("{}\n", hex::encode(SigningKey::random().0)).as_bytes()).and_then(|()| made.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&unfinished, file));
    fs::remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

fn failed(act: &'static str, file: &Path) -> impl FnOnce(io::Error) -> AccountsError {
    move |source| AccountsError::SigningKey { act, path: file.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("new folder/signing.key");
        let open = || SigningKey::open(&file).expect("a key").0;
        let opened: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(opened.iter().all(|key| *key == open()), "eight who open it at once get the same key");
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(file.parent().expect("a folder")).expect("a folder").count(), 1, "nothing else is left");

        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
        assert!(matches!(SigningKey::open(&file), Err(AccountsError::SigningKey { .. })), "a key others can read is refused");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        fs::write(&file, "0123").expect("a file");
        assert!(SigningKey::open(&file).is_err(), "a short key is refused, not replaced");
    }
}
