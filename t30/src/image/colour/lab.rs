//! Colours of T.42: CIELAB under illuminant D50, an octet for each of L*, a* and b*.

/// Linear sRGB to CIE XYZ under D50: the primaries of IEC 61966-2-1, white adapted from D65 by the Bradford transform.
const XYZ_OF_RGB: [[f32; 3]; 3] =
    [[0.436_075, 0.385_065, 0.143_080], [0.222_505, 0.716_879, 0.060_617], [0.013_932, 0.097_105, 0.714_173]];

/// The inverse of [`XYZ_OF_RGB`].
const RGB_OF_XYZ: [[f32; 3]; 3] =
    [[3.133_856, -1.616_867, -0.490_615], [-0.978_768, 1.916_142, 0.033_454], [0.071_945, -0.228_991, 1.405_243]];

/// White of D50, T.42.
const WHITE: [f32; 3] = [0.964_22, 1.0, 0.825_21];

/// Where the cube root of CIELAB gives way to a straight line.
const LINEAR_BELOW: f32 = 216.0 / 24_389.0;
const SLOPE: f32 = 24_389.0 / 27.0;

/// Steps of the tables for the cube root and for sRGB's curve.
const STEPS: usize = 4096;

/// How octets stand for L*, a* and b*: `(octet - offset) * range / 255`. T.42's default, or what a G3FAX1 segment says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gamut(pub(super) [(f32, f32); 3]);

impl Default for Gamut {
    /// L* 0 to 100, a* -85 to 85, b* -75 to 125.
    fn default() -> Self {
        Self([(0.0, 100.0), (128.0, 170.0), (96.0, 200.0)])
    }
}

/// Turns sRGB into T.42's octets and back.
pub(super) struct Colours {
    /// Linear light of each sRGB octet.
    linear: Vec<f32>,
    /// The function of CIELAB that is nearly a cube root, over 0 to 1.
    root: Vec<f32>,
    /// sRGB octets of linear light over 0 to 1.
    encoded: Vec<u8>,
    gamut: Gamut,
}

impl Colours {
    pub(super) fn new(gamut: Gamut) -> Self {
        Self {
            linear: (0..=255u8).map(|octet| linear(f32::from(octet) / 255.0)).collect(),
            root: (0..=STEPS + 1).map(|step| root(step as f32 / STEPS as f32)).collect(),
            encoded: (0..=STEPS).map(|step| (encoded(step as f32 / STEPS as f32) * 255.0).round() as u8).collect(),
            gamut,
        }
    }

    /// L*, a* and b* of an sRGB colour.
    pub(super) fn lab(&self, rgb: [u8; 3]) -> [u8; 3] {
        let light = rgb.map(|octet| self.linear[usize::from(octet)]);
        let [x, y, z] = [0, 1, 2].map(|row| self.root(product(&XYZ_OF_RGB[row], light) / WHITE[row]));
        self.octets([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)])
    }

    /// L* of a grey.
    pub(super) fn lightness(&self, grey: u8) -> u8 {
        self.octets([116.0 * self.root(self.linear[usize::from(grey)]) - 16.0, 0.0, 0.0])[0]
    }

    /// The sRGB colour of octets; colours outside of sRGB are brought to its edge.
    pub(super) fn rgb(&self, lab: [u8; 3]) -> [u8; 3] {
        let [lightness, a, b] = self.values(lab);
        let y = (lightness + 16.0) / 116.0;
        let roots = [y + a / 500.0, y, y - b / 200.0];
        let xyz = [0, 1, 2].map(|row| cubed(roots[row]) * WHITE[row]);
        RGB_OF_XYZ.map(|row| self.srgb(product(&row, xyz)))
    }

    /// The grey of an L*.
    pub(super) fn grey(&self, lightness: u8) -> u8 {
        let (offset, range) = self.gamut.0[0];
        self.srgb(cubed(((f32::from(lightness) - offset) * range / 255.0 + 16.0) / 116.0))
    }

    fn octets(&self, lab: [f32; 3]) -> [u8; 3] {
        // A conversion from float to integer ends at the integer's bounds.
        [0, 1, 2].map(|at| (lab[at] * 255.0 / self.gamut.0[at].1 + self.gamut.0[at].0).round() as u8)
    }

    fn values(&self, octets: [u8; 3]) -> [f32; 3] {
        [0, 1, 2].map(|at| (f32::from(octets[at]) - self.gamut.0[at].0) * self.gamut.0[at].1 / 255.0)
    }

    fn root(&self, value: f32) -> f32 {
        let place = value.clamp(0.0, 1.0) * STEPS as f32;
        let (step, part) = (place as usize, place.fract());
        // The first steps are too bent for straight lines between them.
        if step < 64 { root(value) } else { self.root[step] + (self.root[step + 1] - self.root[step]) * part }
    }

    fn srgb(&self, light: f32) -> u8 {
        self.encoded[(light.clamp(0.0, 1.0) * STEPS as f32).round() as usize]
    }
}

fn product(row: &[f32; 3], values: [f32; 3]) -> f32 {
    row[0] * values[0] + row[1] * values[1] + row[2] * values[2]
}

/// IEC 61966-2-1: an sRGB value to linear light.
fn linear(value: f32) -> f32 {
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// Linear light to an sRGB value.
fn encoded(light: f32) -> f32 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

fn root(value: f32) -> f32 {
    if value > LINEAR_BELOW { value.cbrt() } else { (SLOPE * value + 16.0) / 116.0 }
}

fn cubed(root: f32) -> f32 {
    let cube = root * root * root;
    if cube > LINEAR_BELOW { cube } else { (116.0 * root - 16.0) / SLOPE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landmarks_are_where_t42_has_them() {
        let colours = Colours::new(Gamut::default());
        assert_eq!(colours.lab([255, 255, 255]), [255, 128, 96]);
        assert_eq!(colours.lab([0, 0, 0]), [0, 128, 96]);
        // CIELAB of sRGB's red under D50 is 54.3, 80.8, 69.9.
        let red = colours.lab([255, 0, 0]);
        let expected = [54.3 * 2.55, 80.8 * 1.5 + 128.0, 69.9 * 1.275 + 96.0].map(|value: f32| value.round() as u8);
        assert!(red.iter().zip(expected).all(|(is, should)| is.abs_diff(should) <= 1), "{red:?} {expected:?}");
    }

    #[test]
    fn colours_come_back_nearly_as_they_were() {
        let colours = Colours::new(Gamut::default());
        for red in (0..=255).step_by(51) {
            for green in (0..=255).step_by(51) {
                for blue in (0..=255).step_by(51) {
                    let sent = [red, green, blue];
                    let [lightness, a, b] = colours.lab(sent);
                    let back = colours.rgb([lightness, a, b]);
                    let off = sent.iter().zip(back).map(|(sent, back)| sent.abs_diff(back)).max();
                    // Saturated blues are outside of b* -75: those come back paler.
                    let edge = [a, b].iter().any(|octet| [0, 255].contains(octet));
                    assert!(edge || off <= Some(12), "{sent:?} {back:?}");
                }
            }
        }
        for grey in 0..=255 {
            assert!(colours.grey(colours.lightness(grey)).abs_diff(grey) <= 2, "{grey}");
        }
    }
}
