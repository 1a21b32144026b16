#pragma once
#include "SortOrder.hpp"
#include "poputil/Names.hpp"
#include <utility>

namespace popops {

struct TopKParams {
  TopKParams(unsigned count, bool takeLargest, SortOrder order = SortOrder::NONE, bool isStable = false) noexcept
      : k(count), largest(takeLargest), sortOrder(order), stable(isStable) {}
  unsigned k;
  bool largest;
  SortOrder sortOrder;
  bool stable;
};

/// The k largest (or smallest) of the last dimension; NONE gives them in sorted order, too.
Tensor topK(Graph &graph, Sequence &prog, const Tensor &t, const TopKParams &params, const DebugContext & = {});
std::pair<Tensor, Tensor> topKKeyValue(Graph &graph, Sequence &prog, const Tensor &keys, const Tensor &values,
                                       const TopKParams &params, const DebugContext & = {});
/// With the indices of the elements, UNSIGNED_INT.
std::pair<Tensor, Tensor> topKWithPermutation(Graph &graph, Sequence &prog, const Tensor &t, const TopKParams &params,
                                              const DebugContext & = {});

} // namespace popops
