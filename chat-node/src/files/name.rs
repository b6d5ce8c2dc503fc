use std::fmt::Write as _;

const MAX_BYTES: usize = 255;

/// A file name without what could hurt whoever saves or shows it: no path, no control or bidirectional characters, no
/// dots in front.
pub fn sanitise(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe = |c: &char| {
        let hidden = matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        !c.is_control() && !hidden
    };
    let clean: String = base.chars().filter(safe).collect();
    let clean = clean.trim_start_matches(|c: char| c == '.' || c.is_whitespace()).trim_end();
    let mut end = clean.len().min(MAX_BYTES);
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    if clean.is_empty() { "file".to_owned() } else { clean[..end].to_owned() }
}

/// `Content-Disposition` by RFC 6266, with the name in UTF-8 (RFC 8187) beside a plain one.
pub fn disposition(name: &str, inline: bool) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    let kind = if inline { "inline" } else { "attachment" };
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_with_paths_end_as_plain_names() {
        for (name, safe) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\system.ini", "system.ini"),
            ("..", "file"),
            ("/", "file"),
            (".bashrc", "bashrc"),
            (". .bashrc", "bashrc"),
            (". \u{200e}. ", "file"),
            ("a\0b\r\nSet-Cookie: x.txt", "abSet-Cookie: x.txt"),
            ("evil\u{202e}gpj.exe", "evilgpj.exe"),
            ("", "file"),
        ] {
            assert_eq!(sanitise(name), safe, "{name:?}");
        }
        assert!(sanitise(&"ü".repeat(300)).len() <= 255);
    }

    #[test]
    fn a_header_cannot_be_broken_out_of() {
        let header = disposition("a\"; x=\"b\u{e9}.txt", false);
        assert_eq!(header, "attachment; filename=\"a__ x__b_.txt\"; filename*=UTF-8''a%22%3B%20x%3D%22b%C3%A9.txt");
    }
}
