#pragma once
#include "poputil/Names.hpp"

namespace popops {

/// Ascending along a dimension; stable.
Tensor sort(Graph &graph, const Tensor &t, unsigned dim, Sequence &prog, const DebugContext & = {});
void sortInPlace(Graph &graph, const Tensor &t, unsigned dim, Sequence &prog, const DebugContext & = {});
/// `v` in the order of the keys `k`.
Tensor sortKeyValue(Graph &graph, const Tensor &k, const Tensor &v, unsigned dim, Sequence &prog,
                    const DebugContext & = {});
void sortKeyValueInPlace(Graph &graph, const Tensor &k, const Tensor &v, unsigned dim, Sequence &prog,
                         const DebugContext & = {});

} // namespace popops
