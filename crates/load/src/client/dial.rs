use std::time::Duration;

use futures_util::SinkExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Ten thousand connections live in one process: the default of 128 KiB each would be more than a GiB. It is also
/// cleared before every read.
const READ_BUFFER: usize = 4 * 1024;
const DEADLINE: Duration = Duration::from_secs(20);

pub type Ws = WebSocketStream<TcpStream>;

/// A new socket over which `hello` was said. An error in words, to be counted.
pub async fn dial(authority: &str, hello: String) -> Result<Ws, String> {
    let dialing = async {
        let socket = TcpStream::connect(authority).await.map_err(|error| error.kind().to_string())?;
        let _ = socket.set_nodelay(true);
        let mut request = format!("ws://{authority}/v1/ws").into_client_request().map_err(|e| e.to_string())?;
        let protocol = chat_wire::SUBPROTOCOL.parse().map_err(|_| "subprotocol")?;
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER).write_buffer_size(0);
        let (mut ws, _) = client_async_with_config(request, socket, Some(config)).await.map_err(|e| short(&e))?;
        ws.send(Message::text(hello)).await.map_err(|e| short(&e))?;
        Ok::<Ws, String>(ws)
    };
    tokio::time::timeout(DEADLINE, dialing).await.unwrap_or_else(|_| Err("no answer in 20 s".into()))
}

/// An error without the parts that differ each time, so that equal ones are counted together.
pub fn short(error: &Error) -> String {
    match error {
        Error::Io(error) => error.kind().to_string(),
        Error::Http(response) => format!("status {}", response.status()),
        other => other.to_string(),
    }
}
