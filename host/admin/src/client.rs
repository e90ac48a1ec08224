//! Asking the admin API of a running gateway.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::token;

/// How long the gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer, in bytes.
const LONGEST: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no gateway answers at {address}: {problem}")]
    Away {
        /// The address.
        address: SocketAddr,
        /// What came of it.
        problem: String,
    },
    /// The state directory has no token.
    #[error("the token of the admin API cannot be read: {0}")]
    Token(#[from] std::io::Error),
    /// It answers with an error, or with what is no JSON.
    #[error("the gateway at {address} answers {status}: {problem}")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// The HTTP status.
        status: StatusCode,
        /// What is wrong.
        problem: String,
    },
}

/// Asks for `/status`, with the token of a state directory.
///
/// # Errors
///
/// When there is no gateway at this address, or it does not answer as it should.
pub async fn status(address: SocketAddr, state: &Path) -> Result<serde_json::Value, ClientError> {
    let token = token::read(&token::file(state))?;
    let away = |problem: String| ClientError::Away { address, problem };
    let request = Request::get(format!("http://{address}/status"))
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Empty::<Bytes>::new())
        .map_err(|error| away(error.to_string()))?;
    let client: Client<HttpConnector, Empty<Bytes>> =
        Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let answer = async {
        let response = client.request(request).await.map_err(|error| away(error.to_string()))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| away(error.to_string()))?.to_bytes();
        let refused = |problem: String| ClientError::Refused { address, status, problem };
        if status != StatusCode::OK {
            return Err(refused(String::from_utf8_lossy(&body).into_owned()));
        }
        serde_json::from_slice(&body).map_err(|error| refused(error.to_string()))
    };
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(away(format!("not within {} s", PATIENCE.as_secs()))),
    }
}
