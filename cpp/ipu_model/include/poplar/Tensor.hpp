#pragma once
#include "ArrayRef.hpp"
#include "Interval.hpp"
#include "StringRef.hpp"
#include "Type.hpp"
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

namespace ipu_model {
struct GraphData;
class View;
} // namespace ipu_model

namespace poplar {

enum class UpsampleMethod { REPEAT };

/// A view of elements of one or more variables, in row-major order of a shape. Every method that
/// selects or reorders returns a new view of the same elements; nothing is copied on the device.
class Tensor {
public:
  Tensor() = default;
  Tensor(ipu_model::GraphData *graph, Type type, std::vector<std::size_t> shape,
         std::shared_ptr<const ipu_model::View> view)
      : graph_(graph), type_(type), shape_(std::move(shape)), view_(std::move(view)) {}

  bool valid() const { return view_ != nullptr; }
  Type elementType() const { return type_; }
  std::vector<std::size_t> shape() const { return shape_; }
  unsigned rank() const { return static_cast<unsigned>(shape_.size()); }
  std::size_t dim(unsigned i) const;
  std::size_t numElements() const;
  std::string shapeToString() const;
  std::string getDebugStr() const;

  Tensor operator[](std::size_t i) const;
  Tensor index(ArrayRef<std::size_t> indices) const;
  Tensor slice(std::size_t begin, std::size_t end, unsigned dimension) const;
  Tensor slice(std::size_t begin, std::size_t end) const { return slice(begin, end, 0); }
  Tensor slice(const Interval &region, unsigned dimension = 0) const {
    return slice(region.begin(), region.end(), dimension);
  }
  Tensor slice(ArrayRef<std::size_t> begin, ArrayRef<std::size_t> end) const;
  std::vector<Tensor> slices(ArrayRef<Interval> intervals, unsigned dimension = 0) const;
  std::vector<Tensor> slices(const std::vector<std::vector<Interval>> &intervals, unsigned dimension = 0) const;
  std::vector<Tensor> slices(ArrayRef<unsigned> indices, unsigned dimension = 0) const;
  Tensor flatten() const;
  Tensor flatten(unsigned dimBegin, unsigned dimEnd) const;
  Tensor reshape(ArrayRef<std::size_t> shape) const;
  Tensor reshapePartial(unsigned begin, unsigned end, ArrayRef<std::size_t> dims) const;
  Tensor dimShuffle(ArrayRef<unsigned> permutation) const;
  Tensor dimShufflePartial(ArrayRef<unsigned> source, ArrayRef<unsigned> destination) const;
  Tensor dimRoll(unsigned dimIdx, unsigned newIdx = 0) const;
  Tensor transpose() const;
  Tensor expand(ArrayRef<std::size_t> indices) const;
  Tensor squeeze(ArrayRef<std::size_t> indices) const;
  Tensor reverse(unsigned dimension) const;
  Tensor subSample(unsigned stride, unsigned dimension) const;
  Tensor upsample(unsigned scale, unsigned dimension, UpsampleMethod method = UpsampleMethod::REPEAT) const;
  Tensor broadcast(unsigned n, unsigned dimension) const;
  Tensor reinterpret(const Type &type) const;

  bool isContiguous() const;
  bool containsAliases() const;
  bool containsConstant() const;
  bool isParallelWriteable() const { return !containsAliases() && !containsConstant(); }
  bool intersectsWith(const Tensor &other) const;
  bool intersectsWith(ArrayRef<Tensor> others) const;
  std::vector<Interval> getContiguousRegions() const;
  std::vector<VariableInterval> getVarRegions() const;
  void dump() const;
  void dump(std::ostream &out) const;
  void dumpRegions() const;
  void dumpRegions(std::ostream &out) const;

  const ipu_model::View &view() const { return *view_; }
  ipu_model::GraphData *graph() const { return graph_; }
  friend bool operator==(const Tensor &a, const Tensor &b);
  friend bool operator!=(const Tensor &a, const Tensor &b) { return !(a == b); }

private:
  Tensor with(std::vector<std::size_t> shape, ipu_model::View view) const;
  void checkValid(const char *operation) const;
  void checkDim(unsigned dimension, const char *operation) const;

  ipu_model::GraphData *graph_ = nullptr;
  Type type_;
  std::vector<std::size_t> shape_;
  std::shared_ptr<const ipu_model::View> view_;
};

Tensor concat(ArrayRef<Tensor> tensors, unsigned dimension = 0);
Tensor concat(const Tensor &first, const Tensor &second, unsigned dimension = 0);
Tensor append(const Tensor &first, const Tensor &second, unsigned dimension);
Tensor append(const Tensor &first, const Tensor &second);
std::ostream &operator<<(std::ostream &out, const Tensor &tensor);

} // namespace poplar
