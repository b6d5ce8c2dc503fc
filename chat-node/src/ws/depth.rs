/// The deepest nesting of any frame is 4; more than this is an attack on the parser.
const MAX_DEPTH: usize = 32;

/// Is the JSON nested too deeply? One pass over the bytes, before anything is parsed.
pub fn too_deep(json: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_structure_and_not_text() {
        assert!(!too_deep(r#"{"a":[{"b":1}]}"#));
        assert!(too_deep(&"[".repeat(33)));
        assert!(!too_deep(&format!(r#"{{"text":"\"{}"}}"#, "[".repeat(100))));
        assert!(!too_deep(&"[]".repeat(100)));
    }
}
