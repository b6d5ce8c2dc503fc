/// One line of a chat log in the form of irssi and the Ubuntu archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line<'a> {
    /// `[HH:MM] <nick> text`
    Said {
        minute: u32,
        nick: &'a str,
        text: &'a str,
    },
    /// `[HH:MM]  * nick does something`
    Did {
        minute: u32,
        nick: &'a str,
        text: &'a str,
    },
    /// `=== nick has joined …`: no message.
    Notice,
    Blank,
    Malformed,
}

/// Minutes since midnight.
fn clock(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

fn timed(line: &str) -> Option<Line<'_>> {
    let (time, rest) = line.strip_prefix('[')?.split_once(']')?;
    let minute = clock(time)?;
    if let Some(said) = rest.strip_prefix(" <") {
        let (nick, text) = said.split_once('>')?;
        let text = text.strip_prefix(' ').unwrap_or(text);
        return (!nick.is_empty()).then_some(Line::Said { minute, nick, text });
    }
    let did = rest.trim_start().strip_prefix("* ")?;
    let (nick, text) = did.split_once(' ').unwrap_or((did, ""));
    (!nick.is_empty()).then_some(Line::Did { minute, nick, text })
}

pub fn parse_line(line: &str) -> Line<'_> {
    let line = line.trim_end_matches(['\r', '\n']);
    if line.trim().is_empty() {
        return Line::Blank;
    }
    if line.starts_with("===") {
        return Line::Notice;
    }
    timed(line).unwrap_or(Line::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_line() {
        assert_eq!(
            parse_line("[09:21] <ada> hi > there\r\n"),
            Line::Said { minute: 561, nick: "ada", text: "hi > there" }
        );
        assert_eq!(parse_line("[00:00]  * ada waves"), Line::Did { minute: 0, nick: "ada", text: "waves" });
        assert_eq!(parse_line("=== ada [~a@b] has joined #x"), Line::Notice);
        assert_eq!(parse_line("   "), Line::Blank);
        for bad in
            ["hello", "[9:21] <a> x", "[24:00] <a> x", "[09:60] <a> x", "[09:21] <> x", "[09:21 <a> x", "[09:21] a x"]
        {
            assert_eq!(parse_line(bad), Line::Malformed, "{bad}");
        }
    }
}
