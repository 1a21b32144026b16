#pragma once
#include "poputil/Names.hpp"
#include "Fill.hpp"

namespace popops {
void zero(Graph &graph, Tensor t, Sequence &prog,
          const DebugContext & = {});
}
