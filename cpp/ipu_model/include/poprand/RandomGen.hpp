#pragma once
#include "poplar/Graph.hpp"
#include "poplar/Program.hpp"
#include <cstdint>

namespace poprand {

// Random numbers of a counter-based generator: element i of a result depends on the seed (a tensor
// UNSIGNED_INT[2]), the modifier and i alone, not on the mapping. Without a seed each execution draws
// on from a state of its own. The numbers are not those of the hardware.

/// Uniform in [minVal, maxVal]; integers include maxVal.
poplar::Tensor uniform(poplar::Graph &graph, const poplar::Tensor *masterSeed,
                       std::uint32_t seedModifier, const poplar::Tensor &reference,
                       const poplar::Type &outType, double minVal, double maxVal,
                       poplar::program::Sequence &prog, const poplar::DebugContext & = {});
poplar::Tensor normal(poplar::Graph &graph, const poplar::Tensor *masterSeed,
                      std::uint32_t seedModifier, const poplar::Tensor &reference,
                      const poplar::Type &outType, double mean, double stdDev,
                      poplar::program::Sequence &prog, const poplar::DebugContext & = {});
/// Normal, drawn again while it is more than `alpha` standard deviations off.
poplar::Tensor truncatedNormal(poplar::Graph &graph, const poplar::Tensor *masterSeed,
                               std::uint32_t seedModifier, const poplar::Tensor &reference,
                               const poplar::Type &outType, double mean, double stdDev, double alpha,
                               poplar::program::Sequence &prog, const poplar::DebugContext & = {});
/// 1 with probability `prob`, else 0.
poplar::Tensor bernoulli(poplar::Graph &graph, const poplar::Tensor *masterSeed,
                         std::uint32_t seedModifier, const poplar::Tensor &reference,
                         const poplar::Type &outType, double prob, poplar::program::Sequence &prog,
                         const poplar::DebugContext & = {});
/// `in` with elements kept with probability `keepProbability` and multiplied by `scale`.
poplar::Tensor dropout(poplar::Graph &graph, const poplar::Tensor *masterSeed,
                       std::uint32_t seedModifier, const poplar::Tensor &in,
                       const poplar::Tensor &reference, double keepProbability, double scale,
                       poplar::program::Sequence &prog, const poplar::DebugContext & = {});
/// Accepted; operations without a seed have states of their own.
void setSeed(poplar::Graph &graph, const poplar::Tensor &masterSeed, std::uint32_t seedModifier,
             poplar::program::Sequence &prog, const poplar::DebugContext & = {});

} // namespace poprand
