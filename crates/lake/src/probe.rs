//! Does the store keep commits apart? Delta rests on "put if absent": it is raced here, not believed.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use futures::future::join_all;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, path::Path};

use crate::{Lake, LakeError};

/// What a race showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeReport {
    /// Races run.
    pub rounds: usize,
    /// Writers in each.
    pub writers: usize,
}

/// Races `writers` creations of one object, `rounds` times, on scratch keys below the lake's root. Fails unless every round has
/// one winner: whose content is there, and nobody else was told that he won.
pub async fn probe_put_if_absent(lake: &Lake, writers: usize, rounds: usize) -> Result<ProbeReport, LakeError> {
    for round in 0..rounds {
        let name = format!(".probe/{:032x}-{round}", rand::random::<u128>());
        let url = lake.location.join(&name)?;
        let path =
            Path::from_url_path(url.path()).map_err(|source| LakeError::Store { path: name.clone(), source: source.into() })?;
        let winners = race(&lake.store, &path, writers).await?;
        lake.store.delete(&path).await.map_err(|source| LakeError::Store { path: name, source })?;
        if winners != 1 {
            return Err(LakeError::UnsafeStore { winners, writers });
        }
    }
    Ok(ProbeReport { rounds, writers })
}

/// How many writers won: those who were told so, and the one whose content is there, who may not have heard of it.
async fn race(store: &Arc<dyn ObjectStore>, path: &Path, writers: usize) -> Result<usize, LakeError> {
    let failed = |source| LakeError::Store { path: path.to_string(), source };
    let attempts = (0..writers).map(|writer| {
        let (store, path) = (store.clone(), path.clone());
        tokio::spawn(async move {
            let payload = PutPayload::from_bytes(Bytes::from(writer.to_string()));
            store.put_opts(&path, payload, PutMode::Create.into()).await
        })
    });
    let (mut winners, mut losers, mut failure) = (BTreeSet::new(), 0, None);
    for (writer, attempt) in join_all(attempts).await.into_iter().enumerate() {
        match attempt {
            Ok(Ok(_)) => {
                winners.insert(writer.to_string().into_bytes());
            }
            Ok(Err(Error::AlreadyExists { .. } | Error::Precondition { .. })) => losers += 1,
            Ok(Err(source)) => failure = Some(source),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
    if let Some(source) = failure.filter(|_| winners.is_empty() && losers == 0) {
        return Err(failed(source));
    }
    let there = async { store.get(path).await?.bytes().await };
    winners.insert(there.await.map_err(failed)?.to_vec());
    Ok(winners.len())
}
