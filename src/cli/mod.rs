//! The command line: one binary, a subcommand for each thing to do. It parses, calls the daemon and turns the outcome
//! into words and an exit code: 0 fine, 1 failure, 2 usage, 69 device or port, 77 permission, 78 configuration.

mod asked;
mod board;
mod board_status;
mod ca;
mod check;
mod config;
mod country;
mod doctor;
mod lines;
mod maintain;
mod media;
mod numbers;
mod papers;
mod reload;
mod running;
mod sound;
mod top;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use tipring_card::Maintenance;

use crate::config::last_good::{self, Keeper};
use crate::config::{Config, ConfigError, Loaded, LogFormat, Sources};
use crate::daemon::serve::{self as service, StartError};
use crate::daemon::{self, bench, dev, run, simulation};
use crate::observe::log;
use asked::Asked;

/// Telephone lines run web applications.
#[derive(Debug, Parser)]
#[command(name = "tipring", version = env!("TIPRING_VERSION"), about)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
struct Arguments {
    /// The same as `check`
    #[arg(long)]
    check_config: bool,
    #[command(flatten)]
    check: Check,
    /// The form of messages: into the journal under systemd, else text
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value = "auto", hide_default_value = true)]
    log_format: log::Form,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What `check` is told.
#[derive(Debug, clap::Args)]
struct Check {
    #[command(flatten)]
    asked: Asked,
    /// Warnings count like errors
    #[arg(long)]
    strict: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service from a configuration file
    Serve {
        #[command(flatten)]
        asked: Asked,
        /// Judge the configuration and end, as `check` does
        #[arg(long)]
        check_config: bool,
    },
    /// Run the media layer alone, for a service whose configuration has its socket as `media.face`; with a further word:
    /// ask the one that runs
    Media {
        #[command(flatten)]
        asked: Asked,
        #[command(subcommand)]
        command: Option<Box<media::Command>>,
    },
    /// Have the running service take over its configuration anew; tells what was taken, what waits and what was wrong
    Reload {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        asked: Asked,
    },
    /// Plant faults in a running service that was started with TIPRING_DEBUG=1
    /// A child of the media layer: decodes one container from standard input
    #[command(hide = true)]
    Decode {
        /// Which
        container: String,
    },
    #[command(hide = true)]
    Debug {
        #[command(subcommand)]
        command: Debug,
    },
    /// Show a call on a simulated E1 with a sample application, then serve
    Dev {
        /// End after the demonstration call
        #[arg(long)]
        once: bool,
        /// The timeline as one JSON object a line
        #[arg(long)]
        json: bool,
        /// Port of the API on loopback; any free one with 0
        #[arg(long, default_value_t = dev::API_PORT)]
        port: u16,
        /// Also the API over TLS, on this port of loopback; any free one with 0
        #[arg(long, value_name = "PORT")]
        tls: Option<u16>,
        /// Also the port for programs that ask a proxy for api.twilio.com; any free one with 0
        #[arg(long, value_name = "PORT")]
        proxy: Option<u16>,
        /// Plant a fault, to see a check fail
        #[arg(long, value_enum, hide = true)]
        fault: Option<dev::Fault>,
        /// Instead of the demonstration: so many callers who ring again and again
        #[arg(long, value_name = "N", hide = true)]
        calls: Option<u8>,
        /// And so many on analogue lines
        #[arg(long, value_name = "N", default_value_t = 0, hide = true)]
        analog_calls: u8,
        /// The application of the number, instead of the sample application
        #[arg(long, value_name = "URL", hide = true)]
        app: Option<String>,
    },
    /// Scripted calls on virtual time
    Sim {
        #[command(subcommand)]
        command: Sim,
    },
    /// The box's lines, and whether each is ready; with a further word: ask the service that runs about one
    #[command(args_conflicts_with_subcommands = true)]
    Lines {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        place: board::Place,
        #[command(subcommand)]
        command: Option<LinesCommand>,
    },
    /// Boxes: how they are recognised, their slots, ports, lamps and relays
    Board {
        #[command(subcommand)]
        command: board::Command,
    },
    /// Sound devices: handsets, door phones, loudspeakers, sources of sound
    Sound {
        #[command(subcommand)]
        command: SoundCommand,
    },
    /// Examine a part of the box, and propose what of its settings ought to be otherwise
    Doctor {
        #[command(subcommand)]
        command: doctor::Command,
    },
    /// Countries: their tones, caller id, emergency numbers and what else a line wants to know
    Country {
        #[command(subcommand)]
        command: country::Command,
    },
    /// Lines, calls and late blocks of the running service, each second anew
    Top {
        /// Once, and end
        #[arg(long)]
        once: bool,
        /// Once, as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        asked: Asked,
    },
    /// Judge a configuration; opens and touches nothing
    Check(Check),
    /// The configuration that is in force
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// The box's certificate authority, for those who are to trust it
    Ca {
        #[command(subcommand)]
        command: CaCommand,
    },
    /// Numbers and their applications
    Numbers {
        #[command(subcommand)]
        command: Numbers,
    },
    /// Write the manual pages and completions of a package
    #[command(hide = true)]
    GenDocs {
        /// Where to
        dir: PathBuf,
        /// The folder of the documents
        #[arg(long, value_name = "DIR", default_value = "docs")]
        docs: PathBuf,
    },
    /// Figures of the service on a simulated card, in real time
    #[command(hide = true)]
    Bench {
        /// Which rows; all when none is named
        rows: Vec<String>,
        /// One JSON object a row
        #[arg(long)]
        json: bool,
        /// A missed goal is an error
        #[arg(long)]
        check: bool,
    },
    /// Thousands of mixed calls: what grows with them?
    #[command(hide = true)]
    Soak {
        /// Calls that are counted
        #[arg(long, default_value_t = 10_000)]
        calls: u64,
        /// Calls before them
        #[arg(long, default_value_t = 1_000)]
        warm_up: u64,
        /// Calls that begin a second
        #[arg(long, default_value_t = 12)]
        rate: u32,
        /// One JSON object a sample
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Sim {
    /// Run one scenario
    Run {
        /// The scenario
        file: PathBuf,
        /// Decides every SID and every fault
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Also write what each telephone heard into this folder, as WAV
        #[arg(long, value_name = "DIR")]
        heard: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum Debug {
    /// The media thread stands still
    StallMedia {
        /// For so long
        #[arg(long, value_name = "SECONDS", default_value_t = 25)]
        seconds: u64,
        #[command(flatten)]
        asked: Asked,
    },
}

#[derive(Debug, Subcommand)]
enum SoundCommand {
    /// What there is, and the names by which it can be configured
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum LinesCommand {
    /// Lift the telephone of a sound device
    Lift {
        /// Which, as lines are named: "sound door"
        name: String,
        #[command(flatten)]
        asked: Asked,
    },
    /// Put the telephone of a sound device down
    PutDown {
        /// Which, as lines are named: "sound door"
        name: String,
        #[command(flatten)]
        asked: Asked,
    },
    /// What happened on an analogue line, or on a port for a telephone, over its last calls
    Trace {
        /// Which, as lines are named: "dahdi 3/2"
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        asked: Asked,
    },
    /// A loop or a test on a span, to find out where a fault is: off, local-loop, line-loop, payload-loop, loop-up, loop-down,
    /// test-pattern, reset-counters
    Maintain {
        /// Which, as spans are named: "dahdi 1"
        span: String,
        /// What
        #[arg(value_parser = maintenance)]
        what: Maintenance,
        #[command(flatten)]
        asked: Asked,
    },
}

/// A loop or a test, as it is asked for.
fn maintenance(word: &str) -> Result<Maintenance, String> {
    let words = || Maintenance::ALL.map(Maintenance::as_str).join(", ");
    let found = Maintenance::ALL.into_iter().find(|what| what.as_str() == word);
    found.ok_or_else(|| format!("one of these is wanted: {}", words()))
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Every key with its value
    Show {
        #[command(flatten)]
        asked: Asked,
        /// And where it comes from
        #[arg(long)]
        origin: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// One hash over all values
    Hash {
        #[command(flatten)]
        asked: Asked,
    },
}

#[derive(Debug, Subcommand)]
enum CaCommand {
    /// Where its certificate is, its fingerprint and its end
    Show {
        /// The certificate itself
        #[arg(long)]
        pem: bool,
        /// As JSON
        #[arg(long, conflicts_with = "pem")]
        json: bool,
        #[command(flatten)]
        asked: Asked,
    },
}

#[derive(Debug, Subcommand)]
enum Numbers {
    /// Give a number to an application, from the next call on
    Set {
        /// E.164, or the digits as the line gives them
        number: String,
        /// The application's URL
        url: String,
        #[command(flatten)]
        api: numbers::Api,
    },
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Some(command) = arguments.command else {
        return if arguments.check_config { judged(arguments.check) } else { usage() };
    };
    let form = arguments.log_format;
    let sounds = bench::FirstSounds::default();
    match command {
        Command::Bench { .. } => sounds.clone().watch(),
        // They log as their configuration says.
        Command::Serve { check_config: false, .. } | Command::Media { command: None, .. } | Command::Decode { .. } => {}
        // Most of its calls are meant to fail.
        Command::Soak { .. } => log::start(form, "error"),
        _ => log::start(form, "warn"),
    }
    match command {
        Command::Check(check) => judged(check),
        Command::Decode { container } => decode(&container),
        Command::Config { command: ConfigCommand::Show { asked, origin, json } } => {
            config::show(&asked.sources(), origin, json)
        }
        Command::Config { command: ConfigCommand::Hash { asked } } => config::hash(&asked.sources()),
        Command::Ca { command: CaCommand::Show { pem, json, asked } } => ca::show(&asked.sources(), pem, json),
        Command::Top { once, json, asked } => top::run(&asked.sources(), top::Wish { once, json }),
        Command::Country { command } => country::run(command),
        Command::Board { command } => board::run(command),
        Command::Lines { command: Some(LinesCommand::Trace { name, json, asked }), .. } => {
            trace::run(&asked.sources(), &name, json)
        }
        Command::Lines { command: Some(LinesCommand::Maintain { span, what, asked }), .. } => {
            maintain::run(&asked.sources(), &span, what)
        }
        Command::Lines { json, config, place, command: None } => lines::run(config, json, &place),
        Command::Lines { command: Some(LinesCommand::Lift { name, asked }), .. } => {
            sound::lift(&asked.sources(), &name, true)
        }
        Command::Lines { command: Some(LinesCommand::PutDown { name, asked }), .. } => {
            sound::lift(&asked.sources(), &name, false)
        }
        Command::Sound { command: SoundCommand::List { json } } => sound::list(json),
        Command::Serve { asked, check_config: true } => judged(Check { asked, strict: false, json: false }),
        Command::Serve { asked, check_config: false } => with_config(Keeper::Service, asked, form, serve),
        Command::Media { asked, command: Some(command) } => media::run(asked, *command),
        Command::Media { asked, command: None } => with_config(Keeper::Media, asked, form, |loaded, sources| {
            block_on(daemon::media::run(&loaded.config, &sources.file, reread(&sources)))
        }),
        Command::Doctor { command } => doctor::run(command),
        Command::Reload { json, asked } => reload::run(&asked.sources(), json),
        Command::Debug { command: Debug::StallMedia { seconds, asked } } => {
            reload::stall_media(&asked.sources(), seconds)
        }
        Command::Dev { once, json, port, tls, proxy, fault, calls, analog_calls, app } => {
            let options = dev::Options {
                once,
                json,
                port,
                tls,
                proxy,
                fault,
                calls,
                analog_calls,
                app,
                ..dev::Options::default()
            };
            ended(block_on(dev::run(options)).map(|summary| summary.ok))
        }
        Command::Sim { command: Sim::Run { file, seed, json, heard } } => {
            match crate::daemon::scenario::Scenario::load(&file) {
                Ok(scenario) => {
                    let options = simulation::Options { seed, json, heard };
                    ended(block_on(simulation::run(&scenario, &options, std::io::stdout().lock())).map(|o| o.ok))
                }
                Err(error) => refused(&error),
            }
        }
        Command::Numbers { command: Numbers::Set { number, url, api } } => {
            ended(block_on(numbers::set(&number, &url, &api)).map(|()| true))
        }
        Command::GenDocs { dir, docs } => {
            let outcome = papers::write(Arguments::command(), &docs, &dir);
            ended(outcome.map(|()| true).map_err(|error| StartError { exit: 1, text: format!("gen-docs: {error}") }))
        }
        Command::Bench { rows, json, check } => ended(bench::run(&rows, json, check, &sounds)),
        Command::Soak { calls, warm_up, rate, json } => {
            ended(bench::soak(&bench::SoakOptions { calls, warm_up, rate, json }))
        }
    }
}

/// What it complains of goes to whoever started it.
fn decode(container: &str) -> ExitCode {
    match tipring_media::decode_alone(container, std::io::stdin(), &mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn judged(check: Check) -> ExitCode {
    check::run(&check.asked.sources(), check.strict, check.json)
}

/// Flags without anything to do.
fn usage() -> ExitCode {
    eprintln!("tipring: a command is wanted; see `tipring --help`");
    ExitCode::from(2)
}

/// With the configuration, or with the last good one.
fn with_config(
    keeper: Keeper,
    asked: Asked,
    form: log::Form,
    run: impl FnOnce(Loaded, Sources) -> Result<(), StartError>,
) -> ExitCode {
    let sources = asked.sources();
    let loaded = match last_good::load(keeper, &sources) {
        Ok(loaded) => loaded,
        Err(refusal) => {
            check::tell(&refusal);
            return ExitCode::from(refusal.exit());
        }
    };
    let wanted = &loaded.config.log;
    log::start(form_of(form, wanted.format), &wanted.level);
    for warning in &loaded.warnings {
        tracing::warn!("{}: {}", warning.origin, warning.text);
    }
    if let Some(refusal) = &loaded.degraded {
        for complaint in refusal.lines() {
            tracing::error!("{complaint}");
        }
        tracing::error!("the configuration is refused: the box runs with the last good one");
    }
    ended(run(loaded, sources).map(|()| true))
}

/// The flag's form of messages, else the configuration's.
fn form_of(flag: log::Form, wanted: LogFormat) -> log::Form {
    match (flag, wanted) {
        (log::Form::Auto, LogFormat::Text) => log::Form::Text,
        (log::Form::Auto, LogFormat::Json) => log::Form::Json,
        (log::Form::Auto, LogFormat::Journal) => log::Form::Journal,
        (flag, _) => flag,
    }
}

fn serve(loaded: Loaded, sources: Sources) -> Result<(), StartError> {
    let reread = reread(&sources);
    let degraded = loaded.degraded.and_then(|refusal| refusal.complaints.first().map(ToString::to_string));
    block_on(run::run(run::Settings { config: loaded.config, file: sources.file, reread, degraded }))
}

/// Reads the same sources anew.
fn reread(sources: &Sources) -> run::Reread {
    let again = sources.clone();
    Box::new(move || match Config::load(&again) {
        Ok(loaded) => Ok(loaded.config),
        Err(refusal) => Err(refusal.lines()),
    })
}

fn refused(error: &ConfigError) -> ExitCode {
    eprintln!("tipring: {error}");
    ExitCode::from(78)
}

fn ended(outcome: Result<bool, StartError>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("tipring: {error}");
            ExitCode::from(error.exit)
        }
    }
}

fn block_on<T>(future: impl Future<Output = Result<T, StartError>>) -> Result<T, StartError> {
    let runtime = service::runtime()?;
    let outcome = runtime.block_on(future);
    // A decoder or a name lookup that still runs is not waited for.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    outcome
}
