// What the model itself costs: builds a compute set of N small vertices (default 100000) on the tiles of an ipu2
// and prints the times to build the graph and the engine, the median time of a run, and the peak memory.
// Run with: ./poplar-run examples/overhead.cpp [N]
#ifdef __POPC__
#include <poplar/Vertex.hpp>
class Small : public poplar::Vertex {
public:
  poplar::Input<poplar::Vector<float>> a;
  poplar::Input<float> b;
  poplar::Output<float> out;
  unsigned number;
  bool compute() {
    *out = a[0] + *b;
    return true;
  }
};
#else
#include <algorithm>
#include <chrono>
#include <iostream>
#include <poplar/Engine.hpp>
#include <poplar/IPUModel.hpp>
#include <sys/resource.h>

using namespace poplar;

int main(int argc, char **argv) {
  const unsigned n = argc > 1 ? static_cast<unsigned>(std::stoul(argv[1])) : 100000;
  auto seconds = [start = std::chrono::steady_clock::now()]() mutable {
    const auto before = start;
    start = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(start - before).count();
  };
  const Device device = IPUModel("ipu2").createDevice();
  Graph graph(device);
  graph.addCodelets(__FILE__);
  seconds();
  const Tensor a = graph.addVariable(FLOAT, {n, 4}, "a"), b = graph.addVariable(FLOAT, {n}, "b");
  const Tensor out = graph.addVariable(FLOAT, {n}, "out");
  const ComputeSet cs = graph.addComputeSet("small vertices");
  const std::uint64_t tiles = graph.getTarget().getNumTiles();
  for (unsigned i = 0; i != n; ++i) {
    const auto tile = static_cast<unsigned>(i * tiles / n);
    const VertexRef v = graph.addVertex(
        cs, "Small", {{"a", a[i]}, {"b", b[(i + 1) % n]}, {"out", out[i]}, {"number", i}});
    graph.setTileMapping(v, tile);
    graph.setPerfEstimate(v, 20);
    for (const Tensor &t : {a[i], b[i], out[i]})
      graph.setTileMapping(t, tile);
  }
  const double toBuild = seconds();
  Engine engine(graph, program::Execute(cs), {{"debug.allowOutOfMemory", "true"}});
  engine.load(device);
  const double toCompile = seconds();
  std::vector<double> runs;
  for (int i = 0; i != 21; ++i) {
    engine.run();
    runs.push_back(seconds());
  }
  std::nth_element(runs.begin(), runs.begin() + 10, runs.end());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << n << " vertices on " << tiles << " tiles: graph " << toBuild << " s, engine "
            << toCompile << " s, run " << runs[10] * 1e3 << " ms, peak memory "
            << usage.ru_maxrss / 1024 << " MiB\n";
}
#endif
