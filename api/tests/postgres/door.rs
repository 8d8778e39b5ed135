//! Two clients: the driver of sqlx, and one that sends what it is told.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sqlx::{
    Column as _, Connection as _, PgConnection, Row as _, TypeInfo as _, ValueRef as _,
    postgres::{PgConnectOptions, PgRow, PgSslMode},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::place::Place;

pub fn options(address: SocketAddr, user: &str, password: &str) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(address.port()).database("fraud");
    options.username(user).password(password).ssl_mode(PgSslMode::Disable)
}

/// A connection where nobody is asked.
pub async fn connect(place: &Place) -> PgConnection {
    PgConnection::connect_with(&options(place.postgres, "anybody", "")).await.unwrap()
}

/// The SQLSTATE of a failure.
pub fn state<T: std::fmt::Debug>(outcome: Result<T, sqlx::Error>) -> String {
    match outcome.unwrap_err() {
        sqlx::Error::Database(error) => error.code().unwrap().into_owned(),
        other => panic!("{other}"),
    }
}

/// A row as `POST /sql` shows it.
pub fn shown(row: &PgRow) -> Value {
    let value = |place: usize| -> Value {
        if row.try_get_raw(place).unwrap().is_null() {
            return Value::Null;
        }
        match row.column(place).type_info().name() {
            "BOOL" => json!(row.get::<bool, _>(place)),
            "INT2" => json!(row.get::<i16, _>(place)),
            "INT4" => json!(row.get::<i32, _>(place)),
            "INT8" => json!(row.get::<i64, _>(place)),
            "FLOAT4" => json!(row.get::<f32, _>(place).to_string().parse::<f64>().unwrap()),
            "FLOAT8" => json!(row.get::<f64, _>(place)),
            "TEXT[]" => json!(row.get::<Vec<Option<String>>, _>(place)),
            "INT8[]" => json!(row.get::<Vec<Option<i64>>, _>(place)),
            "TEXT" => json!(row.get::<String, _>(place)),
            other => panic!("a column of {other}"),
        }
    };
    row.columns().iter().enumerate().map(|(place, column)| (column.name().to_owned(), value(place))).collect()
}

/// A client of bytes.
pub struct Raw(pub TcpStream);

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// A session where nobody is asked; with what stops its queries.
    pub async fn session(address: SocketAddr) -> (Self, Vec<u8>) {
        let mut client = Self::connect(address).await;
        client.send(&framed(None, b"\0\x03\0\0user\0anybody\0database\0fraud\0\0")).await;
        let key = client.until(b'K').await.1;
        client.until(b'Z').await;
        (client, key)
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub async fn query(&mut self, sql: &str) {
        self.send(&framed(Some(b'Q'), &[sql.as_bytes(), b"\0"].concat())).await;
    }

    /// The next message.
    pub async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let kind = self.0.read_u8().await.ok()?;
        let mut body = vec![0; self.0.read_u32().await.ok()? as usize - 4];
        self.0.read_exact(&mut body).await.ok()?;
        Some((kind, body))
    }

    /// The first message of a kind.
    pub async fn until(&mut self, kind: u8) -> (u8, Vec<u8>) {
        loop {
            let message = self.next().await.unwrap();
            if message.0 == kind {
                return message;
            }
        }
    }

    /// Answers of a query: all kinds of messages, and the SQLSTATE if there is one.
    pub async fn answer(&mut self) -> (Vec<u8>, Option<String>) {
        let (mut kinds, mut state) = (Vec::new(), None);
        while let Some((kind, body)) = self.next().await {
            kinds.push(kind);
            if kind == b'E' {
                let code = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&b'C')).unwrap();
                state = Some(String::from_utf8(code[1..].to_vec()).unwrap());
            }
            if kind == b'Z' {
                break;
            }
        }
        (kinds, state)
    }
}

pub fn framed(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    kind.into_iter().chain(length).chain(body.iter().copied()).collect()
}
