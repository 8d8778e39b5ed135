use std::fs;

use crate::app::App;

/// What people try in order to leave a folder, written as it goes over the wire.
const HOSTILE: &[&str] = &[
    "..",
    ".",
    "../secret.csv",
    "../../etc/passwd",
    "..%2fsecret.csv",
    "..%2Fsecret.csv",
    "%2e%2e/secret.csv",
    "%2e%2e%2fsecret.csv",
    "%2E%2E%2Fsecret.csv",
    ".%2e/secret.csv",
    "..%5csecret.csv",
    "..\\secret.csv",
    "%252e%252e%252fsecret.csv",
    "..%252fsecret.csv",
    "..%c0%afsecret.csv",
    "%c0%ae%c0%ae%2fsecret.csv",
    "..%ef%bc%8fsecret.csv",
    "....//secret.csv",
    "..;/secret.csv",
    "./secret.csv",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "//etc/passwd",
    "%2f..%2fsecret.csv",
    "sub/inner.csv",
    "sub%2finner.csv",
    "good.csv/",
    "good.csv/..",
    "good.csv%2f..%2f..%2fsecret.csv",
    "good.csv%00",
    "good.csv%00.json",
    "%00",
    "%0a",
    "good.csv%0d%0aset-cookie:%20a=b",
    ".hidden",
    ".unfinished-abc",
    "%2ehidden",
    "good.csv.",
    "good.",
    "good%20.csv",
    "good.csv%20",
    "g%c3%b6%c3%b6d.csv",
    "%e2%80%aegood.csv",
    "%ff%fe",
    "C:%5cgood.csv",
    "good.csv::$DATA",
    "~root",
    "$HOME",
    "*",
    "good.csv%7cls",
    "good.csv;ls",
    "%25",
    "",
];

#[tokio::test]
async fn no_name_leaves_the_folder() {
    let app = App::start().await.with_file("good.csv", "good").with_file(".hidden", "secret");
    fs::create_dir(app.path("sub")).expect("folder");
    fs::write(app.path("sub/inner.csv"), "secret").expect("write");
    let before = app.everything();

    let (long, very_long) = ("a".repeat(129), "a".repeat(10_000));
    for name in HOSTILE.iter().copied().chain([long.as_str(), &very_long]) {
        for (method, path) in [("GET", ""), ("HEAD", ""), ("PUT", ""), ("POST", "/split")] {
            let request =
                format!("{method} /files/{name}{path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4\r\n\r\nevil");
            let answer = app.raw(request.as_bytes()).await;
            let status = answer.split(' ').nth(1).unwrap_or_default();
            assert!(["400", "404", "405"].contains(&status), "{method} {name:?}: {answer}");
            assert!(!answer.contains("secret"), "{method} {name:?}: {answer}");
            assert!(!answer.contains("set-cookie"), "{answer}");
        }
    }
    assert_eq!(app.everything(), before);
    assert_eq!(fs::read_to_string(app.outside("secret.csv")).expect("secret"), "secret");
    assert_eq!(app.get("/files/good.csv").await.text().await.expect("body"), "good");
    app.stop().await;
}

#[tokio::test]
async fn a_name_that_cannot_exist_is_explained() {
    let app = App::start().await;
    let answer = app.put("my%20file.csv", "a").await;
    assert_eq!(answer.status(), 404);
    let text = answer.text().await.expect("body");
    assert!(text.contains("a file name has letters, digits, `.`, `_` and `-`"), "{text}");
    let longest = "a".repeat(128);
    assert_eq!(app.put(&longest, "a").await.status(), 201);
    app.stop().await;
}

#[tokio::test]
async fn a_link_is_followed_only_to_a_file_in_the_folder() {
    let app = App::start().await.with_file("good.csv", "good");
    std::os::unix::fs::symlink(app.outside("secret.csv"), app.path("out.csv")).expect("link");
    std::os::unix::fs::symlink("/dev/zero", app.path("zero.csv")).expect("link");
    std::os::unix::fs::symlink("loop.csv", app.path("loop.csv")).expect("link");
    std::os::unix::fs::symlink("good.csv", app.path("in.csv")).expect("link");
    assert_eq!(app.get("/files/in.csv").await.text().await.expect("body"), "good");
    for name in ["out.csv", "zero.csv", "loop.csv"] {
        assert_eq!(app.get(&format!("/files/{name}")).await.status(), 404, "{name}");
    }
    assert_eq!(app.get("/files").await.text().await.expect("body"), r#"["good.csv","in.csv"]"#);
    // An upload replaces the link, not what it leads to.
    assert_eq!(app.put("out.csv", "new").await.status(), 200);
    assert_eq!(fs::read_to_string(app.outside("secret.csv")).expect("secret"), "secret");
    assert_eq!(app.get("/files/out.csv").await.text().await.expect("body"), "new");
    app.stop().await;
}

#[tokio::test]
async fn a_folder_is_not_a_file() {
    let app = App::start().await;
    fs::create_dir(app.path("folder.csv")).expect("folder");
    assert_eq!(app.get("/files/folder.csv").await.status(), 404);
    assert_eq!(app.put("folder.csv", "a").await.status(), 409);
    assert_eq!(app.request("POST", "/files/folder.csv/split").send().await.expect("answer").status(), 404);
    app.stop().await;
}
