//! The colour map of weights and images.
//!
//! A handful of control points in OKLCh (lightness, chroma, hue), interpolated in OKLab. Lightness
//! rises evenly from point to point, which is what makes equal differences of a weight look equal
//! and the map readable in grey. Conversion: B. Ottosson, "A perceptual color space for image
//! processing", 2020.

/// (lightness, chroma, hue in degrees) at even distances: ink blue, blue, teal, green, pale yellow.
const POINTS: [(f64, f64, f64); 5] = [
    (0.20, 0.060, 282.0),
    (0.3825, 0.095, 262.0),
    (0.565, 0.090, 215.0),
    (0.7475, 0.110, 165.0),
    (0.93, 0.100, 108.0),
];

/// Red, green and blue of a position in [0, 1]; positions beyond are clamped.
pub(super) fn colour(position: f64) -> [u8; 3] {
    linear_rgb(oklab(position)).map(|c| (255.0 * gamma(c.clamp(0.0, 1.0))).round() as u8)
}

/// A CSS gradient of the map from left to right.
pub(super) fn gradient() -> String {
    let stops: Vec<String> = (0..=8)
        .map(|k| {
            let [r, g, b] = colour(f64::from(k) / 8.0);
            format!("#{r:02x}{g:02x}{b:02x}")
        })
        .collect();
    format!("linear-gradient(to right,{})", stops.join(","))
}

fn oklab(position: f64) -> [f64; 3] {
    let along = position.clamp(0.0, 1.0) * (POINTS.len() - 1) as f64;
    let left = (along as usize).min(POINTS.len() - 2);
    let share = along - left as f64;
    let [from, to] = [left, left + 1].map(|k| {
        let (lightness, chroma, hue) = POINTS[k];
        let (sin, cos) = hue.to_radians().sin_cos();
        [lightness, chroma * cos, chroma * sin]
    });
    std::array::from_fn(|i| from[i] + share * (to[i] - from[i]))
}

fn linear_rgb([lightness, a, b]: [f64; 3]) -> [f64; 3] {
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ]
}

/// The transfer curve of sRGB.
fn gamma(c: f64) -> f64 {
    if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_colour_of_the_map_leaves_the_screen() {
        for k in 0..=1000 {
            let rgb = linear_rgb(oklab(f64::from(k) / 1000.0));
            assert!(rgb.iter().all(|c| (-1e-3..=1.001).contains(c)), "{k}: {rgb:?}");
        }
    }

    #[test]
    fn lightness_rises_evenly() {
        let lightness: Vec<f64> = (0..=20).map(|k| oklab(f64::from(k) / 20.0)[0]).collect();
        for pair in lightness.windows(2) {
            assert!((pair[1] - pair[0] - 0.73 / 20.0).abs() < 1e-12);
        }
        // The eye's luminance of the bytes rises too (Rec. 709 weights).
        let luminance = |[r, g, b]: [u8; 3]| {
            0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b)
        };
        let seen: Vec<f64> = (0..=20).map(|k| luminance(colour(f64::from(k) / 20.0))).collect();
        assert!(seen.windows(2).all(|p| p[1] > p[0]), "{seen:?}");
    }

    #[test]
    fn white_and_black_convert_as_published() {
        // OKLab of sRGB white is (1, 0, 0), of black (0, 0, 0).
        assert!(linear_rgb([1.0, 0.0, 0.0]).iter().all(|c| (c - 1.0).abs() < 1e-6));
        assert_eq!(linear_rgb([0.0, 0.0, 0.0]), [0.0, 0.0, 0.0]);
    }
}
