//! Pictures of at most 256 colours as PNG, and as `data:` addresses for a page that stands alone.

use super::colour::colour;
use base64::Engine as _;

/// Index of the transparent colour.
pub(super) const CLEAR: u8 = 0;

/// What the indices of a picture mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Palette {
    /// 1 … 255 run through the colour map; 0 is transparent.
    Map,
    /// 0 … 255 run from black to white.
    Grey,
}

/// Index of a position in [0, 1] in [`Palette::Map`]; clear for what is not a number.
pub(super) fn index(position: f64) -> u8 {
    if position.is_nan() { CLEAR } else { 1 + (254.0 * position.clamp(0.0, 1.0)).round() as u8 }
}

/// Encodes indices, row-major `[height × width]`. None where the picture is empty, or its number of
/// indices is another.
pub(super) fn png(
    indices: &[u8],
    width: usize,
    height: usize,
    palette: Palette,
) -> Option<Vec<u8>> {
    if indices.is_empty() || width.checked_mul(height) != Some(indices.len()) {
        return None;
    }
    let mut bytes = Vec::new();
    let mut encoder =
        png::Encoder::new(&mut bytes, width.try_into().ok()?, height.try_into().ok()?);
    encoder.set_depth(png::BitDepth::Eight);
    match palette {
        Palette::Grey => encoder.set_color(png::ColorType::Grayscale),
        Palette::Map => {
            let colours = (0..255).flat_map(|k| colour(f64::from(k) / 254.0));
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette([0; 3].into_iter().chain(colours).collect::<Vec<u8>>());
            encoder.set_trns(vec![0]);
        }
    }
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(indices).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

/// The `data:` address of a PNG.
pub(super) fn address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_decodes_to_the_colours_that_went_in() {
        let indices = [CLEAR, index(0.0), index(0.5), index(1.0), index(f64::NAN), index(9.0)];
        let bytes = png(&indices, 3, 2, Palette::Map).unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (3, 2));
        let expected: Vec<u8> = [None, Some(0.0), Some(0.5), Some(1.0), None, Some(1.0)]
            .into_iter()
            .flat_map(|p| match p {
                None => [0, 0, 0, 0],
                Some(p) => {
                    let [r, g, b] = colour(p);
                    [r, g, b, 255]
                }
            })
            .collect();
        assert_eq!(pixels, expected);
    }

    #[test]
    fn pictures_of_no_or_a_wrong_size_are_refused() {
        assert_eq!(png(&[], 0, 0, Palette::Grey), None);
        assert_eq!(png(&[1, 2, 3], 2, 2, Palette::Grey), None);
        assert_eq!(png(&[1], usize::MAX, 2, Palette::Grey), None);
    }
}
