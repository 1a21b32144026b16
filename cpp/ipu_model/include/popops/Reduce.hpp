#pragma once
#include "Operation.hpp"
#include "poplar/Graph.hpp"
#include "poplar/OptionFlags.hpp"
#include "poplar/Program.hpp"
#include <string>
#include <vector>

namespace popops {

/// What to reduce with; `update` adds to what the output holds, `scale` is a tensor of one element.
struct ReduceParams {
  ReduceParams() = default;
  ReduceParams(Operation operation, bool updateOutput = false) : op(operation), update(updateOutput) {}
  ReduceParams(Operation operation, bool updateOutput, poplar::Tensor factor)
      : op(operation), update(updateOutput), useScale(true), scale(std::move(factor)) {}
  Operation op = Operation::ADD;
  bool update = false;
  bool useScale = false;
  poplar::Tensor scale;
};

/// Reduces the dimensions `dims`; the others remain. The order of summation is not specified.
poplar::Tensor reduce(poplar::Graph &graph, const poplar::Tensor &in, const poplar::Type &outType,
                      const std::vector<std::size_t> &dims, ReduceParams params,
                      poplar::program::Sequence &prog, const poplar::DebugContext & = {},
                      const poplar::OptionFlags & = {});
poplar::Tensor reduce(poplar::Graph &graph, const poplar::Tensor &in,
                      const std::vector<std::size_t> &dims, ReduceParams params,
                      poplar::program::Sequence &prog, const poplar::DebugContext & = {},
                      const poplar::OptionFlags & = {});
void reduceWithOutput(poplar::Graph &graph, const poplar::Tensor &in, const poplar::Tensor &out,
                      const std::vector<std::size_t> &dims, ReduceParams params,
                      poplar::program::Sequence &prog, const poplar::DebugContext & = {},
                      const poplar::OptionFlags & = {});
/// The same into compute sets, to be executed in their order.
poplar::Tensor reduce(poplar::Graph &graph, const poplar::Tensor &in, const poplar::Type &outType,
                      const std::vector<std::size_t> &dims, ReduceParams params,
                      std::vector<poplar::ComputeSet> &css, const poplar::DebugContext & = {},
                      const poplar::OptionFlags & = {});
poplar::Tensor reduce(poplar::Graph &graph, const poplar::Tensor &in,
                      const std::vector<std::size_t> &dims, ReduceParams params,
                      std::vector<poplar::ComputeSet> &css, const poplar::DebugContext & = {},
                      const poplar::OptionFlags & = {});
void reduceWithOutput(poplar::Graph &graph, const poplar::Tensor &in, const poplar::Tensor &out,
                      const std::vector<std::size_t> &dims, ReduceParams params,
                      std::vector<poplar::ComputeSet> &css, const poplar::DebugContext & = {},
                      const poplar::OptionFlags & = {});

struct SingleReduceOp {
  SingleReduceOp(poplar::Tensor tensor, std::vector<std::size_t> dimensions, ReduceParams parameters,
                 poplar::Type type, std::string name = "")
      : in(std::move(tensor)), dims(std::move(dimensions)), params(std::move(parameters)),
        useOutType(true), outType(type), debugName(std::move(name)) {}
  SingleReduceOp(poplar::Tensor tensor, std::vector<std::size_t> dimensions, ReduceParams parameters,
                 std::string name = "")
      : in(std::move(tensor)), dims(std::move(dimensions)), params(std::move(parameters)),
        debugName(std::move(name)) {}
  poplar::Tensor in;
  std::vector<std::size_t> dims;
  ReduceParams params;
  bool useOutType = false;
  poplar::Type outType;
  std::string debugName;
};
/// Several reductions at once; empty `outputs` are made, others are written.
void reduceMany(poplar::Graph &graph, const std::vector<SingleReduceOp> &reductions,
                std::vector<poplar::Tensor> &outputs, poplar::program::Sequence &prog,
                const poplar::DebugContext & = {}, const poplar::OptionFlags & = {});

} // namespace popops
