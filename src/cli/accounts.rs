//! The verbs of accounts.

use clap::{Args, Subcommand};
use lakehouse_accounts::Scope;
use lakehouse_spec::{Role, UserName};

/// `users`.
#[derive(Debug, Args)]
pub struct UsersArgs {
    /// What to do
    #[command(subcommand)]
    pub verb: UsersVerb,
}

/// The verbs of `users`. Passwords are asked for at the terminal, or read from standard input.
#[derive(Debug, Subcommand)]
pub enum UsersVerb {
    /// Add a user; the first admin is made so too
    Add {
        /// The name: lower-case letters, digits and _
        name: UserName,
        /// viewer, data_scientist, admin or service
        #[arg(long)]
        role: Role,
        /// For a program, which uses keys and does not log in
        #[arg(long)]
        no_password: bool,
    },
    /// List users
    List {
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Disable a user: sessions end, and keys are revoked for good
    Disable {
        /// The name
        name: UserName,
    },
    /// Let a disabled user log in again
    Enable {
        /// The name
        name: UserName,
    },
    /// Give a user another password; the sessions of the old one end
    Password {
        /// The name
        name: UserName,
    },
    /// Give a user another role
    Role {
        /// The name
        name: UserName,
        /// viewer, data_scientist, admin or service
        role: Role,
    },
}

/// `keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// What to do
    #[command(subcommand)]
    pub verb: KeysVerb,
}

/// The verbs of `keys`.
#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// Make an API key; it is printed once and never again
    Add {
        /// Whose it is
        owner: UserName,
        /// What it allows, such as datamarts:read; may be given several times
        #[arg(long = "scope", required = true, value_name = "SCOPE")]
        scopes: Vec<Scope>,
        /// What it is for
        #[arg(long)]
        label: String,
        /// How long it is good
        #[arg(long, default_value_t = 90, value_name = "DAYS")]
        days: i64,
    },
    /// List keys, without their secrets
    List {
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key, for good; services stop taking it within seconds
    Revoke {
        /// Its id: the part between the underscores
        id: String,
    },
}
