use std::path::Path;

use anyhow::{Context as _, bail};

/// Makes the settings of a TOML file the defaults of `command`'s arguments: flags and environment still win.
///
/// # Errors
/// The file cannot be read, is not TOML, or has keys that are no settings; all unknown keys are named at once.
pub fn command_with_file(mut command: clap::Command, subcommand: &str, path: &Path) -> anyhow::Result<clap::Command> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the configuration {}", path.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
    let known: Vec<String> = command
        .find_subcommand(subcommand)
        .map(|sub| sub.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect())
        .unwrap_or_default();
    let unknown: Vec<&str> = table.keys().filter(|key| !known.contains(key)).map(String::as_str).collect();
    if !unknown.is_empty() {
        bail!("{}: unknown settings: {}", path.display(), unknown.join(", "));
    }
    for (key, value) in table {
        let values: Vec<String> = match value {
            toml::Value::String(text) => vec![text],
            toml::Value::Array(items) => items.iter().map(plain).collect(),
            other => vec![plain(&other)],
        };
        command = command.mut_subcommand(subcommand, |sub| {
            let id = sub.get_arguments().find(|arg| arg.get_long() == Some(&key)).map(|arg| arg.get_id().clone());
            match id {
                Some(id) => sub.mut_arg(id, |arg| arg.default_values(values)),
                None => sub,
            }
        });
    }
    Ok(command)
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
