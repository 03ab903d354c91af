//! The command line: one binary, a subcommand for each thing to do. It parses, calls the daemon and turns the outcome
//! into words and an exit code: 0 fine, 1 failure, 2 usage, 69 device or port, 77 permission, 78 configuration.

mod check;
mod lines;
mod numbers;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{Config, ConfigError};
use crate::daemon::serve::{StartError, default_file};
use crate::daemon::{bench, dev, serve, simulation};

/// Telephone lines run web applications.
#[derive(Debug, Parser)]
#[command(name = "tipring", version, about)]
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
    /// Figures of the service on a simulated card, in real time
    #[command(hide = true)]
    Bench {
        /// Which rows; all when none is named
        rows: Vec<String>,
        /// One JSON object a row
        #[arg(long)]
        json: bool,
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
    let level = EnvFilter::try_from_env("TIPRING_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let written = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(level);
    let sounds = bench::FirstSounds::default();
    let measured = matches!(arguments.command, Command::Bench { .. })
        .then(|| sounds.clone().with_filter(EnvFilter::new(bench::FIRST_SOUND.to_owned() + "=trace")));
    tracing_subscriber::registry().with(written).with(measured).init();
    match arguments.command {
        Command::Check { config } => check::run(&file_of(config)),
        Command::Lines { json, config } => lines::run(config, json),
        Command::Serve { config } => with_config(config, |config, file| block_on(serve::run(&config, &file))),
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
        Command::Bench { rows, json } => ended(bench::run(&rows, json, &sounds)),
        Command::Soak { calls, warm_up, rate, json } => {
            ended(bench::soak(&bench::SoakOptions { calls, warm_up, rate, json }))
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
    let runtime = serve::runtime()?;
    let outcome = runtime.block_on(future);
    // A decoder or a name lookup that still runs is not waited for.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    outcome
}
