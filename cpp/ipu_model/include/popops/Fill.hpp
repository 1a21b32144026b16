#pragma once
#include "ElementWise.hpp"
#include "poplar/Graph.hpp"
#include "poplar/Program.hpp"

namespace popops {

template <typename T>
void fill(poplar::Graph &graph, const poplar::Tensor &t, poplar::program::Sequence &prog, T value,
          const poplar::DebugContext &name = {}) {
  mapWithOutput(graph, expr::Const(t.elementType(), value), {}, t, prog, {name, "fill"});
}

} // namespace popops
