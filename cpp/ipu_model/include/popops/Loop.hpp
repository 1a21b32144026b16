#pragma once
#include "poputil/Names.hpp"
#include <functional>

namespace popops {

using CountedLoopBodyType = std::function<Program(const Tensor &)>;

/// The body for begin, begin + step, ... below end; its argument is the index, INT[1].
Sequence countedLoop(Graph &graph, std::size_t begin, std::size_t end, std::size_t step,
                     const CountedLoopBodyType &body, const DebugContext & = {});
Sequence countedLoop(Graph &graph, std::size_t count, const CountedLoopBodyType &body, const DebugContext & = {});
Tensor addForLoopCounterVertex(Graph &graph, const Tensor &count, const Tensor &limit, int step, unsigned tile,
                               Sequence &prog, const DebugContext & = {});
/// A loop whose limit is a tensor of one element.
Sequence countedForLoop(Graph &graph, const Tensor &count, int initialCount, const Tensor &limit, int step,
                        const Program &body, const DebugContext & = {});
Sequence countedForLoop(Graph &graph, int initialCount, const Tensor &limit, int step, const Program &body,
                        const DebugContext & = {});

} // namespace popops
