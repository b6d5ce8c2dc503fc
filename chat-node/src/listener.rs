//! Accepting HTTP connections, each bounded in time and memory.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// A client that does not finish its request line and headers in this time is cut off.
const HEADER_DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;

/// An address that is ours, and does not listen yet: clients are refused at once, and go elsewhere.
pub struct Reserved {
    socket: Socket,
    pub address: SocketAddr,
}

/// Takes an address.
///
/// # Errors
/// The address is taken or not ours: the message names it.
pub fn reserve(address: SocketAddr) -> anyhow::Result<Reserved> {
    let open = || -> std::io::Result<Reserved> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let address = socket.local_addr()?.as_socket().unwrap_or(address);
        Ok(Reserved { socket, address })
    };
    open().with_context(|| format!("cannot listen on {address}: is another process there?"))
}

impl Reserved {
    /// Begins to listen, with a backlog for many clients that come at once.
    ///
    /// # Errors
    /// Another socket listens on the address by now.
    pub fn listen(&self) -> anyhow::Result<TcpListener> {
        let open = || -> std::io::Result<TcpListener> {
            self.socket.listen(4096)?;
            TcpListener::from_std(self.socket.try_clone()?.into())
        };
        open().with_context(|| format!("cannot listen on {}: is another process there?", self.address))
    }
}

/// Serves until `stop` is cancelled, then lets requests that run end. Each connection is a task of `tasks`.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((socket, peer)) => {
                let _ = socket.set_nodelay(true);
                tasks.spawn(connection(socket, peer, router.clone(), stop.clone()));
            }
            Err(error) => {
                // Out of file descriptors, most likely: waiting lets some be freed.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(socket: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move {
            let request: Request = request.map(axum::body::Body::new);
            match router.oneshot(request).await {
                Ok(response) => Ok::<_, Infallible>(response),
                Err(never) => match never {},
            }
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        result = serving.as_mut() => end(peer, result),
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            end(peer, serving.await);
        }
    }
}

fn end(peer: SocketAddr, result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "an HTTP connection ended early");
    }
}
