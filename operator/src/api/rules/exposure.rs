//! How clients come in.

use super::Rule;

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(
            "ingress-or-gateway",
            "spec.exposure",
            "!(has(self.ingress) && has(self.gateway))",
            "give either exposure.ingress or exposure.gateway",
        )
        .blames("gateway")
        .forbidden(),
        Rule::new(
            "host-needed",
            "spec.exposure",
            "has(self.host) || !(has(self.ingress) || has(self.gateway))",
            "exposure.ingress and exposure.gateway need exposure.host, the name that \
                clients connect to",
        )
        .blames("host")
        .required(),
        Rule::new(
            "tls-secret-ingress",
            "spec.exposure",
            "!has(self.tls) || !has(self.tls.secretName) || has(self.ingress)",
            "exposure.tls.secretName is the certificate of an Ingress: give \
                exposure.ingress, or write `tls: {}` where a Gateway or a load balancer ends \
                TLS",
        )
        .blames("tls.secretName")
        .forbidden(),
        Rule::new(
            "host",
            "spec.exposure.host",
            "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
            "write a host name in lower case without scheme and port, such as chat.example.com",
        ),
        Rule::new(
            "allowed-origins",
            "spec.exposure.allowedOrigins",
            "self.all(origin, origin.matches('^https?://[^/, ]+$'))",
            "write each origin as scheme://host[:port] without a path, such as https://chat.example.com",
        ),
    ]
}
