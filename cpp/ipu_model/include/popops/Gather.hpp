#pragma once
#include "DynamicSlice.hpp"

namespace popops {

poplar::Tensor createGatherInput(poplar::Graph &graph, const poplar::Type &type,
                                 const std::vector<std::size_t> &shape, unsigned axis,
                                 const poplar::DebugContext & = {});
/// The slices of `input` along `axis` at the indices (rank 1).
poplar::Tensor gather(poplar::Graph &graph, const poplar::Tensor &input,
                      const poplar::Tensor &indices, unsigned axis, poplar::program::Sequence &prog,
                      const poplar::DebugContext & = {});

} // namespace popops
