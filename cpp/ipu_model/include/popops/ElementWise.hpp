#pragma once
#include "Expr.hpp"
#include "ExprOp.hpp"
#include "poplar/Graph.hpp"
#include "poplar/OptionFlags.hpp"
#include "poplar/Program.hpp"
#include <vector>

namespace popops {

/// Element-wise formula of tensors; operands of other shapes are broadcast.
poplar::Tensor map(poplar::Graph &graph, const expr::Expr &formula,
                   const std::vector<poplar::Tensor> &operands, poplar::program::Sequence &prog,
                   const poplar::DebugContext & = {}, const poplar::OptionFlags & = {});
void mapWithOutput(poplar::Graph &graph, const expr::Expr &formula,
                   const std::vector<poplar::Tensor> &operands, const poplar::Tensor &out,
                   poplar::program::Sequence &prog, const poplar::DebugContext & = {},
                   const poplar::OptionFlags & = {});
/// Overwrites the first operand.
void mapInPlace(poplar::Graph &graph, const expr::Expr &formula,
                const std::vector<poplar::Tensor> &operands, poplar::program::Sequence &prog,
                const poplar::DebugContext & = {}, const poplar::OptionFlags & = {});

inline poplar::Tensor map(poplar::Graph &graph, expr::UnaryOpType op, const poplar::Tensor &a,
                          poplar::program::Sequence &prog, const poplar::DebugContext &name = {},
                          const poplar::OptionFlags & = {}) {
  return map(graph, expr::UnaryOp(op, expr::_1), {a}, prog, name);
}
inline poplar::Tensor map(poplar::Graph &graph, expr::BinaryOpType op, const poplar::Tensor &a,
                          const poplar::Tensor &b, poplar::program::Sequence &prog,
                          const poplar::DebugContext &name = {}, const poplar::OptionFlags & = {}) {
  return map(graph, expr::BinaryOp(op, expr::_1, expr::_2), {a, b}, prog, name);
}
inline poplar::Tensor map(poplar::Graph &graph, expr::TernaryOpType op, const poplar::Tensor &a,
                          const poplar::Tensor &b, const poplar::Tensor &c,
                          poplar::program::Sequence &prog, const poplar::DebugContext &name = {},
                          const poplar::OptionFlags & = {}) {
  return map(graph, expr::TernaryOp(op, expr::_1, expr::_2, expr::_3), {a, b, c}, prog, name);
}
inline void mapInPlace(poplar::Graph &graph, expr::UnaryOpType op, const poplar::Tensor &a,
                       poplar::program::Sequence &prog, const poplar::DebugContext &name = {},
                       const poplar::OptionFlags & = {}) {
  mapInPlace(graph, expr::UnaryOp(op, expr::_1), {a}, prog, name);
}
inline void mapInPlace(poplar::Graph &graph, expr::BinaryOpType op, const poplar::Tensor &a,
                       const poplar::Tensor &b, poplar::program::Sequence &prog,
                       const poplar::DebugContext &name = {}, const poplar::OptionFlags & = {}) {
  mapInPlace(graph, expr::BinaryOp(op, expr::_1, expr::_2), {a, b}, prog, name);
}
inline void mapInPlace(poplar::Graph &graph, expr::TernaryOpType op, const poplar::Tensor &a,
                       const poplar::Tensor &b, const poplar::Tensor &c,
                       poplar::program::Sequence &prog, const poplar::DebugContext &name = {},
                       const poplar::OptionFlags & = {}) {
  mapInPlace(graph, expr::TernaryOp(op, expr::_1, expr::_2, expr::_3), {a, b, c}, prog, name);
}

#define IPU_MODEL_UNARY_FUNCTION(op, function, cls)                                                \
  inline poplar::Tensor function(poplar::Graph &graph, const poplar::Tensor &a,                    \
                                 poplar::program::Sequence &prog,                                  \
                                 const poplar::DebugContext &name = {},                            \
                                 const poplar::OptionFlags & = {}) {                               \
    return map(graph, expr::cls(expr::_1), {a}, prog, name);                                       \
  }                                                                                                \
  inline void function##InPlace(poplar::Graph &graph, const poplar::Tensor &a,                     \
                                poplar::program::Sequence &prog,                                   \
                                const poplar::DebugContext &name = {},                             \
                                const poplar::OptionFlags & = {}) {                                \
    mapInPlace(graph, expr::cls(expr::_1), {a}, prog, name);                                       \
  }                                                                                                \
  inline void function##WithOutput(poplar::Graph &graph, const poplar::Tensor &a,                  \
                                   const poplar::Tensor &out, poplar::program::Sequence &prog,     \
                                   const poplar::DebugContext &name = {},                          \
                                   const poplar::OptionFlags & = {}) {                             \
    mapWithOutput(graph, expr::cls(expr::_1), {a}, out, prog, name);                               \
  }
IPU_MODEL_UNARY_OPS(IPU_MODEL_UNARY_FUNCTION)
#undef IPU_MODEL_UNARY_FUNCTION

#define IPU_MODEL_BINARY_FUNCTION(op, function, cls)                                               \
  inline poplar::Tensor function(poplar::Graph &graph, const poplar::Tensor &a,                    \
                                 const poplar::Tensor &b, poplar::program::Sequence &prog,         \
                                 const poplar::DebugContext &name = {},                            \
                                 const poplar::OptionFlags & = {}) {                               \
    return map(graph, expr::cls(expr::_1, expr::_2), {a, b}, prog, name);                          \
  }                                                                                                \
  template <typename T, typename = ipu_model::IfArithmetic<T>>                                     \
  poplar::Tensor function(poplar::Graph &graph, const poplar::Tensor &a, T b,                      \
                          poplar::program::Sequence &prog, const poplar::DebugContext &name = {},  \
                          const poplar::OptionFlags & = {}) {                                      \
    return map(graph, expr::cls(expr::_1, expr::Const(b)), {a}, prog, name);                       \
  }                                                                                                \
  template <typename T, typename = ipu_model::IfArithmetic<T>>                                     \
  poplar::Tensor function(poplar::Graph &graph, T a, const poplar::Tensor &b,                      \
                          poplar::program::Sequence &prog, const poplar::DebugContext &name = {},  \
                          const poplar::OptionFlags & = {}) {                                      \
    return map(graph, expr::cls(expr::Const(a), expr::_1), {b}, prog, name);                       \
  }                                                                                                \
  inline void function##InPlace(poplar::Graph &graph, const poplar::Tensor &a,                     \
                                const poplar::Tensor &b, poplar::program::Sequence &prog,          \
                                const poplar::DebugContext &name = {},                             \
                                const poplar::OptionFlags & = {}) {                                \
    mapInPlace(graph, expr::cls(expr::_1, expr::_2), {a, b}, prog, name);                          \
  }                                                                                                \
  template <typename T, typename = ipu_model::IfArithmetic<T>>                                     \
  void function##InPlace(poplar::Graph &graph, const poplar::Tensor &a, T b,                       \
                         poplar::program::Sequence &prog, const poplar::DebugContext &name = {},   \
                         const poplar::OptionFlags & = {}) {                                       \
    mapInPlace(graph, expr::cls(expr::_1, expr::Const(b)), {a}, prog, name);                       \
  }                                                                                                \
  inline void function##WithOutput(poplar::Graph &graph, const poplar::Tensor &a,                  \
                                   const poplar::Tensor &b, const poplar::Tensor &out,             \
                                   poplar::program::Sequence &prog,                                \
                                   const poplar::DebugContext &name = {},                          \
                                   const poplar::OptionFlags & = {}) {                             \
    mapWithOutput(graph, expr::cls(expr::_1, expr::_2), {a, b}, out, prog, name);                  \
  }                                                                                                \
  template <typename T, typename = ipu_model::IfArithmetic<T>>                                     \
  void function##WithOutput(poplar::Graph &graph, const poplar::Tensor &a, T b,                    \
                            const poplar::Tensor &out, poplar::program::Sequence &prog,            \
                            const poplar::DebugContext &name = {},                                 \
                            const poplar::OptionFlags & = {}) {                                    \
    mapWithOutput(graph, expr::cls(expr::_1, expr::Const(b)), {a}, out, prog, name);               \
  }
IPU_MODEL_BINARY_OPS(IPU_MODEL_BINARY_FUNCTION)
#undef IPU_MODEL_BINARY_FUNCTION

/// The first where the third is true, else the second.
inline poplar::Tensor select(poplar::Graph &graph, const poplar::Tensor &a, const poplar::Tensor &b,
                             const poplar::Tensor &condition, poplar::program::Sequence &prog,
                             const poplar::DebugContext &name = {},
                             const poplar::OptionFlags & = {}) {
  return map(graph, expr::TernaryOpType::SELECT, a, b, condition, prog, name);
}
inline void selectInPlace(poplar::Graph &graph, const poplar::Tensor &a, const poplar::Tensor &b,
                          const poplar::Tensor &condition, poplar::program::Sequence &prog,
                          const poplar::DebugContext &name = {}, const poplar::OptionFlags & = {}) {
  mapInPlace(graph, expr::TernaryOpType::SELECT, a, b, condition, prog, name);
}
inline poplar::Tensor clamp(poplar::Graph &graph, const poplar::Tensor &a,
                            const poplar::Tensor &low, const poplar::Tensor &high,
                            poplar::program::Sequence &prog, const poplar::DebugContext &name = {},
                            const poplar::OptionFlags & = {}) {
  return map(graph, expr::TernaryOpType::CLAMP, a, low, high, prog, name);
}
inline void clampInPlace(poplar::Graph &graph, const poplar::Tensor &a, const poplar::Tensor &low,
                         const poplar::Tensor &high, poplar::program::Sequence &prog,
                         const poplar::DebugContext &name = {}, const poplar::OptionFlags & = {}) {
  mapInPlace(graph, expr::TernaryOpType::CLAMP, a, low, high, prog, name);
}

} // namespace popops
