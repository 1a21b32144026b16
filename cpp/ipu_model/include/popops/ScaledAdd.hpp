#pragma once
#include "ElementWise.hpp"
#include "poputil/Names.hpp"

namespace popops {

/// A += scale * B
void scaledAddTo(Graph &graph, Tensor A, Tensor B, Tensor scale, Sequence &prog, const DebugContext & = {},
                 const OptionFlags & = {});
void scaledAddTo(Graph &graph, Tensor A, Tensor B, float scale, Sequence &prog, const DebugContext & = {},
                 const OptionFlags & = {});
/// A -= scale * B
void scaledSubtractFrom(Graph &graph, Tensor A, Tensor B, Tensor scale, Sequence &prog, const DebugContext & = {},
                        const OptionFlags & = {});
void scaledSubtractFrom(Graph &graph, Tensor A, Tensor B, float scale, Sequence &prog, const DebugContext & = {},
                        const OptionFlags & = {});
/// A = scaleA * A + scaleB * B
void scaledAddTo(Graph &graph, Tensor A, float scaleA, Tensor B, float scaleB, Sequence &prog,
                 const DebugContext & = {}, const OptionFlags & = {});

} // namespace popops
