#pragma once
#include "poputil/Names.hpp"

namespace popops {
/// One BOOL: whether all elements are true.
Tensor allTrue(Graph &graph, Tensor A, Sequence &prog, const DebugContext & = {});
} // namespace popops
