// A five-point stencil on blocks of a grid, one block a tile, with four ways to get at the halo: gathered by the
// edges of the vertex, one copy a direction and tile, all copies of a direction at once, and all at once. All must
// give what the host computes, and the three with copies take the same time.
#include <poplar/CycleCount.hpp>
#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>
#include <poplar/Program.hpp>
#include <popops/Zero.hpp>
#include <popops/codelets.hpp>

#include <cmath>
#include <iostream>
#include <map>
#include <optional>
#include <string>

using namespace poplar;
using namespace poplar::program;

constexpr std::size_t blockRows = 4, blockCols = 3, side = 8;
constexpr unsigned iterations = 5;
constexpr std::size_t rows = blockRows * side, cols = blockCols * side;

std::vector<float> onHost(std::vector<float> grid) {
  auto at = [&](const std::vector<float> &g, long r, long c) {
    return r < 0 || c < 0 || r >= long(rows) || c >= long(cols) ? 0.0f : g[r * cols + c];
  };
  for (unsigned i = 0; i < 2 * iterations; ++i) {
    auto next = grid;
    for (long r = 0; r < long(rows); ++r)
      for (long c = 0; c < long(cols); ++c)
        next[r * cols + c] = 0.2f * (at(grid, r, c) + at(grid, r - 1, c) + at(grid, r + 1, c) + at(grid, r, c - 1) +
                                     at(grid, r, c + 1));
    grid = next;
  }
  return grid;
}

struct GridBlock {
  std::size_t row, col;
  unsigned tile() const { return row * blockCols + col; }
};

template <class F> void forEachBlock(F f) {
  for (std::size_t r = 0; r < blockRows; ++r)
    for (std::size_t c = 0; c < blockCols; ++c)
      f(GridBlock{r, c});
}

Tensor blockOf(const Tensor &grid, GridBlock b) {
  return grid.slice({b.row * side, b.col * side}, {(b.row + 1) * side, (b.col + 1) * side});
}

Program stencil(Graph &graph, const std::string &name, const std::function<Tensor(GridBlock)> &padded,
                const std::function<Tensor(GridBlock)> &out) {
  auto cs = graph.addComputeSet(name);
  forEachBlock([&](GridBlock b) {
    auto v = graph.addVertex(cs, "FivePoints<float>", {{"in", padded(b)}, {"out", out(b)}});
    graph.setPerfEstimate(v, 10 + 6 * side * side);
    graph.setTileMapping(v, b.tile());
  });
  return Execute(cs);
}

/// The halo comes in with the edges of the vertex.
Program implicitHalo(Graph &graph, const Tensor &a, const Tensor &b) {
  auto zero = graph.addConstant<float>(FLOAT, {rows + 2, cols + 2}, 0.0f, "zero");
  graph.setTileMapping(zero, 0);
  const auto padded = [&](const Tensor &t) {
    const auto left = concat(zero.slice(0, rows, 0).slice(0, 1, 1), t, 1);
    const auto wide = concat(left, zero.slice(0, rows, 0).slice(0, 1, 1), 1);
    return concat({zero.slice(0, 1, 0), wide, zero.slice(0, 1, 0)}, 0);
  };
  const auto step = [&](const Tensor &from, const Tensor &to, const char *name) {
    return stencil(
        graph, name,
        [&, p = padded(from)](GridBlock k) {
          return p.slice({k.row * side, k.col * side}, {(k.row + 1) * side + 2, (k.col + 1) * side + 2});
        },
        [&](GridBlock k) { return blockOf(to, k); });
  };
  return Sequence{step(a, b, "a to b"), step(b, a, "b to a")};
}

/// Each tile holds its block with a rim of its own; copies fill the rims.
Program explicitHalo(Graph &graph, const Tensor &grid, const std::string &strategy, Sequence &init, Sequence &finish) {
  std::map<unsigned, Tensor> a, b;
  forEachBlock([&](GridBlock k) {
    for (auto *t : {&a, &b}) {
      (*t)[k.tile()] = graph.addVariable(FLOAT, {side + 2, side + 2}, "padded");
      graph.setTileMapping((*t)[k.tile()], k.tile());
      popops::zero(graph, (*t)[k.tile()], init, "rim");
    }
    init.add(Copy(blockOf(grid, k), a[k.tile()].slice({1, 1}, {side + 1, side + 1})));
    finish.add(Copy(a[k.tile()].slice({1, 1}, {side + 1, side + 1}), blockOf(grid, k)));
  });
  const auto exchange = [&](std::map<unsigned, Tensor> &t) {
    Sequence all;
    std::vector<Tensor> allFrom, allTo;
    for (const auto &[dr, dc] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
      std::vector<Tensor> from, to;
      forEachBlock([&, dr = dr, dc = dc](GridBlock k) {
        const GridBlock n{k.row + dr, k.col + dc};
        if (n.row >= blockRows || n.col >= blockCols)
          return;
        const auto edge = [&](std::size_t row, std::size_t col) {
          return std::pair{std::vector<std::size_t>{dr ? row : 1, dc ? col : 1},
                           std::vector<std::size_t>{dr ? row + 1 : side + 1, dc ? col + 1 : side + 1}};
        };
        const auto src = edge(dr < 0 ? side : 1, dc < 0 ? side : 1);
        const auto dst = edge(dr < 0 ? 0 : side + 1, dc < 0 ? 0 : side + 1);
        from.push_back(t[n.tile()].slice(src.first, src.second));
        to.push_back(t[k.tile()].slice(dst.first, dst.second));
      });
      if (strategy == "one by one")
        for (std::size_t i = 0; i < from.size(); ++i)
          all.add(Copy(from[i], to[i]));
      for (std::size_t i = 0; i < from.size(); ++i) {
        from[i] = from[i].flatten();
        to[i] = to[i].flatten();
      }
      if (strategy == "by direction")
        all.add(Copy(concat(from), concat(to)));
      allFrom.insert(allFrom.end(), from.begin(), from.end());
      allTo.insert(allTo.end(), to.begin(), to.end());
    }
    if (strategy == "all at once")
      all.add(Copy(concat(allFrom), concat(allTo)));
    return all;
  };
  const auto step = [&](std::map<unsigned, Tensor> &from, std::map<unsigned, Tensor> &to, const char *name) {
    return Sequence{exchange(from), stencil(
                                        graph, name, [&](GridBlock k) { return from[k.tile()]; },
                                        [&](GridBlock k) { return to[k.tile()].slice({1, 1}, {side + 1, side + 1}); })};
  };
  return Sequence{step(a, b, "a to b"), step(b, a, "b to a")};
}

int main() {
  std::vector<float> start(rows * cols);
  for (std::size_t i = 0; i < start.size(); ++i)
    start[i] = float(i * 7 % 13);
  const auto expected = onHost(start);
  std::map<std::string, std::uint64_t> cycles;
  for (const std::string strategy : {"implicit", "one by one", "by direction", "all at once"}) {
    IPUModel model;
    model.tilesPerIPU = blockRows * blockCols;
    auto device = model.createDevice();
    Graph graph(device.getTarget());
    graph.addCodelets("codelets/five_points.cpp");
    popops::addCodelets(graph);
    auto grid = graph.addVariable(FLOAT, {rows, cols}, "grid");
    auto next = graph.addVariable(FLOAT, {rows, cols}, "next");
    forEachBlock([&](GridBlock b) {
      graph.setTileMapping(blockOf(grid, b), b.tile());
      graph.setTileMapping(blockOf(next, b), b.tile());
    });
    auto in = graph.addHostToDeviceFIFO("in", FLOAT, rows * cols);
    auto out = graph.addDeviceToHostFIFO("out", FLOAT, rows * cols);
    Sequence init{Copy(in, grid)}, finish, body;
    auto step = strategy == "implicit" ? implicitHalo(graph, grid, next)
                                       : explicitHalo(graph, grid, strategy, init, finish);
    Sequence timed{Repeat(iterations, step)};
    auto count = cycleCount(graph, timed, 0, SyncType::INTERNAL, "cycles");
    graph.createHostRead("cycles", count);
    finish.add(Copy(grid, out));

    Engine engine(graph, ArrayRef<Program>{init, timed, finish});
    engine.load(device);
    auto data = start;
    engine.connectStream("in", data.data(), data.data() + data.size());
    engine.connectStream("out", data.data(), data.data() + data.size());
    for (unsigned program = 0; program < 3; ++program)
      engine.run(program);
    for (std::size_t i = 0; i < data.size(); ++i)
      if (std::fabs(data[i] - expected[i]) > 1e-5f * (1 + std::fabs(expected[i]))) {
        std::cerr << strategy << ": cell " << i << " is " << data[i] << ", not " << expected[i] << "\n";
        return 1;
      }
    engine.readTensor("cycles", &cycles[strategy]);
    std::cout << strategy << ": " << cycles[strategy] << " cycles (estimate of the model)\n";
  }
  // Copies that touch different elements are one exchange, however they are written.
  if (!(cycles["implicit"] < cycles["all at once"] && cycles["all at once"] == cycles["by direction"] &&
        cycles["by direction"] == cycles["one by one"])) {
    std::cerr << "the same exchange cannot take different times\n";
    return 1;
  }
  std::cout << "halo exchange OK\n";
}
