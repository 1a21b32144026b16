#pragma once
#include "poplar/Graph.hpp"
#include "poplar/Program.hpp"

namespace popops {
/// One BOOL: whether all elements are true.
poplar::Tensor allTrue(poplar::Graph &graph, poplar::Tensor A, poplar::program::Sequence &prog,
                       const poplar::DebugContext & = {});
} // namespace popops
