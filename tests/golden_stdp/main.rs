//! Every reference vector of `stdp/manifest.json` against the implementation.
//!
//! Case names, array names, shapes and parameters all come from the manifest; the root of the
//! vectors from `SPIKESEEK_GOLDEN`. Each test prints what it covered, and fails if an array of the
//! manifest was not read.

mod decoders;
mod encoders;
mod networks;
mod nodes;
mod postpre;
mod support;

use support::Golden;

#[test]
fn every_case_has_a_test() {
    let golden = Golden::open();
    let unknown: Vec<_> =
        golden.cases().iter().filter(|c| c.kind().is_none()).map(|c| c.name.clone()).collect();
    assert!(unknown.is_empty(), "cases of an unknown kind, skipped by every test: {unknown:?}");
    println!("{} cases, all of a known kind; skipped: nothing", golden.cases().len());
}
