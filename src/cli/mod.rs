//! The subcommands of the binary, one file each, and the one place where errors become exit codes.

mod compare;
mod data;
mod display;
mod evaluate;
mod export;
mod options;
mod reference_options;
mod report;
mod retrain;
mod run_folder;
mod search;
mod train;
mod train_lif;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Trains sparse spiking neural networks and searches their hyperparameters.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Search hyperparameters as a study file says; resumable, see --resume
    Search(search::Arguments),
    /// Train one network: the fixed parameters of a study file, scored on the hold-out; or a LIF
    /// network
    Train(train::Arguments),
    /// Train a fixed solution, or the best of a study, with several seeds; score on the test set
    Retrain(retrain::Arguments),
    /// Run one LIF network by every method, check that they agree, and time them
    Compare(compare::Arguments),
    /// Score a saved network again
    Evaluate(evaluate::Arguments),
    /// Write the report page of a study, also while its search runs
    Report(report::Arguments),
    /// Write the trials of a study as CSV with the columns of the study of Firmin et al.
    Export(export::Arguments),
    /// Make small event data sets and look at event data sets
    Data(data::Arguments),
}

/// Runs the program: 0 done, 1 an error, 2 wrong arguments, 130 ended by a signal.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    display::set_up_log();
    let result = match arguments.command {
        Command::Search(arguments) => search::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Retrain(arguments) => retrain::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
    };
    match result {
        Ok(code) => code,
        // Whoever reads our output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// Writes a line to standard error. Nobody may be listening there: that ends no work.
fn tell(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes a line to standard output; unlike `println!` a closed pipe is an error, not a panic.
fn say(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}
