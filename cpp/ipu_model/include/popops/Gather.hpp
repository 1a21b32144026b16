#pragma once
#include "DynamicSlice.hpp"
#include "poputil/Names.hpp"

namespace popops {

Tensor createGatherInput(Graph &graph, const Type &type, const std::vector<std::size_t> &shape, unsigned axis,
                         const DebugContext & = {});
/// Kept for programs that pass them on.
struct GatherParams {
  std::size_t maxElementsPerTile = 65535;
  GatherParams() = default;
  explicit GatherParams(std::size_t n) : maxElementsPerTile(n) {}
};
/// The slices of `input` along `axis` at the indices; the dimensions of `indices` stand in place of `axis`.
Tensor gather(Graph &graph, const Tensor &input, const Tensor &indices, unsigned axis, Sequence &prog,
              const GatherParams &, const DebugContext & = {});
inline Tensor gather(Graph &graph, const Tensor &input, const Tensor &indices, unsigned axis, Sequence &prog,
                     const DebugContext &name = {}) {
  return gather(graph, input, indices, axis, prog, GatherParams(), name);
}

} // namespace popops
