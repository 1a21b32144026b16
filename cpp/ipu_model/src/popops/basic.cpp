// Small operations on top of the element-wise ones.

#include "../numbers.hpp"
#include "kernels.hpp"
#include "popops/AllTrue.hpp"
#include "popops/Cast.hpp"
#include "popops/ElementWise.hpp"
#include "popops/Encoding.hpp"
#include "popops/Loop.hpp"
#include "popops/Pad.hpp"
#include "popops/Reduce.hpp"
#include "popops/ScaledAdd.hpp"
#include "popops/Zero.hpp"
#include "popops/codelets.hpp"
#include "poputil/TileMapping.hpp"
#include "poputil/exceptions.hpp"

namespace popops {
using poplar::program::Copy;

void addCodelets(Graph &) {}

void zero(Graph &graph, Tensor t, Sequence &prog, const DebugContext &name) { fill(graph, t, prog, 0, name); }

Tensor cast(Graph &graph, const Tensor &src, const Type &type, Sequence &prog, const DebugContext &name) {
  return map(graph, expr::Cast(expr::_1, type), {src}, prog, {name, "cast"});
}
void castWithOutput(Graph &graph, const Tensor &src, const Tensor &dst, Sequence &prog, const DebugContext &name) {
  mapWithOutput(graph, expr::Cast(expr::_1, dst.elementType()), {src.reshape(dst.shape())}, dst, prog, {name, "cast"});
}
Program cast(Graph &graph, Tensor src, Tensor dst, const DebugContext &name) {
  Sequence prog;
  castWithOutput(graph, src, dst, prog, name);
  return prog;
}

namespace {
expr::Expr asType(const expr::Expr &e, const Tensor &from, const Tensor &to) {
  return from.elementType() == to.elementType() ? e : expr::Cast(e, to.elementType());
}
} // namespace

void scaledAddTo(Graph &graph, Tensor A, Tensor B, Tensor scale, Sequence &prog, const DebugContext &name,
                 const OptionFlags &) {
  mapInPlace(graph, expr::_1 + asType(expr::_3, scale, A) * asType(expr::_2, B, A), {A, B, scale}, prog, name);
}
void scaledAddTo(Graph &graph, Tensor A, Tensor B, float scale, Sequence &prog, const DebugContext &name,
                 const OptionFlags &) {
  mapInPlace(graph, expr::_1 + expr::Const(scale) * asType(expr::_2, B, A), {A, B}, prog, name);
}
void scaledSubtractFrom(Graph &graph, Tensor A, Tensor B, Tensor scale, Sequence &prog, const DebugContext &name,
                        const OptionFlags &) {
  mapInPlace(graph, expr::_1 - asType(expr::_3, scale, A) * asType(expr::_2, B, A), {A, B, scale}, prog, name);
}
void scaledSubtractFrom(Graph &graph, Tensor A, Tensor B, float scale, Sequence &prog, const DebugContext &name,
                        const OptionFlags &) {
  mapInPlace(graph, expr::_1 - expr::Const(scale) * asType(expr::_2, B, A), {A, B}, prog, name);
}
void scaledAddTo(Graph &graph, Tensor A, float scaleA, Tensor B, float scaleB, Sequence &prog, const DebugContext &name,
                 const OptionFlags &) {
  mapInPlace(graph, expr::Const(scaleA) * expr::_1 + expr::Const(scaleB) * asType(expr::_2, B, A), {A, B}, prog, name);
}

Tensor allTrue(Graph &graph, Tensor A, Sequence &prog, const DebugContext &name) {
  const Tensor flat =
      A.elementType() == poplar::BOOL ? A.flatten() : cast(graph, A.flatten(), poplar::BOOL, prog, name);
  return reduce(graph, flat, {0}, Operation::LOGICAL_AND, prog, name);
}

namespace {

/// Adds `step` to the index where `program` is.
void addIncrement(Graph &graph, const Tensor &index, int step, Sequence &prog, const DebugContext &name) {
  mapInPlace(graph, expr::Add(expr::_1, expr::Const(step)), {index}, prog, {name, "increment"});
}

Tensor makeIndex(Graph &graph, const DebugContext &name) {
  const Tensor index = graph.addVariable(poplar::INT, {1}, {name, "index"});
  graph.setTileMapping(index, 0);
  return index;
}

} // namespace

Sequence countedLoop(Graph &graph, std::size_t begin, std::size_t end, std::size_t step,
                     const CountedLoopBodyType &body, const DebugContext &name) {
  if (step == 0) throw poputil::poplibs_error("countedLoop: the step must not be 0");
  const Tensor index = makeIndex(graph, name);
  Sequence prog({}, name), round({}, name);
  fill(graph, index, prog, static_cast<int>(begin), name);
  round.add(body(index));
  addIncrement(graph, index, static_cast<int>(step), round, name);
  const std::size_t count = begin < end ? (end - begin + step - 1) / step : 0;
  prog.add(poplar::program::Repeat(static_cast<unsigned>(count), round, name));
  return prog;
}

Sequence countedLoop(Graph &graph, std::size_t count, const CountedLoopBodyType &body, const DebugContext &name) {
  return countedLoop(graph, 0, count, 1, body, name);
}

Tensor addForLoopCounterVertex(Graph &graph, const Tensor &count, const Tensor &limit, int step, unsigned,
                               Sequence &prog, const DebugContext &name) {
  const Tensor more = step < 0 ? gt(graph, count.flatten(), limit.flatten(), prog, name)
                               : lt(graph, count.flatten(), limit.flatten(), prog, name);
  return more.reshape({});
}

Sequence countedForLoop(Graph &graph, const Tensor &count, int initialCount, const Tensor &limit, int step,
                        const Program &body, const DebugContext &name) {
  Sequence prog({}, name), condition({}, name), round({}, name);
  fill(graph, count, prog, initialCount, name);
  const Tensor more = addForLoopCounterVertex(graph, count, limit, step, 0, condition, name);
  round.add(body);
  addIncrement(graph, count, step, round, name);
  prog.add(poplar::program::RepeatWhileTrue(condition, more, round, name));
  return prog;
}

Sequence countedForLoop(Graph &graph, int initialCount, const Tensor &limit, int step, const Program &body,
                        const DebugContext &name) {
  const Tensor count = graph.addVariable(limit.elementType(), {1}, {name, "count"});
  graph.setTileMapping(count, 0);
  return countedForLoop(graph, count, initialCount, limit, step, body, name);
}

namespace {

void iotaFrom(Graph &graph, const Tensor &t, std::int64_t start, Sequence &prog, const DebugContext &name) {
  const auto set = [type = t.elementType(), start](const std::uint32_t *, void *out, std::size_t i,
                                                   std::uint64_t index) {
    writeInteger(type, out, i, start + static_cast<std::int64_t>(index));
  };
  addElementKernel(graph, "popops::Iota", t, nullptr, set, 1, 2, 20, prog, {name, "iota"});
}

} // namespace

void iota(Graph &graph, const Tensor &t, unsigned start, Sequence &prog, const DebugContext &name) {
  iotaFrom(graph, t, start, prog, name);
}
void iota(Graph &graph, const Tensor &t, int start, Sequence &prog, const DebugContext &name) {
  iotaFrom(graph, t, start, prog, name);
}

void encodeOneHot(Graph &graph, const Tensor &indices, const Tensor &encoded, Sequence &prog,
                  const DebugContext &name) {
  const Tensor values = graph.addConstant(encoded.elementType(), {2}, std::vector<int>{1, 0}, {name, "onOff"});
  graph.setTileMapping(values, 0);
  encodeOneHot(graph, indices, encoded, prog, values[0], values[1], name);
}

void encodeOneHot(Graph &graph, const Tensor &indices, const Tensor &encoded, Sequence &prog, const Tensor &on,
                  const Tensor &off, const DebugContext &name) {
  if (encoded.rank() != 2 || indices.rank() != 1 || indices.dim(0) != encoded.dim(0))
    throw poputil::poplibs_error("encodeOneHot: indices of shape " + indices.shapeToString() +
                                 " do not fit the result of shape " + encoded.shapeToString());
  const Tensor columns = graph.addVariable(indices.elementType(), {1, encoded.dim(1)}, {name, "columns"});
  poputil::mapTensorLinearly(graph, columns);
  iotaFrom(graph, columns, 0, prog, name);
  mapWithOutput(graph, expr::Select(expr::_3, expr::_4, expr::Equal(expr::_1, expr::_2)),
                {indices.expand({1}), columns, on.reshape({1, 1}), off.reshape({1, 1})}, encoded, prog, name);
}

Tensor pad(Graph &graph, const Tensor &t, const std::vector<std::ptrdiff_t> &lower,
           const std::vector<std::ptrdiff_t> &upper, float value, padding::MappingMethod method,
           const DebugContext &name) {
  if (lower.size() != t.rank() || upper.size() != t.rank())
    throw poputil::poplibs_error("pad: one number a dimension of shape " + t.shapeToString() + " is needed");
  Tensor result = t;
  for (unsigned d = 0; d != t.rank(); ++d) result = pad(graph, result, lower[d], upper[d], d, value, method, name);
  return result;
}

Tensor pad(Graph &graph, const Tensor &t, std::ptrdiff_t lower, std::ptrdiff_t upper, unsigned dim, float value,
           padding::MappingMethod, const DebugContext &name) {
  const auto margin = [&](std::ptrdiff_t n) {
    std::vector<std::size_t> shape = t.shape();
    shape[dim] = static_cast<std::size_t>(n);
    const Tensor constant = graph.addConstant(t.elementType(), shape, value, {name, "padding"});
    graph.setTileMapping(constant, 0);
    return constant;
  };
  // Negative numbers cut elements off.
  Tensor result = t.slice(static_cast<std::size_t>(lower < 0 ? -lower : 0),
                          t.dim(dim) - static_cast<std::size_t>(upper < 0 ? -upper : 0), dim);
  if (lower > 0) result = concat(margin(lower), result, dim);
  if (upper > 0) result = concat(result, margin(upper), dim);
  return result;
}

Tensor pad(const Tensor &t, const std::vector<std::ptrdiff_t> &lower, const std::vector<std::ptrdiff_t> &upper,
           padding::Type type) {
  if (type == padding::Type::CONSTANT || lower.size() != t.rank() || upper.size() != t.rank())
    throw poputil::poplibs_error("pad: a graph is needed for constants, and one number a dimension");
  Tensor result = t;
  for (unsigned d = 0; d != t.rank(); ++d) {
    const std::size_t n = result.dim(d);
    std::vector<Tensor> parts;
    const auto at = [&](std::size_t i) { parts.push_back(result.slice(i, i + 1, d)); };
    for (std::size_t i = static_cast<std::size_t>(std::max<std::ptrdiff_t>(lower[d], 0)); i != 0; --i)
      at(type == padding::Type::EDGE ? 0 : i);
    parts.push_back(result);
    for (std::size_t i = 1; i <= static_cast<std::size_t>(std::max<std::ptrdiff_t>(upper[d], 0)); ++i)
      at(type == padding::Type::EDGE ? n - 1 : n - 1 - i);
    result = concat(parts, d);
  }
  return result;
}

} // namespace popops
