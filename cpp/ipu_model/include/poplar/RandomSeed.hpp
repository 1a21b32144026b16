#pragma once
#include "Graph.hpp"
#include "Program.hpp"

namespace poplar {

/// Seeds of the device's own generators. The model keys those by its executions; the tensor is a
/// placeholder of the right shape, and setting it changes nothing.
Tensor getHwSeeds(Graph &graph, program::Sequence &prog, const DebugContext & = {});
void setHwSeeds(Graph &graph, const Tensor &seeds, program::Sequence &prog, const DebugContext & = {});

} // namespace poplar
