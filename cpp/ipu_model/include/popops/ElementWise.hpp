#pragma once
#include "Expr.hpp"
#include "ExprOp.hpp"
#include "poputil/Names.hpp"

namespace popops {

/// Element-wise formula of tensors; operands of other shapes are broadcast.
Tensor map(Graph &graph, const expr::Expr &formula, const std::vector<Tensor> &operands, Sequence &prog,
           const DebugContext & = {}, const OptionFlags & = {});
void mapWithOutput(Graph &graph, const expr::Expr &formula, const std::vector<Tensor> &operands, const Tensor &out,
                   Sequence &prog, const DebugContext & = {}, const OptionFlags & = {});
/// Overwrites the first operand.
void mapInPlace(Graph &graph, const expr::Expr &formula, const std::vector<Tensor> &operands, Sequence &prog,
                const DebugContext & = {}, const OptionFlags & = {});

// The functions of one operation: function, functionInPlace and functionWithOutput, with the parameters that follow.
#define IPU_MODEL_FUNCTION(function, prefix, formula, operands, ...)                                                   \
  prefix Tensor function(Graph &graph, __VA_ARGS__, Sequence &prog, const DebugContext &name = {},                     \
                         const OptionFlags & = {}) {                                                                   \
    return map(graph, formula, std::vector<Tensor> operands, prog, name);                                              \
  }                                                                                                                    \
  prefix void function##WithOutput(Graph &graph, __VA_ARGS__, const Tensor &out, Sequence &prog,                       \
                                   const DebugContext &name = {}, const OptionFlags & = {}) {                          \
    mapWithOutput(graph, formula, std::vector<Tensor> operands, out, prog, name);                                      \
  }
#define IPU_MODEL_IN_PLACE(function, prefix, formula, operands, ...)                                                   \
  prefix void function##InPlace(Graph &graph, __VA_ARGS__, Sequence &prog, const DebugContext &name = {},              \
                                const OptionFlags & = {}) {                                                            \
    mapInPlace(graph, formula, std::vector<Tensor> operands, prog, name);                                              \
  }
#define IPU_MODEL_FORMS(...) IPU_MODEL_FUNCTION(__VA_ARGS__) IPU_MODEL_IN_PLACE(__VA_ARGS__)
#define IPU_MODEL_NUMBER template <typename T, typename = ipu_model::IfArithmetic<T>>
#define IPU_MODEL_AB const Tensor &a, const Tensor &b

IPU_MODEL_FORMS(map, inline, expr::UnaryOp(op, expr::_1), ({a}), expr::UnaryOpType op, const Tensor &a)
IPU_MODEL_FORMS(map, inline, expr::BinaryOp(op, expr::_1, expr::_2), ({a, b}), expr::BinaryOpType op, IPU_MODEL_AB)
IPU_MODEL_FORMS(map, inline, expr::TernaryOp(op, expr::_1, expr::_2, expr::_3), ({a, b, c}), expr::TernaryOpType op,
                IPU_MODEL_AB, const Tensor &c)

#define IPU_MODEL_UNARY(op, function, cls)                                                                             \
  IPU_MODEL_FORMS(function, inline, expr::cls(expr::_1), ({a}), const Tensor &a)
IPU_MODEL_UNARY_OPS(IPU_MODEL_UNARY)

// A number may stand for either operand.
#define IPU_MODEL_BINARY(op, function, cls)                                                                            \
  IPU_MODEL_FORMS(function, inline, expr::cls(expr::_1, expr::_2), ({a, b}), IPU_MODEL_AB)                             \
  IPU_MODEL_FUNCTION(function, IPU_MODEL_NUMBER, expr::cls(expr::_1, expr::Const(b)), ({a}), const Tensor &a, T b)     \
  IPU_MODEL_IN_PLACE(function, IPU_MODEL_NUMBER, expr::cls(expr::_1, expr::Const(b)), ({a}), const Tensor &a, T b)     \
  IPU_MODEL_FUNCTION(function, IPU_MODEL_NUMBER, expr::cls(expr::Const(a), expr::_1), ({b}), T a, const Tensor &b)
IPU_MODEL_BINARY_OPS(IPU_MODEL_BINARY)

/// The first where the third is true, else the second.
IPU_MODEL_FORMS(select, inline, expr::Select(expr::_1, expr::_2, expr::_3), ({a, b, condition}), IPU_MODEL_AB,
                const Tensor &condition)
/// The first, no less than the second and no more than the third.
IPU_MODEL_FORMS(clamp, inline, expr::Clamp(expr::_1, expr::_2, expr::_3), ({a, low, high}), const Tensor &a,
                const Tensor &low, const Tensor &high)

#undef IPU_MODEL_FUNCTION
#undef IPU_MODEL_IN_PLACE
#undef IPU_MODEL_FORMS
#undef IPU_MODEL_NUMBER
#undef IPU_MODEL_AB
#undef IPU_MODEL_UNARY
#undef IPU_MODEL_BINARY

} // namespace popops
