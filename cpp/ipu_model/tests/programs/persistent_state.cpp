// Fields of a vertex keep their values between executions and runs, and start anew after a load.
#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>
#include <poplar/Program.hpp>

#include <iostream>
#include <sstream>

using namespace poplar;
using namespace poplar::program;

int main() {
  auto device = IPUModel().createDevice();
  Graph graph(device);
  std::stringstream source(R"(
    #include <poplar/Vertex.hpp>
    class Lfsr : public poplar::Vertex {
      unsigned state;
      std::size_t calls;
    public:
      poplar::Output<poplar::Vector<unsigned>> out;
      poplar::Vector<unsigned, poplar::VectorLayout::ONE_PTR> history;
      bool compute() {
        for (auto &x : out) {
          state ^= state << 13;
          state ^= state >> 17;
          state ^= state << 5;
          x = state;
        }
        history[calls % 4] = state;
        ++calls;
        return true;
      }
    };)");
  graph.addCodelets(source, "-O2");
  auto out = graph.addVariable(UNSIGNED_INT, {2, 4}, "out");
  auto cs = graph.addComputeSet("random");
  for (unsigned tile = 0; tile < 2; ++tile) {
    graph.setTileMapping(out[tile], tile);
    auto v = graph.addVertex(cs, "Lfsr");
    graph.connect(v["out"], out[tile]);
    graph.setInitialValue(v["state"], 2463534242u + tile);
    graph.setInitialValue(v["calls"], 0);
    graph.setFieldSize(v["history"], 4);
    graph.setTileMapping(v, tile);
    graph.setPerfEstimate(v, 40);
  }
  graph.createHostRead("out", out);
  Engine engine(graph, Execute(cs));
  engine.load(device);

  std::vector<unsigned> got(8), expected(8);
  unsigned state[2] = {2463534242u, 2463534243u};
  const auto advance = [&] {
    for (unsigned i = 0; i < 8; ++i) {
      unsigned &s = state[i / 4];
      s ^= s << 13;
      s ^= s >> 17;
      s ^= s << 5;
      expected[i] = s;
    }
  };
  for (int run = 0; run < 3; ++run) {
    engine.run();
    advance();
    engine.readTensor("out", got.data(), got.data() + 8);
    if (got != expected) {
      std::cerr << "run " << run << " differs\n";
      return 1;
    }
  }
  engine.load(device);
  engine.run();
  state[0] = 2463534242u, state[1] = 2463534243u;
  advance();
  engine.readTensor("out", got.data(), got.data() + 8);
  if (got != expected)
    return 1;
  std::cout << "state OK\n";
}
