#pragma once
#include "DynamicSlice.hpp"
#include "poputil/Names.hpp"

namespace popops {

Tensor createGatherInput(Graph &graph, const Type &type, const std::vector<std::size_t> &shape, unsigned axis,
                         const DebugContext & = {});
/// The slices of `input` along `axis` at the indices (rank 1).
Tensor gather(Graph &graph, const Tensor &input, const Tensor &indices, unsigned axis, Sequence &prog,
              const DebugContext & = {});

} // namespace popops
