//! Configuration files with `@name@` where a value goes.

use anyhow::{Context as _, ensure};

/// # Errors
/// A place has no value, or a value no place: both are slips that a server would tell late, or never.
pub fn render(template: &str, values: &[(&str, &str)]) -> anyhow::Result<String> {
    let mut text = String::with_capacity(template.len() * 2);
    let mut used = vec![false; values.len()];
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('@') {
        let (name, after) = after.split_once('@').context("an @ without its partner")?;
        let at = values.iter().position(|(known, _)| *known == name);
        let at = at.with_context(|| format!("no value for @{name}@"))?;
        used[at] = true;
        text.push_str(before);
        text.push_str(values[at].1);
        rest = after;
    }
    text.push_str(rest);
    let idle: Vec<_> = values.iter().zip(used).filter(|(_, used)| !used).map(|((name, _), _)| *name).collect();
    ensure!(idle.is_empty(), "nothing takes {}", idle.join(", "));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_where_their_names_are() {
        assert_eq!(
            render("port @port@\ndir @dir@/@port@\n", &[("port", "1"), ("dir", "/d")]).expect("works"),
            "port 1\ndir /d/1\n"
        );
        assert_eq!(render("nothing", &[]).expect("works"), "nothing");
    }

    #[test]
    fn slips_are_errors() {
        assert_eq!(render("@a@", &[]).expect_err("a refusal").to_string(), "no value for @a@");
        assert_eq!(render("a", &[("b", "")]).expect_err("a refusal").to_string(), "nothing takes b");
        assert!(render("me@home", &[]).is_err());
    }
}
