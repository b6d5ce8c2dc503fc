use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use stack::{Chat, Options, Stack};

use super::rust::lean;
use super::servers::{FIRST_PORT_OFFSET, forget, taken_down};
use crate::node::{Node, free_port};
use crate::process::{output, run, target};
use crate::web;

/// The tests register more people, and say more, than a person would.
const UNLIMITED: [&str; 4] = ["--limit-auth-per-address", "off", "--limit-sends-per-user", "off"];

/// The browser tests against a node that was just built and started on an empty folder.
pub fn browser() -> anyhow::Result<String> {
    let browser = chromium().context("no Chromium: install it, or give its path in CHROMIUM")?;
    web::build()?;
    output(&mut lean(&["build", "--quiet", "--package", "chat-node", "--locked"]))?;
    let folder = target().join("browser-test");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let log = folder.join("node.log");
    let off = UNLIMITED.map(str::to_owned);
    let binary = target().join("debug/chat-node");
    let sink = std::fs::File::create(&log)?.into();
    let mut node = Node::start(&binary, free_port()?, free_port()?, &folder.join("data"), &off, sink)
        .with_context(|| tail(&log))?;
    play(&browser, node.address).with_context(|| tail(&log))?;
    node.stop().with_context(|| tail(&log))?;
    Ok(String::new())
}

/// The same tests against three nodes and two writers behind nginx: to a client they are one.
pub fn nodes() -> anyhow::Result<String> {
    let browser = chromium().context("no Chromium: install it, or give its path in CHROMIUM")?;
    web::build()?;
    let packages = ["--package", "chat-node", "--package", "writer"];
    output(lean(&["build", "--quiet", "--locked"]).args(packages))?;
    let folder = target().join("browser-nodes-test");
    forget(&folder)?;
    let stack = Arc::new(Stack::open(folder.join("stack"))?);
    let chat = Chat { node_flags: UNLIMITED.map(str::to_owned).to_vec(), ..Chat::new(target().join("debug")) };
    let mut options = Options::one_of_each().at_free_ports(FIRST_PORT_OFFSET)?;
    let ports = options.ports();
    options.upstreams = (1..=chat.nodes).map(|n| ports.node(n)).collect();
    taken_down(&folder, &[stack.clone()], || {
        stack.up(&options)?;
        stack.start_chat(&chat)?;
        play(&browser, ports.nginx())?;
        Ok(String::new())
    })
}

/// Shown as it goes: each test takes its time.
fn play(browser: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let mut tests = web::npm(&["run", "--silent", "e2e"]);
    run(tests.env("CHAT_URL", format!("http://{address}")).env("CHROMIUM", browser))
}

/// The path in `CHROMIUM`, or a browser of that family on the path.
fn chromium() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHROMIUM").filter(|chosen| !chosen.is_empty()) {
        return Some(chosen.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"];
    names
        .iter()
        .find_map(|name| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()))
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!("the node's log ended with:\n{}\n", lines[lines.len().saturating_sub(30)..].join("\n"))
}
