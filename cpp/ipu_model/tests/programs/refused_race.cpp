// Must be refused: six vertices of one compute set write the same elements.
#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>
#include <poplar/Program.hpp>

#include <sstream>

using namespace poplar;
using namespace poplar::program;

int main() {
  auto device = IPUModel().createDevice();
  Graph graph(device);
  std::stringstream source("#include <poplar/Vertex.hpp>\n"
                           "class Smooth : public poplar::Vertex {\n"
                           "public:\n"
                           "  poplar::InOut<poplar::Vector<float>> data;\n"
                           "  unsigned from, to;\n"
                           "  bool compute() { for (unsigned i = from; i < to; ++i) data[i] *= 0.5f; return true; }\n"
                           "};\n");
  graph.addCodelets(source);
  auto data = graph.addVariable(FLOAT, {600}, "data");
  graph.setTileMapping(data, 0);
  auto cs = graph.addComputeSet("smooth");
  for (unsigned worker = 0; worker < 6; ++worker) {
    auto v = graph.addVertex(cs, "Smooth", {{"data", data}});
    graph.setInitialValue(v["from"], worker * 100);
    graph.setInitialValue(v["to"], worker * 100 + 100);
    graph.setTileMapping(v, 0);
    graph.setPerfEstimate(v, 100);
  }
  Engine engine(graph, Execute(cs));
  return 0;
}
