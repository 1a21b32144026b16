#include "storage.hpp"
#include <algorithm>
#include <new>

namespace ipu_model {

AlignedBytes allocateBytes(std::size_t bytes) {
  constexpr std::size_t alignment = 64;
  const std::size_t rounded = std::max<std::size_t>((bytes + alignment - 1) / alignment, 1) * alignment;
  if (rounded < bytes) throw std::bad_alloc();
  auto *memory = static_cast<std::byte *>(std::aligned_alloc(alignment, rounded));
  if (!memory) throw std::bad_alloc();
  std::memset(memory, 0, rounded);
  return AlignedBytes(memory);
}

Storage::Storage(const GraphData &graph) : graph_(graph), initialValues_(graph.initialValues.size()) {
  memory_.reserve(graph.variables.size());
  for (const Variable &variable : graph.variables)
    memory_.push_back(allocateBytes(variable.count * variable.type.size()));
  reset();
}

void Storage::reset() {
  for (std::size_t i = 0; i != memory_.size(); ++i) {
    const Variable &variable = graph_.variables[i];
    if (variable.constant)
      std::copy(variable.value.begin(), variable.value.end(), memory_[i].get());
    else
      std::memset(memory_[i].get(), 0, variable.count * variable.type.size());
  }
  for (std::size_t i = 0; i != initialValues_; ++i)
    scatter(graph_.initialValues[i].view, graph_.initialValues[i].bytes.data());
}

void Storage::copy(const View &source, const View &destination) const {
  const auto &from = source.runs(), &to = destination.runs();
  std::size_t f = 0, t = 0, fromUsed = 0, toUsed = 0;
  while (f != from.size() && t != to.size()) {
    const std::size_t length = std::min(from[f].length - fromUsed, to[t].length - toUsed);
    const std::size_t size = elementSize(from[f].variable);
    const std::byte *in = memory_[from[f].variable].get();
    std::byte *out = memory_[to[t].variable].get();
    if (from[f].stride == 1 && to[t].stride == 1)
      std::memmove(out + to[t].at(toUsed) * size, in + from[f].at(fromUsed) * size, length * size);
    else
      for (std::size_t i = 0; i != length; ++i)
        std::memmove(out + to[t].at(toUsed + i) * size, in + from[f].at(fromUsed + i) * size, size);
    if ((fromUsed += length) == from[f].length) ++f, fromUsed = 0;
    if ((toUsed += length) == to[t].length) ++t, toUsed = 0;
  }
}

} // namespace ipu_model
