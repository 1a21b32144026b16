#pragma once
#include "poputil/Names.hpp"
#include <cstdint>

namespace poprand {

// Random numbers of a counter-based generator: element i of a result depends on the seed (a tensor
// UNSIGNED_INT[2]), the modifier and i alone, not on the mapping. Without a seed each execution draws
// on from a state of its own. The numbers are not those of the hardware.

/// Uniform in [minVal, maxVal]; integers include maxVal.
Tensor uniform(Graph &graph, const Tensor *masterSeed, std::uint32_t seedModifier, const Tensor &reference,
               const Type &outType, double minVal, double maxVal, Sequence &prog, const DebugContext & = {});
Tensor normal(Graph &graph, const Tensor *masterSeed, std::uint32_t seedModifier, const Tensor &reference,
              const Type &outType, double mean, double stdDev, Sequence &prog, const DebugContext & = {});
/// Normal, drawn again while it is more than `alpha` standard deviations off.
Tensor truncatedNormal(Graph &graph, const Tensor *masterSeed, std::uint32_t seedModifier, const Tensor &reference,
                       const Type &outType, double mean, double stdDev, double alpha, Sequence &prog,
                       const DebugContext & = {});
/// 1 with probability `prob`, else 0.
Tensor bernoulli(Graph &graph, const Tensor *masterSeed, std::uint32_t seedModifier, const Tensor &reference,
                 const Type &outType, double prob, Sequence &prog, const DebugContext & = {});
/// `in` with elements kept with probability `keepProbability` and multiplied by `scale`.
Tensor dropout(Graph &graph, const Tensor *masterSeed, std::uint32_t seedModifier, const Tensor &in,
               const Tensor &reference, double keepProbability, double scale, Sequence &prog,
               const DebugContext & = {});
/// Accepted; operations without a seed have states of their own.
void setSeed(Graph &graph, const Tensor &masterSeed, std::uint32_t seedModifier, Sequence &prog,
             const DebugContext & = {});

} // namespace poprand
