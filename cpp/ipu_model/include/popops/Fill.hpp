#pragma once
#include "ElementWise.hpp"
#include "poputil/Names.hpp"

namespace popops {

template <typename T> void fill(Graph &graph, const Tensor &t, Sequence &prog, T value, const DebugContext &name = {}) {
  mapWithOutput(graph, expr::Const(t.elementType(), value), {}, t, prog, {name, "fill"});
}

} // namespace popops
