//! The page: headline facts, then one section a figure or table.
//!
//! It is written so that an XML parser reads it too (every tag closed, no named entities), which is
//! how its tests know that it is well formed.

use super::facts::{self, Kind, attribute, counts, percent, ranked};
use super::scale::significant;
use super::svg::escape;
use super::{BestNetwork, Page, SampleRaster, colour, network_images, picture, ranking, raster};
use super::{assignment, curves, optimiser, panels};
use crate::study::record::StudyRecord;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Longest reason of a failure that is shown, in characters.
const MOST_REASON: usize = 600;
/// Most different reasons that are shown.
const MOST_REASONS: usize = 30;
/// Most numbers of trials that are listed for a reason.
const MOST_NUMBERS: usize = 12;

/// Renders the page.
pub(super) fn page(page: &Page) -> String {
    let name = match page.study.name.trim() {
        "" => "Unnamed study",
        name => name,
    };
    let name = escape(name);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{name} · spikeseek</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n",
        include_str!("style.css")
    );
    out += &header(page, &name);
    out += "<main>\n";
    out += &progress(page.study);
    out += &best_trials(page);
    out += &hyperparameters(page);
    out += &optimiser_section(page.study);
    if let Some(network) = &page.best {
        out += &network_section(network);
    }
    if let Some(sample) = &page.sample {
        out += &sample_section(sample, page.best.as_ref());
    }
    out += &failures(page.study);
    out += &settings(page.settings);
    out += "</main>\n";
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(out, "<footer>Written by spikeseek {version}.</footer>\n</body>\n</html>\n");
    out
}

fn section(title: &str, body: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{body}</section>\n")
}

fn header(page: &Page, name: &str) -> String {
    let study = page.study;
    let mut out = format!("<header>\n<h1>{name}</h1>\n");
    let started = study.trials.iter().map(|t| t.started.as_str()).filter(|s| !s.is_empty()).min();
    let ended = study.trials.iter().filter_map(|t| t.ended.as_deref()).max();
    let minute = |time: &str| time.chars().take(16).collect::<String>().replace('T', " ");
    let variables = match study.space.variables.len() {
        1 => "1 hyperparameter".to_string(),
        count => format!("{count} hyperparameters"),
    };
    let _ = match (started, ended) {
        (Some(from), Some(to)) => {
            let (from, to) = (escape(&minute(from)), escape(&minute(to)));
            writeln!(out, "<p>Search over {variables}, {from} to {to}</p>")
        }
        _ => writeln!(out, "<p>Search over {variables}</p>"),
    };
    if !page.warnings.is_empty() {
        out += "<div class=\"warnings\" role=\"note\" aria-label=\"Warnings\"><ul>\n";
        for warning in page.warnings {
            let _ = writeln!(out, "<li>{}</li>", escape(warning));
        }
        out += "</ul></div>\n";
    }
    out += "<dl class=\"facts\">\n";
    for (term, value, note) in headline(study) {
        let note = escape(&note);
        let _ = writeln!(out, "<div><dt>{term}</dt><dd>{value}<small>{note}</small></dd></div>");
    }
    out + "</dl>\n</header>\n"
}

/// Term, value and note of each headline fact.
fn headline(study: &StudyRecord) -> Vec<(&'static str, String, String)> {
    let total = study.trials.len();
    let counts = counts(study);
    let count = |kind: Kind| counts[kind as usize];
    let finished = total - count(Kind::Open);
    let none = || "–".to_string();

    let best = match ranked(study).first() {
        Some((trial, value)) => {
            let readout = trial.finished.as_ref().and_then(|f| f.attributes.get("readout"));
            let readout = readout.and_then(|r| r.as_str()).map(|r| format!(", readout {r}"));
            let note = format!("trial {}{}", trial.number, readout.unwrap_or_default());
            (format!("{} %", percent(*value, 2)), note)
        }
        None => (none(), "no feasible trial completed yet".to_string()),
    };
    let parts: Vec<String> = Kind::ALL
        .into_iter()
        .filter(|&kind| count(kind) > 0)
        .map(|kind| format!("{} {}", count(kind), kind.name()))
        .collect();
    let silent = match finished {
        0 => none(),
        _ => format!("{} %", percent(count(Kind::Silent) as f64 / finished as f64, 0)),
    };
    let busy = facts::busy_seconds(study);
    let rate = busy.filter(|&s| s > 0.0).map(|s| finished as f64 / s * 60.0);
    vec![
        ("Best hold-out accuracy", best.0, best.1),
        ("Trials", total.to_string(), parts.join(", ")),
        ("Silent trials", silent, silence_note(study)),
        (
            "Computing time",
            busy.map_or_else(none, facts::duration),
            rate.map_or_else(String::new, |r| format!("{} trials a minute", significant_rate(r))),
        ),
    ]
}

fn significant_rate(rate: f64) -> String {
    if rate >= 10.0 { format!("{rate:.0}") } else { format!("{rate:.2}") }
}

/// How early silent trials were found out.
fn silence_note(study: &StudyRecord) -> String {
    let silent = || study.trials.iter().filter(|t| Kind::of(t) == Kind::Silent);
    if silent().next().is_none() {
        return String::new();
    }
    let after = facts::median(silent().filter_map(|t| attribute(t, "decided_after")).collect());
    let trained = study.trials.iter().filter(|t| Kind::of(t) == Kind::Feasible);
    let full = facts::median(trained.filter_map(|t| attribute(t, "train_samples")).collect());
    match (after, full) {
        (Some(after), Some(full)) => format!(
            "stopped after {after:.0} samples (median); complete trials trained on {full:.0}"
        ),
        (Some(after), None) => format!("stopped after {after:.0} samples (median)"),
        _ => "of the finished trials".into(),
    }
}

/// Legend of the kinds of trials that a study has.
fn keys(study: &StudyRecord, lead: &str, symbol: impl Fn(Kind) -> Option<&'static str>) -> String {
    let mut out = format!("<ul class=\"keys\">{lead}");
    for (kind, count) in Kind::ALL.into_iter().zip(counts(study)) {
        if let Some(symbol) = symbol(kind)
            && count > 0
        {
            let (class, name) = (kind.class(), kind.name());
            let _ = write!(out, "<li><i class=\"{symbol} {class}\"></i>{name}</li>");
        }
    }
    out + "</ul>\n"
}

fn progress(study: &StudyRecord) -> String {
    if study.trials.is_empty() {
        return section("Progress", "<p class=\"empty\">No trial has started yet.</p>\n");
    }
    let lead = match ranked(study).is_empty() {
        true => "",
        false => "<li><i class=\"step ink\"></i>best feasible so far</li>",
    };
    let keys = keys(study, lead, |kind| {
        Some(match kind {
            Kind::Feasible => "disc",
            Kind::Infeasible => "ring",
            _ => "bar",
        })
    });
    // The same figure for two widths of window: text keeps its size where drawings shrink.
    let body = format!(
        "{keys}<figure><div class=\"wide\">{}</div><div class=\"narrow\">{}</div></figure>\n",
        curves::progress(study, 1080.0),
        curves::progress(study, 460.0)
    );
    section("Progress", &body)
}

fn best_trials(page: &Page) -> String {
    let table = ranking::ranking(page.study, page.units);
    if table.is_empty() {
        let text =
            "<p class=\"empty\">No trial has completed with every constraint satisfied.</p>\n";
        return section("Best trials", text);
    }
    let of = ranked(page.study).len();
    let lead = match of > ranking::MOST_ROWS {
        true => format!("The best {} of {of} feasible trials.", ranking::MOST_ROWS),
        false => format!("All {of} feasible trials."),
    };
    section("Best trials", &format!("<p class=\"lead\">{lead}</p>\n{table}"))
}

fn hyperparameters(page: &Page) -> String {
    let study = page.study;
    if study.space.variables.is_empty() || study.trials.is_empty() {
        return String::new();
    }
    let lead = match ranked(study).is_empty() {
        true => "",
        false => "<li><i class=\"disc ink\"></i>best trial</li>",
    };
    let keys = keys(study, lead, |kind| match kind {
        Kind::Feasible => Some("disc"),
        Kind::Infeasible => Some("ring"),
        Kind::Open => None,
        Kind::Silent | Kind::Timeout | Kind::Failed => Some("tick"),
    });
    let panels = panels::panels(study, page.units).concat();
    let body = format!(
        "<p class=\"lead\">Hold-out accuracy (%) over the range of each hyperparameter, spread as \
         the search spreads it. Ticks below are trials without an accuracy.</p>\n{keys}\
         <figure class=\"panels\">{panels}</figure>\n"
    );
    section("Accuracy against each hyperparameter", &body)
}

fn optimiser_section(study: &StudyRecord) -> String {
    let notes = optimiser::notes(study);
    if notes.is_empty() {
        return String::new();
    }
    let state = escape(&optimiser::state(&notes));
    let calibration = optimiser::calibration(study).unwrap_or_default();
    let keys = keys(study, "", |kind| (kind != Kind::Open).then_some("disc"));
    let mut body = format!(
        "<p class=\"lead\">{state} {calibration}</p>\n{keys}\
         <figure><div class=\"wide\">{}</div><div class=\"narrow\">{}</div></figure>\n",
        optimiser::course(study, &notes, 1080.0),
        optimiser::course(study, &notes, 460.0)
    );
    if let Some((number, figure)) = optimiser::lengthscales(&study.space, &notes) {
        let _ = writeln!(
            body,
            "<figure>{figure}<figcaption>Lengthscales of the objective's model at trial {number}, \
             the shortest first: the accuracy changes fastest along these hyperparameters. A \
             lengthscale at its upper bound says that the accuracy hardly depends on the variable, \
             one at its lower bound that it looks like noise.</figcaption></figure>"
        );
    }
    section("Optimiser", &body)
}

fn network_section(network: &BestNetwork) -> String {
    let title = format!("Network of trial {}", network.trial);
    let mut body = String::new();
    match network_images::montage(network) {
        Ok(montage) => body += &montage_figure(network, &montage),
        Err(reason) => {
            let _ = writeln!(body, "<p class=\"empty\">No picture: {}.</p>", escape(&reason));
        }
    }
    if !network.assignments.is_empty() || !network.theta.is_empty() {
        let _ = writeln!(
            body,
            "<figure>{}<figcaption>{}</figcaption></figure>",
            assignment::assignment(network),
            escape(&neurons_caption(network))
        );
    }
    section(&title, &body)
}

fn montage_figure(network: &BestNetwork, montage: &network_images::Montage) -> String {
    let mut out = format!(
        "<p class=\"lead\">Input weights of the excitatory neurons ({}), each drawn as the image that \
         excites it most, in lines by the class that the neuron was assigned.</p>\n",
        match montage.shown < network.neurons {
            true => format!("{} of {}", montage.shown, network.neurons),
            false => format!("all {}", network.neurons),
        }
    );
    // Whole pixels look sharp: as many screen pixels a weight as the page has room for.
    let room = (1030 / montage.width).min(84_usize.div_ceil(montage.tile_height)).max(1);
    let width = montage.width * room;
    out += "<figure>\n<div class=\"montage\"><div class=\"classes\">";
    for (class, middle) in &montage.blocks {
        let name = if *class < 0 { "none".to_string() } else { class.to_string() };
        let top = 100.0 * middle / montage.height as f64;
        let _ = write!(out, "<span style=\"top:{top:.2}%\">{name}</span>");
    }
    let _ = writeln!(
        out,
        "</div><img style=\"max-width:{width}px\" width=\"{}\" height=\"{}\" alt=\"Input weights of \
         {} neurons as images of {} by {} pixels\" src=\"{}\"/></div>",
        montage.width,
        montage.height,
        montage.shown,
        montage.tile_height,
        montage.tile_width,
        picture::address(&montage.png)
    );
    let _ = writeln!(
        out,
        "<div class=\"ramp\"><span>weight {}</span><i style=\"background:{}\"></i><span>{}</span></div>\n</figure>",
        significant(f64::from(montage.low)),
        colour::gradient(),
        significant(f64::from(montage.high))
    );
    out
}

fn neurons_caption(network: &BestNetwork) -> String {
    let mut out = String::new();
    if !network.assignments.is_empty() {
        let none = network.assignments.iter().filter(|&&class| class < 0).count();
        let _ = write!(
            out,
            "{} of {} neurons have a class. ",
            network.assignments.len() - none,
            network.assignments.len()
        );
    }
    let theta: Vec<f64> = network.theta.iter().map(|&t| f64::from(t)).collect();
    if let Some(median) = facts::median(theta.clone()) {
        let finite = || theta.iter().copied().filter(|t| t.is_finite());
        let _ = write!(
            out,
            "θ is what a neuron's own spikes added to its firing threshold: median {} mV, range {} to {} mV.",
            significant(median),
            significant(finite().fold(f64::INFINITY, f64::min)),
            significant(finite().fold(f64::NEG_INFINITY, f64::max))
        );
    }
    out
}

fn sample_section(sample: &SampleRaster, network: Option<&BestNetwork>) -> String {
    let assignments = network.map(|n| n.assignments).unwrap_or_default();
    let prediction = match sample.prediction {
        p if p < 0 => "no prediction".to_string(),
        p if p == sample.label => format!("predicted {p}, right"),
        p => format!("predicted {p}, wrong"),
    };
    let label = sample.label;
    let image = match raster::image(sample) {
        Some(address) => format!("<img alt=\"The sample, of class {label}\" src=\"{address}\"/>"),
        None => "<p class=\"empty\">No picture: its size does not fit its levels.</p>".into(),
    };
    let own = match assignments.contains(&label) {
        true => format!(
            "<ul class=\"keys\"><li><i class=\"tick feasible\"></i>excitatory neurons assigned to class {label}</li></ul>"
        ),
        false => String::new(),
    };
    let body = format!(
        "<div class=\"sample\"><div class=\"image\">{image}<p>Class {label}, {prediction}.</p></div>\n\
         <figure class=\"spikes\"><div class=\"wide\">{}</div><div class=\"narrow\">{}</div>{own}</figure></div>\n",
        raster::raster(sample, assignments, 840.0),
        raster::raster(sample, assignments, 460.0)
    );
    section("One sample", &body)
}

fn failures(study: &StudyRecord) -> String {
    let mut reasons: BTreeMap<(Kind, String), Vec<u64>> = BTreeMap::new();
    for trial in &study.trials {
        let kind = Kind::of(trial);
        if matches!(kind, Kind::Timeout | Kind::Failed) {
            let reason: String = facts::reason(trial).chars().take(MOST_REASON).collect();
            reasons.entry((kind, reason)).or_default().push(trial.number);
        }
    }
    if reasons.is_empty() {
        return String::new();
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, trials)| std::cmp::Reverse(trials.len()));
    let mut out = String::from(
        "<table class=\"reasons\"><thead><tr><th scope=\"col\">Outcome</th>\
         <th scope=\"col\">Reason</th><th scope=\"col\">Trials</th></tr></thead>\n<tbody>\n",
    );
    for ((kind, reason), trials) in reasons.iter().take(MOST_REASONS) {
        let numbers: Vec<String> = trials.iter().take(MOST_NUMBERS).map(u64::to_string).collect();
        let more = match trials.len().saturating_sub(MOST_NUMBERS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(
            out,
            "<tr><td class=\"count\">{} {}</td><td><code>{}</code></td><td>{}{more}</td></tr>",
            trials.len(),
            kind.name(),
            escape(reason),
            numbers.join(", ")
        );
    }
    out += "</tbody></table>\n";
    if let Some(more) = reasons.len().checked_sub(MOST_REASONS).filter(|&more| more > 0) {
        let _ = writeln!(out, "<p class=\"lead\">{more} more reasons are in the journal.</p>");
    }
    section("Failures", &out)
}

fn settings(settings: &[(String, String)]) -> String {
    if settings.is_empty() {
        return String::new();
    }
    let mut out = String::from("<dl class=\"settings\">\n");
    for (key, value) in settings {
        let _ = writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", escape(key), escape(value));
    }
    section("Settings", &(out + "</dl>\n"))
}
