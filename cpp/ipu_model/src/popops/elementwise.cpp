#include "popops/ElementWise.hpp"
#include "expression.hpp"
#include "kernels.hpp"
#include "poputil/Broadcast.hpp"
#include "poputil/exceptions.hpp"

namespace popops {

namespace {

std::vector<Type> typesOf(const std::vector<Tensor> &operands) {
  std::vector<Type> types;
  for (const Tensor &operand : operands) types.push_back(operand.elementType());
  return types;
}

/// Adds one vertex a tile that writes its elements of `out`. In place, operand 0 is `out` and the
/// kernel's output field is both.
void addMap(Graph &graph, const Expression &formula, std::vector<Tensor> operands, const Tensor &out, bool inPlace,
            Sequence &prog, const DebugContext &name) {
  for (Tensor &operand : operands) {
    poputil::broadcastToMatch(operand, out.shape());
    operand = operand.flatten();
  }
  std::vector<KernelField> fields{{"out", inPlace ? Direction::InOut : Direction::Output, out.elementType()}};
  const std::size_t first = inPlace ? 1 : 0;
  for (std::size_t i = first; i != operands.size(); ++i)
    fields.push_back({"in" + std::to_string(i + 1), Direction::Input, operands[i].elementType()});
  const std::uint32_t kernel =
      addKernel(*graph.data(), formula.name(), fields,
                [formula, inPlace, count = operands.size(), type = out.elementType()](const Slice *f) {
                  std::vector<const void *> inputs;
                  if (inPlace) inputs.push_back(f[0].data);
                  for (std::size_t i = inputs.size(), field = 1; i != count; ++i, ++field)
                    inputs.push_back(f[field].data);
                  formula.evaluate(inputs, f[0].data, type, f[0].size);
                  return true;
                });
  const ComputeSet cs = graph.addComputeSet({name, "map"});
  const Tensor flat = out.flatten();
  const std::size_t width = std::max(1u, graph.getTarget().getVectorWidth(out.elementType()));
  forEachTile(graph, flat, [&](unsigned tile, const std::vector<Interval> &intervals) {
    std::vector<Tensor> edges{pick(flat, intervals)};
    for (std::size_t i = first; i != operands.size(); ++i) edges.push_back(pick(operands[i], intervals));
    constexpr double overhead = 58; // binary operation of poplibs; a load and a store are 1 a vector
    const std::uint64_t cycles =
        kernelCycles(graph.getTarget(), edges[0].numElements(), width, 1 + formula.cyclesPerVector(), overhead);
    addKernelVertex(graph, cs, kernel, tile, cycles, edges);
  });
  prog.add(poplar::program::Execute(cs, name));
}

} // namespace

void mapWithOutput(Graph &graph, const expr::Expr &formula, const std::vector<Tensor> &operands, const Tensor &out,
                   Sequence &prog, const DebugContext &name, const OptionFlags &) {
  const Expression expression(formula, typesOf(operands));
  if (expression.resultType() != out.elementType())
    throw poputil::poplibs_error("the formula gives '" + expression.resultType().toString() + "', the output " +
                                 out.getDebugStr() + " is '" + out.elementType().toString() + "'");
  addMap(graph, expression, operands, out, false, prog, name);
}

Tensor map(Graph &graph, const expr::Expr &formula, const std::vector<Tensor> &operands, Sequence &prog,
           const DebugContext &name, const OptionFlags &) {
  const Expression expression(formula, typesOf(operands));
  if (operands.empty()) throw poputil::poplibs_error("map of a formula without tensors");
  Tensor shape = operands[0];
  for (std::size_t i = 1; i < operands.size(); ++i) {
    Tensor other = operands[i];
    poputil::broadcastToMatch(shape, other);
  }
  const Tensor *like = nullptr; // the operand that the output is laid out like
  for (const Tensor &operand : operands)
    if (!like && operand.shape() == shape.shape() && !operand.containsAliases() && !operand.containsConstant())
      like = &operand;
  const Tensor out = makeOutput(graph, expression.resultType(), shape.shape(), like, {name, "out"});
  addMap(graph, expression, operands, out, false, prog, name);
  return out;
}

void mapInPlace(Graph &graph, const expr::Expr &formula, const std::vector<Tensor> &operands, Sequence &prog,
                const DebugContext &name, const OptionFlags &) {
  const Expression expression(formula, typesOf(operands));
  if (operands.empty() || expression.resultType() != operands[0].elementType())
    throw poputil::poplibs_error("mapInPlace: the formula gives '" + expression.resultType().toString() +
                                 "', which is not the type of its first operand");
  // An operand that shares elements with the output, but not one for one, is copied first.
  std::vector<Tensor> inputs = operands;
  for (std::size_t i = 1; i != inputs.size(); ++i)
    if (inputs[i].intersectsWith(inputs[0])) {
      const Tensor copy = graph.clone(inputs[i], {name, "copy"});
      prog.add(poplar::program::Copy(inputs[i], copy, false, name));
      inputs[i] = copy;
    }
  addMap(graph, expression, inputs, inputs[0], true, prog, name);
}

} // namespace popops
