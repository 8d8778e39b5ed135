//! What to do about failures that are not the program's: of disks, clocks, logins and addresses.

/// What the systems say → what to do about it. They are known by their texts: their clients keep the types to themselves.
const ADVICE: [(&[&str], &str); 6] = [
    (
        &["No space left on device", "database or disk is full"],
        "make room on the disk and run again; the tables are as they were",
    ),
    (
        &["RequestTimeTooSkewed"],
        "set the clock of this machine: the store refuses what is signed with a time so far from its own",
    ),
    (
        &["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"],
        "check s3.access_key_id and s3.secret_access_key (LAKEHOUSE_S3__… or the files that the settings name), and what \
         they are allowed to do",
    ),
    (
        &["password authentication failed"],
        "check the user and the password of the database in LAKEHOUSE_DATABASE_URL, or in the file that database_url_file names",
    ),
    (&["Resources exhausted"], "raise memory_limit_mb, which queries share five eighths of"),
    (
        &["Connection refused", "tcp connect error", "pool timed out while waiting"],
        "see that what answers at this address runs, and that the address in the settings is right",
    ),
];

/// What to do about `error`, if that is known.
pub fn on(error: &anyhow::Error) -> Option<&'static str> {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let says = |text: &&str| causes.iter().any(|cause| cause.contains(*text));
    ADVICE.iter().find(|(texts, _)| texts.iter().any(says)).map(|(_, advice)| *advice)
}
