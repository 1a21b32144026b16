#pragma once
#include "poplar/Graph.hpp"
#include "poplar/Program.hpp"

namespace popops {

poplar::Tensor cast(poplar::Graph &graph, const poplar::Tensor &src, const poplar::Type &type,
                    poplar::program::Sequence &prog, const poplar::DebugContext & = {});
poplar::program::Program cast(poplar::Graph &graph, poplar::Tensor src, poplar::Tensor dst,
                              const poplar::DebugContext & = {});
void castWithOutput(poplar::Graph &graph, const poplar::Tensor &src, const poplar::Tensor &dst,
                    poplar::program::Sequence &prog, const poplar::DebugContext & = {});

} // namespace popops
