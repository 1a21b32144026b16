// The five halo exchanges whose cycle counts on the Mk1 model are published (spec poplar, section 4, L): blocks of
// 100 x 100 floats on 608 x 2 tiles, a vertex of 100 cycles a tile, 20 steps. Each must lie within its band; the text
// says how far off the model is. Argument: the strategy.
#ifdef __POPC__
#include <poplar/Vertex.hpp>
using namespace poplar;
class WithinBlock : public Vertex {
public:
  Input<VectorList<float, VectorListLayout::COMPACT_DELTAN>> in;
  Output<VectorList<float, VectorListLayout::COMPACT_DELTAN>> out;
  bool compute() { return in.size() == out.size(); }
};
class AroundBlock : public Vertex {
public:
  Input<VectorList<float, VectorListLayout::COMPACT_DELTAN>> in;
  Vector<Input<Vector<float>>> halo;
  Output<VectorList<float, VectorListLayout::COMPACT_DELTAN>> out;
  bool compute() { return halo.size() != 0; }
};
#else
#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>

#include <cmath>
#include <iostream>
#include <map>
#include <string>

using namespace poplar;
using namespace poplar::program;
using Index = std::size_t;

constexpr Index columns = 2, side = 100, rim = side + 2;

struct Published {
  double cycles, band;
};
const std::map<std::string, Published> published{{"implicit", {21'010, 0.01}},
                                                 {"one by one", {178'569'036, 0.05}},
                                                 {"two waves", {147'570, 0.15}},
                                                 {"by direction", {147'530, 0.15}},
                                                 {"many tensors", {315'370, 0.60}}}; // half of it is not understood

struct Builder {
  Graph &graph;
  std::string strategy;
  Index tiles = graph.getTarget().getNumTiles(), rows = tiles / columns;

  /// The block of a tile in a grid of blocks, and the part of it from (r0, c0) up to (r1, c1).
  Tensor part(const Tensor &grid, Index tile, Index size, Index r0, Index c0, Index r1, Index c1) const {
    const Index r = tile / columns * size, c = tile % columns * size;
    return grid.slice({r + r0, c + c0}, {r + r1, c + c1});
  }

  void addVertex(ComputeSet cs, Index tile, const char *type, const Tensor &in, const Tensor &out,
                 const std::vector<Tensor> &halo = {}) {
    const VertexRef v = graph.addVertex(cs, type, {{"in", in}, {"out", out}});
    if (!halo.empty())
      graph.connect(v["halo"], halo);
    graph.setPerfEstimate(v, 100);
    graph.setTileMapping(v, tile);
  }

  /// The halo is part of the vertex's edges: 99 of the row above, one of the row below, 99 of the column beside it,
  /// and two corners.
  Sequence implicit() {
    Tensor grid[2];
    for (Tensor &g : grid) {
      g = graph.addVariable(FLOAT, {rows * side, columns * side}, "grid");
      for (Index t = 0; t != tiles; ++t)
        graph.setTileMapping(part(g, t, side, 0, 0, side, side), t);
    }
    Sequence program;
    for (int i : {0, 1}) {
      const ComputeSet cs = graph.addComputeSet("around");
      for (Index t = 0; t != tiles; ++t) {
        const bool first = t / columns == 0, last = t / columns == rows - 1;
        const Index beside = t ^ 1, near = t % columns ? side - 1 : 0; // of the neighbour in the other column
        const auto take = [&](Index tile, Index r0, Index c0, Index r1, Index c1) {
          return part(grid[i], tile, side, r0, c0, r1, c1).flatten();
        };
        std::vector<Tensor> halo{take(beside, 1, near, side, near + 1)};
        if (!first) {
          halo.push_back(take(t - columns, side - 1, 1, side, side));
          halo.push_back(take(beside - columns, side - 1, near, side, near + 1));
        }
        if (!last) {
          halo.push_back(take(t + columns, 0, side - 1, 1, side));
          halo.push_back(take(beside + columns, 0, near, 1, near + 1));
        }
        addVertex(cs, t, "AroundBlock", part(grid[i], t, side, 0, 0, side, side),
                  part(grid[1 - i], t, side, 0, 0, side, side), halo);
      }
      program.add(Execute(cs));
    }
    return program;
  }

  /// The rims of the blocks are filled by copies from the neighbours' borders.
  Sequence explicitCopies() {
    const bool many = strategy == "many tensors";
    std::vector<Tensor> blocks[2];
    for (auto &list : blocks) {
      Tensor grid;
      if (!many)
        grid = graph.addVariable(FLOAT, {rows * rim, columns * rim}, "grid");
      for (Index t = 0; t != tiles; ++t) {
        list.push_back(many ? graph.addVariable(FLOAT, {rim, rim}, "block") : part(grid, t, rim, 0, 0, rim, rim));
        graph.setTileMapping(list[t], t);
      }
    }
    Sequence program;
    for (int i : {0, 1}) {
      program.add(strategy == "two waves" ? twoWaves(blocks[i]) : eightDirections(blocks[i], many));
      const ComputeSet cs = graph.addComputeSet("within");
      for (Index t = 0; t != tiles; ++t)
        addVertex(cs, t, "WithinBlock", blocks[i][t], blocks[1 - i][t]);
      program.add(Execute(cs));
    }
    return program;
  }

  static Tensor row(const Tensor &block, Index r, Index begin, Index end) {
    return block.slice({r, begin}, {r + 1, end});
  }
  static Tensor column(const Tensor &block, Index c, Index begin, Index end) {
    return block.slice({begin, c}, {end, c + 1});
  }

  Sequence twoWaves(const std::vector<Tensor> &b) const {
    Sequence rowsFirst, columnsThen;
    for (Index t = 0; t != tiles; ++t) {
      const bool left = t % columns == 0;
      // One element more than a border: the next block's first, or the rim's last.
      const auto around = [&](Index tile, Index r) {
        return left ? concat(row(b[tile], r, 1, rim), row(b[tile + 1], r, 0, 1), 1).slice(0, side + 1, 1)
                    : row(b[tile], r, 1, rim);
      };
      if (t / columns != 0)
        rowsFirst.add(Copy(around(t - columns, side), row(b[t], 0, 1, rim)));
      if (t / columns != rows - 1)
        rowsFirst.add(Copy(around(t + columns, 1), row(b[t], rim - 1, 1, rim)));
      columnsThen.add(left ? Copy(column(b[t + 1], 1, 0, rim), column(b[t], rim - 1, 0, rim))
                           : Copy(column(b[t - 1], side, 0, rim), column(b[t], 0, 0, rim)));
    }
    return Sequence{rowsFirst, columnsThen};
  }

  /// Tile by tile, or one direction after the other. With many tensors the published program takes as the northern
  /// neighbour of a tile its western one, or the tile itself, and likewise in the south.
  Sequence eightDirections(const std::vector<Tensor> &b, bool many) const {
    Sequence directions[6];
    for (Index t = 0; t != tiles; ++t) {
      const bool left = t % columns == 0;
      const Index step = many ? t % columns : columns, east = left ? 1 : 0;
      Sequence here[6];
      const auto fill = [&](int direction, const Tensor &from, const Tensor &to) {
        (strategy == "by direction" ? directions : here)[direction].add(Copy(from, to));
      };
      const Index corner = left ? rim - 1 : 0, source = left ? 1 : side;
      const auto beside = [&](Index tile) { return east ? tile + 1 : tile - 1; };
      if (t / columns != 0) {
        fill(0, row(b[t - step], side, 1, rim - 1), row(b[t], 0, 1, rim - 1));
        fill(1, b[beside(t - step)][side][source], b[t][0][corner]);
      }
      if (t / columns != rows - 1) {
        fill(2, row(b[t + step], 1, 1, rim - 1), row(b[t], rim - 1, 1, rim - 1));
        fill(3, b[beside(t + step)][1][source], b[t][rim - 1][corner]);
      }
      fill(left ? 4 : 5, column(b[beside(t)], source, 1, rim - 1), column(b[t], corner, 1, rim - 1));
      for (const Sequence &s : here)
        directions[0].add(s);
    }
    Sequence all;
    for (const Sequence &s : directions)
      all.add(s);
    return all;
  }
};

int main(int argc, char **argv) {
  const std::string strategy = argc > 1 ? argv[1] : "";
  if (!published.count(strategy)) {
    std::cerr << "unknown strategy '" << strategy << "'\n";
    return 2;
  }
  Device device = IPUModel("ipu1").createDevice();
  Graph graph(device);
  graph.addCodelets(__FILE__);
  Builder builder{graph, strategy};
  Engine engine(graph, Repeat(10, strategy == "implicit" ? builder.implicit() : builder.explicitCopies()));
  engine.loadAndRun(device);
  const auto [cycles, band] = published.at(strategy);
  const double off = static_cast<double>(engine.estimatedCycles()) / cycles - 1;
  std::cout << strategy << ": " << engine.estimatedCycles() << " cycles of the model, published " << std::uint64_t(cycles)
            << ": " << std::showpos << 100 * off << " %, " << (std::fabs(off) <= band ? "within" : "OUTSIDE")
            << " its band\n";
  return std::fabs(off) <= band ? 0 : 1;
}
#endif
