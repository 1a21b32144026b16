//! What the search believes: one Gaussian process for the objective and one for each constraint.
//!
//! * The objective learns from trials that completed; its values are standardised, or pass through a
//!   Gaussian copula (the paper's choice) first.
//! * A constraint learns from every trial of which it is known, silent and timed-out ones too, in
//!   the bilog scale of the paper, in units of its median size on one side of 0: so it does not
//!   matter in which units a constraint is given. One that never differed is not modelled: its value is expected everywhere.
//! * As soon as a trial failed or ran out of time, whether a trial ends is a constraint of its own,
//!   +1 for those and −1 for others.
//!
//! Source: D. Eriksson, M. Poloczek, *Scalable constrained Bayesian optimization*, AISTATS 2021,
//! sections 3.1 and 3.2; spec hpo.md section 4.2 for what the reference does instead.

use super::Rules;
use super::choice::{Score, scores};
use crate::error::Result;
use crate::random::Key;
use crate::search::gp::{Bounds, Gp, Hyper, Paths};
use crate::search::transforms::{Standardise, bilog, copula, normal_probability};
use std::collections::BTreeMap;
use std::ops::Range;

/// What became of a point.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// The point in the unit cube.
    pub point: Vec<f64>,
    /// The value, maximised; none where the trial did not complete.
    pub value: Option<f64>,
    /// The constraints known of it, satisfied at ≤ 0.
    pub constraints: Vec<f64>,
    /// Whether the trial failed or ran out of time.
    pub failed: bool,
    /// Values of the objective that the trial showed besides its own, each with the point that it is of.
    pub estimates: Vec<(Vec<f64>, f64)>,
    /// Constraints that the trial showed besides its own, each with the point that they are of.
    pub trainings: Vec<(Vec<f64>, Vec<f64>)>,
    /// Whether it is of a region that was given up: it teaches the constraints alone.
    pub earlier: bool,
}

impl Row {
    /// Whether the trial has a value and satisfies every constraint.
    pub fn feasible(&self) -> bool {
        self.value.is_some_and(f64::is_finite) && self.constraints.iter().all(|&c| c <= 0.0)
    }

    /// Whether the trial was stopped before it had a value, as a silent network is.
    pub fn unscored(&self) -> bool {
        self.value.is_none() && !self.failed
    }
}

/// How the values of the objective are prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Mean 0 and deviation 1.
    #[default]
    Standardise,
    /// Gaussian copula: only the order of the values counts.
    Copula,
}

/// The models of one ask.
pub struct Surrogate {
    models: Vec<Model>,
    dimensions: usize,
    categories: Vec<usize>,
    rules: Rules,
    stage: Stage,
}

/// What the search does. While no feasible point is known, proposals seek one near by and far away in
/// turn: which of the two finds one sooner depends on the problem (benchmarking/SEARCH_RULES.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Some point is feasible; or the rules are compat, which know no other stage.
    Improving,
    /// The draws of the constraints keep only the share 0.3 of their deviation from the mean: in
    /// many dimensions a whole draw leads to where nobody has looked rather than to where the violation
    /// falls.
    Near,
    /// The lengthscales of the constraints may be up to 10: most variables of a study do not
    /// matter, and a model that can leave them out sees the trend from few points.
    Far,
}

impl Stage {
    fn of(rows: &[Row], rules: Rules, turn: u64) -> Self {
        match rules {
            Rules::Repaired if !rows.iter().any(|row| row.feasible() && !row.earlier) => {
                if turn.is_multiple_of(2) { Stage::Far } else { Stage::Near }
            }
            _ => Stage::Improving,
        }
    }
}

/// See [`Stage::Near`].
const NEARER: f64 = 0.3;
/// See [`Stage::Far`].
const FAR: f64 = 10.0;

/// A model, or the one value that was ever seen.
struct Model {
    name: String,
    role: Role,
    belief: Belief,
}

#[derive(PartialEq)]
enum Role {
    Objective,
    Constraint,
}

enum Belief {
    Process(Box<Gp>),
    Constant(f64),
}

/// Name of the objective's model.
pub const OBJECTIVE: &str = "objective";
/// Name of the model of failures.
pub const FAILURE: &str = "failure";

/// Where hyperparameters are searched. The reference lets the noise be 10⁻³ of the variance at most,
/// so that its models run through every score, which is noisy; the repaired rules allow for 0.1, the
/// bound of TuRBO (spec hpo.md section 4.6).
pub fn bounds(rules: Rules) -> Bounds {
    let usual = Bounds::default();
    match rules {
        Rules::Repaired => Bounds { noise: (usual.noise.0, 0.1), ..usual },
        Rules::Compat => usual,
    }
}

/// How well constraints are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// Each trial has a score, and its constraints are what was measured.
    Measured,
    /// Some trials were stopped: their constraints were projected when that was decided. So many points are
    /// known to be feasible.
    Projected { feasible: usize },
}

impl Evidence {
    fn of(rows: &[Row]) -> Self {
        if !rows.iter().any(Row::unscored) {
            return Evidence::Measured;
        }
        Evidence::Projected { feasible: rows.iter().filter(|row| row.feasible()).count() }
    }
}

/// The same for constraints. With few feasible points known, the likelihood hardly tells lengthscales and
/// noise, and long ones without noise make the model sure of regions that nobody has seen: of the points
/// that it called feasible with a probability of 0.94 in experiment 1, 43 % were (with lengthscales of at
/// most 1 81 %, benchmarking/SEARCH_RULES.md).
///
/// Where constraints are projections, the cure is noise: without it a model of few rows runs through each of
/// them with some very short lengthscales, and is sure of much that turns out silent. How much is best was
/// measured: a tenth of the variance with ten feasible points or less, and less by their square.
///
/// Of categories, whose few values are all seen soon, a model may learn that they do not matter: with short
/// lengthscales, where the best points are close to the boundary, it is never sure enough of another
/// category.
fn constraint_bounds(
    rules: Rules,
    stage: Stage,
    evidence: Evidence,
    categories: &[usize],
) -> Bounds {
    let usual = bounds(rules);
    if rules == Rules::Compat {
        return usual;
    }
    let (longest, noise) = match evidence {
        Evidence::Measured => (1.0, (1e-5, usual.noise.1)),
        Evidence::Projected { feasible } => {
            let least = (10.0 / (feasible as f64).powi(2)).clamp(1e-5, 0.1);
            (usual.lengthscale.1, (least, 0.2))
        }
    };
    Bounds {
        lengthscale: (usual.lengthscale.0, if stage == Stage::Far { FAR } else { longest }),
        longest: categories.iter().map(|&k| (k, FAR)).collect(),
        noise,
        ..usual
    }
}

impl Surrogate {
    /// Fits to the rows, which have points of `dimensions` coordinates, those of `categories` among
    /// them. `warm` holds the hyperparameters of an earlier fit by the names of the models; the fits
    /// start from there too. `turn` counts the fits, for the [`Stage`]s that alternate.
    ///
    /// The compat rules fit the objective alone and give its kernel to the constraints, which are
    /// standardised only (spec hpo.md section 4.2).
    ///
    /// # Errors
    /// What [`Gp::fit`] refuses: a point outside of the cube, or with another number of coordinates.
    pub fn fit(
        rows: &[Row],
        dimensions: usize,
        categories: &[usize],
        objective: Objective,
        rules: Rules,
        warm: &BTreeMap<String, Hyper>,
        turn: u64,
    ) -> Result<Self> {
        let stage = Stage::of(rows, rules, turn);
        let categories = categories.to_vec();
        let mut surrogate = Surrogate { models: Vec::new(), dimensions, categories, rules, stage };
        let of_region = || rows.iter().filter(|row| !row.earlier);
        let own = of_region().filter_map(|row| Some((&row.point, row.value?)));
        let others = of_region().flat_map(|row| row.estimates.iter().map(|(p, value)| (p, *value)));
        let (x, mut values) = known(own.chain(others));
        if objective == Objective::Copula {
            values = copula(&values);
        }
        let mut kernel = None;
        if !values.is_empty() {
            let gp = fitted(&x, dimensions, &values, warm.get(OBJECTIVE), &bounds(rules))?;
            kernel = (rules == Rules::Compat).then(|| gp.hyper().clone());
            surrogate.push(OBJECTIVE, Role::Objective, Belief::Process(Box::new(gp)));
        }
        let evidence = Evidence::of(rows);
        let count = rows.iter().map(|row| row.constraints.len()).max().unwrap_or(0);
        for index in 0..count {
            let (x, c) = known(rows.iter().flat_map(|row| {
                let others = row.trainings.iter().map(|(p, constraints)| (p, constraints));
                let all = [(&row.point, &row.constraints)].into_iter().chain(others);
                all.filter_map(|(p, constraints)| Some((p, *constraints.get(index)?)))
            }));
            let c = if rules == Rules::Compat { c } else { scaled_bilog(&c) };
            let name = format!("constraint {index}");
            surrogate.constrain(&name, &x, &c, evidence, kernel.as_ref(), warm)?;
        }
        if rows.iter().any(|row| row.failed) {
            let failure = |row: &Row| if row.failed { 1.0 } else { -1.0 };
            let (x, c) = known(rows.iter().map(|row| (&row.point, failure(row))));
            let evidence = Evidence::Measured;
            surrogate.constrain(FAILURE, &x, &c, evidence, kernel.as_ref(), warm)?;
        }
        Ok(surrogate)
    }

    fn constrain(
        &mut self,
        name: &str,
        x: &[f64],
        c: &[f64],
        evidence: Evidence,
        kernel: Option<&Hyper>,
        warm: &BTreeMap<String, Hyper>,
    ) -> Result<()> {
        let Some(&first) = c.first() else { return Ok(()) };
        let belief = if Standardise::of(c).is_constant() {
            Belief::Constant(first)
        } else {
            let bounds = constraint_bounds(self.rules, self.stage, evidence, &self.categories);
            Belief::Process(Box::new(match kernel {
                Some(shared) => Gp::with_hyper(x, c, shared)?,
                None => fitted(x, self.dimensions, c, warm.get(name), &bounds)?,
            }))
        };
        self.push(name, Role::Constraint, belief);
        Ok(())
    }

    fn push(&mut self, name: &str, role: Role, belief: Belief) {
        self.models.push(Model { name: name.to_string(), role, belief });
    }

    /// The hyperparameters of each fitted model by its name.
    pub fn hypers(&self) -> BTreeMap<String, Hyper> {
        let fitted = self.models.iter().filter_map(|model| match &model.belief {
            Belief::Process(gp) => Some((model.name.clone(), gp.hyper().clone())),
            Belief::Constant(_) => None,
        });
        fitted.collect()
    }

    /// Lengthscales of the objective, where it has a model.
    pub fn lengthscales(&self) -> Option<Vec<f64>> {
        self.hypers().remove(OBJECTIVE).map(|hyper| hyper.lengthscales)
    }

    /// What the search does.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// `number` joint draws from the posteriors, those of the constraints as the [`Stage`] has them.
    /// Draw k depends on the key and on k alone.
    pub fn draw(&self, number: usize, key: Key) -> Draws<'_> {
        let drawn = self.models.iter().zip(0..).map(|(model, part)| match &model.belief {
            // Each model has its own epoch, so that their draws are independent.
            Belief::Process(gp) => {
                let mut paths = gp.paths(number, key.epoch(part));
                if self.stage == Stage::Near && model.role == Role::Constraint {
                    paths = paths.towards_mean(NEARER);
                }
                (&model.role, Drawn::Paths(paths))
            }
            Belief::Constant(c) => (&model.role, Drawn::Constant(*c)),
        });
        Draws { models: drawn.collect(), number }
    }

    /// Probability that the trial of each point will satisfy every constraint, noise included:
    /// Π Φ(−μ/√(variance + noise)) over the models.
    pub fn feasibility(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let xs = points.concat();
        let mut probabilities = vec![1.0; points.len()];
        for model in self.models.iter().filter(|model| model.role == Role::Constraint) {
            let satisfied: Vec<f64> = match &model.belief {
                Belief::Constant(c) => vec![f64::from(*c <= 0.0); points.len()],
                Belief::Process(gp) => {
                    let (mean, variance) = gp.predict(&xs);
                    let z = mean.iter().zip(variance).map(|(m, v)| -m / (v + gp.noise()).sqrt());
                    z.map(normal_probability).collect()
                }
            };
            probabilities.iter_mut().zip(satisfied).for_each(|(p, s)| *p *= s);
        }
        probabilities
    }
}

/// A model that starts from `warm`, too, if it is within the bounds: a journal that others wrote to may hold
/// anything.
fn fitted(x: &[f64], d: usize, y: &[f64], warm: Option<&Hyper>, bounds: &Bounds) -> Result<Gp> {
    let warm = warm.filter(|hyper| hyper.lengthscales.len() == d && bounds.contain(hyper));
    Gp::fit(x, d, y, warm, bounds)
}

/// What objective and constraints may be like: joint draws from their posteriors.
pub struct Draws<'a> {
    models: Vec<(&'a Role, Drawn<'a>)>,
    number: usize,
}

enum Drawn<'a> {
    Paths(Paths<'a>),
    Constant(f64),
}

impl Draws<'_> {
    /// Scores of the candidates in each draw.
    pub fn scores(&self, candidates: &[Vec<f64>]) -> Vec<Vec<Score>> {
        self.some(candidates, 0..self.number)
    }

    /// Scores of the candidates in one draw.
    pub fn scores_of(&self, draw: usize, candidates: &[Vec<f64>]) -> Vec<Score> {
        self.some(candidates, draw..draw + 1).remove(0)
    }

    fn some(&self, candidates: &[Vec<f64>], draws: Range<usize>) -> Vec<Vec<Score>> {
        let (count, number) = (candidates.len(), draws.len());
        let xs = candidates.concat();
        let mut objective = vec![0.0; number * count];
        let mut constraints = Vec::new();
        for (role, drawn) in &self.models {
            let values = match drawn {
                Drawn::Paths(paths) => paths.evaluate(&xs, draws.clone()),
                Drawn::Constant(c) => vec![*c; number * count],
            };
            match role {
                Role::Objective => objective = values,
                Role::Constraint => constraints.push(values),
            }
        }
        let one = |k: usize| {
            let range = k * count..(k + 1) * count;
            let constraints: Vec<&[f64]> = constraints.iter().map(|c| &c[range.clone()]).collect();
            scores(&objective[range], &constraints)
        };
        (0..number).map(one).collect()
    }
}

/// bilog(c/s) with the sign of each kept. The unit s is the median of |c| among the satisfied or among
/// the violated, whichever is smaller: the scale is finest where the boundary is, even if a constraint
/// can be violated by much more than it can be satisfied, as that on silence is.
fn scaled_bilog(constraint: &[f64]) -> Vec<f64> {
    let median = |side: fn(f64) -> bool| {
        let mut sizes: Vec<f64> =
            constraint.iter().filter(|c| side(**c)).map(|c| c.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.get(sizes.len() / 2).copied()
    };
    let units = median(|c| c < 0.0).into_iter().chain(median(|c| c > 0.0));
    let unit = units.reduce(f64::min).unwrap_or(1.0);
    // A journal may hold numbers so large that the quotient has no double.
    constraint.iter().map(|c| bilog((c / unit).clamp(f64::MIN, f64::MAX))).collect()
}

/// Points (row-major) and numbers of those that are finite.
fn known<'a>(numbers: impl Iterator<Item = (&'a Vec<f64>, f64)>) -> (Vec<f64>, Vec<f64>) {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for (point, number) in numbers.filter(|(_, number)| number.is_finite()) {
        x.extend_from_slice(point);
        y.push(number);
    }
    (x, y)
}
