use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use chat_core::{Password, UserId, Username};
use chat_embedded::Embedded;
use chat_ports::ChatStore;
use chat_ports::store::NewUser;
use uuid::Uuid;

use crate::auth::hash_password;
use crate::import::{ImportReport, IrcImport};
use crate::node::SystemClock;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    source: Source,
}

#[derive(clap::Subcommand)]
enum Source {
    /// Logs with lines such as `[09:21] <nick> text`, one file a day, its name beginning with the day (2007-01-12…)
    ///
    /// Speakers become accounts that nobody can log in to. Doing it again adds nothing twice; after an interruption it
    /// goes on.
    Irc(IrcArgs),
}

#[derive(clap::Args)]
struct IrcArgs {
    /// Files, or folders with .txt and .log files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Title of the group that the messages go to
    #[arg(long)]
    conversation: String,
    /// Who owns the group. An account that does not exist is made, with the password in CHAT_IMPORT_PASSWORD or a
    /// random one that is printed
    #[arg(long, default_value = "archivist")]
    owner: Username,
    /// The folder of a node that is not running
    #[arg(long, env = "ELASTIC_CHAT_DATA_DIR", default_value = "./data")]
    data_dir: PathBuf,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let Source::Irc(args) = args.source;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(import(args))
}

async fn import(args: IrcArgs) -> anyhow::Result<()> {
    let title = chat_core::Title::try_from(args.conversation).context("--conversation")?;
    let embedded = Embedded::open(&args.data_dir, Arc::new(SystemClock))?;
    let store: Arc<dyn ChatStore> = embedded.store.clone();
    let (owner, password) = owner(&store, args.owner.clone()).await?;
    let import = IrcImport { log: embedded.log.clone(), store, conversation: String::from(title), owner };
    let result = import.run(&args.files, |messages| eprint!("\r{messages} messages")).await;
    eprintln!();
    embedded.shutdown().await;
    print(&result?);
    println!("conversation: {}", import.conversation_id());
    match password {
        Some(password) => println!("log in as {} with the password {password} (it is shown only now)", args.owner),
        None => println!("log in as {} to read it", args.owner),
    }
    Ok(())
}

/// The owner's id, and their password when it was made up here.
async fn owner(store: &Arc<dyn ChatStore>, username: Username) -> anyhow::Result<(UserId, Option<String>)> {
    if let Some(row) = store.user_by_name(&username).await? {
        return Ok((row.id, None));
    }
    let given = std::env::var("CHAT_IMPORT_PASSWORD").ok();
    let made_up = given.is_none().then(|| Uuid::new_v4().simple().to_string());
    let text = given.or_else(|| made_up.clone()).unwrap_or_default();
    let password = Password::try_from(text).context("CHAT_IMPORT_PASSWORD")?;
    let user = NewUser {
        id: UserId::new(Uuid::now_v7()),
        display_name: username.to_string(),
        username: username.clone(),
        password_hash: Some(hash_password(&password)?),
        at: chat_ports::Clock::now(&SystemClock),
    };
    let id = user.id;
    if !store.create_user(user).await? {
        bail!("the username {username} was taken at this moment: try again");
    }
    Ok((id, made_up))
}

fn print(report: &ImportReport) {
    let seconds = report.took.as_secs_f64();
    #[allow(clippy::cast_precision_loss)] // no log has 2^53 lines
    let rate = report.imported as f64 / seconds.max(0.001);
    println!("files:         {}", report.files);
    println!("lines:         {}", report.lines);
    println!("imported:      {} messages in {seconds:.2} s ({rate:.0}/s)", report.imported);
    println!("already there: {}", report.already_there);
    println!("notices:       {} (joins and parts are not imported)", report.notices);
    println!("blank:         {}", report.blank);
    println!("malformed:     {}", report.malformed);
    println!("not UTF-8:     {} (bytes replaced)", report.repaired);
    println!("speakers:      {} ({} new)", report.speakers, report.new_speakers);
    for example in &report.examples {
        println!("  malformed: {example}");
    }
}
