//! Receptive fields: the input weights of each excitatory neuron, drawn as the image that they are
//! tuned to, all neurons in one montage and sorted by class.

use super::BestNetwork;
use super::picture::{self, CLEAR, Palette};
use std::collections::BTreeMap;

/// At most this many neurons are drawn.
const MOST_TILES: usize = 400;
/// At most this many pixels are in tiles.
const MOST_PIXELS: usize = 2_000_000;
/// At most this many classes get lines of their own.
const MOST_BLOCKS: usize = 40;
/// Clear pixels between two tiles, and once more between two classes.
fn gap(tile_height: usize) -> usize {
    (tile_height / 12).clamp(1, 2)
}

/// The montage of a network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Montage {
    /// PNG bytes.
    pub(super) png: Vec<u8>,
    /// Columns of pixels.
    pub(super) width: usize,
    /// Rows of pixels.
    pub(super) height: usize,
    /// Rows of pixels of one tile.
    pub(super) tile_height: usize,
    /// Columns of pixels of one tile.
    pub(super) tile_width: usize,
    /// Number of neurons drawn.
    pub(super) shown: usize,
    /// (class, middle of its lines of tiles in pixels from the top).
    pub(super) blocks: Vec<(i32, f64)>,
    /// The weight with the darkest colour.
    pub(super) low: f32,
    /// The weight with the lightest colour.
    pub(super) high: f32,
}

/// Class of a neuron; −1 where it has none.
pub(super) fn class_of(network: &BestNetwork, neuron: usize) -> i32 {
    network.assignments.get(neuron).copied().unwrap_or(-1).max(-1)
}

/// Draws the montage, or says why it cannot.
pub(super) fn montage(network: &BestNetwork) -> Result<Montage, String> {
    let (height, width, neurons) = (network.height, network.width, network.neurons);
    let inputs = height.checked_mul(width).unwrap_or(0);
    if inputs == 0 || neurons == 0 || inputs.checked_mul(neurons) != Some(network.weights.len()) {
        return Err(format!(
            "{} weights do not make {neurons} neurons with images of {height} × {width}",
            network.weights.len()
        ));
    }
    let most = MOST_TILES.min(MOST_PIXELS / inputs);
    if most == 0 {
        return Err(format!("images of {height} × {width} are too large to be drawn"));
    }
    let mut order: Vec<usize> = (0..neurons).collect();
    // Neurons without a class come last.
    order.sort_by_key(|&n| (class_of(network, n) as u32, n));
    // Every class keeps its proportion when only some neurons are drawn.
    let shown = neurons.min(most);
    let drawn: Vec<usize> = (0..shown).map(|k| order[k * neurons / shown]).collect();
    Ok(draw(network, &drawn))
}

fn draw(network: &BestNetwork, drawn: &[usize]) -> Montage {
    let (tile_height, tile_width) = (network.height, network.width);
    let gap = gap(tile_height);
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for &neuron in drawn {
        classes.entry(class_of(network, neuron) as u32).or_default().push(neuron);
    }
    if classes.len() > MOST_BLOCKS {
        classes = BTreeMap::from([(u32::MAX, drawn.to_vec())]);
    }
    // About twice as wide as high, as a window is.
    let aspect = 2.0 * tile_height as f64 / tile_width as f64;
    let columns = ((drawn.len() as f64 * aspect).sqrt().ceil() as usize).clamp(1, drawn.len());
    let lines: usize = classes.values().map(|c| c.len().div_ceil(columns)).sum();
    let longest = classes.values().map(|c| c.len().min(columns)).max().unwrap_or(1);
    let width = longest * (tile_width + gap) - gap;
    let height = lines * (tile_height + gap) - gap + (classes.len() - 1) * gap;

    let finite = || network.weights.iter().copied().filter(|w| w.is_finite());
    let low = finite().fold(0.0, f32::min);
    let high = finite().fold(low, f32::max);
    let scale = if high > low { 1.0 / f64::from(high - low) } else { 0.0 };

    let mut pixels = vec![CLEAR; width * height];
    let mut blocks = Vec::new();
    let mut top = 0;
    for (&class, neurons) in &classes {
        for (k, &neuron) in neurons.iter().enumerate() {
            let y = top + k / columns * (tile_height + gap);
            let x = k % columns * (tile_width + gap);
            for row in 0..tile_height {
                for column in 0..tile_width {
                    let input = row * tile_width + column;
                    let weight = network.weights[input * network.neurons + neuron];
                    // Infinite weights, which no sound network has, stay clear like NaN.
                    let position = f64::from(weight - low) * scale + 0.0 * f64::from(weight);
                    pixels[(y + row) * width + x + column] = picture::index(position);
                }
            }
        }
        let used = neurons.len().div_ceil(columns) * (tile_height + gap) - gap;
        blocks.push((class as i32, top as f64 + 0.5 * used as f64));
        top += used + 2 * gap;
    }
    let png = picture::png(&pixels, width, height, Palette::Map).unwrap_or_default();
    Montage { png, width, height, tile_height, tile_width, shown: drawn.len(), blocks, low, high }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(montage: &Montage) -> Vec<u8> {
        let mut reader = png::Decoder::new(std::io::Cursor::new(&montage.png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width as usize, info.height as usize), (montage.width, montage.height));
        pixels
    }

    #[test]
    fn tiles_stand_in_the_lines_of_their_class() {
        // Three neurons of 1 × 2 inputs; row-major [inputs × neurons].
        let weights = [0.0, 0.5, 1.0, 1.0, f32::NAN, 0.5];
        let network = BestNetwork {
            trial: 0,
            weights: &weights,
            height: 1,
            width: 2,
            neurons: 3,
            assignments: &[4, -1, 4],
            theta: &[],
        };
        let montage = montage(&network).unwrap();
        // Two columns of tiles: class 4 holds neurons 0 and 2, then the one without a class.
        assert_eq!((montage.width, montage.height), (2 + 1 + 2, 1 + 2 + 1));
        assert_eq!(montage.blocks, [(4, 0.5), (-1, 3.5)]);
        assert_eq!((montage.low, montage.high, montage.shown), (0.0, 1.0, 3));
        let pixels = pixels(&montage);
        assert_eq!(pixels[..5], [1, 255, CLEAR, 255, 128]);
        assert_eq!(pixels[3 * 5..], [128, CLEAR, CLEAR, CLEAR, CLEAR]);
        assert!(pixels[5..3 * 5].iter().all(|&p| p == CLEAR));
    }

    #[test]
    fn a_large_network_shows_every_class_in_proportion() {
        let neurons = 6_400;
        let assignments: Vec<i32> = (0..neurons as i32).map(|n| n % 10).collect();
        let weights = vec![0.25; 4 * neurons];
        let network = BestNetwork {
            trial: 0,
            weights: &weights,
            height: 2,
            width: 2,
            neurons,
            assignments: &assignments,
            theta: &[],
        };
        let montage = montage(&network).unwrap();
        assert_eq!(montage.shown, 400);
        assert_eq!(montage.blocks.len(), 10);
        let tiles = pixels(&montage).iter().filter(|&&p| p != CLEAR).count() / 4;
        assert_eq!(tiles, 400);
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let network = BestNetwork {
            trial: 0,
            weights: &[1.0; 7],
            height: 2,
            width: 2,
            neurons: 2,
            assignments: &[],
            theta: &[],
        };
        assert!(montage(&network).unwrap_err().contains("7 weights"));
        let hostile = BestNetwork { height: usize::MAX, width: 2, ..network };
        assert!(montage(&hostile).is_err());
        let empty = BestNetwork { weights: &[], neurons: 0, ..network };
        assert!(montage(&empty).is_err());
    }
}
