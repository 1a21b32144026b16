#pragma once
#include "SortOrder.hpp"
#include "poplar/Graph.hpp"
#include "poplar/Program.hpp"
#include <utility>

namespace popops {

struct TopKParams {
  TopKParams(unsigned count, bool takeLargest, SortOrder order = SortOrder::NONE,
             bool isStable = false) noexcept
      : k(count), largest(takeLargest), sortOrder(order), stable(isStable) {}
  unsigned k;
  bool largest;
  SortOrder sortOrder;
  bool stable;
};

/// The k largest (or smallest) of the last dimension; NONE gives them in sorted order, too.
poplar::Tensor topK(poplar::Graph &graph, poplar::program::Sequence &prog, const poplar::Tensor &t,
                    const TopKParams &params, const poplar::DebugContext & = {});
std::pair<poplar::Tensor, poplar::Tensor>
topKKeyValue(poplar::Graph &graph, poplar::program::Sequence &prog, const poplar::Tensor &keys,
             const poplar::Tensor &values, const TopKParams &params,
             const poplar::DebugContext & = {});
/// With the indices of the elements, UNSIGNED_INT.
std::pair<poplar::Tensor, poplar::Tensor>
topKWithPermutation(poplar::Graph &graph, poplar::program::Sequence &prog, const poplar::Tensor &t,
                    const TopKParams &params, const poplar::DebugContext & = {});

} // namespace popops
