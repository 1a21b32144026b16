//! Capacities that follow what the layers do.

use crate::engine::lif::LayerActivity;
use crate::network::{Capacity, Lif, NamedCapacity};

/// Share of a layer that its list holds before anything was observed: the activity of the published
/// runs (spec sparse_lif_ipu, section 5.3).
const FIRST_SHARE: f64 = 0.05;

/// Capacity of each layer; those that are `auto` grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacities {
    current: Vec<usize>,
    automatic: Vec<bool>,
    neurons: Vec<usize>,
}

impl Capacities {
    /// The capacities of a network before anything was observed.
    pub fn new(network: &Lif) -> Self {
        let mut capacities = Capacities { current: vec![], automatic: vec![], neurons: vec![] };
        for layer in &network.layers {
            let n = layer.neurons;
            let (current, automatic) = match layer.capacity {
                Capacity::Fixed(k) => (k, false),
                Capacity::Named(NamedCapacity::All) => (n, false),
                Capacity::Named(NamedCapacity::Auto) => {
                    (((FIRST_SHARE * n as f64 / 2.0) as usize * 2).clamp(2.min(n), n), true)
                }
            };
            capacities.current.push(current);
            capacities.automatic.push(automatic);
            capacities.neurons.push(n);
        }
        capacities
    }

    /// The capacities now.
    pub fn current(&self) -> &[usize] {
        &self.current
    }

    /// Takes over capacities that were saved.
    pub fn restore(&mut self, current: &[usize]) {
        self.current.copy_from_slice(current);
    }

    /// Lets automatic capacities grow to the least one that was enough for a share `quantile` of the
    /// rows of a pass; they never shrink. True where one has changed.
    pub fn observe(&mut self, activity: &[LayerActivity], quantile: f64) -> bool {
        let mut changed = false;
        for (l, activity) in activity.iter().enumerate().filter(|(l, _)| self.automatic[*l]) {
            let enough = smallest_enough(&activity.demand, activity.rows, quantile);
            let grown = enough.clamp(self.current[l], self.neurons[l]);
            changed |= grown != self.current[l];
            self.current[l] = grown;
        }
        changed
    }
}

/// The least k such that a share `quantile` of the rows had a demand of at most k.
fn smallest_enough(demand: &[u64], rows: u64, quantile: f64) -> usize {
    let wanted = (quantile * rows as f64).ceil() as u64;
    let mut served = 0;
    for (k, &rows) in demand.iter().enumerate() {
        served += rows;
        if served >= wanted {
            return k;
        }
    }
    demand.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(demand: &[u64]) -> LayerActivity {
        let rows = demand.iter().sum();
        LayerActivity { rows, demand: demand.to_vec(), ..LayerActivity::default() }
    }

    #[test]
    fn automatic_capacities_grow_to_the_quantile_and_never_shrink() {
        let mut network = Lif::new(&[10, 100, 100, 5]);
        network.layers[0].capacity = Capacity::Named(NamedCapacity::Auto);
        network.layers[1].capacity = Capacity::Fixed(7);
        let mut capacities = Capacities::new(&network);
        assert_eq!(capacities.current(), [4, 7, 5]);
        // 100 rows: 90 with 3, 9 with 20, 1 with 40 neurons that want in.
        let mut demand = vec![0; 41];
        (demand[3], demand[20], demand[40]) = (90, 9, 1);
        let busy = [activity(&demand), activity(&demand), activity(&demand)];
        assert!(!capacities.observe(&busy, 0.9));
        assert!(capacities.observe(&busy, 0.99));
        assert_eq!(capacities.current(), [20, 7, 5]);
        assert!(capacities.observe(&busy, 1.0));
        assert_eq!(capacities.current(), [40, 7, 5]);
        assert!(!capacities.observe(&busy, 0.5));
        assert_eq!(capacities.current(), [40, 7, 5]);
    }
}
