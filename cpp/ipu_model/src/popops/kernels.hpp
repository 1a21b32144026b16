#pragma once
// What the built-in operations share: outputs, work by tile, and cost formulas.

#include "../graph_data.hpp"
#include "poputil/Names.hpp"
#include <cstdint>

namespace ipu_model {

/// Kernels run with all workers of a tile: cycles of the tile from those of the work in vectors,
/// after the formula of poplibs, 6 x worker + supervisor.
std::uint64_t kernelCycles(const poplar::Target &target, std::size_t elements,
                           std::size_t vectorWidth, double cyclesPerVector, double overhead);

/// New tensor of a shape, mapped as `like` where that has the same shape and no aliases, else linearly.
poplar::Tensor makeOutput(poplar::Graph &graph, const poplar::Type &type,
                          const std::vector<std::size_t> &shape, const poplar::Tensor *like,
                          const poplar::DebugContext &name);

/// Elements of `t` on each tile that has some, as flattened slices.
template <typename F>
void forEachTile(const poplar::Graph &graph, const poplar::Tensor &t, F &&f) {
  const auto mapping = graph.getTileMapping(t);
  for (unsigned tile = 0; tile != mapping.size(); ++tile)
    if (!mapping[tile].empty())
      f(tile, mapping[tile]);
}

/// Concatenated pieces of a flattened tensor.
poplar::Tensor pick(const poplar::Tensor &flat, const std::vector<poplar::Interval> &intervals);

} // namespace ipu_model

// The built-in operations are written with the model's own names.
namespace popops {
using namespace ipu_model;
}
namespace poprand {
using namespace ipu_model;
}
namespace poplin {
using namespace ipu_model;
}
