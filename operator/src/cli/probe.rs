//! `operator probe URL`: whether something answers with success. Images have no shell and no curl, and `helm test` needs one
//! that asks.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Of one attempt.
const DEADLINE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);
/// A status line is short.
const ANSWER: u64 = 4096;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Plain HTTP, for example http://elastic-chat-operator-metrics:9090/readyz
    url: String,
    /// Seconds to try
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: u16,
}

/// Asks until it answers with a status of 200 to 299.
///
/// # Errors
/// It is no address, or did not answer so in time: with the last answer.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let (authority, path) = parts(&args.url)?;
    let (begin, patience) = (Instant::now(), Duration::from_secs(args.seconds.into()));
    loop {
        let outcome = ask(&authority, &path);
        match outcome {
            Ok(status) if (200..300).contains(&status) => {
                println!("{} answers {status}", args.url);
                return Ok(());
            }
            Ok(status) if begin.elapsed() > patience => bail!("{} answers {status}", args.url),
            Err(error) if begin.elapsed() > patience => return Err(error).with_context(|| args.url.clone()),
            _ => std::thread::sleep(PAUSE),
        }
    }
}

/// `host:port` and the path.
fn parts(url: &str) -> anyhow::Result<(String, String)> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} does not begin with http://"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let authority = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    Ok((authority, format!("/{path}")))
}

fn ask(authority: &str, path: &str) -> anyhow::Result<u16> {
    let address = authority.to_socket_addrs()?.next().context("the name has no address")?;
    let mut socket = TcpStream::connect_timeout(&address, DEADLINE)?;
    socket.set_read_timeout(Some(DEADLINE))?;
    socket.set_write_timeout(Some(DEADLINE))?;
    // In one piece.
    let request = format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.take(ANSWER).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|digits| digits.parse().ok());
    status.context("that is no answer of HTTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answering(answer: &'static str) -> String {
        let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = server.local_addr().expect("an address");
        std::thread::spawn(move || {
            for socket in server.incoming() {
                let mut socket = socket.expect("a connection");
                let mut request = [0; 512];
                let read = socket.read(&mut request).expect("a request");
                assert!(request[..read].starts_with(b"GET /readyz HTTP/1.1\r\n"));
                socket.write_all(answer.as_bytes()).expect("an answer");
            }
        });
        format!("http://{address}/readyz")
    }

    #[test]
    fn success_is_what_counts() {
        let good = Args { url: answering("HTTP/1.1 204 No Content\r\n\r\n"), seconds: 1 };
        run(&good).expect("an answer");
        let bad = Args { url: answering("HTTP/1.1 503 Service Unavailable\r\n\r\n"), seconds: 1 };
        assert!(run(&bad).expect_err("a refusal").to_string().ends_with("answers 503"));
    }

    #[test]
    fn an_address_has_a_port_and_a_path() {
        assert_eq!(parts("http://a/b/c").expect("parts"), ("a:80".to_owned(), "/b/c".to_owned()));
        assert_eq!(parts("http://a:9").expect("parts"), ("a:9".to_owned(), "/".to_owned()));
        assert!(parts("https://a").is_err());
    }
}
