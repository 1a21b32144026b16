#pragma once
// The memory of the variables, in host buffers.

#include "graph_data.hpp"
#include <cstdlib>
#include <cstring>
#include <memory>

namespace ipu_model {

struct FreeDeleter {
  void operator()(std::byte *p) const { std::free(p); }
};
/// Zeroed memory at a multiple of 64 bytes.
using AlignedBytes = std::unique_ptr<std::byte[], FreeDeleter>;
AlignedBytes allocateBytes(std::size_t bytes);

/// Holds the variables and initial values that the graph has now; what the graph gets later is not in it.
class Storage {
public:
  explicit Storage(const GraphData &graph);
  /// Back to the state before the first run: constants, initial values, the rest zero.
  void reset();

  std::byte *at(const Run &run) const { return memory_[run.variable].get() + run.begin * elementSize(run.variable); }
  std::size_t elementSize(poplar::VarId variable) const { return graph_.variables[variable].type.size(); }

  /// Copies runs into a dense buffer, and back.
  void gather(const Run *runs, std::size_t count, std::byte *out) const {
    forEachPiece(runs, count, [&](std::byte *memory, std::size_t bytes) {
      std::memcpy(out, memory, bytes);
      out += bytes;
    });
  }
  void scatter(const Run *runs, std::size_t count, const std::byte *in) const {
    forEachPiece(runs, count, [&](std::byte *memory, std::size_t bytes) {
      std::memcpy(memory, in, bytes);
      in += bytes;
    });
  }
  void gather(const View &view, std::byte *out) const { gather(view.runs().data(), view.runs().size(), out); }
  void scatter(const View &view, const std::byte *in) const { scatter(view.runs().data(), view.runs().size(), in); }
  /// Copies between two views of the same size and element size that do not overlap.
  void copy(const View &source, const View &destination) const;

private:
  template <typename F> void forEachPiece(const Run *runs, std::size_t count, F &&f) const {
    for (std::size_t r = 0; r != count; ++r) {
      const Run &run = runs[r];
      const std::size_t size = elementSize(run.variable);
      std::byte *base = memory_[run.variable].get();
      if (run.stride == 1)
        f(base + run.begin * size, run.length * size);
      else
        for (std::size_t i = 0; i != run.length; ++i) f(base + run.at(i) * size, size);
    }
  }

  const GraphData &graph_;
  std::size_t initialValues_;
  std::vector<AlignedBytes> memory_;
};

} // namespace ipu_model
