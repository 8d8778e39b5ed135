//! Does the store keep commits apart? Delta rests on "put if absent": it is raced here, not believed.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, path::Path};

use crate::{Lake, LakeError};

/// What a race showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeReport {
    /// Races run.
    pub rounds: usize,
    /// Writers in each.
    pub writers: usize,
}

/// Races `writers` creations of one object, `rounds` times, on scratch keys below the lake's root. Fails unless exactly one
/// writer wins every round.
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

async fn race(store: &Arc<dyn ObjectStore>, path: &Path, writers: usize) -> Result<usize, LakeError> {
    let attempts = (0..writers).map(|writer| {
        let (store, path) = (store.clone(), path.clone());
        tokio::spawn(async move {
            let payload = PutPayload::from_bytes(Bytes::from(writer.to_string()));
            store.put_opts(&path, payload, PutMode::Create.into()).await
        })
    });
    let mut winners = 0;
    for attempt in join_all(attempts).await {
        match attempt {
            Ok(Ok(_)) => winners += 1,
            Ok(Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. })) => {}
            Ok(Err(source)) => return Err(LakeError::Store { path: path.to_string(), source }),
            Err(_) => return Err(LakeError::UnsafeStore { winners, writers }),
        }
    }
    Ok(winners)
}
