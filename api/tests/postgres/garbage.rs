//! Bytes that are no protocol, and connections that are half open: they take nothing down.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    door::{Raw, framed},
    place::Place,
};

#[tokio::test]
async fn garbage_and_silence_keep_nobody_out() {
    let place = Place::with(100, |settings| settings.api.postgres.connections = 400).await;
    let mut random = StdRng::seed_from_u64(7);
    let mut bytes = |most: usize| -> Vec<u8> { (0..random.random_range(0..most)).map(|_| random.random()).collect() };
    // Connections that say nothing, or half of something, and stay.
    let mut silent = Vec::new();
    for started in [&b""[..], b"\0", b"\0\0\0\x08\x04", b"\0\0\x01\0\0\x03\0\0user"] {
        for _ in 0..20 {
            let mut client = Raw::connect(place.postgres).await;
            client.send(started).await;
            silent.push(client);
        }
    }
    let mut tried = 0;
    for _ in 0..100 {
        let mut client = Raw::connect(place.postgres).await;
        let _ = client.0.write_all(&bytes(200)).await;
        let _ = client.0.shutdown().await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(5), client.0.read_to_end(&mut answer)).await.unwrap();
        tried += 1;
    }
    // After a good beginning: any kind with any body, cut short, too long, or of an impossible length.
    for kind in b"pQPBDECHSXdcfFv\0\xff" {
        for body in [bytes(1), bytes(20), bytes(100), b"\xff\xff\xff\xff".to_vec(), b"a\0b\0\xff\xff".to_vec()] {
            let (mut client, _) = Raw::session(place.postgres).await;
            let _ = client.0.write_all(&framed(Some(*kind), &body)).await;
            let _ = client.0.write_all(&[*kind, 0x7f, 0xff, 0xff, 0xff]).await;
            let _ = client.0.shutdown().await;
            while client.next().await.is_some() {}
            tried += 1;
        }
    }
    println!("{tried} connections with garbage, {} that stay silent", silent.len());
    let (mut client, _) = Raw::session(place.postgres).await;
    client.query("select count(*) from silver.numbers").await;
    assert_eq!(client.answer().await, (b"TDCZ".to_vec(), None));
    drop(silent);
}

#[tokio::test]
async fn so_many_connections_and_no_more() {
    let place = Place::with(100, |settings| settings.api.postgres.connections = 2).await;
    let (first, _) = Raw::session(place.postgres).await;
    let _second = Raw::session(place.postgres).await;
    let mut third = Raw::connect(place.postgres).await;
    assert_eq!(third.answer().await.1.as_deref(), Some("53300"));
    drop(first);
    let mut tries = 0;
    loop {
        let mut client = Raw::connect(place.postgres).await;
        client.send(&framed(None, b"\0\x03\0\0user\0anybody\0\0")).await;
        if client.answer().await.1.is_none() {
            break;
        }
        tries += 1;
        assert!(tries < 50, "the place is free again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
