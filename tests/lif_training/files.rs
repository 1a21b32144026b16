//! Run files.

use spikeseek::train::lif::run_file::RunFile;
use std::path::Path;

#[test]
fn the_run_files_of_the_project_survive_being_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if !RunFile::is_one(&path, &text) {
            continue;
        }
        let file = RunFile::parse(&path, &text).unwrap();
        let written = file.to_toml().unwrap();
        let again = RunFile::parse(&path, &written).unwrap();
        assert_eq!(again.to_toml().unwrap(), written, "{}", path.display());
        found += 1;
    }
    assert!(found > 0, "experiments/ has a run file");
}
