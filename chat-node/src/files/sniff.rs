//! What a file is, by its first bytes: only those images may be shown inside a page.

const UNKNOWN: &str = "application/octet-stream";

/// The image types that browsers show without running anything.
pub fn sniff_image(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => Some("image/avif"),
        _ => None,
    }
}

pub fn is_inline_image(media_type: &str) -> bool {
    matches!(media_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif")
}

/// The declared type as far as it can do no harm; it is never one that a browser would run or show as a page.
pub fn harmless(declared: &str) -> String {
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |part: &str| {
        !part.is_empty()
            && part.len() <= 64
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'_'))
    };
    let well_formed = essence.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub));
    let active =
        ["html", "xml", "svg", "javascript", "ecmascript", "xhtml", "mhtml"].iter().any(|word| essence.contains(word));
    if well_formed && !active { essence } else { UNKNOWN.to_owned() }
}

/// What the bytes are: an image that really is one, or the declared type if that claims no image.
pub fn settle(head: &[u8], declared: &str) -> String {
    match sniff_image(head) {
        Some(image) => image.to_owned(),
        None if is_inline_image(declared) => UNKNOWN.to_owned(),
        None => declared.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_scripts_are_never_served_as_such() {
        for bad in
            ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript; charset=x", "x", "a/b/c", "é/x"]
        {
            assert_eq!(harmless(bad), UNKNOWN, "{bad}");
        }
        assert_eq!(harmless("Application/PDF; x=1"), "application/pdf");
    }

    #[test]
    fn a_lie_about_an_image_is_found_out() {
        assert_eq!(settle(b"<html>", "image/png"), UNKNOWN);
        assert_eq!(settle(b"\x89PNG\r\n\x1a\n....", "text/plain"), "image/png");
        assert_eq!(settle(b"hello", "text/plain"), "text/plain");
    }
}
