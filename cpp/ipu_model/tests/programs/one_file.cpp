// One file holds the program and its codelets; spellings of early SDKs.
#ifdef __POPC__

#include <poplar/Vertex.hpp>

using namespace poplar;

class Axpy : public Vertex {
public:
  Input<Vector<float>> x;
  InOut<Vector<float>> y;
  Input<float> a;

  bool compute() {
    for (unsigned i = 0; i < y.size(); ++i)
      y[i] += *a * x[i];
    return true;
  }
};

#else

#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>
#include <poplar/Program.hpp>

#include <iostream>
#include <vector>

using namespace poplar;
using namespace poplar::program;

int main() {
  const unsigned n = 100, tiles = 4;
  IPUModel ipuModel;
  ipuModel.tilesPerIPU = tiles;
  Device device = ipuModel.createDevice();
  Graph graph(device.getTarget());
  graph.addCodelets(__FILE__);

  Tensor x = graph.addVariable(FLOAT, {n}, "x");
  Tensor y = graph.addVariable(FLOAT, {n}, "y");
  Tensor a = graph.addConstant<float>(FLOAT, {}, 3.0f);
  graph.setTileMapping(a, 0);
  ComputeSet cs = graph.addComputeSet("axpy");
  for (unsigned tile = 0; tile < tiles; ++tile) {
    const unsigned begin = tile * n / tiles, end = (tile + 1) * n / tiles;
    graph.setTileMapping(x.slice(begin, end), tile);
    graph.setTileMapping(y.slice(begin, end), tile);
    VertexRef v = graph.addVertex(cs, "Axpy", {{"x", x.slice(begin, end)}, {"y", y.slice(begin, end)}});
    graph.connect(v["a"], a);
    graph.setTileMapping(v, tile);
    graph.setCycleEstimate(v, 20 + 3 * (end - begin));
  }
  graph.createHostWrite("x", x);
  graph.createHostWrite("y", y);
  graph.createHostRead("y", y);

  Engine engine(graph, Sequence(Execute(cs), Execute(cs)), OptionFlags{{"debug.instrument", "true"}});
  engine.load(device);
  std::vector<float> hx(n), hy(n, 1.0f);
  for (unsigned i = 0; i < n; ++i)
    hx[i] = i;
  engine.writeTensor("x", hx.data());
  engine.writeTensor("y", hy.data(), hy.data() + hy.size());
  engine.run();
  engine.readTensor("y", hy.data());
  for (unsigned i = 0; i < n; ++i)
    if (hy[i] != 1 + 6.0f * i) {
      std::cerr << "y[" << i << "] = " << hy[i] << "\n";
      return 1;
    }
  std::cout << "axpy OK\n";
}

#endif
