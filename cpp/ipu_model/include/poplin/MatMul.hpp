#pragma once
#include "poputil/Names.hpp"

namespace poplin {

/// Kept for programs that pass them on; the model needs no plan.
class PlanningCache {};
namespace matmul {
using PlanningCache = poplin::PlanningCache;
}

// A is [m, k], B is [k, n]; the grouped forms have a leading dimension of groups.

Tensor matMul(Graph &graph, const Tensor &A, const Tensor &B, Sequence &prog, const Type &outputType,
              const DebugContext & = {}, const OptionFlags & = {}, PlanningCache * = nullptr);
Tensor matMul(Graph &graph, const Tensor &A, const Tensor &B, Sequence &prog, const DebugContext & = {},
              const OptionFlags & = {}, PlanningCache * = nullptr);
void matMulWithOutput(Graph &graph, const Tensor &A, const Tensor &B, Tensor &out, Sequence &prog,
                      const DebugContext & = {}, const OptionFlags & = {}, PlanningCache * = nullptr);
/// C += k * A * B
void matMulAcc(Graph &graph, const Tensor &C, const Tensor &k, const Tensor &A, const Tensor &B, Sequence &prog,
               const DebugContext & = {}, const OptionFlags & = {}, PlanningCache * = nullptr);
void matMulAcc(Graph &graph, const Tensor &C, float k, const Tensor &A, const Tensor &B, Sequence &prog,
               const DebugContext & = {}, const OptionFlags & = {}, PlanningCache * = nullptr);
Tensor matMulGrouped(Graph &graph, const Tensor &A, const Tensor &B, Sequence &prog, const Type &outputType,
                     const DebugContext & = {}, const OptionFlags & = {}, PlanningCache * = nullptr);

Tensor createMatMulInputLHS(Graph &graph, const Type &inputType, const Type &outputType,
                            const std::vector<std::size_t> &aShape, const std::vector<std::size_t> &bShape,
                            const DebugContext & = {}, const OptionFlags & = {}, PlanningCache * = nullptr);
inline Tensor createMatMulInputLHS(Graph &graph, const Type &type, const std::vector<std::size_t> &aShape,
                                   const std::vector<std::size_t> &bShape, const DebugContext &name = {},
                                   const OptionFlags &options = {}, PlanningCache *cache = nullptr) {
  return createMatMulInputLHS(graph, type, type, aShape, bShape, name, options, cache);
}
Tensor createMatMulInputRHS(Graph &graph, const Type &inputType, const Type &outputType,
                            const std::vector<std::size_t> &aShape, const std::vector<std::size_t> &bShape,
                            const DebugContext & = {}, const OptionFlags & = {}, PlanningCache * = nullptr);
inline Tensor createMatMulInputRHS(Graph &graph, const Type &type, const std::vector<std::size_t> &aShape,
                                   const std::vector<std::size_t> &bShape, const DebugContext &name = {},
                                   const OptionFlags &options = {}, PlanningCache *cache = nullptr) {
  return createMatMulInputRHS(graph, type, type, aShape, bShape, name, options, cache);
}
Tensor createMatMulOutput(Graph &graph, const Type &inputType, const Type &outputType,
                          const std::vector<std::size_t> &aShape, const std::vector<std::size_t> &bShape,
                          const DebugContext & = {}, const OptionFlags & = {}, PlanningCache * = nullptr);
inline Tensor createMatMulOutput(Graph &graph, const Type &type, const std::vector<std::size_t> &aShape,
                                 const std::vector<std::size_t> &bShape, const DebugContext &name = {},
                                 const OptionFlags &options = {}, PlanningCache *cache = nullptr) {
  return createMatMulOutput(graph, type, type, aShape, bShape, name, options, cache);
}

} // namespace poplin
