#include "poplin/MatMul.hpp"
#include "../numbers.hpp"
#include "kernels.hpp"
#include "poplin/codelets.hpp"
#include "popops/ScaledAdd.hpp"
#include "poputil/TileMapping.hpp"
#include "poputil/exceptions.hpp"
#include <algorithm>
#include <cmath>

namespace poplin {

namespace {

/// Blocks of the result: one a tile, so that the blocks' sides are about even.
struct Grid {
  std::size_t rows, columns; ///< number of blocks
};

Grid gridFor(std::size_t m, std::size_t n, std::size_t tiles) {
  Grid best{1, 1};
  double bestCost = HUGE_VAL;
  for (std::size_t rows = 1; rows <= std::min(m, tiles); ++rows) {
    const std::size_t columns = std::min(n, tiles / rows);
    const double height = std::ceil(static_cast<double>(m) / static_cast<double>(rows));
    const double width = std::ceil(static_cast<double>(n) / static_cast<double>(columns));
    // Work of the fullest tile first, then what it must receive.
    if (const double cost = height * width + (height + width); cost < bestCost) {
      bestCost = cost;
      best = {rows, columns};
    }
  }
  return best;
}

template <typename F> void forEachBlock(Graph &graph, std::size_t m, std::size_t n, F &&f) {
  const Grid grid = gridFor(m, n, graph.getTarget().getNumTiles());
  unsigned tile = 0;
  for (std::size_t r = 0; r != grid.rows; ++r)
    for (std::size_t c = 0; c != grid.columns; ++c)
      f(tile++, Interval(r * m / grid.rows, (r + 1) * m / grid.rows),
        Interval(c * n / grid.columns, (c + 1) * n / grid.columns));
}

void checkShapes(const Tensor &A, const Tensor &B) {
  if (A.rank() != 2 || B.rank() != 2 || A.dim(1) != B.dim(0) || A.elementType() != B.elementType())
    throw poputil::poplibs_error("matMul of " + A.getDebugStr() + " " + A.elementType().toString() + A.shapeToString() +
                                 " and " + B.getDebugStr() + " " + B.elementType().toString() + B.shapeToString());
}

} // namespace

void addCodelets(Graph &) {}

void matMulWithOutput(Graph &graph, const Tensor &A, const Tensor &B, Tensor &out, Sequence &prog,
                      const DebugContext &name, const OptionFlags &, PlanningCache *) {
  checkShapes(A, B);
  const std::size_t m = A.dim(0), k = A.dim(1), n = B.dim(1);
  if (out.shape() != std::vector<std::size_t>{m, n})
    throw poputil::poplibs_error("matMul: the output has shape " + out.shapeToString());
  const Type inType = A.elementType(), outType = out.elementType();
  const ComputeSet cs = graph.addComputeSet({name, "matMul"});
  // a: rows of A; b: columns of B, one after the other; out: rows of the block.
  const std::uint32_t kernel =
      addKernel(*graph.data(), "poplin::MatMul<" + inType.toString() + "," + outType.toString() + ">",
                {{"a", Direction::Input, inType}, {"b", Direction::Input, inType}, {"out", Direction::Output, outType}},
                [=](const Slice *f) {
                  const std::size_t rows = f[0].size / k, columns = f[1].size / k;
                  const auto numbers = [&](const Slice &slice) {
                    std::vector<float> values(slice.size);
                    for (std::size_t i = 0; i != slice.size; ++i)
                      values[i] = static_cast<float>(readNumber(inType, slice.data, i));
                    return values;
                  };
                  const std::vector<float> a = numbers(f[0]), b = numbers(f[1]);
                  for (std::size_t r = 0; r != rows; ++r)
                    for (std::size_t c = 0; c != columns; ++c) {
                      float sum = 0;
                      for (std::size_t i = 0; i != k; ++i) sum += a[r * k + i] * b[c * k + i];
                      writeNumber(outType, f[2].data, r * columns + c, static_cast<double>(sum));
                    }
                  return true;
                });
  if (k == 0) throw poputil::poplibs_error("matMul of matrices without a common dimension");
  forEachBlock(graph, m, n, [&](unsigned tile, Interval rows, Interval columns) {
    const poplar::Target &target = graph.getTarget();
    const double macsPerCycle =
        16.0 * (inType == poplar::HALF ? 4 : 1) * (target.getTargetArchString() == "ipu1" ? 0.5 : 1);
    const double macs = static_cast<double>(rows.size() * columns.size() * k);
    constexpr double launch = 100;
    addKernelVertex(graph, cs, kernel, tile, static_cast<std::uint64_t>(launch + macs / macsPerCycle),
                    {A.slice(rows), B.slice(columns, 1).transpose(), out.slice(rows).slice(columns, 1)});
  });
  prog.add(poplar::program::Execute(cs, name));
}

Tensor matMul(Graph &graph, const Tensor &A, const Tensor &B, Sequence &prog, const Type &outputType,
              const DebugContext &name, const OptionFlags &options, PlanningCache *cache) {
  checkShapes(A, B);
  Tensor out = createMatMulOutput(graph, A.elementType(), outputType, A.shape(), B.shape(), {name, "out"});
  matMulWithOutput(graph, A, B, out, prog, name, options, cache);
  return out;
}

Tensor matMul(Graph &graph, const Tensor &A, const Tensor &B, Sequence &prog, const DebugContext &name,
              const OptionFlags &options, PlanningCache *cache) {
  return matMul(graph, A, B, prog, A.elementType(), name, options, cache);
}

void matMulAcc(Graph &graph, const Tensor &C, float k, const Tensor &A, const Tensor &B, Sequence &prog,
               const DebugContext &name, const OptionFlags &options, PlanningCache *cache) {
  const Tensor product = matMul(graph, A, B, prog, C.elementType(), name, options, cache);
  popops::scaledAddTo(graph, C, product, k, prog, {name, "accumulate"});
}

void matMulAcc(Graph &graph, const Tensor &C, const Tensor &k, const Tensor &A, const Tensor &B, Sequence &prog,
               const DebugContext &name, const OptionFlags &options, PlanningCache *cache) {
  const Tensor product = matMul(graph, A, B, prog, C.elementType(), name, options, cache);
  popops::scaledAddTo(graph, C, product, k, prog, {name, "accumulate"});
}

Tensor matMulGrouped(Graph &graph, const Tensor &A, const Tensor &B, Sequence &prog, const Type &outputType,
                     const DebugContext &name, const OptionFlags &options, PlanningCache *cache) {
  if (A.rank() != 3 || B.rank() != 3 || A.dim(0) != B.dim(0) || A.dim(0) == 0)
    throw poputil::poplibs_error("matMulGrouped of shapes " + A.shapeToString() + " and " + B.shapeToString());
  std::vector<Tensor> groups;
  for (std::size_t g = 0; g != A.dim(0); ++g)
    groups.push_back(matMul(graph, A[g], B[g], prog, outputType, name, options, cache).expand({0}));
  return concat(groups);
}

namespace {
Tensor makeMapped(Graph &graph, const Type &type, const std::vector<std::size_t> &shape, const DebugContext &name) {
  const Tensor t = graph.addVariable(type, shape, name);
  poputil::mapTensorLinearly(graph, t);
  return t;
}
} // namespace

Tensor createMatMulInputLHS(Graph &graph, const Type &inputType, const Type &, const std::vector<std::size_t> &aShape,
                            const std::vector<std::size_t> &, const DebugContext &name, const OptionFlags &,
                            PlanningCache *) {
  return makeMapped(graph, inputType, aShape, name);
}
Tensor createMatMulInputRHS(Graph &graph, const Type &inputType, const Type &, const std::vector<std::size_t> &,
                            const std::vector<std::size_t> &bShape, const DebugContext &name, const OptionFlags &,
                            PlanningCache *) {
  return makeMapped(graph, inputType, bShape, name);
}
Tensor createMatMulOutput(Graph &graph, const Type &, const Type &outputType, const std::vector<std::size_t> &aShape,
                          const std::vector<std::size_t> &bShape, const DebugContext &name, const OptionFlags &,
                          PlanningCache *) {
  const std::size_t m = aShape.at(0), n = bShape.at(1);
  const Tensor out = graph.addVariable(outputType, {m, n}, name);
  forEachBlock(graph, m, n, [&](unsigned tile, Interval rows, Interval columns) {
    graph.setTileMapping(out.slice(rows).slice(columns, 1), tile);
  });
  return out;
}

} // namespace poplin
