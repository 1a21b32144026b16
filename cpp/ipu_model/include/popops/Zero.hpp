#pragma once
#include "Fill.hpp"
#include "poputil/Names.hpp"

namespace popops {
void zero(Graph &graph, Tensor t, Sequence &prog, const DebugContext & = {});
}
