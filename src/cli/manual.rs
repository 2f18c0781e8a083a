//! `man`: the manual page, or one page for each command.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{Cli, ManArgs};
use super::console::Console;
use super::exit::{Exit, Stopped};

/// A line of ENVIRONMENT, FILES or EXIT STATUS.
struct Entry {
    name: &'static str,
    text: &'static str,
    /// The commands that it applies to, with their subcommands; every command if empty.
    commands: &'static [&'static str],
}

const fn entry(name: &'static str, text: &'static str, commands: &'static [&'static str]) -> Entry {
    Entry { name, text, commands }
}

const ALL: &[&str] = &[];
const CALLING: &[&str] =
    &["plan", "drift", "explain", "apply", "reconcile", "destroy", "import", "check"];
const CALLING_OR_SERVING: &[&str] =
    &["plan", "drift", "explain", "apply", "reconcile", "destroy", "import", "check", "emulator"];
const READING: &[&str] = &[
    "validate",
    "plan",
    "drift",
    "explain",
    "apply",
    "reconcile",
    "destroy",
    "import",
    "check",
    "state",
    "emulator",
];
const RECORDING: &[&str] =
    &["plan", "drift", "explain", "apply", "reconcile", "destroy", "import", "state"];
const LOCKING: &[&str] = &[
    "apply",
    "reconcile",
    "destroy",
    "import",
    "state rm",
    "state fold",
    "state repair",
    "state mv",
    "state push",
    "state unlock",
    "state migrate",
];

const ENVIRONMENT: &[Entry] = &[
    entry(
        "ZEGO_SERVER_SECRET",
        "The ServerSecret of providers of kind zim and rtc, unless the file names another variable \
         (secret_env) or a file (secret_file).",
        CALLING_OR_SERVING,
    ),
    entry(
        "TENCENT_SECRET_KEY",
        "The SecretKey of providers of kind tencent-live, unless the file names another.",
        CALLING_OR_SERVING,
    ),
    entry(
        "ROOMCTL_*, ZEGO_*, ZIM_*, TENCENT_*",
        "Variables that the file may use as ${NAME}; never one that may contain a secret.",
        READING,
    ),
    entry(
        "HTTPS_PROXY, HTTP_PROXY, NO_PROXY, SSL_CERT_FILE",
        "The proxy to the services, and the certificates that are trusted.",
        CALLING,
    ),
    entry(
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL",
        "Credentials and region for a state at s3://, as for other AWS tools; machine roles and web \
         identities work too.",
        RECORDING,
    ),
    entry(
        "GOOGLE_APPLICATION_CREDENTIALS, GOOGLE_OAUTH_ACCESS_TOKEN",
        "Credentials for a state at gs://: a service account's file, or an access token.",
        RECORDING,
    ),
    entry(
        "AZURE_STORAGE_ACCOUNT, AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN",
        "Credentials for a state at az://; AZURE_CLIENT_ID and related variables work too.",
        RECORDING,
    ),
    entry(
        "PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGPASSFILE, PGSERVICE, PGSSLMODE, PGSSLROOTCERT",
        "Connection settings for a state at postgres://, as for psql; the URL takes precedence.",
        RECORDING,
    ),
    entry(
        "CI",
        "If set, a state in a local file causes a warning.",
        &["apply", "reconcile", "destroy"],
    ),
    entry(
        "ROOMCTL_LOG",
        "The level of the log on stderr, such as info or debug; warn by default.",
        ALL,
    ),
    entry("NO_COLOR", "No colour, unless --color always is given.", ALL),
    entry(
        "CLICOLOR_FORCE",
        "Colour even if the output is not a terminal, unless it is 0 or NO_COLOR is set.",
        ALL,
    ),
];

const FILES: &[Entry] = &[
    entry("rooms.yaml", "Declares the rooms. -f names other files.", READING),
    entry(
        "rooms.state.json",
        "The state: every room that roomctl created. state: in the file or --state names another one.",
        RECORDING,
    ),
    entry(
        "rooms.state.json.journal",
        "The journal of a run in progress, or of an interrupted one. The next run, or state fold, writes \
         it into the state. Keep it with the state.",
        RECORDING,
    ),
    entry("rooms.state.json.backup-N", "The last three versions of the state.", RECORDING),
    entry(
        "rooms.state.json.rescue-PID",
        "The journal of a run whose state was replaced meanwhile; state repair merges it.",
        RECORDING,
    ),
    entry(
        "rooms.state.json.lock",
        "The lock, which keeps a second writer out and names its holder.",
        RECORDING,
    ),
    entry(
        "rooms.emulator.json",
        "The rooms of the built-in emulator, beside the state.",
        CALLING_OR_SERVING,
    ),
];

const EXIT_STATUS: &[Entry] = &[
    entry("0", "Done, or nothing to do.", ALL),
    entry("1", "Failed: nothing was changed.", ALL),
    entry("2", "Changes are wanted, with --detailed-exitcode.", &["plan"]),
    entry("2", "The service differs from the record.", &["drift"]),
    entry(
        "3",
        "Refused: the gate held steps back, the plan was not approved, or the state belongs to another \
         application.",
        &[
            "plan",
            "apply",
            "reconcile",
            "destroy",
            "import",
            "state rm",
            "state repair",
            "state mv",
            "state push",
            "state unlock",
        ],
    ),
    entry("4", "The state is locked by another run.", LOCKING),
    entry(
        "5",
        "Partly done: some steps failed or were not tried, or some rooms could not be read.",
        &["plan", "drift", "apply", "reconcile", "destroy", "import"],
    ),
    entry("64", "Wrong usage.", ALL),
    entry("130", "Interrupted twice.", &["apply", "reconcile", "destroy", "import"]),
];

/// Prints the page of `roomctl`, or writes the pages of all commands into a folder.
pub(super) fn run(args: &ManArgs, console: &Console) -> Result<Exit, Stopped> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    match &args.out {
        None => console.print(|out| page(&root, out))?,
        Some(folder) => {
            let written = fs::create_dir_all(folder).and_then(|()| pages(&root, folder));
            let number = written.map_err(|error| {
                let words =
                    format!("the pages could not be written to {}: {error}", folder.display());
                Stopped::failed("io", words)
            })?;
            console.note(&format!("wrote {number} pages to {}", folder.display()));
        }
    }
    Ok(Exit::Done)
}

/// Writes the pages of a command and all its subcommands, and returns their number.
fn pages(command: &clap::Command, folder: &Path) -> io::Result<usize> {
    let mut number = 1;
    for subcommand in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        number += pages(subcommand, folder)?;
    }
    let mut text = Vec::new();
    page(command, &mut text)?;
    let mut file = File::create(folder.join(Man::new(command.clone()).get_filename()))?;
    file.write_all(&text)?;
    Ok(number)
}

/// Writes the page of one command.
fn page(command: &clap::Command, mut out: &mut dyn Write) -> io::Result<()> {
    let man = Man::new(command.clone());
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.get_subcommands().any(|it| !it.is_hide_set()) {
        man.render_subcommands_section(&mut out)?;
    }
    let mut roff = Roff::new();
    examples(&mut roff, command);
    entries(&mut roff, "ENVIRONMENT", ENVIRONMENT, command);
    entries(&mut roff, "FILES", FILES, command);
    entries(&mut roff, "EXIT STATUS", EXIT_STATUS, command);
    roff.to_writer(&mut out)
}

/// The lines of the examples in a command's help.
fn examples(roff: &mut Roff, command: &clap::Command) {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let paragraphs = help.split("\n\n");
    let lines = paragraphs.filter_map(|text| text.strip_prefix("Examples:\n"));
    for lines in lines {
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line.trim_start())]);
        }
        roff.control("fi", []);
    }
}

fn entries(roff: &mut Roff, heading: &str, entries: &[Entry], command: &clap::Command) {
    let about: Vec<&Entry> = entries.iter().filter(|entry| entry.is_about(command)).collect();
    if about.is_empty() {
        return;
    }
    roff.control("SH", [heading]);
    for Entry { name, text, commands: _ } in about {
        roff.control("TP", []).text([bold(*name)]).text([roman(*text)]);
    }
}

impl Entry {
    /// Whether it belongs on the page of a command; the page of `roomctl` has all.
    fn is_about(&self, command: &clap::Command) -> bool {
        let line = command.get_bin_name().unwrap_or_else(|| command.get_name());
        let Some((_, path)) = line.split_once(' ') else { return true };
        let about = |name: &&str| {
            path.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        self.commands.is_empty() || self.commands.iter().any(about)
    }
}
