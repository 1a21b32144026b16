//! The readouts `all` and `vote`: spikes of the neurons assigned to each class.

use super::argmax;
use super::assignment::Assignment;
use super::counts::Counts;

/// Scores of `all`, `[samples × classes]`, in spikes per neuron (all-activity, spec stdp.md
/// section 8): the spikes of the neurons assigned to a class over the number of these neurons, 0 for
/// a class without neurons.
pub fn all_scores(assignment: &Assignment, counts: &Counts) -> Vec<f32> {
    class_scores(assignment, counts, |_, _, count| count)
}

/// Scores of `vote`, `[samples × classes]` (proportion weighting, spec stdp.md section 8): as
/// [`all_scores`], each spike weighted by its neuron's proportion of the class.
pub fn vote_scores(assignment: &Assignment, counts: &Counts) -> Vec<f32> {
    let (proportions, classes) = (assignment.proportions(), assignment.classes());
    class_scores(assignment, counts, |neuron, class, count| {
        proportions[neuron * classes + class] * count
    })
}

/// The class with the largest score in each row, the lowest on ties: a silent sample gives class 0,
/// and so does everything before the first update.
pub fn predict(scores: &[f32], classes: usize) -> Vec<i32> {
    scores.chunks_exact(classes).map(|row| argmax(row) as i32).collect()
}

/// Sums `term(neuron, class, count)` over the neurons of each class, then divides by their number.
/// Counts of 0 add nothing and are skipped.
fn class_scores(
    assignment: &Assignment,
    counts: &Counts,
    term: impl Fn(usize, usize, f32) -> f32,
) -> Vec<f32> {
    let classes = assignment.classes();
    let mut scores = vec![0.0_f32; counts.samples() * classes];
    for (k, scores) in scores.chunks_exact_mut(classes).enumerate() {
        for (neuron, count) in counts.row(k) {
            // Negative before the first update: nothing is assigned yet.
            if let Ok(class) = usize::try_from(assignment.assigned()[neuron]) {
                scores[class] += term(neuron, class, count as f32);
            }
        }
        for (score, &members) in scores.iter_mut().zip(assignment.members()) {
            if members > 0 {
                *score /= members as f32;
            }
        }
    }
    scores
}
