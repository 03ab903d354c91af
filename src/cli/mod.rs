//! The command line: one binary, a subcommand for each thing to do. It parses, calls the daemon and turns the outcome
//! into words and an exit code: 0 fine, 1 failure, 2 usage, 69 device or port, 77 permission, 78 configuration.

mod check;
mod lines;
mod numbers;
mod papers;
mod reload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{Config, ConfigError};
use crate::daemon::serve::{StartError, default_file};
use crate::daemon::{dev, media, run, simulation};

/// Telephone lines run web applications.
#[derive(Debug, Parser)]
#[command(name = "tipring", version = env!("TIPRING_VERSION"), about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service from a configuration file
    Serve {
        /// Configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Run the media layer alone, for a service whose configuration has its socket as `media.face`
    Media {
        /// Configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Have the running service take over its configuration anew; tells what was taken, what waits and what was wrong
    Reload {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Plant faults in a running service that was started with TIPRING_DEBUG=1
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
    /// The box's lines, and whether each is ready
    Lines {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Judge a configuration file; opens and touches nothing
    Check {
        /// Configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
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
        /// Configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
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
    let level = tracing_subscriber::EnvFilter::try_from_env("TIPRING_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(level.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")))
        .with_writer(std::io::stderr)
        .init();
    match arguments.command {
        Command::Check { config } => check::run(&file_of(config)),
        Command::Lines { json, config } => lines::run(config, json),
        Command::Serve { config } => with_config(config, |config, file| {
            let again = file.clone();
            let reread = Box::new(move || match Config::load(&again) {
                Ok((config, _)) => Ok(config),
                Err(error) => Err(vec![error.to_string()]),
            });
            block_on(run::run(run::Settings { config, file, reread, degraded: None }))
        }),
        Command::Media { config } => with_config(config, |config, _| block_on(media::run(&config))),
        Command::Reload { json, config } => reload::run(config, json),
        Command::Debug { command: Debug::StallMedia { seconds, config } } => reload::stall_media(config, seconds),
        Command::Dev { once, json, port, fault, calls, analog_calls, app } => {
            let options = dev::Options { once, json, port, fault, calls, analog_calls, app, ..dev::Options::default() };
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
    }
}

fn file_of(config: Option<PathBuf>) -> PathBuf {
    config.unwrap_or_else(default_file)
}

fn with_config(config: Option<PathBuf>, run: impl FnOnce(Config, PathBuf) -> Result<(), StartError>) -> ExitCode {
    let file = file_of(config);
    match Config::load(&file) {
        Ok((config, _)) => ended(run(config, file).map(|()| true)),
        Err(error) => refused(&error),
    }
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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StartError { exit: 1, text: format!("no runtime: {error}") })?;
    let outcome = runtime.block_on(future);
    // A decoder or a name lookup that still runs is not waited for.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    outcome
}
