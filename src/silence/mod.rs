//! The silent-network criterion: when to stop training a network that does not fire, and the
//! constraint values that the search learns from.
//!
//! # The reference rule
//!
//! A sample is *silent* in a layer where the layer gives fewer than `threshold` spikes. At every
//! information update (when more than `update_interval` samples were collected, looked at after
//! each batch) the silent samples of the update join the epoch's count; the network is stopped
//! when, for a leaf of the rule,
//!
//! ```text
//! c = count / total − proportion > 0
//! ```
//!
//! and c is that leaf's constraint value, feasible iff c ≤ 0. Counts start at 0 in each epoch; the
//! samples after the last full update of an epoch are neither counted nor judged. (Spec hpo.md
//! sections 2.1 and 2.2, stdp.md section 9.)
//!
//! A [`Rule`] is a tree: leaves count, [`Rule::And`], [`Rule::Or`] and [`Rule::Patience`] combine
//! what the leaves say at an update. Every leaf is evaluated at every update. The constraint
//! values are those of the leaves, in the order in which the settings name them; a combinator has
//! none. So c > 0 in some leaf is what stops an `or`, while an `and` or a `patience` may carry on
//! with a positive value and end its epochs infeasible without having been stopped.
//!
//! # The sequential decision
//!
//! The reference rule needs a fixed share of a whole epoch to be silent. A network that is silent
//! from the start can be told much earlier; [`Sequential`] does so and can only stop *sooner*: the
//! reference rule stays in force, so the one possible disagreement is a network stopped too many.
//!
//! The question is whether the count at the last update that can still stop the network will pass
//! K₀ = max{k : k/total ≤ proportion}. Let N be the number of samples up to that update, n those
//! seen, s the silent ones of these. Evidence is gathered since several *starts*: after `warm_up`
//! samples and after 2, 4, 8, … times as many. What comes before a start counts, but gives no
//! evidence. After a start N′, n′, s′ are the same numbers. If the order of the samples does not
//! matter (they are shuffled), s′ given the final count K′ is hypergeometric, and with a uniform
//! prior on K′ the ratio of prior to posterior
//!
//! ```text
//! R_n(K′) = C(N′, n′) / ((n′+1) · C(K′, s′) · C(N′−K′, n′−s′))
//! ```
//!
//! is at the true K′ a non-negative martingale that starts at 1 (a supermartingale where K′ leaves
//! only one outcome for the next sample), so P(R_n(K′) ≥ 1/α for any n) ≤ α (Ville, *Étude critique
//! de la notion de collectif*, 1939). All K′ with R_n < 1/α form a confidence sequence, valid at
//! every n at once: looking after each sample costs nothing (the prior-posterior ratio of
//! Waudby-Smith & Ramdas, "Confidence sequences for sampling without replacement", NeurIPS 2020).
//! Wald's sequential probability ratio test ("Sequential tests of statistical hypotheses", 1945)
//! would need an alternative share p₁; here every share above the limit is an alternative and there
//! is nothing to choose. Sampling without replacement makes the bound exact for an epoch, which is
//! finite. With J starts before N, each has the error rate α/J (union bound).
//!
//! Shares drift, since the network learns. Mostly they rise: thresholds adapt, and a network that
//! falls silent in the middle of an epoch should not have to outweigh its past. That is what the
//! later starts are for: some start always lies in the last half of what was seen. Less often they
//! fall. So only the part `persistence` = ρ of the silent samples proven to be still ahead is
//! believed: the network is stopped when, since one start, all K′ ≤ K* are rejected,
//!
//! ```text
//! s + ρ·(K′ − s′) > K₀    ⇔    K′ > K* = s′ + (K₀ − s)/ρ
//! ```
//!
//! R_n falls with K′ below s′N′/n′, so looking at K* alone is enough. ρ = 1 is the exact test of a
//! constant share; ρ = 1/2 allows for a share that falls linearly to 0 over the epoch, since that
//! sums up to half of what its start promises. As n → N the rule turns into counting.
//!
//! A rise that is proven is believed. Thresholds that adapt make the share grow about as the
//! logarithm of the samples seen. With a₂ the last start but one (n/4 < a₂ ≤ n/2), a₁ = a₂/2, r₁ and
//! r₂ the shares in (a₁, a₂] and (a₂, n], and L(a, b) the mean of ln t from a to b, the share expected
//! ahead is
//!
//! ```text
//! r = r₂ + max(0, r₂ − r₁ − z·σ) · (L(n, N) − L(a₂, n)) / (L(a₂, n) − L(a₁, a₂))
//! ```
//!
//! σ the standard error of r₂ − r₁. For a decision z = 3, and where r > r₂ the evidence since a₂ is
//! taken with ρ = r/r₂, at most 1.6. The bound on false stops is proven for a constant share without
//! the rise, which adds a few in a thousand: of 2,000 shuffled epochs with exactly K₀ silent samples 0.15
//! to 0.35 % were stopped at α = 0.001, 0.25 to 3.1 % at α = 0.05.
//!
//! No rule can both know a silent network after 100 samples and wait for one that wakes up after 101:
//! `warm_up` is where that line is drawn.
//!
//! The defaults ([`Sequential`]) were settled on recorded sequences ([`Recording`]) of real
//! networks: `examples/silence_agreement.rs`, results in `benchmarking/silence/README.md`.
//!
//! `alpha` bounds the chance of a false stop in one epoch where no rise is proven; it is shared equally among the leaves
//! (union bound) and their starts. Leaves on spike means are not predicted. `patience` of n updates
//! needs the count n−1 updates before the epoch's end, which is the N of the leaves below it.
//!
//! After a sequential stop count/total − proportion would look feasible, since the count has barely
//! begun. The constraint value is then the projection (s + (N−n)·r)/total − proportion with r as above
//! for z = 0, or s′/n′ since the start that decided (the first one for a leaf that is not decided) where
//! that is larger. Its count exceeds K₀ by the rule itself: K* < s′N′/n′ gives (N−n)·s′/n′ >
//! (K₀−s)/ρ, so (N−n)·r > K₀−s, as r ≥ s′/n′ and r ≥ ρ·s′/n′. It is raised to K₀ + 1 where
//! proportion·total is no whole number and needs it, so the value is always positive.

mod criterion;
mod leaf;
mod recording;
mod schedule;
mod sequential;
mod settings;

pub use criterion::{Criterion, Decision, Stop, StopRule};
pub use recording::{Recording, Replay};
pub use schedule::Plan;
pub use settings::{
    Patience, Problem, Rule, Sequential, Settings, Silent, SpikesPerSample, SpikesPerSampleBand,
    Total,
};
