#pragma once
#include "Fill.hpp"

namespace popops {
void zero(poplar::Graph &graph, poplar::Tensor t, poplar::program::Sequence &prog,
          const poplar::DebugContext & = {});
}
