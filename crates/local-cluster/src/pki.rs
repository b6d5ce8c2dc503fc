//! Keys, certificates and kubeconfigs, for as long as the cluster lives.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use stack::cache::run;

use crate::machine::{NODE_ADDRESS, NODE_NAME, SERVICE_API};

const CONFIGURATION: &str = "openssl.conf";

/// Writes those of every component into a folder, and the administrator's kubeconfig to a place of its own.
pub(crate) fn write(folder: &Path, admin: &Path, api_port: u16) -> anyhow::Result<()> {
    // Nothing of the system's configuration gets in.
    std::fs::write(folder.join(CONFIGURATION), "[req]\ndistinguished_name = name\n[name]\n")?;
    let own = ["-x509", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=elastic-chat-local"];
    let signs = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
    run(request(folder).args(own).args(signs))?;
    let names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    let names = names.map(|name| format!("DNS:{name}")).join(",");
    let subject =
        format!("{names},DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:{NODE_ADDRESS},IP:{SERVICE_API}");
    certificate(folder, "apiserver", "/CN=kube-apiserver", Some(&subject))?;
    certificate(folder, "kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client", None)?;
    let node = format!("/O=system:nodes/CN=system:node:{NODE_NAME}");
    for (name, subject) in [
        ("admin", "/O=system:masters/CN=admin"),
        ("kube-controller-manager", "/CN=system:kube-controller-manager"),
        ("kube-scheduler", "/CN=system:kube-scheduler"),
        ("kube-proxy", "/CN=system:kube-proxy"),
        ("kubelet", &node),
    ] {
        certificate(folder, name, subject, None)?;
        let path = if name == "admin" { admin.to_owned() } else { folder.join(format!("{name}.kubeconfig")) };
        std::fs::write(path, kubeconfig(folder, name, api_port).to_string())?;
    }
    // What service accounts' tokens are signed with.
    let mut key = Command::new("openssl");
    key.current_dir(folder).args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    run(key.args(["-out", "service-accounts.key"]))?;
    let mut public = Command::new("openssl");
    public.current_dir(folder).args(["pkey", "-in", "service-accounts.key", "-pubout", "-out", "service-accounts.pub"]);
    run(&mut public).map(drop)
}

fn certificate(folder: &Path, name: &str, subject: &str, names: Option<&str>) -> anyhow::Result<()> {
    let (key, out) = (format!("{name}.key"), format!("{name}.crt"));
    let mut request = request(folder);
    request.args(["-x509", "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", &key, "-out", &out, "-subj", subject]);
    request.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    request.args(["-addext", "extendedKeyUsage=serverAuth,clientAuth"]);
    if let Some(names) = names {
        request.args(["-addext", &format!("subjectAltName={names}")]);
    }
    run(&mut request).map(drop)
}

/// OpenSSL writes keys so that only their owner can read them.
fn request(folder: &Path) -> Command {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    command.args(["-sha256", "-days", "365", "-config", CONFIGURATION]);
    command
}

/// JSON is YAML.
fn kubeconfig(folder: &Path, user: &str, api_port: u16) -> serde_json::Value {
    let file = |name: &str| folder.join(name).display().to_string();
    let server = format!("https://127.0.0.1:{api_port}");
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "local",
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": user}}],
        "clusters": [{"name": "local", "cluster": {"server": server, "certificate-authority": file("ca.crt")}}],
        "users": [{"name": user, "user": {
            "client-certificate": file(&format!("{user}.crt")),
            "client-key": file(&format!("{user}.key")),
        }}],
    })
}
