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
