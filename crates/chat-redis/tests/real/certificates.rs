/// A certificate of an authority of the test's own, for 127.0.0.1.
pub fn certificates(folder: &std::path::Path) {
    let openssl = |args: &str| {
        let mut command = std::process::Command::new("openssl");
        let output = command.args(args.split(' ')).current_dir(folder).output().expect("openssl on the PATH");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("written");
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt",
    );
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=redis -keyout tls.key -out tls.csr");
    openssl("x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out tls.crt");
}
