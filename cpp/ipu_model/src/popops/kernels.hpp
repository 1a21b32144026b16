#pragma once
// What the built-in operations share: outputs, work by tile, and cost formulas.

#include "../graph_data.hpp"
#include "poputil/Names.hpp"
#include <cstdint>

namespace ipu_model {

/// Kernels run with all workers of a tile: cycles of the tile from those of the work in vectors,
/// after the formula of poplibs, 6 x worker + supervisor.
std::uint64_t kernelCycles(const poplar::Target &target, std::size_t elements, std::size_t vectorWidth,
                           double cyclesPerVector, double overhead);

/// New tensor of a shape, mapped as `like` where that has the same shape and no aliases, else linearly.
poplar::Tensor makeOutput(poplar::Graph &graph, const poplar::Type &type, const std::vector<std::size_t> &shape,
                          const poplar::Tensor *like, const poplar::DebugContext &name);

/// Elements of `t` on each tile that has some, as flattened slices.
template <typename F> void forEachTile(const poplar::Graph &graph, const poplar::Tensor &t, F &&f) {
  const auto mapping = graph.getTileMapping(t);
  for (unsigned tile = 0; tile != mapping.size(); ++tile)
    if (!mapping[tile].empty()) f(tile, mapping[tile]);
}

/// Sets element `i` of a field, which is element `index` of the flattened tensor; `seed` has two words, or is null.
using ElementKernel = std::function<void(const std::uint32_t *seed, void *field, std::size_t i, std::uint64_t index)>;
/// Writes every element of `t` from its index alone: the result does not depend on the mapping.
void addElementKernel(poplar::Graph &graph, const std::string &what, const poplar::Tensor &t,
                      const poplar::Tensor *seed, ElementKernel kernel, std::size_t vectorWidth,
                      double cyclesPerVector, double overhead, poplar::program::Sequence &prog,
                      const poplar::DebugContext &name);

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
