#include "popops/Reduce.hpp"
#include "../numbers.hpp"
#include "kernels.hpp"
#include "poputil/exceptions.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace popops {

namespace {

/// Running result of one output; integers exactly, floating-point numbers in double.
class Accumulator {
public:
  Accumulator(Operation op, Type type) : op_(op), floating_(type.isFloatingPoint()) {
    switch (op) {
    case Operation::MUL:
    case Operation::LOGICAL_AND: f_ = 1, i_ = 1; break;
    case Operation::MIN:
      f_ = std::numeric_limits<double>::infinity(), i_ = std::numeric_limits<std::int64_t>::max();
      break;
    case Operation::MAX:
      f_ = -std::numeric_limits<double>::infinity(), i_ = std::numeric_limits<std::int64_t>::min();
      break;
    case Operation::LOG_ADD: f_ = -std::numeric_limits<double>::infinity(); break;
    default: break;
    }
  }
  void add(Type type, const void *data, std::size_t at, bool partial) {
    if (floating_)
      combine(f_, readNumber(type, data, at), partial);
    else
      combine(i_, readInteger(type, data, at), partial);
  }
  void scale(double factor) { f_ *= factor; }
  void write(Type type, void *data, std::size_t at) const {
    if (floating_)
      writeNumber(type, data, at, f_);
    else
      writeInteger(type, data, at, i_);
  }

private:
  template <typename T> void combine(T &sum, T value, bool partial) {
    switch (op_) {
    case Operation::ADD: sum += value; break;
    case Operation::SQUARE_ADD: sum += partial ? value : value * value; break;
    case Operation::MUL: sum *= value; break;
    case Operation::MIN: sum = std::min(sum, value); break;
    case Operation::MAX: sum = std::max(sum, value); break;
    case Operation::LOGICAL_AND: sum = sum != 0 && value != 0; break;
    case Operation::LOGICAL_OR: sum = sum != 0 || value != 0; break;
    case Operation::LOG_ADD: {
      const double a = static_cast<double>(std::max(sum, value));
      const double b = static_cast<double>(std::min(sum, value));
      sum = static_cast<T>(std::isinf(b) ? a : a + std::log1p(std::exp(b - a)));
      break;
    }
    }
  }
  Operation op_;
  bool floating_;
  double f_ = 0;
  std::int64_t i_ = 0;
};

/// [outputs, elements to reduce] of the input.
Tensor asRows(const Tensor &in, const std::vector<std::size_t> &dims, std::vector<std::size_t> &shape) {
  std::vector<unsigned> order, last;
  std::size_t rows = 1;
  for (unsigned d = 0; d != in.rank(); ++d) {
    if (std::find(dims.begin(), dims.end(), d) != dims.end()) {
      last.push_back(d);
    } else {
      order.push_back(d);
      shape.push_back(in.dim(d));
      rows *= in.dim(d);
    }
  }
  for (std::size_t d : dims)
    if (d >= in.rank())
      throw poputil::poplibs_error("reduce: dimension " + std::to_string(d) + " of shape " + in.shapeToString());
  order.insert(order.end(), last.begin(), last.end());
  const Tensor shuffled = in.dimShuffle(order);
  return shuffled.reshape({rows, rows == 0 ? 0 : in.numElements() / rows});
}

/// What one tile contributes: how many elements (its own, or partial results) to each output.
struct Share {
  unsigned tile;
  std::vector<Interval> elements;
  std::vector<std::size_t> outputs;
  std::vector<unsigned> counts;
};

/// Adds a vertex a share that reduces runs of `in` to one element each of `out`.
void addStage(Graph &graph, ComputeSet cs, const Tensor &in, const std::vector<Share> &shares,
              const std::vector<Tensor> &outs, const ReduceParams &params, bool partialInput, bool last) {
  const Type inType = in.elementType(), outType = outs.at(0).elementType();
  const bool update = last && params.update, scaled = last && params.useScale;
  std::vector<KernelField> fields{{"in", Direction::Input, inType},
                                  {"counts", Direction::Input, poplar::UNSIGNED_INT},
                                  {"out", update ? Direction::InOut : Direction::Output, outType}};
  if (scaled) fields.push_back({"scale", Direction::Input, params.scale.elementType()});
  const Type scaleType = scaled ? params.scale.elementType() : poplar::FLOAT;
  const std::uint32_t kernel = addKernel(
      *graph.data(), std::string("popops::Reduce") + (partialInput ? "Partials" : "") + "<" + inType.toString() + ">",
      fields, [=, op = params.op](const Slice *f) {
        std::size_t next = 0;
        const auto *counts = static_cast<const unsigned *>(f[1].data);
        for (std::size_t o = 0; o != f[2].size; ++o) {
          Accumulator sum(op, outType);
          for (unsigned i = 0; i != counts[o]; ++i) sum.add(inType, f[0].data, next++, partialInput);
          if (scaled) sum.scale(readNumber(scaleType, f[3].data, 0));
          if (update) sum.add(outType, f[2].data, o, true);
          sum.write(outType, f[2].data, o);
        }
        return true;
      });
  for (std::size_t s = 0; s != shares.size(); ++s) {
    const Share &share = shares[s];
    const Tensor counts = graph.addConstant(poplar::UNSIGNED_INT, {share.counts.size()},
                                            poplar::ArrayRef<unsigned>(share.counts), "reduceCounts");
    graph.setTileMapping(counts, share.tile);
    std::vector<Tensor> edges{pick(in, share.elements), counts, outs[s]};
    if (scaled) edges.push_back(params.scale);
    addKernelVertex(graph, cs, kernel, share.tile,
                    kernelCycles(graph.getTarget(), edges[0].numElements(),
                                 std::max(1u, graph.getTarget().getVectorWidth(inType)), 2, 30),
                    edges);
  }
}

void addReduction(Graph &graph, const Tensor &in, Tensor out, const std::vector<std::size_t> &dims,
                  const ReduceParams &params, const std::function<ComputeSet()> &nextSet) {
  std::vector<std::size_t> shape;
  const Tensor rows = asRows(in, dims, shape);
  out = out.flatten();
  if (out.numElements() != rows.dim(0))
    throw poputil::poplibs_error("reduce: the output has shape " + out.shapeToString() + ", " +
                                 std::to_string(rows.dim(0)) + " results are to be written");
  const bool logical = params.op == Operation::LOGICAL_AND || params.op == Operation::LOGICAL_OR;
  if (logical != (in.elementType() == poplar::BOOL))
    throw poputil::poplibs_error("reduce: the operation does not take elements of type '" +
                                 in.elementType().toString() + "'");
  if (out.numElements() == 0) return;
  const std::size_t length = rows.dim(1);
  const Tensor flat = rows.flatten();
  // First each tile reduces what it holds.
  std::vector<Share> shares;
  std::vector<std::vector<std::size_t>> partialsOf(out.numElements());
  std::size_t partials = 0;
  forEachTile(graph, flat, [&](unsigned tile, const std::vector<Interval> &intervals) {
    Share share{tile, {}, {}, {}};
    for (const Interval &interval : intervals)
      for (std::size_t begin = interval.begin(); begin != interval.end();) {
        const std::size_t row = begin / length, end = std::min(interval.end(), (row + 1) * length);
        if (share.outputs.empty() || share.outputs.back() != row) {
          share.outputs.push_back(row);
          share.counts.push_back(0);
          partialsOf[row].push_back(partials++);
        }
        share.elements.emplace_back(begin, end);
        share.counts.back() += static_cast<unsigned>(end - begin);
        begin = end;
      }
    shares.push_back(std::move(share));
  });
  const Type partialType = out.elementType() == poplar::HALF ? poplar::FLOAT : out.elementType();
  const Tensor partial = graph.addVariable(partialType, {partials}, "reducePartials");
  std::vector<Tensor> outs;
  std::size_t next = 0;
  for (const Share &share : shares) {
    outs.push_back(partial.slice(next, next + share.outputs.size()));
    graph.setTileMapping(outs.back(), share.tile);
    next += share.outputs.size();
  }
  if (!shares.empty()) addStage(graph, nextSet(), flat, shares, outs, params, false, false);
  // Then the tiles of the output reduce the partial results.
  shares.clear();
  outs.clear();
  forEachTile(graph, out, [&](unsigned tile, const std::vector<Interval> &intervals) {
    Share share{tile, {}, {}, {}};
    for (const Interval &interval : intervals)
      for (std::size_t o = interval.begin(); o != interval.end(); ++o) {
        share.outputs.push_back(o);
        share.counts.push_back(static_cast<unsigned>(partialsOf[o].size()));
        for (std::size_t p : partialsOf[o]) share.elements.emplace_back(p, p + 1);
      }
    if (share.elements.empty()) share.elements.emplace_back(0, 0);
    outs.push_back(pick(out, intervals));
    shares.push_back(std::move(share));
  });
  addStage(graph, nextSet(), partial, shares, outs, params, true, true);
}

Tensor makeResult(Graph &graph, const Tensor &in, const Type &type, const std::vector<std::size_t> &dims,
                  const DebugContext &name) {
  std::vector<std::size_t> shape;
  asRows(in, dims, shape);
  return makeOutput(graph, type, shape, nullptr, {name, "reduced"});
}

std::function<ComputeSet()> intoSequence(Graph &graph, Sequence &prog, const DebugContext &name) {
  return [&graph, &prog, name] {
    const ComputeSet cs = graph.addComputeSet({name, "reduce"});
    prog.add(poplar::program::Execute(cs, name));
    return cs;
  };
}

std::function<ComputeSet()> intoSets(Graph &graph, std::vector<ComputeSet> &css, std::size_t &used,
                                     const DebugContext &name) {
  return [&graph, &css, &used, name] {
    if (used == css.size()) css.push_back(graph.addComputeSet({name, "reduce"}));
    return css[used++];
  };
}

} // namespace

void reduceWithOutput(Graph &graph, const Tensor &in, const Tensor &out, const std::vector<std::size_t> &dims,
                      ReduceParams params, Sequence &prog, const DebugContext &name, const OptionFlags &) {
  addReduction(graph, in, out, dims, params, intoSequence(graph, prog, name));
}

void reduceWithOutput(Graph &graph, const Tensor &in, const Tensor &out, const std::vector<std::size_t> &dims,
                      ReduceParams params, std::vector<ComputeSet> &css, const DebugContext &name,
                      const OptionFlags &) {
  std::size_t used = 0;
  addReduction(graph, in, out, dims, params, intoSets(graph, css, used, name));
}

Tensor reduce(Graph &graph, const Tensor &in, const Type &outType, const std::vector<std::size_t> &dims,
              ReduceParams params, Sequence &prog, const DebugContext &name, const OptionFlags &) {
  if (params.update) throw poputil::poplibs_error("reduce with update needs an output; use reduceWithOutput");
  const Tensor out = makeResult(graph, in, outType, dims, name);
  reduceWithOutput(graph, in, out, dims, params, prog, name);
  return out;
}

Tensor reduce(Graph &graph, const Tensor &in, const Type &outType, const std::vector<std::size_t> &dims,
              ReduceParams params, std::vector<ComputeSet> &css, const DebugContext &name, const OptionFlags &) {
  const Tensor out = makeResult(graph, in, outType, dims, name);
  reduceWithOutput(graph, in, out, dims, params, css, name);
  return out;
}

void reduceMany(Graph &graph, const std::vector<SingleReduceOp> &reductions, std::vector<Tensor> &outputs,
                Sequence &prog, const DebugContext &name, const OptionFlags &) {
  const bool make = outputs.empty();
  if (!make && outputs.size() != reductions.size())
    throw poputil::poplibs_error("reduceMany: " + std::to_string(outputs.size()) + " outputs for " +
                                 std::to_string(reductions.size()) + " reductions");
  std::vector<ComputeSet> css;
  for (std::size_t i = 0; i != reductions.size(); ++i) {
    const SingleReduceOp &op = reductions[i];
    if (make)
      outputs.push_back(
          makeResult(graph, op.in, op.useOutType ? op.outType : op.in.elementType(), op.dims, {name, op.debugName}));
    std::size_t used = 0;
    addReduction(graph, op.in, outputs[i], op.dims, op.params, intoSets(graph, css, used, name));
  }
  for (const ComputeSet &cs : css) prog.add(poplar::program::Execute(cs, name));
}

} // namespace popops
