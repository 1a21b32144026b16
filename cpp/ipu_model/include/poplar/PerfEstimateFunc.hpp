#pragma once
#include "Target.hpp"
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ipu_model {
struct GraphData;
}

namespace poplar {

/// Cycles of one worker's issue slots (of the tile, for MultiVertex and SupervisorVertex).
struct VertexPerfEstimate {
  std::uint64_t cycles = 0;
  std::uint64_t flops = 0;
  VertexPerfEstimate() = default;
  VertexPerfEstimate(std::uint64_t c, std::uint64_t f = 0) : cycles(c), flops(f) {}
  VertexPerfEstimate &operator+=(const VertexPerfEstimate &other) {
    cycles += other.cycles;
    flops += other.flops;
    return *this;
  }
};

/// Sizes and initial values of one field, for estimators.
class FieldData {
public:
  struct SizeT {
    std::size_t count;
    std::size_t size() const { return count; }
  };
  FieldData(std::string name, std::vector<std::size_t> rows, bool list, std::vector<double> values)
      : name_(std::move(name)), rows_(std::move(rows)), list_(list), values_(std::move(values)) {}
  /// Elements of the field, or rows where it is a list of vectors.
  std::size_t size() const { return list_ ? rows_.size() : rows_.empty() ? 0 : rows_[0]; }
  SizeT operator[](std::size_t row) const { return {list_ ? rows_.at(row) : 1}; }
  std::size_t getSizeAtIndex(std::size_t row) const { return rows_.at(row); }
  template <typename T> T getInitialValue(const Target &) const {
    return values_.empty() ? T{} : static_cast<T>(values_.front());
  }
  template <typename T> std::vector<T> getInitialValues(const Target &) const {
    return std::vector<T>(values_.begin(), values_.end());
  }
  std::string name() const { return name_; }

private:
  std::string name_;
  std::vector<std::size_t> rows_;
  bool list_;
  std::vector<double> values_;
};

/// What a performance estimator may ask about a vertex.
class VertexIntrospector {
public:
  VertexIntrospector(const ipu_model::GraphData &graph, std::uint32_t vertex) : graph_(graph), vertex_(vertex) {}
  FieldData getFieldInfo(const std::string &name) const;
  std::string getVertexName() const;

private:
  const ipu_model::GraphData &graph_;
  std::uint32_t vertex_;
};

using PerfEstimateFunc = std::function<VertexPerfEstimate(const VertexIntrospector &, const Target &)>;

} // namespace poplar
