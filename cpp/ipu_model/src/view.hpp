#pragma once
// The element order of a tensor: runs of equally spaced elements of variables.

#include "poplar/Interval.hpp"
#include <cstddef>
#include <vector>

namespace ipu_model {

/// Elements begin, begin + stride, ... of one variable.
struct Run {
  poplar::VarId variable;
  std::size_t begin;
  std::size_t length;
  std::ptrdiff_t stride;
  std::size_t at(std::size_t i) const {
    return begin + static_cast<std::size_t>(stride) * i; // wraps as wanted for negative strides
  }
  std::size_t lowest() const { return stride < 0 ? at(length - 1) : begin; }
  std::size_t highest() const { return stride < 0 ? begin : at(length - 1); }
};

class View {
public:
  View() = default;
  View(poplar::VarId variable, std::size_t count) { push({variable, 0, count, 1}); }

  std::size_t size() const { return count_; }
  const std::vector<Run> &runs() const { return runs_; }
  /// Adds elements at the end, joined to the last run where they continue it.
  void push(Run run);
  /// Adds `count` elements of `source` at positions first, first + step, ...
  void append(const View &source, std::size_t first, std::size_t count, std::ptrdiff_t step = 1);
  void append(const View &source) { append(source, 0, source.size()); }

private:
  std::size_t findRun(std::size_t position) const;
  std::vector<Run> runs_;
  std::vector<std::size_t> starts_; ///< position of each run's first element
  std::size_t count_ = 0;
};

/// Calls f(begin, end) for the ascending stretches without gaps of a run, in its order.
template <typename F> void forEachStretch(const Run &run, F &&f) {
  if (run.stride == 1) {
    f(run.begin, run.begin + run.length);
  } else {
    for (std::size_t i = 0; i != run.length; ++i) f(run.at(i), run.at(i) + 1);
  }
}

} // namespace ipu_model
