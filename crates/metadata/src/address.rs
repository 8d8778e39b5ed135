//! Where the metadata database is, and how to say so without its password.

use std::{fmt, path::PathBuf};

use url::Url;

use crate::MetadataError;

/// What may follow the `?` of a PostgreSQL address. Anything else would be ignored by the driver, or is a credential.
const PARAMETERS: [&str; 7] = ["application_name", "host", "options", "sslcert", "sslkey", "sslmode", "sslrootcert"];

/// The address of a metadata database. Displays without its password.
#[derive(Clone)]
pub enum Address {
    Sqlite { url: Url, file: PathBuf },
    Postgres { url: Url },
}

impl Address {
    /// The address in `text`. What is wrong is said without repeating the text, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, MetadataError> {
        let url = Url::parse(text).map_err(|_| MetadataError::Address("it is not a URL"))?;
        match url.scheme() {
            "sqlite" => sqlite(url),
            "postgres" | "postgresql" => postgres(url),
            _ => Err(MetadataError::Address("it starts with neither `sqlite://` nor `postgres://`")),
        }
    }

    pub fn url(&self) -> &Url {
        match self {
            Self::Sqlite { url, .. } | Self::Postgres { url } => url,
        }
    }
}

fn sqlite(url: Url) -> Result<Address, MetadataError> {
    if url.host().is_some() || !url.path().starts_with('/') || url.path().ends_with('/') {
        return Err(MetadataError::Address("a SQLite file has three slashes and an absolute path"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(MetadataError::Address("a SQLite file takes no parameters; `?` and `#` in its path are written %3F and %23"));
    }
    let file = Url::parse(&format!("file://{}", url.path())).ok().and_then(|path| path.to_file_path().ok());
    let file = file.ok_or(MetadataError::Address("its path is not one of this system"))?;
    Ok(Address::Sqlite { url, file })
}

fn postgres(url: Url) -> Result<Address, MetadataError> {
    // A `/`, `?` or `#` in a password ends the host too early, and the rest would be shown as the database's name.
    let is_cut_short = url.path().contains('@') || url.query().is_some_and(|query| query.contains('@'));
    if is_cut_short || url.fragment().is_some() {
        return Err(MetadataError::Address("special characters in its user and password must be percent-encoded, `/` as %2F"));
    }
    if url.path().trim_matches('/').is_empty() {
        return Err(MetadataError::Address("it names no database: add `/` and the name"));
    }
    if url.query_pairs().any(|(key, _)| !PARAMETERS.contains(&&*key)) {
        return Err(MetadataError::Address(
            "it has an unknown parameter: user and password stand before the host; there are application_name, host, options, \
             sslcert, sslkey, sslmode and sslrootcert",
        ));
    }
    Ok(Address::Postgres { url })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.url().clone();
        // Neither can fail: an address without a host has no password.
        let _ = shown.set_password(None);
        shown.set_query(None);
        shown.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_display_without_their_password() {
        for (text, shown) in [
            ("sqlite:///data/lake/metadata.db", "sqlite:///data/lake/metadata.db"),
            ("sqlite:///data/my%20lake/metadata.db", "sqlite:///data/my%20lake/metadata.db"),
            ("postgres://lakehouse:s3cret@db:5433/metadata", "postgres://lakehouse@db:5433/metadata"),
            ("postgresql://lakehouse@db/metadata?sslmode=require", "postgresql://lakehouse@db/metadata"),
            ("postgres://lakehouse:s3@cret@db/metadata", "postgres://lakehouse@db/metadata"),
            ("postgres:///metadata?host=/run/postgresql", "postgres:///metadata"),
        ] {
            let address = Address::parse(text).expect(text);
            assert_eq!((address.to_string().as_str(), format!("{address:?}").as_str()), (shown, shown));
        }
    }

    #[test]
    fn a_file_is_decoded_as_the_driver_does() {
        let Address::Sqlite { file, .. } = Address::parse("sqlite:///data/my%20lake/100%25.db").expect("an address") else {
            panic!("not SQLite")
        };
        assert_eq!(file, PathBuf::from("/data/my lake/100%.db"));
    }

    #[test]
    fn addresses_that_cannot_be_used_are_refused_without_being_repeated() {
        for text in [
            "",
            "s3cret",
            "sqlite::memory:",
            "sqlite://s3cret.db",
            "sqlite:s3cret.db",
            "sqlite:///s3cret/",
            "sqlite:///s3cret.db?mode=memory",
            "mysql://root:s3cret@db/metadata",
            "postgres://lakehouse:s3cret@db",
            "postgres://lakehouse:s3cret@db/",
            "postgres://lakehouse:1/s3cret@db/metadata",
            "postgres://lakehouse:1?s3cret@db/metadata",
            "postgres://lakehouse:1#s3cret@db/metadata",
            "postgres://lakehouse:s3/cret@db/metadata",
            "postgres://lakehouse@db/metadata?password=s3cret",
            "postgres://lakehouse@db/metadata?pasword=s3cret",
        ] {
            let error = Address::parse(text).expect_err(text);
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("s3cret") && !shown.contains("cret@"), "{shown}");
        }
    }
}
