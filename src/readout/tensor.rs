//! Plain named arrays, as they lie in a safetensors file.

use crate::error::{Error, Result};
use safetensors::tensor::{Dtype, TensorView, View};
use std::borrow::Cow;
use std::path::Path;

/// A named array of any number of dimensions, row-major.
///
/// `&Tensor` is a [`View`], so that `safetensors::serialize` takes it beside other tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Name, unique in its file.
    pub name: String,
    /// Length of each dimension.
    pub shape: Vec<usize>,
    /// The values; as many as the shape says.
    pub data: TensorData,
}

/// The values of a [`Tensor`].
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 32-bit integers.
    I32(Vec<i32>),
}

impl Tensor {
    /// Reads a tensor of a safetensors file; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Format`] if it has another type than those of [`TensorData`].
    pub fn read(path: &Path, name: &str, view: &TensorView<'_>) -> Result<Tensor> {
        let bytes = view.data();
        let data = match view.dtype() {
            Dtype::F32 => TensorData::F32(values(bytes, f32::from_le_bytes)),
            Dtype::F64 => TensorData::F64(values(bytes, f64::from_le_bytes)),
            Dtype::I32 => TensorData::I32(values(bytes, i32::from_le_bytes)),
            other => {
                let found = format!("{other:?}");
                return Err(Error::format(path, place(name), "type F32, F64 or I32", found));
            }
        };
        Ok(Tensor { name: name.to_string(), shape: view.shape().to_vec(), data })
    }
}

/// How messages name a tensor.
pub(super) fn place(name: &str) -> String {
    format!("tensor `{name}`")
}

/// Little-endian bytes → values.
fn values<T, const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| value(chunk)).collect()
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        match &self.data {
            TensorData::F32(_) => Dtype::F32,
            TensorData::F64(_) => Dtype::F64,
            TensorData::I32(_) => Dtype::I32,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match &self.data {
            TensorData::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            TensorData::F64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            TensorData::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    fn data_len(&self) -> usize {
        match &self.data {
            TensorData::F32(v) => size_of_val(v.as_slice()),
            TensorData::F64(v) => size_of_val(v.as_slice()),
            TensorData::I32(v) => size_of_val(v.as_slice()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::SafeTensors;

    fn tensor(name: &str, shape: &[usize], data: TensorData) -> Tensor {
        Tensor { name: name.to_string(), shape: shape.to_vec(), data }
    }

    #[test]
    fn tensors_survive_a_file() {
        let tensors = [
            tensor("a", &[2, 1], TensorData::F32(vec![1.5, -0.0])),
            tensor("b", &[1], TensorData::F64(vec![1e300])),
            tensor("c", &[0, 3], TensorData::I32(vec![])),
        ];
        let bytes = safetensors::serialize(tensors.iter().map(|t| (&t.name, t)), None).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        for tensor in &tensors {
            let view = file.tensor(&tensor.name).unwrap();
            assert_eq!(&Tensor::read(Path::new("net"), &tensor.name, &view).unwrap(), tensor);
        }
    }

    #[test]
    fn another_type_is_an_error_that_names_the_tensor() {
        let view = TensorView::new(Dtype::U8, vec![2], &[1, 2]).unwrap();
        let message = Tensor::read(Path::new("net.safetensors"), "w", &view).unwrap_err();
        assert_eq!(
            message.to_string(),
            "net.safetensors: tensor `w`: expected type F32, F64 or I32, found U8"
        );
    }
}
