#pragma once
#include "poplar/Graph.hpp"
#include "poplar/Program.hpp"
#include <functional>

namespace popops {

using CountedLoopBodyType = std::function<poplar::program::Program(const poplar::Tensor &)>;

/// The body for begin, begin + step, ... below end; its argument is the index, INT[1].
poplar::program::Sequence countedLoop(poplar::Graph &graph, std::size_t begin, std::size_t end,
                                      std::size_t step, const CountedLoopBodyType &body,
                                      const poplar::DebugContext & = {});
poplar::program::Sequence countedLoop(poplar::Graph &graph, std::size_t count,
                                      const CountedLoopBodyType &body,
                                      const poplar::DebugContext & = {});
poplar::Tensor addForLoopCounterVertex(poplar::Graph &graph, const poplar::Tensor &count,
                                       const poplar::Tensor &limit, int step, unsigned tile,
                                       poplar::program::Sequence &prog,
                                       const poplar::DebugContext & = {});
/// A loop whose limit is a tensor of one element.
poplar::program::Sequence countedForLoop(poplar::Graph &graph, const poplar::Tensor &count,
                                         int initialCount, const poplar::Tensor &limit, int step,
                                         const poplar::program::Program &body,
                                         const poplar::DebugContext & = {});
poplar::program::Sequence countedForLoop(poplar::Graph &graph, int initialCount,
                                         const poplar::Tensor &limit, int step,
                                         const poplar::program::Program &body,
                                         const poplar::DebugContext & = {});

} // namespace popops
