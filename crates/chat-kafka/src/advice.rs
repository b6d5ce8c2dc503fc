/// What to do about a complaint of the library, by its words: its codes say little, and one of them ("broker transport
/// failure") covers most of what can be wrong with an address.
pub fn advice(complaint: &str) -> Option<&'static str> {
    let says = |words: &[&str]| words.iter().any(|word| complaint.contains(word));
    let advice = if says(&["Failed to resolve"]) {
        "no such host: check the address, and the names that the brokers advertise"
    } else if says(&["Connection refused"]) {
        "nobody listens there: check the address, and that the broker runs"
    } else if says(&["certificate"]) {
        "the broker's certificate is not trusted: the CA file must hold its authority, and the certificate must name the host"
    } else if says(&["timed out in state SSL_HANDSHAKE"]) {
        "no answer to TLS in time: is that the TLS port, or is the broker overloaded?"
    } else if says(&["PLAINTEXT broker listener", "SSL_HANDSHAKE", "wrong version number", "packet length too long"]) {
        "what listens there does not speak TLS: name the TLS port, or leave TLS and the CA file out"
    } else if says(&["require SASL"]) || (says(&["in state UP"]) && says(&["closed by peer"]) && young(complaint)) {
        "it closed the connection as soon as something was asked: such a listener wants a user and a password"
    } else if says(&["mechanism handshake failed", "Unsupported SASL mechanism", "SaslHandshake", "AUTH_HANDSHAKE"]) {
        "that listener takes no user with SCRAM-SHA-512: name the one that does, or leave user and password out"
    } else if says(&["credentials", "Authentication failed", "authentication error", "AUTH_REQ"]) {
        "check the user name and the password file"
    } else if says(&["ConsumerGroupHeartbeat"]) && says(&["version"]) {
        "brokers before 4.0 do not know the writers' group protocol: update them, or set --classic-protocol"
    } else if says(&["ApiVersion", "APIVERSION", "Invalid response size"]) {
        "what listens there does not answer as a Kafka broker: check the port; one with TLS needs TLS or a CA file set"
    } else if says(&["timed out", "CONNECT"]) {
        "no answer from there: check the address, the network and the broker"
    } else {
        return None;
    };
    Some(advice)
}

/// Was the connection younger than 2 s?
fn young(complaint: &str) -> bool {
    let age = complaint.split_once("(after ").and_then(|(_, rest)| rest.split_once("ms in state"));
    age.and_then(|(age, _)| age.parse::<u32>().ok()).is_some_and(|age| age < 2_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As librdkafka 2.x says it.
    #[test]
    fn the_words_of_the_library_have_advice() {
        for (complaint, expected) in [
            ("k:9092/bootstrap: Failed to resolve 'k:9092': Name or service not known", "no such host"),
            ("Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)", "nobody listens"),
            ("Connection setup timed out in state APIVERSION_QUERY (after 2003ms)", "does not answer as a Kafka"),
            ("Connection setup timed out in state CONNECT (after 2003ms in state CONNECT)", "no answer from there"),
            ("Receive failed: Invalid response size 1213486160 (0..100000000)", "does not answer as a Kafka"),
            (
                "Disconnected: requesting ApiVersion: might be caused by incorrect security.protocol configuration \
                 (connecting to a SSL listener?) or broker version is < 0.10",
                "one with TLS needs TLS",
            ),
            (
                "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener? (after 3ms in state \
                 SSL_HANDSHAKE)",
                "does not speak TLS",
            ),
            ("Connection setup timed out in state SSL_HANDSHAKE (after 2134ms in state SSL_HANDSHAKE)", "overloaded"),
            ("SSL handshake failed: error:0A000086:SSL routines::certificate verify failed", "is not trusted"),
            (
                "SASL authentication error: Authentication failed during authentication due to invalid credentials",
                "password",
            ),
            (
                "Disconnected: verify that security.protocol is correct, broker might require SASL authentication",
                "wants a user",
            ),
            ("ConsumerGroupHeartbeat fatal error: Broker: API version not supported", "--classic-protocol"),
            ("SASL SCRAM-SHA-512 mechanism handshake failed: Broker: Unsupported SASL mechanism", "takes no user"),
        ] {
            let advice = advice(complaint).unwrap_or_else(|| panic!("none for {complaint}"));
            assert!(advice.contains(expected), "{complaint}: {advice}");
        }
        assert_eq!(advice("something else"), None);
        let closed = |age| format!("Disconnected: SSL connection closed by peer (after {age}ms in state UP)");
        assert!(advice(&closed(3)).is_some_and(|advice| advice.contains("wants a user")));
        assert_eq!(advice(&closed(60_000)), None, "a broker that ended");
    }
}
