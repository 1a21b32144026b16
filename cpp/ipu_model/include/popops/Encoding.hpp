#pragma once
#include "poputil/Names.hpp"

namespace popops {

/// t[i] = start + i
void iota(Graph &graph, const Tensor &t, unsigned startInteger, Sequence &prog, const DebugContext & = {});
void iota(Graph &graph, const Tensor &t, int startInteger, Sequence &prog, const DebugContext & = {});
/// encoded[i, j] = indices[i] == j; an index out of range gives a row of zeros.
void encodeOneHot(Graph &graph, const Tensor &indices, const Tensor &encoded, Sequence &prog,
                  const DebugContext & = {});
/// The same with values on and off, tensors of one element.
void encodeOneHot(Graph &graph, const Tensor &indices, const Tensor &encoded, Sequence &prog, const Tensor &on,
                  const Tensor &off, const DebugContext & = {});

} // namespace popops
