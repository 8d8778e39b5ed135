//! One route a file.

pub mod get_file;
pub mod greeting;
pub mod ingest;
pub mod list_files;
pub mod load_table;
pub mod put_file;
pub mod split_file;

use serde::Deserialize;
use utoipa::IntoParams;

use crate::FileName;

/// The path of a file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct FilePath {
    /// Letters, digits, `.`, `_` and `-`, with no dot at either end.
    #[param(value_type = String, max_length = 128, example = "transactions_data.csv")]
    pub name: FileName,
}

/// There is no file of this name.
pub fn unknown_file(name: &FileName) -> lakehouse_service::Problem {
    lakehouse_service::Problem::not_found(format!("there is no file `{name}`"))
}
