#include "poplar/Tensor.hpp"
#include "graph_data.hpp"
#include "poplar/exceptions.hpp"
#include "view.hpp"
#include <algorithm>
#include <iostream>
#include <sstream>

namespace poplar {
using ipu_model::product;
using ipu_model::Run;
using ipu_model::View;

namespace {

std::string shapeText(ArrayRef<std::size_t> shape) {
  std::ostringstream out;
  out << '{';
  for (std::size_t i = 0; i != shape.size(); ++i) out << (i ? "," : "") << shape[i];
  out << '}';
  return out.str();
}

/// One loop of a gather: `count` times a step of `step` positions in the flattened source.
struct Loop {
  std::size_t count;
  std::ptrdiff_t step;
};

std::vector<Loop> rowMajor(const std::vector<std::size_t> &shape) {
  std::vector<Loop> loops(shape.size());
  std::size_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0; step *= shape[i])
    loops[i] = {shape[i], static_cast<std::ptrdiff_t>(step)};
  return loops;
}

/// The elements that nested loops (outermost first) visit, starting at a position of `source`.
View gather(const View &source, std::vector<Loop> loops, std::size_t start = 0) {
  View result;
  for (const Loop &loop : loops)
    if (loop.count == 0) return result;
  std::vector<Loop> joined; // a loop that continues the next inner one becomes one with it
  for (const Loop &loop : loops) {
    if (loop.count == 1) continue;
    if (!joined.empty() && joined.back().step == loop.step * static_cast<std::ptrdiff_t>(loop.count))
      joined.back() = {joined.back().count * loop.count, loop.step};
    else
      joined.push_back(loop);
  }
  const Loop inner = joined.empty() ? Loop{1, 1} : joined.back();
  if (!joined.empty()) joined.pop_back();
  std::vector<std::size_t> index(joined.size(), 0);
  std::size_t position = start;
  for (;;) {
    result.append(source, position, inner.count, inner.step);
    std::size_t d = joined.size();
    while (d-- > 0) {
      position += static_cast<std::size_t>(joined[d].step);
      if (++index[d] != joined[d].count) break;
      position -= static_cast<std::size_t>(joined[d].step) * joined[d].count;
      index[d] = 0;
    }
    if (d == static_cast<std::size_t>(-1)) return result;
  }
}

} // namespace

Tensor Tensor::with(std::vector<std::size_t> shape, View view) const {
  return Tensor(graph_, type_, std::move(shape), std::make_shared<const View>(std::move(view)));
}

void Tensor::checkValid(const char *operation) const {
  if (!valid()) throw tensor_creation_error(std::string(operation) + ": the tensor was never assigned");
}

void Tensor::checkDim(unsigned dimension, const char *operation) const {
  checkValid(operation);
  if (dimension >= rank())
    throw index_error(std::string(operation) + ": dimension " + std::to_string(dimension) + " of tensor " +
                      getDebugStr() + " of shape " + shapeToString());
}

std::size_t Tensor::dim(unsigned i) const {
  checkDim(i, "Tensor::dim");
  return shape_[i];
}

std::size_t Tensor::numElements() const {
  checkValid("Tensor::numElements");
  return view_->size();
}

std::string Tensor::shapeToString() const { return shapeText(shape_); }

std::string Tensor::getDebugStr() const {
  if (!valid()) return "(unassigned)";
  const auto &runs = view_->runs();
  return runs.empty() ? "(empty)" : "'" + graph_->variables[runs.front().variable].name + "'";
}

Tensor Tensor::operator[](std::size_t i) const {
  checkDim(0, "Tensor::operator[]");
  if (i >= shape_[0])
    throw index_error("index " + std::to_string(i) + " of tensor " + getDebugStr() + " of shape " + shapeToString());
  std::vector<std::size_t> shape(shape_.begin() + 1, shape_.end());
  const std::size_t row = product(shape);
  View view;
  view.append(*view_, i * row, row);
  return with(std::move(shape), std::move(view));
}

Tensor Tensor::index(ArrayRef<std::size_t> indices) const {
  Tensor result = *this;
  for (std::size_t i : indices) result = result[i];
  return result;
}

Tensor Tensor::slice(std::size_t begin, std::size_t end, unsigned dimension) const {
  checkDim(dimension, "Tensor::slice");
  if (begin > end || end > shape_[dimension])
    throw index_error("slice [" + std::to_string(begin) + "," + std::to_string(end) + ") of dimension " +
                      std::to_string(dimension) + " of tensor " + getDebugStr() + " of shape " + shapeToString());
  std::vector<Loop> loops = rowMajor(shape_);
  const std::size_t start = begin * static_cast<std::size_t>(loops[dimension].step);
  loops[dimension].count = end - begin;
  std::vector<std::size_t> shape = shape_;
  shape[dimension] = end - begin;
  return with(std::move(shape), gather(*view_, std::move(loops), start));
}

Tensor Tensor::slice(ArrayRef<std::size_t> begin, ArrayRef<std::size_t> end) const {
  if (begin.size() > rank() || begin.size() != end.size())
    throw index_error("slice with " + std::to_string(begin.size()) + " begins and " + std::to_string(end.size()) +
                      " ends of tensor " + getDebugStr() + " of shape " + shapeToString());
  Tensor result = *this;
  for (unsigned d = 0; d != begin.size(); ++d) result = result.slice(begin[d], end[d], d);
  return result;
}

std::vector<Tensor> Tensor::slices(ArrayRef<Interval> intervals, unsigned dimension) const {
  std::vector<Tensor> result;
  for (const Interval &interval : intervals) result.push_back(slice(interval, dimension));
  return result;
}

std::vector<Tensor> Tensor::slices(const std::vector<std::vector<Interval>> &intervals, unsigned dimension) const {
  std::vector<Tensor> result;
  for (const auto &group : intervals) result.push_back(concat(slices(ArrayRef<Interval>(group), dimension), dimension));
  return result;
}

std::vector<Tensor> Tensor::slices(ArrayRef<unsigned> indices, unsigned dimension) const {
  std::vector<Tensor> result;
  for (unsigned i : indices) result.push_back(slice(i, i + 1, dimension));
  return result;
}

Tensor Tensor::flatten() const { return reshape({numElements()}); }

Tensor Tensor::flatten(unsigned dimBegin, unsigned dimEnd) const {
  if (dimBegin > dimEnd || dimEnd > rank())
    throw index_error("flatten of dimensions [" + std::to_string(dimBegin) + "," + std::to_string(dimEnd) +
                      ") of shape " + shapeToString());
  const std::size_t n = product(ArrayRef<std::size_t>(shape_.data() + dimBegin, dimEnd - dimBegin));
  return reshapePartial(dimBegin, dimEnd, {n});
}

Tensor Tensor::reshape(ArrayRef<std::size_t> shape) const {
  checkValid("Tensor::reshape");
  if (product(shape) != numElements())
    throw tensor_creation_error("reshape of tensor " + getDebugStr() + " of shape " + shapeToString() + " to " +
                                shapeText(shape) + ", which has another number of elements");
  return Tensor(graph_, type_, shape.cloneAsVector(), view_);
}

Tensor Tensor::reshapePartial(unsigned begin, unsigned end, ArrayRef<std::size_t> dims) const {
  if (begin > end || end > rank())
    throw index_error("reshapePartial of dimensions [" + std::to_string(begin) + "," + std::to_string(end) +
                      ") of shape " + shapeToString());
  std::vector<std::size_t> shape(shape_.begin(), shape_.begin() + begin);
  shape.insert(shape.end(), dims.begin(), dims.end());
  shape.insert(shape.end(), shape_.begin() + end, shape_.end());
  return reshape(shape);
}

Tensor Tensor::dimShuffle(ArrayRef<unsigned> permutation) const {
  checkValid("Tensor::dimShuffle");
  std::vector<bool> seen(rank(), false);
  const std::vector<Loop> old = rowMajor(shape_);
  std::vector<Loop> loops;
  std::vector<std::size_t> shape;
  for (unsigned d : permutation) {
    if (d >= rank() || seen[d])
      throw index_error("dimShuffle: not a permutation of the dimensions of shape " + shapeToString());
    seen[d] = true;
    loops.push_back(old[d]);
    shape.push_back(shape_[d]);
  }
  if (permutation.size() != rank())
    throw index_error("dimShuffle: " + std::to_string(permutation.size()) + " dimensions given for shape " +
                      shapeToString());
  return with(std::move(shape), gather(*view_, std::move(loops)));
}

Tensor Tensor::dimShufflePartial(ArrayRef<unsigned> source, ArrayRef<unsigned> destination) const {
  if (source.size() != destination.size())
    throw index_error("dimShufflePartial: as many source as destination dimensions are needed");
  std::vector<unsigned> permutation(rank(), ~0u);
  std::vector<bool> used(rank(), false);
  for (std::size_t i = 0; i != source.size(); ++i) {
    checkDim(source[i], "Tensor::dimShufflePartial");
    checkDim(destination[i], "Tensor::dimShufflePartial");
    permutation[destination[i]] = source[i];
    used[source[i]] = true;
  }
  unsigned next = 0;
  for (unsigned &d : permutation) {
    if (d != ~0u) continue;
    while (next < rank() && used[next]) ++next;
    d = next++;
  }
  return dimShuffle(permutation);
}

Tensor Tensor::dimRoll(unsigned dimIdx, unsigned newIdx) const { return dimShufflePartial({dimIdx}, {newIdx}); }

Tensor Tensor::transpose() const {
  if (rank() != 2)
    throw tensor_creation_error("transpose of tensor " + getDebugStr() + " of shape " + shapeToString() +
                                "; only rank 2 can be transposed");
  return dimShuffle({1, 0});
}

Tensor Tensor::expand(ArrayRef<std::size_t> indices) const {
  std::vector<std::size_t> sorted = indices.cloneAsVector(), shape;
  std::sort(sorted.begin(), sorted.end());
  auto next = sorted.begin();
  for (std::size_t d = 0; d <= rank(); ++d) {
    for (; next != sorted.end() && *next == d; ++next) shape.push_back(1);
    if (d < rank()) shape.push_back(shape_[d]);
  }
  if (next != sorted.end())
    throw index_error("expand before dimension " + std::to_string(*next) + " of shape " + shapeToString());
  return reshape(shape);
}

Tensor Tensor::squeeze(ArrayRef<std::size_t> indices) const {
  std::vector<bool> dropped(rank(), false);
  for (std::size_t d : indices) {
    checkDim(static_cast<unsigned>(d), "Tensor::squeeze");
    if (shape_[d] != 1)
      throw tensor_creation_error("squeeze of dimension " + std::to_string(d) + " of shape " + shapeToString() +
                                  ", which is not 1");
    dropped[d] = true;
  }
  std::vector<std::size_t> shape;
  for (std::size_t d = 0; d != rank(); ++d)
    if (!dropped[d]) shape.push_back(shape_[d]);
  return reshape(shape);
}

Tensor Tensor::reverse(unsigned dimension) const {
  checkDim(dimension, "Tensor::reverse");
  if (numElements() == 0) return *this;
  std::vector<Loop> loops = rowMajor(shape_);
  const std::size_t start = (shape_[dimension] - 1) * static_cast<std::size_t>(loops[dimension].step);
  loops[dimension].step = -loops[dimension].step;
  return with(shape_, gather(*view_, std::move(loops), start));
}

Tensor Tensor::subSample(unsigned stride, unsigned dimension) const {
  checkDim(dimension, "Tensor::subSample");
  if (stride == 0) throw tensor_creation_error("subSample: the stride must not be 0");
  std::vector<Loop> loops = rowMajor(shape_);
  std::vector<std::size_t> shape = shape_;
  shape[dimension] = (shape[dimension] + stride - 1) / stride;
  loops[dimension] = {shape[dimension], loops[dimension].step * static_cast<std::ptrdiff_t>(stride)};
  return with(std::move(shape), gather(*view_, std::move(loops)));
}

Tensor Tensor::upsample(unsigned scale, unsigned dimension, UpsampleMethod) const {
  checkDim(dimension, "Tensor::upsample");
  std::vector<Loop> loops = rowMajor(shape_);
  loops.insert(loops.begin() + dimension + 1, Loop{scale, 0});
  std::vector<std::size_t> shape = shape_;
  shape[dimension] *= scale;
  return with(std::move(shape), gather(*view_, std::move(loops)));
}

Tensor Tensor::broadcast(unsigned n, unsigned dimension) const {
  checkDim(dimension, "Tensor::broadcast");
  std::vector<Loop> loops = rowMajor(shape_);
  loops.insert(loops.begin() + dimension, Loop{n, 0});
  std::vector<std::size_t> shape = shape_;
  shape[dimension] *= n;
  return with(std::move(shape), gather(*view_, std::move(loops)));
}

Tensor Tensor::reinterpret(const Type &type) const {
  checkValid("Tensor::reinterpret");
  if (type.size() != type_.size())
    throw type_error("reinterpret of '" + type_.toString() + "' as '" + type.toString() + "', which has another size");
  Tensor result = *this;
  result.type_ = type;
  return result;
}

bool Tensor::isContiguous() const { return getContiguousRegions().size() <= 1; }

bool Tensor::containsAliases() const {
  checkValid("Tensor::containsAliases");
  return ipu_model::findAlias(*view_).has_value();
}

bool Tensor::containsConstant() const {
  checkValid("Tensor::containsConstant");
  const auto &runs = view_->runs();
  return std::any_of(runs.begin(), runs.end(),
                     [&](const Run &run) { return graph_->variables[run.variable].constant; });
}

bool Tensor::intersectsWith(const Tensor &other) const {
  std::vector<VariableInterval> mine = getVarRegions(), theirs = other.getVarRegions();
  std::sort(mine.begin(), mine.end());
  std::sort(theirs.begin(), theirs.end());
  for (auto a = mine.begin(), b = theirs.begin(); a != mine.end() && b != theirs.end();) {
    if (a->var == b->var && a->interval.begin() < b->interval.end() && b->interval.begin() < a->interval.end())
      return true;
    const bool first = a->var != b->var ? a->var < b->var : a->interval.end() <= b->interval.end();
    ++(first ? a : b);
  }
  return false;
}

bool Tensor::intersectsWith(ArrayRef<Tensor> others) const {
  return std::any_of(others.begin(), others.end(), [&](const Tensor &other) { return intersectsWith(other); });
}

std::vector<VariableInterval> Tensor::getVarRegions() const {
  checkValid("Tensor::getVarRegions");
  std::vector<VariableInterval> regions;
  for (const Run &run : view_->runs())
    ipu_model::forEachStretch(run, [&](std::size_t begin, std::size_t end) {
      if (!regions.empty() && regions.back().var == run.variable && regions.back().interval.end() == begin)
        regions.back().interval = {regions.back().interval.begin(), end};
      else
        regions.push_back({run.variable, {begin, end}});
    });
  return regions;
}

std::vector<Interval> Tensor::getContiguousRegions() const {
  std::vector<Interval> regions;
  std::size_t position = 0;
  for (const VariableInterval &region : getVarRegions()) {
    regions.push_back({position, position + region.interval.size()});
    position += region.interval.size();
  }
  return regions;
}

void Tensor::dump() const { dump(std::cout); }
void Tensor::dump(std::ostream &out) const {
  out << "tensor " << getDebugStr() << ' ' << type_ << shapeToString() << '\n';
}
void Tensor::dumpRegions() const { dumpRegions(std::cout); }
void Tensor::dumpRegions(std::ostream &out) const {
  for (const VariableInterval &region : getVarRegions())
    out << graph_->variables[region.var].name << region.interval << '\n';
}

bool operator==(const Tensor &a, const Tensor &b) {
  return a.graph_ == b.graph_ && a.type_ == b.type_ && a.shape_ == b.shape_ &&
         (!a.valid() || !b.valid() ? a.valid() == b.valid() : a.getVarRegions() == b.getVarRegions());
}

Tensor concat(ArrayRef<Tensor> tensors, unsigned dimension) {
  if (tensors.empty()) throw tensor_creation_error("concat of no tensors");
  const Tensor &first = tensors[0];
  if (!first.valid() || dimension >= first.rank())
    throw index_error("concat along dimension " + std::to_string(dimension) + " of shape " + first.shapeToString());
  std::vector<std::size_t> shape = first.shape();
  shape[dimension] = 0;
  for (const Tensor &tensor : tensors) {
    std::vector<std::size_t> rest = tensor.shape(), wanted = first.shape();
    if (rest.size() == wanted.size()) rest[dimension] = wanted[dimension];
    if (!tensor.valid() || rest != wanted || tensor.elementType() != first.elementType())
      throw tensor_creation_error("concat along dimension " + std::to_string(dimension) + ": " + tensor.getDebugStr() +
                                  " of type " + tensor.elementType().toString() + " and shape " +
                                  tensor.shapeToString() + " does not fit " + first.getDebugStr() + " of type " +
                                  first.elementType().toString() + " and shape " + first.shapeToString());
    if (tensor.graph() != first.graph())
      throw tensor_creation_error("concat along dimension " + std::to_string(dimension) +
                                  ": the tensors belong to two graphs");
    shape[dimension] += tensor.dim(dimension);
  }
  const std::vector<std::size_t> firstShape = first.shape();
  const std::size_t outer = product({firstShape.data(), dimension});
  const std::size_t inner = product({firstShape.data() + dimension + 1, firstShape.size() - dimension - 1});
  View view;
  for (std::size_t i = 0; i != outer; ++i)
    for (const Tensor &tensor : tensors) {
      const std::size_t row = tensor.dim(dimension) * inner;
      view.append(tensor.view(), i * row, row);
    }
  return Tensor(first.graph(), first.elementType(), std::move(shape), std::make_shared<const View>(std::move(view)));
}

Tensor concat(const Tensor &first, const Tensor &second, unsigned dimension) {
  const Tensor both[] = {first, second};
  return concat(ArrayRef<Tensor>(both), dimension);
}

Tensor append(const Tensor &first, const Tensor &second, unsigned dimension) {
  return concat(first, second.expand({dimension}), dimension);
}
Tensor append(const Tensor &first, const Tensor &second) { return append(first, second, 0); }

std::ostream &operator<<(std::ostream &out, const Tensor &tensor) {
  tensor.dump(out);
  return out;
}

} // namespace poplar
