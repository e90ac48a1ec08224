//! The physical reference of the benches: a proxy made of the same parts as the gateway (hyper on tokio, a pool of
//! connections, the same allocator) that passes on what comes and looks at nothing.
//!
//! `bartizan-bench-proxy URL` prints its own URL, with the same path, once it serves.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write as _;

use http::uri::{Authority, Scheme};
use http::{Request, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let upstream: Uri = std::env::args().nth(1).ok_or("the URL of the upstream is needed")?.parse()?;
    let authority = upstream.authority().ok_or("the URL has no authority")?.clone();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}{}", listener.local_addr()?, upstream.path());
    std::io::stdout().flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (client, authority) = (client.clone(), authority.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| client.request(addressed(request, &authority)));
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // That a client closes a connection is no news.
            let _closed = connection.await;
        });
    }
}

/// The request, to the upstream.
fn addressed(mut request: Request<Incoming>, upstream: &Authority) -> Request<Incoming> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(upstream.clone());
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request.headers_mut().remove(http::header::HOST);
    request
}
