//! Folders and URIs as people write them, made absolute.

use std::path::{Component, Path, PathBuf};

use url::Url;

/// `text` as an absolute path; a relative one starts at `base`. Does not look at the disk.
pub fn absolute(base: &Path, text: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for component in base.join(text).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop();
            }
            other => path.push(other),
        }
    }
    path
}

/// A folder or a URI as a URI without a trailing slash.
pub fn uri(base: &Path, text: &str) -> Result<Url, &'static str> {
    if text.is_empty() {
        return Err("name a folder or a URI");
    }
    if !text.contains("://") {
        return Url::from_file_path(absolute(base, text)).map_err(|()| "it is not a folder that can be written as a URI");
    }
    let mut url = Url::parse(text).map_err(|_| "it is not a URI")?;
    if url.scheme() == "file" && url.host().is_some() {
        return Err("a file URI has three slashes and an absolute path, as in file:///data/lake");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials do not belong in a URI, where every log would show them");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_becomes_a_file_uri_below_the_base() {
        let base = Path::new("/work/dir");
        for (text, expected) in [
            ("./lake", "file:///work/dir/lake"),
            ("lake/", "file:///work/dir/lake"),
            ("../lake", "file:///work/lake"),
            ("/data/my lake", "file:///data/my%20lake"),
            ("file:///data/lake/", "file:///data/lake"),
            ("s3://bucket/prefix/", "s3://bucket/prefix"),
        ] {
            assert_eq!(uri(base, text).map(String::from).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_uri_with_a_host_for_a_file_or_with_a_password_is_refused() {
        for text in ["", "file://lake", "file://./lake", "s3://key:secret@bucket/prefix", "s3://key@bucket", "://"] {
            assert!(uri(Path::new("/"), text).is_err(), "{text}");
        }
    }
}
