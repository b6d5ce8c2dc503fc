//! Why no broker answers. The library says no more than that the transport failed.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

const CONNECT: Duration = Duration::from_millis(400);
const ANSWER: Duration = Duration::from_millis(400);
/// Addresses that are tried: somebody waits for the answer.
const MOST: usize = 3;
/// ApiVersions, version 0, correlation id 7, no client id: what every broker answers before anything else.
const QUESTION: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];

/// What became of an attempt at each address, and what to check, as one sentence. Blocks for less than a second, but for a
/// name that takes longer to look up.
pub fn diagnose(brokers: &[String], tls: bool) -> String {
    let told: Vec<String> = std::thread::scope(|scope| {
        let looks: Vec<_> =
            brokers.iter().take(MOST).map(|address| scope.spawn(move || (address, one(address, tls)))).collect();
        looks.into_iter().filter_map(|look| look.join().ok()).map(|(at, words)| format!("{at} {words}")).collect()
    });
    told.join("; ")
}

fn one(address: &str, tls: bool) -> String {
    let resolved = match address.to_socket_addrs() {
        Ok(mut resolved) => resolved.next(),
        Err(error) => return format!("has no address ({error}): check the name"),
    };
    let Some(resolved) = resolved else { return "has no address: check the name".to_owned() };
    match attempt(resolved, tls) {
        Ok(words) => words.to_owned(),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            "refuses connections: is the broker running, and is that its port?".to_owned()
        }
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            "can't be reached in time: check the address, the network and its firewalls".to_owned()
        }
        Err(error) => format!("can't be reached ({error}): check the address and the network"),
    }
}

fn attempt(address: SocketAddr, tls: bool) -> std::io::Result<&'static str> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT)?;
    if tls {
        return Ok(
            "takes connections, but no TLS session comes about: is that a TLS listener, and is its certificate \
                   signed by one of --kafka-ca-file?",
        );
    }
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    let mut answer = [0; 8];
    let asked = stream.write_all(&QUESTION).and_then(|()| stream.read_exact(&mut answer));
    Ok(match asked {
        Ok(()) if answer[4..] == QUESTION[8..12] => {
            "is a broker: check the user and the password, and that it names itself (advertised.listeners) by addresses \
             that can be reached from here"
        }
        // An alert record: RFC 8446, section 5.1.
        Ok(()) if answer[..2] == [0x15, 0x03] => "wants TLS: use --kafka-tls",
        Ok(()) => "answers, but is no Kafka broker: check the address and the port",
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            "takes connections and says nothing: is that Kafka's port, and does the broker work?"
        }
        Err(_) => "ends connections when asked: is that Kafka's port? If the listener wants TLS, use --kafka-tls",
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn served(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("accepted");
            let mut asked = [0; QUESTION.len()];
            stream.read_exact(&mut asked).expect("asked");
            stream.write_all(answer).expect("answered");
        });
        address
    }

    #[test]
    fn each_trouble_is_told_apart_with_its_address() {
        for (address, expected) in [
            (served(b"HTTP/1.1 400 Bad Request"), "no Kafka broker"),
            (served(&[0x15, 0x03, 0x03, 0, 2, 2, 40, 0]), "--kafka-tls"),
            (served(&[0, 0, 1, 6, 0, 0, 0, 7]), "is a broker"),
            (served(b""), "ends connections"),
            ("127.0.0.1:1".to_owned(), "refuses connections"),
            ("no-such-host.invalid:9092".to_owned(), "check the name"),
        ] {
            let told = diagnose(std::slice::from_ref(&address), false);
            assert!(told.starts_with(&address) && told.contains(expected), "{told}");
        }
    }

    #[test]
    fn silence_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let told = diagnose(&[address], false);
        assert!(told.contains("says nothing"), "{told}");
        let address = listener.local_addr().expect("an address").to_string();
        assert!(diagnose(&[address], true).contains("TLS listener"));
    }
}
