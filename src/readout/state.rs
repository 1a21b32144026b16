//! What the readouts have learned, as tensors and back.
//!
//! | tensor | shape | type | there |
//! |---|---|---|---|
//! | `readout.kinds` | kinds | I32, positions in [`ReadoutKind::ALL`] | always |
//! | `readout.rates` | neurons × classes | F32 | always |
//! | `readout.assignments` | neurons | I32, −1 before the first update | always |
//! | `readout.2gram.keys` | pairs × 2 | I32 | `2gram` selected |
//! | `readout.2gram.counts` | pairs × classes | F32 | `2gram` selected |
//! | `readout.log.classes` | present classes | I32, ascending | `log` fitted |
//! | `readout.log.weights` | neurons + 1 × scores | F64, intercepts last | `log` fitted |
//! | `readout.svm.classes` | present classes | I32, ascending | `svm` fitted |
//! | `readout.svm.support` | present classes | I32, support vectors of each | `svm` fitted |
//! | `readout.svm.offsets` | vectors + 1 | I32, row starts in the next two | `svm` fitted |
//! | `readout.svm.neurons` | spiking neurons of all vectors | I32, ascending in a row | `svm` fitted |
//! | `readout.svm.counts` | as before | I32 | `svm` fitted |
//! | `readout.svm.coefficients` | vectors × present classes − 1 | F64 | `svm` fitted |
//! | `readout.svm.biases` | pairs of present classes | F64 | `svm` fitted |
//! | `readout.svm.gamma` | 1 | F64 | `svm` fitted |

use super::assignment::Assignment;
use super::counts::Counts;
use super::logistic::{Logistic, scores_of};
use super::ngram::TwoGram;
use super::rbf::Rbf;
use super::svm::Svm;
use super::tensor::{Tensor, TensorData, place};
use super::{ReadoutKind, ReadoutSet};
use crate::error::{Error, Result};
use std::path::Path;

impl ReadoutSet {
    /// The learned state; see the table in this file. Names begin with `readout.`.
    pub fn to_tensors(&self) -> Vec<Tensor> {
        let mut tensors = Writer(Vec::new());
        let position = |kind| ReadoutKind::ALL.iter().position(|k| k == kind).unwrap_or_default();
        tensors.i32("kinds", &[self.kinds.len()], self.kinds.iter().map(position));
        let (neurons, classes) = (self.neurons, self.classes);
        tensors.f32("rates", &[neurons, classes], self.assignment.rates());
        let assigned = self.assignment.assigned().to_vec();
        tensors.push("assignments", &[neurons], TensorData::I32(assigned));
        if let Some(table) = &self.two_gram {
            let pairs = table.keys().len();
            let keys = table.keys().as_flattened().iter().map(|&id| id as usize);
            tensors.i32("2gram.keys", &[pairs, 2], keys);
            tensors.f32("2gram.counts", &[pairs, classes], table.counts());
        }
        if let Some(fit) = &self.logistic {
            let present = fit.classes().iter().map(|&c| c.into());
            tensors.i32("log.classes", &[fit.classes().len()], present);
            tensors.f64("log.weights", &[neurons + 1, fit.scores()], fit.weights());
        }
        if let Some(fit) = &self.svm {
            let (offsets, ids, counts) = fit.vectors.parts();
            let (present, vectors) = (fit.classes.len(), fit.vectors.samples());
            tensors.i32("svm.classes", &[present], fit.classes.iter().map(|&c| c.into()));
            tensors.i32("svm.support", &[present], fit.support.iter().copied());
            tensors.i32("svm.offsets", &[vectors + 1], offsets.iter().copied());
            tensors.i32("svm.neurons", &[ids.len()], ids.iter().map(|&id| id as usize));
            tensors.i32("svm.counts", &[ids.len()], counts.iter().map(|&count| count as usize));
            tensors.f64("svm.coefficients", &[vectors, present - 1], &fit.coefficients);
            tensors.f64("svm.biases", &[fit.biases.len()], &fit.biases);
            tensors.f64("svm.gamma", &[1], &[fit.gamma()]);
        }
        tensors.0
    }

    /// Reads back what [`ReadoutSet::to_tensors`] gave, for a network of `neurons` output neurons
    /// and `classes` classes. Tensors with other names are left alone; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Format`] with the tensor and what is wrong with it.
    ///
    /// # Panics
    /// If there is no class.
    pub fn from_tensors(
        path: &Path,
        neurons: usize,
        classes: usize,
        tensors: &[Tensor],
    ) -> Result<ReadoutSet> {
        let file = Reader { path, tensors };
        let kinds = file
            .indices("kinds", &[None], ReadoutKind::ALL.len())?
            .into_iter()
            .map(|position| ReadoutKind::ALL[position])
            .collect::<Vec<_>>();
        if kinds.windows(2).any(|w| w[0] >= w[1]) {
            return Err(file.wrong("kinds", "ascending positions", "others"));
        }
        let assignment = read_assignment(&file, neurons, classes)?;
        let mut set = ReadoutSet { assignment, ..ReadoutSet::new(&kinds, neurons, classes) };
        if kinds.contains(&ReadoutKind::TwoGram) {
            set.two_gram = Some(read_two_gram(&file, neurons, classes)?);
        }
        if kinds.contains(&ReadoutKind::Log) && file.has("log.classes") {
            set.logistic = Some(read_logistic(&file, neurons, classes)?);
        }
        if kinds.contains(&ReadoutKind::Svm) && file.has("svm.classes") {
            set.svm = Some(read_svm(&file, neurons, classes)?);
        }
        Ok(set)
    }
}

fn read_assignment(file: &Reader<'_>, neurons: usize, classes: usize) -> Result<Assignment> {
    let assigned = file.i32("assignments", &[Some(neurons)])?;
    let rates = file.f32("rates", &[Some(neurons), Some(classes)])?;
    if rates.iter().any(|rate| *rate < 0.0) {
        return Err(file.wrong("rates", "values of at least 0", "a negative one"));
    }
    let unknown = Assignment::new(neurons, classes);
    let known = Assignment::from_rates(neurons, classes, rates.to_vec());
    if assigned == known.assigned() {
        Ok(known)
    } else if assigned == unknown.assigned() && rates.iter().all(|rate| *rate == 0.0) {
        Ok(unknown)
    } else {
        Err(file.wrong("assignments", "the classes that follow from `readout.rates`", "others"))
    }
}

fn read_two_gram(file: &Reader<'_>, neurons: usize, classes: usize) -> Result<TwoGram> {
    let keys = file.indices("2gram.keys", &[None, Some(2)], neurons)?;
    let keys: Vec<[u32; 2]> =
        keys.as_chunks().0.iter().map(|&[i, j]| [i as u32, j as u32]).collect();
    let counts = file.f32("2gram.counts", &[Some(keys.len()), Some(classes)])?;
    if counts.iter().any(|count| *count < 0.0) {
        return Err(file.wrong("2gram.counts", "values of at least 0", "a negative one"));
    }
    TwoGram::from_rows(neurons, classes, &keys, counts.to_vec())
        .ok_or_else(|| file.wrong("2gram.keys", "every pair once", "a pair twice"))
}

fn read_logistic(file: &Reader<'_>, neurons: usize, classes: usize) -> Result<Logistic> {
    let present = file.classes("log.classes", classes)?;
    let shape = [neurons.checked_add(1), Some(scores_of(present.len()))];
    let weights = file.f64("log.weights", &shape)?;
    Ok(Logistic::from_parts(neurons, present, weights.to_vec()))
}

fn read_svm(file: &Reader<'_>, neurons: usize, classes: usize) -> Result<Svm> {
    let present = file.classes("svm.classes", classes)?;
    let others = present.len() - 1;
    let most = i32::MAX as usize;
    let support = file.indices("svm.support", &[Some(present.len())], most)?;
    let offsets = file.indices("svm.offsets", &[None], most)?;
    let ids = file.indices("svm.neurons", &[None], neurons)?;
    let counts = file.indices("svm.counts", &[Some(ids.len())], most)?;
    let ascending = offsets.windows(2).all(|w| w[0] <= w[1]);
    if !ascending || offsets.first() != Some(&0) || offsets.last() != Some(&ids.len()) {
        let expected = format!("ascending row starts from 0 to {}", ids.len());
        return Err(file.wrong("svm.offsets", expected, "others"));
    }
    let vectors = offsets.len() - 1;
    if support.iter().sum::<usize>() != vectors {
        let expected = format!("numbers that add up to the {vectors} support vectors");
        return Err(file.wrong("svm.support", expected, "others"));
    }
    if offsets.windows(2).any(|w| ids[w[0]..w[1]].windows(2).any(|pair| pair[0] >= pair[1])) {
        return Err(file.wrong("svm.neurons", "ascending neurons in each row", "others"));
    }
    let gamma = file.f64("svm.gamma", &[Some(1)])?[0];
    if gamma <= 0.0 {
        return Err(file.wrong("svm.gamma", "a value above 0", gamma.to_string()));
    }
    let coefficients = file.f64("svm.coefficients", &[Some(vectors), Some(others)])?.to_vec();
    let biases = file.f64("svm.biases", &[Some(present.len() * others / 2)])?.to_vec();
    let narrow = |values: Vec<usize>| values.into_iter().map(|v| v as u32).collect();
    let vectors = Counts::from_rows(neurons, offsets, narrow(ids), narrow(counts));
    let rbf = Rbf::new(gamma, &vectors);
    Ok(Svm { classes: present, support, vectors, coefficients, biases, rbf })
}

/// Collects tensors under `readout.`.
struct Writer(Vec<Tensor>);

impl Writer {
    fn push(&mut self, name: &str, shape: &[usize], data: TensorData) {
        self.0.push(Tensor { name: format!("readout.{name}"), shape: shape.to_vec(), data });
    }

    fn f32(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        self.push(name, shape, TensorData::F32(values.to_vec()));
    }

    fn f64(&mut self, name: &str, shape: &[usize], values: &[f64]) {
        self.push(name, shape, TensorData::F64(values.to_vec()));
    }

    /// Indices and numbers of things: far below 2³¹, as neurons, samples and steps are.
    fn i32(&mut self, name: &str, shape: &[usize], values: impl Iterator<Item = usize>) {
        let values = values.map(|v| i32::try_from(v).unwrap_or(i32::MAX)).collect();
        self.push(name, shape, TensorData::I32(values));
    }
}

/// Finds tensors under `readout.` and checks them.
struct Reader<'a> {
    path: &'a Path,
    tensors: &'a [Tensor],
}

impl Reader<'_> {
    fn wrong(&self, name: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::format(self.path, place(&format!("readout.{name}")), expected, found)
    }

    fn find(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|t| t.name.strip_prefix("readout.") == Some(name))
    }

    fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The tensor, with the lengths that `shape` asks for and as many values as its own shape says.
    fn shaped(&self, name: &str, shape: &[Option<usize>]) -> Result<&TensorData> {
        let Some(tensor) = self.find(name) else {
            return Err(self.wrong(name, "a tensor of this name", "none"));
        };
        let fits = tensor.shape.len() == shape.len()
            && tensor.shape.iter().zip(shape).all(|(&got, want)| want.is_none_or(|w| w == got));
        if !fits {
            let length = |n: &Option<usize>| n.map_or("any".to_string(), |n| n.to_string());
            let expected = shape.iter().map(length).collect::<Vec<_>>().join(", ");
            let found = format!("{:?}", tensor.shape);
            return Err(self.wrong(name, format!("shape [{expected}]"), found));
        }
        let want = tensor.shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        let got = match &tensor.data {
            TensorData::F32(v) => v.len(),
            TensorData::F64(v) => v.len(),
            TensorData::I32(v) => v.len(),
        };
        if want != Some(got) {
            let expected = format!("values for shape {:?}", tensor.shape);
            return Err(self.wrong(name, expected, format!("{got} values")));
        }
        Ok(&tensor.data)
    }

    fn f32(&self, name: &str, shape: &[Option<usize>]) -> Result<&[f32]> {
        match self.shaped(name, shape)? {
            TensorData::F32(v) if v.iter().all(|x| x.is_finite()) => Ok(v),
            _ => Err(self.wrong(name, "finite numbers of type F32", "others")),
        }
    }

    fn f64(&self, name: &str, shape: &[Option<usize>]) -> Result<&[f64]> {
        match self.shaped(name, shape)? {
            TensorData::F64(v) if v.iter().all(|x| x.is_finite()) => Ok(v),
            _ => Err(self.wrong(name, "finite numbers of type F64", "others")),
        }
    }

    fn i32(&self, name: &str, shape: &[Option<usize>]) -> Result<&[i32]> {
        match self.shaped(name, shape)? {
            TensorData::I32(v) => Ok(v),
            _ => Err(self.wrong(name, "type I32", "another")),
        }
    }

    /// Integers in 0 .. `end`.
    fn indices(&self, name: &str, shape: &[Option<usize>], end: usize) -> Result<Vec<usize>> {
        let index = |&v: &i32| usize::try_from(v).ok().filter(|&v| v < end);
        self.i32(name, shape)?
            .iter()
            .map(|v| {
                let expected = || format!("integers from 0 to below {end}");
                index(v).ok_or_else(|| self.wrong(name, expected(), v.to_string()))
            })
            .collect()
    }

    /// Ascending classes, at least one.
    fn classes(&self, name: &str, classes: usize) -> Result<Vec<u16>> {
        let end = classes.min(usize::from(u16::MAX) + 1);
        let present = self.indices(name, &[None], end)?;
        if present.is_empty() || present.windows(2).any(|w| w[0] >= w[1]) {
            return Err(self.wrong(name, "ascending classes, at least one", "others"));
        }
        Ok(present.into_iter().map(|c| c as u16).collect())
    }
}
