//! The service from start to stop.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use lakehouse_accounts::AccountsError;
use lakehouse_landing::Landing;
use lakehouse_service::Admission;
use lakehouse_settings::{Settings, SourcesApi};
use lakehouse_spec::Domain;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{AppState, Folder, FolderError, Tables, TablesError, router, router::SERVICE};

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folder did not appear.
    #[error("the sources folder `{path}` was not there after {tries} tries")]
    NoFolder {
        /// The folder.
        path: PathBuf,
        /// How often it was looked for.
        tries: u32,
        /// What was found the last time.
        #[source]
        source: FolderError,
    },
    /// The lake's store cannot be opened.
    #[error("the sources API needs the lake, where pushed rows wait")]
    Lake(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The tables cannot be offered.
    #[error("the tables of sources cannot be offered")]
    Tables(#[from] TablesError),
    /// Nobody can be asked who they are.
    #[error("accounts cannot be used")]
    Accounts(#[from] AccountsError),
    /// The address is taken or not ours.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Waits for the folder, then serves it, and takes rows for the sources of `domains`, until `stop` is cancelled.
pub async fn run(settings: &Settings, domains: Vec<Domain>, stop: CancellationToken) -> Result<(), RunError> {
    let admission = Admission::new(SERVICE, settings)?;
    let tables = Tables::new(settings, &domains)?;
    let store = settings.open_store(&settings.lake).map_err(|error| RunError::Lake(error.into()))?;
    let landing = Landing::open(store, &settings.lake).map_err(|error| RunError::Lake(error.into()))?;
    let folder = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        folder = wait_for_folder(&settings.sources, &settings.sources_api) => folder?,
    };
    let address = settings.sources_api.socket();
    let listen = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    let (listener, address) = listen.await.map_err(|source| RunError::Listen { address, source })?;
    let state = AppState::new(folder, landing, tables, domains, &settings.limits);
    let router = router(state.with_admission(admission));
    tracing::info!(%address, folder = %settings.sources.display(), "the sources API listens on http://{address}");
    lakehouse_service::serve(listener, router, stop, settings.limits.drain_timeout()).await;
    Ok(())
}

/// A volume may be mounted after the program has started.
async fn wait_for_folder(path: &Path, settings: &SourcesApi) -> Result<Folder, RunError> {
    let pause = Duration::from_millis(settings.folder_pause_ms);
    let mut tries = 1;
    loop {
        match Folder::open(path).await {
            Ok(folder) => return Ok(folder),
            Err(source) if tries >= settings.folder_tries => {
                return Err(RunError::NoFolder { path: path.to_owned(), tries, source });
            }
            Err(_) => tracing::info!(path = %path.display(), tries, "waiting for the sources folder `{}`", path.display()),
        }
        sleep(pause).await;
        tries += 1;
    }
}
