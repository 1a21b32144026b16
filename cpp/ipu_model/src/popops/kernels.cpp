#include "kernels.hpp"
#include "poputil/TileMapping.hpp"
#include <cmath>

namespace ipu_model {

std::uint64_t kernelCycles(const poplar::Target &target, std::size_t elements,
                           std::size_t vectorWidth, double cyclesPerVector, double overhead) {
  constexpr double supervisor = 11;
  const double workers = target.getNumWorkerContexts();
  const double vectors = std::ceil(static_cast<double>(elements) / static_cast<double>(vectorWidth));
  return static_cast<std::uint64_t>(
      workers * (overhead + cyclesPerVector * std::ceil(vectors / workers)) + supervisor);
}

poplar::Tensor makeOutput(poplar::Graph &graph, const poplar::Type &type,
                          const std::vector<std::size_t> &shape, const poplar::Tensor *like,
                          const poplar::DebugContext &name) {
  if (like && like->shape() == shape && !like->containsAliases() && !like->containsConstant())
    return graph.clone(type, *like, name);
  poplar::Tensor out = graph.addVariable(type, shape, name);
  poputil::mapTensorLinearly(graph, out);
  return out;
}

poplar::Tensor pick(const poplar::Tensor &flat, const std::vector<poplar::Interval> &intervals) {
  if (intervals.size() == 1)
    return flat.slice(intervals.front());
  return poplar::concat(flat.slices(intervals));
}

} // namespace ipu_model
