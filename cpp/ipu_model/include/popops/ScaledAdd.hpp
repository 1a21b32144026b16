#pragma once
#include "ElementWise.hpp"

namespace popops {

/// A += scale * B
void scaledAddTo(poplar::Graph &graph, poplar::Tensor A, poplar::Tensor B, poplar::Tensor scale,
                 poplar::program::Sequence &prog, const poplar::DebugContext & = {},
                 const poplar::OptionFlags & = {});
void scaledAddTo(poplar::Graph &graph, poplar::Tensor A, poplar::Tensor B, float scale,
                 poplar::program::Sequence &prog, const poplar::DebugContext & = {},
                 const poplar::OptionFlags & = {});
/// A -= scale * B
void scaledSubtractFrom(poplar::Graph &graph, poplar::Tensor A, poplar::Tensor B,
                        poplar::Tensor scale, poplar::program::Sequence &prog,
                        const poplar::DebugContext & = {}, const poplar::OptionFlags & = {});
void scaledSubtractFrom(poplar::Graph &graph, poplar::Tensor A, poplar::Tensor B, float scale,
                        poplar::program::Sequence &prog, const poplar::DebugContext & = {},
                        const poplar::OptionFlags & = {});
/// A = scaleA * A + scaleB * B
void scaledAddTo(poplar::Graph &graph, poplar::Tensor A, float scaleA, poplar::Tensor B,
                 float scaleB, poplar::program::Sequence &prog, const poplar::DebugContext & = {},
                 const poplar::OptionFlags & = {});

} // namespace popops
