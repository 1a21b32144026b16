#pragma once
#include "poputil/Names.hpp"

namespace popops {

Tensor cast(Graph &graph, const Tensor &src, const Type &type, Sequence &prog, const DebugContext & = {});
Program cast(Graph &graph, Tensor src, Tensor dst, const DebugContext & = {});
void castWithOutput(Graph &graph, const Tensor &src, const Tensor &dst, Sequence &prog, const DebugContext & = {});

} // namespace popops
