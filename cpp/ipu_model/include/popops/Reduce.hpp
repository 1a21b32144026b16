#pragma once
#include "Operation.hpp"
#include "poputil/Names.hpp"
#include <string>

namespace popops {

/// What to reduce with; `update` adds to what the output holds, `scale` is a tensor of one element.
struct ReduceParams {
  ReduceParams() = default;
  ReduceParams(Operation operation, bool updateOutput = false) : op(operation), update(updateOutput) {}
  ReduceParams(Operation operation, bool updateOutput, Tensor factor)
      : op(operation), update(updateOutput), useScale(true), scale(std::move(factor)) {}
  Operation op = Operation::ADD;
  bool update = false;
  bool useScale = false;
  Tensor scale;
};

/// Reduces the dimensions `dims`; the others remain. The order of summation is not specified.
Tensor reduce(Graph &graph, const Tensor &in, const Type &outType, const std::vector<std::size_t> &dims,
              ReduceParams params, Sequence &prog, const DebugContext & = {}, const OptionFlags & = {});
inline Tensor reduce(Graph &graph, const Tensor &in, const std::vector<std::size_t> &dims, ReduceParams params,
                     Sequence &prog, const DebugContext &name = {}, const OptionFlags &options = {}) {
  return reduce(graph, in, in.elementType(), dims, params, prog, name, options);
}
void reduceWithOutput(Graph &graph, const Tensor &in, const Tensor &out, const std::vector<std::size_t> &dims,
                      ReduceParams params, Sequence &prog, const DebugContext & = {}, const OptionFlags & = {});
/// The same into compute sets, to be executed in their order.
Tensor reduce(Graph &graph, const Tensor &in, const Type &outType, const std::vector<std::size_t> &dims,
              ReduceParams params, std::vector<ComputeSet> &css, const DebugContext & = {}, const OptionFlags & = {});
inline Tensor reduce(Graph &graph, const Tensor &in, const std::vector<std::size_t> &dims, ReduceParams params,
                     std::vector<ComputeSet> &css, const DebugContext &name = {}, const OptionFlags &options = {}) {
  return reduce(graph, in, in.elementType(), dims, params, css, name, options);
}
void reduceWithOutput(Graph &graph, const Tensor &in, const Tensor &out, const std::vector<std::size_t> &dims,
                      ReduceParams params, std::vector<ComputeSet> &css, const DebugContext & = {},
                      const OptionFlags & = {});

struct SingleReduceOp {
  SingleReduceOp(Tensor tensor, std::vector<std::size_t> dimensions, ReduceParams parameters, Type type,
                 std::string name = "")
      : in(std::move(tensor)), dims(std::move(dimensions)), params(std::move(parameters)), useOutType(true),
        outType(type), debugName(std::move(name)) {}
  SingleReduceOp(Tensor tensor, std::vector<std::size_t> dimensions, ReduceParams parameters, std::string name = "")
      : in(std::move(tensor)), dims(std::move(dimensions)), params(std::move(parameters)), debugName(std::move(name)) {}
  Tensor in;
  std::vector<std::size_t> dims;
  ReduceParams params;
  bool useOutType = false;
  Type outType;
  std::string debugName;
};
/// Several reductions at once; empty `outputs` are made, others are written.
void reduceMany(Graph &graph, const std::vector<SingleReduceOp> &reductions, std::vector<Tensor> &outputs,
                Sequence &prog, const DebugContext & = {}, const OptionFlags & = {});

} // namespace popops
