//! Random search: every variable independently from its own prior.

use super::{Entry, Proposal, Sampler, Setup, TABLE};
use crate::error::Result;
use crate::random::{Key, Purpose, uniform};
use crate::search::space::{Point, Space};
use crate::study::record::Trial;
use std::collections::BTreeMap;
use std::ops::Range;

pub(super) const ENTRY: Entry = Entry { name: "random", adaptive: false, build };

struct Random {
    space: Space,
    key: Key,
}

fn build(setup: &Setup<'_>) -> Result<Box<dyn Sampler>> {
    setup.document.check_keys(&[TABLE], &["name"])?;
    Ok(Box::new(Random { space: setup.space.clone(), key: Key::new(setup.seed) }))
}

impl Sampler for Random {
    fn ask(&mut self, numbers: Range<u64>, _pending: &[&Trial]) -> Vec<Proposal> {
        let propose = |number| Proposal {
            point: random_point(&self.space, self.key.trial(number)),
            attributes: BTreeMap::new(),
        };
        numbers.map(propose).collect()
    }

    fn tell(&mut self, _trial: &Trial) {}

    fn lag(&self) -> u64 {
        u64::MAX
    }
}

/// A point with each variable drawn from its own prior; the key holds seed and trial number.
pub(super) fn random_point(space: &Space, key: Key) -> Point {
    let mut stream = key.stream(Purpose::Sampler);
    space.variables.iter().map(|v| v.domain.from_unit(uniform(&mut stream))).collect()
}
