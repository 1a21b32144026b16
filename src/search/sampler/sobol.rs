//! Quasi-random search: a scrambled Sobol sequence, mapped through the priors.

use super::{Entry, Proposal, Sampler, Setup, TABLE};
use crate::error::Result;
use crate::random::{Key, Purpose};
use crate::search::sobol::Sobol;
use crate::search::space::Space;
use crate::study::record::Trial;
use std::collections::BTreeMap;
use std::ops::Range;

pub(super) const ENTRY: Entry = Entry { name: "sobol", adaptive: false, build };

struct SobolSearch {
    space: Space,
    sequence: Sobol,
}

fn build(setup: &Setup<'_>) -> Result<Box<dyn Sampler>> {
    setup.document.check_keys(&[TABLE], &["name"])?;
    // A number that no trial has: the streams of single trials stay free for others.
    let mut stream = Key::new(setup.seed).trial(u64::MAX).stream(Purpose::Sampler);
    let sequence = Sobol::scrambled(setup.space.dimensions(), &mut stream)
        .map_err(|e| setup.document.error(&[TABLE, "name"], &e.to_string()))?;
    Ok(Box::new(SobolSearch { space: setup.space.clone(), sequence }))
}

impl Sampler for SobolSearch {
    fn ask(&mut self, numbers: Range<u64>, _pending: &[&Trial]) -> Vec<Proposal> {
        // The sequence repeats after 2³² trials, more than any study has.
        let propose = |number| Proposal {
            point: self.space.from_unit(&self.sequence.point(number as u32)),
            attributes: BTreeMap::new(),
        };
        numbers.map(propose).collect()
    }

    fn tell(&mut self, _trial: &Trial) {}

    fn lag(&self) -> u64 {
        u64::MAX
    }
}
