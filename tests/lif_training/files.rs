//! Run and study files.

use spikeseek::study::lif_study::LifStudy;
use spikeseek::train::lif::run_file::RunFile;
use std::path::Path;

#[test]
fn the_files_of_the_project_survive_being_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let (mut runs, mut studies) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if !RunFile::is_one(&path, &text) {
            continue;
        }
        // Folders of data are for --data-dir to give.
        let text = match text.contains("# dir = ") {
            true => text.replace("[data]\n", "[data]\ndir = \"d\"\n"),
            false => text,
        };
        if text.contains("[study]") {
            let study = LifStudy::parse(&path, &text).unwrap();
            let again = LifStudy::parse(&path, &study.to_toml().unwrap()).unwrap();
            assert_eq!(again, study, "{}", path.display());
            studies += 1;
        } else {
            let run = RunFile::parse(&path, &text).unwrap();
            let again = RunFile::parse(&path, &run.to_toml().unwrap()).unwrap();
            assert_eq!(again, run, "{}", path.display());
            runs += 1;
        }
    }
    assert!(runs >= 3 && studies >= 1, "{runs} run files and {studies} studies in experiments/");
}

/// The settings that docs/sparse_lif.md shows in braces.
#[test]
fn what_the_documents_show_is_accepted() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sparse_lif.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut shown = 0;
    for setting in ["loss", "regulariser"] {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{setting}` |"))).unwrap();
        for value in row.split('`').filter(|part| part.starts_with('{')) {
            let text = format!(
                "model = \"lif\"\n[data]\nset = \"randman\"\n[training]\n{setting} = {value}\n"
            );
            RunFile::parse(Path::new("run.toml"), &text).unwrap();
            shown += 1;
        }
    }
    assert_eq!(shown, 4);
}
