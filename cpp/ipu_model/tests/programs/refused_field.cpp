// Must be refused: vertex state cannot hold an array.
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>

#include <sstream>

int main() {
  auto device = poplar::IPUModel().createDevice();
  poplar::Graph graph(device);
  std::stringstream source("#include <poplar/Vertex.hpp>\n"
                           "class Histogram : public poplar::Vertex {\n"
                           "public:\n"
                           "  poplar::Input<poplar::Vector<unsigned>> in;\n"
                           "  unsigned bins[16];\n"
                           "  bool compute() { for (unsigned x : in) ++bins[x % 16]; return true; }\n"
                           "};\n");
  graph.addCodelets(source);
  return 0;
}
