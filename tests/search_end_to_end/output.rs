//! What a search and the commands after it show.

use crate::support::*;
use spikeseek::study::folder::StudyFolder;
use spikeseek::study::record::Outcome;

#[test]
fn json_agrees_with_the_journal() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    let ended = success(&line(format!("search {study} --save {save} --json --quiet")));
    assert_eq!(ended.stderr, "", "--quiet");
    let (json, record) = (ended.json(), record(&folder));
    assert_eq!(json["study"], folder.display().to_string());
    assert_eq!(json["trials"], 20);
    for (key, outcome) in [
        ("complete", Outcome::Complete),
        ("silent", Outcome::Silent),
        ("timeout", Outcome::Timeout),
        ("failed", Outcome::Failed),
    ] {
        let of = |t: &&_| outcome_of(t) == outcome;
        assert_eq!(json["outcomes"][key], record.trials.iter().filter(of).count(), "{key}");
    }
    let best = record.best().unwrap();
    let finished = best.finished.as_ref().unwrap();
    assert_eq!(json["best"]["number"], best.number);
    assert_eq!(json["best"]["value"].as_f64(), best.feasible_value());
    assert_eq!(json["best"]["constraints"], serde_json::json!(finished.constraints));
    assert_eq!(json["best"]["readout_accuracy"], finished.attributes["readout_accuracy"]);
    assert_eq!(json["best"]["readout_accuracy"].as_object().unwrap().len(), 4);
    for (variable, &value) in record.space.variables.iter().zip(&best.point) {
        let own = &json["best"]["parameters"][&variable.name];
        assert_eq!(*own, variable.json(value), "{}", variable.name);
    }
    for (key, path) in [
        (&json["best"]["network"], StudyFolder::new(&folder).best_network()),
        (&json["report"], StudyFolder::new(&folder).report()),
    ] {
        assert_eq!(*key, path.display().to_string());
        assert!(path.exists());
    }
}

fn outcome_of(trial: &spikeseek::study::record::Trial) -> Outcome {
    trial.finished.as_ref().unwrap().outcome
}

/// Without a terminal: a line a trial on standard error, the table on standard output.
#[test]
fn plain_output_has_a_line_for_each_trial_and_a_table() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    let ended = success(&line(format!("search {study} --save {save} --workers 1")));
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 20, "{}", ended.stderr);
    assert!(!ended.stderr.contains('\x1b'), "no colours into a file");
    let record = record(&folder);
    for (k, (shown, trial)) in lines.iter().zip(&record.trials).enumerate() {
        assert!(shown.starts_with(&format!("{}/20  trial {k}: ", k + 1)), "{shown}");
        let finished = trial.finished.as_ref().unwrap();
        let what = match finished.outcome {
            Outcome::Complete => format!("accuracy {:.4}", finished.value.unwrap()),
            _ => format!("silent after {} samples", finished.attributes["decided_after"]),
        };
        assert!(shown.contains(&what), "{what}: {shown}");
    }
    let best = record.best().unwrap();
    let accuracy = format!("{:.2}", 100.0 * best.feasible_value().unwrap());
    let last = format!("best {:.4} (trial {})", best.feasible_value().unwrap(), best.number);
    assert!(lines[19].ends_with(&last), "{last}: {}", lines[19]);
    for part in ["accuracy %", &accuracy, "20 trials: ", "report.html", "best.safetensors"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
}

#[test]
fn the_page_is_well_formed_and_shows_the_best_network() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("search {study} --save {save} --quiet")));
    let page = StudyFolder::new(&folder).report();
    let written = std::fs::read_to_string(&page).unwrap();
    std::fs::remove_file(&page).unwrap();
    success(&line(format!("report {save}")));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), written, "`report` writes the same page");
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(&written, options).unwrap();
    let text: String = document.descendants().filter_map(|node| node.text()).collect();
    let best = record(&folder).best().unwrap().feasible_value().unwrap();
    assert!(text.contains(&format!("{:.2}", 100.0 * best)), "the best accuracy, {best}");
    let has = |tag: &str| document.descendants().any(|node| node.has_tag_name(tag));
    assert!(has("svg") && has("img"), "curves and receptive fields");
    assert!(!folder.join("report.html.new").exists());
}

#[test]
fn csv_has_a_row_a_trial_with_the_values_of_the_journal() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("search {study} --save {save} --quiet")));
    let file = place.path("trials.csv");
    success(&line(format!("export {save} --output {}", file.display())));
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(success(&line(format!("export {save}"))).stdout, text);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    // Columns of the reference study (spec hpo.md section 7) around the variables of this one.
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_string).collect();
    let expected = "trial decoder epochs map_size norm e_thresh nu_post test objective train \
                    stopped train_itspikes test_itspikes train_outpt_otspikes \
                    test_outpt_otspikes processed_images_train parameters trainable outcome \
                    constraint_0 constraint_1";
    assert_eq!(header, line(expected));
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let record = record(&folder);
    assert_eq!(rows.len(), record.trials.len());
    for (row, trial) in rows.iter().zip(&record.trials) {
        let of = |name: &str| &row[header.iter().position(|h| h == name).unwrap()];
        let finished = trial.finished.as_ref().unwrap();
        assert_eq!(of("trial"), trial.number.to_string());
        assert_eq!(of("outcome"), finished.outcome.name());
        assert_eq!(of("stopped"), (finished.outcome == Outcome::Silent).to_string());
        assert_eq!(of("test").parse().ok(), finished.value);
        assert_eq!(of("objective").parse().ok(), finished.value.map(|value| -value));
        let last = finished.intermediate.last().map(|(_, accuracy)| *accuracy);
        assert_eq!(of("train").parse().ok(), last);
        assert_eq!(of("train_itspikes"), finished.attributes["train_spikes"]["in"].to_string());
        assert_eq!(of("constraint_1").parse().ok(), finished.constraints.get(1).copied());
        for (variable, &value) in record.space.variables.iter().zip(&trial.point) {
            let json = variable.json(value);
            let text = json.as_str().map_or_else(|| json.to_string(), str::to_string);
            assert_eq!(of(&variable.name), text, "{}", variable.name);
        }
        // hpo.md section 1.2: 64 inputs to m neurons, and two m × m matrices.
        let m: usize = of("map_size").parse().unwrap();
        assert_eq!(of("parameters"), (64 * m + 2 * m * m).to_string());
        assert_eq!(of("trainable"), (64 * m).to_string());
    }
}

/// `spikeseek export … | head -1`.
#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("search {study} --save {save} --quiet --calls 3")));
    for command in ["export", "report"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program(&line(format!("{command} {save}")));
        let ended = command.stdout(writer).output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    }
}

/// `search … 2>&1 | true`: nobody reads the progress.
#[test]
fn a_search_whose_progress_nobody_reads_runs_to_its_end() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    let mut search = program(&line(format!("search {study} --save {save} --calls 3 --json")))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(search.stderr.take());
    let ended = search.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(progress(&folder), (3, 3));
    assert!(StudyFolder::new(&folder).report().exists());
}
