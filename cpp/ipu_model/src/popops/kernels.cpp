#include "kernels.hpp"
#include "poputil/TileMapping.hpp"
#include <cmath>

namespace ipu_model {

std::uint64_t kernelCycles(const poplar::Target &target, std::size_t elements, std::size_t vectorWidth,
                           double cyclesPerVector, double overhead) {
  constexpr double supervisor = 11;
  const double workers = target.getNumWorkerContexts();
  const double vectors = std::ceil(static_cast<double>(elements) / static_cast<double>(vectorWidth));
  return static_cast<std::uint64_t>(workers * (overhead + cyclesPerVector * std::ceil(vectors / workers)) + supervisor);
}

poplar::Tensor makeOutput(poplar::Graph &graph, const poplar::Type &type, const std::vector<std::size_t> &shape,
                          const poplar::Tensor *like, const poplar::DebugContext &name) {
  if (like && like->shape() == shape && !like->containsAliases() && !like->containsConstant())
    return graph.clone(type, *like, name);
  poplar::Tensor out = graph.addVariable(type, shape, name);
  poputil::mapTensorLinearly(graph, out);
  return out;
}

poplar::Tensor pick(const poplar::Tensor &flat, const std::vector<poplar::Interval> &intervals) {
  if (intervals.size() == 1) return flat.slice(intervals.front());
  return poplar::concat(flat.slices(intervals));
}

void addElementKernel(poplar::Graph &graph, const std::string &what, const poplar::Tensor &t,
                      const poplar::Tensor *seed, ElementKernel kernel, std::size_t vectorWidth,
                      double cyclesPerVector, double overhead, poplar::program::Sequence &prog,
                      const poplar::DebugContext &name) {
  // begins: (position in the field, index of its element) for each stretch
  std::vector<KernelField> fields{{"out", Direction::Output, t.elementType()},
                                  {"begins", Direction::Input, poplar::UNSIGNED_INT}};
  if (seed) fields.push_back({"seed", Direction::Input, poplar::UNSIGNED_INT});
  const std::uint32_t type =
      addKernel(*graph.data(), what + "<" + t.elementType().toString() + ">", fields,
                [kernel = std::move(kernel), seeded = seed != nullptr](const Slice *f) {
                  const auto *begins = static_cast<const std::uint32_t *>(f[1].data);
                  const auto *words = seeded ? static_cast<const std::uint32_t *>(f[2].data) : nullptr;
                  std::size_t stretch = 0;
                  for (std::size_t i = 0; i != f[0].size; ++i) {
                    while (stretch + 2 < f[1].size && begins[stretch + 2] <= i) stretch += 2;
                    kernel(words, f[0].data, i, begins[stretch + 1] + (i - begins[stretch]));
                  }
                  return true;
                });
  const poplar::ComputeSet cs = graph.addComputeSet(name);
  const poplar::Tensor flat = t.flatten();
  forEachTile(graph, flat, [&](unsigned tile, const std::vector<poplar::Interval> &parts) {
    std::vector<unsigned> begins;
    unsigned position = 0;
    for (const poplar::Interval &part : parts) {
      begins.insert(begins.end(), {position, static_cast<unsigned>(part.begin())});
      position += static_cast<unsigned>(part.size());
    }
    const poplar::Tensor constant =
        graph.addConstant(poplar::UNSIGNED_INT, {begins.size()}, begins, {name, "begins"});
    graph.setTileMapping(constant, tile);
    std::vector<poplar::Tensor> edges{pick(flat, parts), constant};
    if (seed) edges.push_back(*seed);
    addKernelVertex(graph, cs, type, tile,
                    kernelCycles(graph.getTarget(), position, vectorWidth, cyclesPerVector, overhead), edges);
  });
  prog.add(poplar::program::Execute(cs, name));
}

} // namespace ipu_model
