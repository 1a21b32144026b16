//! The criterion at run time: one of them follows one training.

use super::leaf::Leaf;
use super::schedule::Plan;
use super::sequential::Mark;
use super::settings::{Problem, Rule, Settings, Total};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Counts the silent samples of a training and says when to stop.
///
/// ```text
/// each epoch:  start_epoch()
///   each sample:  observe(spikes of each layer)         → may stop
///   after each batch, if update_due():  at_update()     → may stop
/// values() at the end of the epoch or at a stop
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    update_interval: usize,
    /// Of the sequential decision, if there is one.
    persistence: Option<f64>,
    /// Error rate of each leaf.
    alpha: f64,
    layers: usize,
    leaves: Vec<Leaf>,
    tree: Option<Node>,
    /// Samples seen in this epoch.
    seen: usize,
    /// Samples of this epoch up to the last update.
    counted: usize,
    stopped: Option<Stop>,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Train on.
    Continue,
    /// Stop: the network is silent.
    Stop(Stop),
}

/// Why and when a network was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The rule that stopped it.
    pub rule: StopRule,
    /// Samples of the epoch seen until then.
    pub after_samples: usize,
}

/// Which of the two rules stopped a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopRule {
    /// The reference rule, at an information update.
    Threshold,
    /// The sequential decision, after a sample.
    Sequential,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self.rule {
            StopRule::Threshold => "threshold reached",
            StopRule::Sequential => "decided early",
        };
        write!(f, "{rule} after {} samples of the epoch", self.after_samples)
    }
}

impl Criterion {
    /// A criterion at the start of an epoch. `layers` names the entries of the slices that
    /// [`Criterion::observe`] takes.
    ///
    /// # Errors
    /// What [`Settings::check`] finds.
    pub fn new(settings: &Settings, layers: &[&str], plan: Plan) -> Result<Self, Vec<Problem>> {
        let problems = settings.check(layers);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut builder = Builder { settings, layers, plan, leaves: Vec::new() };
        let tree = settings.rule.as_ref().map(|rule| builder.node(rule, 0));
        let leaves = builder.leaves;
        let sequential = settings.sequential.as_ref();
        let alpha = sequential.map_or(0.0, |s| s.alpha) / leaves.len().max(1) as f64;
        Ok(Criterion {
            update_interval: settings.update_interval,
            persistence: sequential.map(|s| s.persistence),
            alpha,
            layers: layers.len(),
            leaves,
            tree,
            seen: 0,
            counted: 0,
            stopped: None,
        })
    }

    /// Begins the next epoch: all counts are 0 again, samples since the last update are dropped.
    pub fn start_epoch(&mut self) {
        self.leaves.iter_mut().for_each(Leaf::start_epoch);
        if let Some(tree) = &mut self.tree {
            tree.start_epoch();
        }
        (self.seen, self.counted, self.stopped) = (0, 0, None);
    }

    /// Takes the number of spikes that each layer gave for one sample.
    pub fn observe(&mut self, spikes: &[u32]) -> Decision {
        assert_eq!(spikes.len(), self.layers, "one number of spikes a layer");
        self.seen += 1;
        for leaf in &mut self.leaves {
            leaf.observe(spikes[leaf.layer]);
        }
        let decided =
            self.tree.as_ref().is_some_and(|tree| tree.expects(&|i| self.decided(i).is_some()));
        self.stop_if(decided, StopRule::Sequential)
    }

    /// True where more than `update_interval` samples were collected; asked after each batch.
    pub fn update_due(&self) -> bool {
        self.seen - self.counted > self.update_interval
    }

    /// An information update: counts what was observed since the last one and applies the rule.
    pub fn at_update(&mut self) -> Decision {
        self.counted = self.seen;
        self.leaves.iter_mut().for_each(Leaf::update);
        let hits: Vec<bool> = self.leaves.iter().map(|l| l.value(self.counted) > 0.0).collect();
        let hit = self.tree.as_mut().is_some_and(|tree| tree.update(&hits));
        self.stop_if(hit, StopRule::Threshold)
    }

    /// Constraint values of this epoch, one a leaf in the order of
    /// [`Settings::constraint_names`], feasible iff ≤ 0: of the samples up to the last update, or
    /// projected to the end of the epoch after a sequential stop.
    pub fn values(&self) -> Vec<f64> {
        let projected = self.stopped.is_some_and(|stop| stop.rule == StopRule::Sequential);
        let value = |(i, leaf): (usize, &Leaf)| match projected {
            true => leaf.projected_value(self.counted, self.decided(i)),
            false => leaf.value(self.counted),
        };
        self.leaves.iter().enumerate().map(value).collect()
    }

    /// Whether each leaf calls a sample with these spikes silent, in the order of the constraint
    /// values; for a [`super::Recording`].
    pub fn silent(&self, spikes: &[u32]) -> Vec<bool> {
        self.leaves.iter().map(|leaf| leaf.is_silent(spikes[leaf.layer])).collect()
    }

    fn decided(&self, leaf: usize) -> Option<Mark> {
        self.leaves[leaf].decided(self.alpha, self.persistence?)
    }

    fn stop_if(&mut self, stop: bool, rule: StopRule) -> Decision {
        if !stop {
            return Decision::Continue;
        }
        let stop = Stop { rule, after_samples: self.seen };
        self.stopped = Some(stop);
        Decision::Stop(stop)
    }
}

/// A rule whose leaves are indices into the criterion's list.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Leaf(usize),
    And(Vec<Node>),
    Or(Vec<Node>),
    /// True from the `n`-th update in a row; `row` counts them.
    Patience {
        n: usize,
        row: usize,
        of: Box<Node>,
    },
}

impl Node {
    fn start_epoch(&mut self) {
        match self {
            Node::Leaf(_) => {}
            Node::And(nodes) | Node::Or(nodes) => nodes.iter_mut().for_each(Node::start_epoch),
            Node::Patience { row, of, .. } => {
                *row = 0;
                of.start_epoch();
            }
        }
    }

    /// Evaluates the rule at an update. Every node is visited so that every patience advances.
    fn update(&mut self, hits: &[bool]) -> bool {
        match self {
            Node::Leaf(leaf) => hits[*leaf],
            Node::And(nodes) => nodes.iter_mut().fold(true, |all, n| all & n.update(hits)),
            Node::Or(nodes) => nodes.iter_mut().fold(false, |any, n| any | n.update(hits)),
            Node::Patience { n, row, of } => {
                *row = if of.update(hits) { *row + 1 } else { 0 };
                *row >= *n
            }
        }
    }

    /// Evaluates the rule where each leaf speaks for the rest of the epoch: patience is in the
    /// horizon of the leaves.
    fn expects(&self, leaf: &impl Fn(usize) -> bool) -> bool {
        match self {
            Node::Leaf(i) => leaf(*i),
            Node::And(nodes) => nodes.iter().all(|n| n.expects(leaf)),
            Node::Or(nodes) => nodes.iter().any(|n| n.expects(leaf)),
            Node::Patience { of, .. } => of.expects(leaf),
        }
    }
}

/// Flattens checked settings.
struct Builder<'a> {
    settings: &'a Settings,
    layers: &'a [&'a str],
    plan: Plan,
    leaves: Vec<Leaf>,
}

impl Builder<'_> {
    /// `wait`: updates that the rules above still need after this one became true.
    fn node(&mut self, rule: &Rule, wait: usize) -> Node {
        let leaf = match rule {
            Rule::Silent(silent) => {
                let total = match silent.total {
                    Total::Samples(total) => total,
                    Total::Train => self.plan.samples as u64,
                };
                let horizon = self.plan.counted(self.settings.update_interval, wait);
                let layer = self.layer(&silent.layer);
                let warm_up = self.settings.sequential.as_ref().map_or(0, |s| s.warm_up);
                Leaf::silent(layer, silent.threshold, silent.proportion, total, horizon, warm_up)
            }
            Rule::SpikesPerSample(mean) => {
                Leaf::mean(self.layer(&mean.layer), mean.threshold, f64::INFINITY)
            }
            Rule::SpikesPerSampleBand(band) => {
                Leaf::mean(self.layer(&band.layer), band.lower, band.upper)
            }
            Rule::And(rules) => return Node::And(self.nodes(rules, wait)),
            Rule::Or(rules) => return Node::Or(self.nodes(rules, wait)),
            Rule::Patience(patience) => {
                let wait = wait.saturating_add(patience.n - 1);
                let of = Box::new(self.node(&patience.of, wait));
                return Node::Patience { n: patience.n, row: 0, of };
            }
        };
        self.leaves.push(leaf);
        Node::Leaf(self.leaves.len() - 1)
    }

    fn nodes(&mut self, rules: &[Rule], wait: usize) -> Vec<Node> {
        rules.iter().map(|rule| self.node(rule, wait)).collect()
    }

    fn layer(&self, name: &str) -> usize {
        self.layers.iter().position(|&l| l == name).expect("Settings::check knows the layers")
    }
}
