// Reports of libpva are not covered: the compiler says so, and what there is instead.
#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>

int main() {
  const auto device = poplar::IPUModel().createDevice();
  poplar::Graph graph(device);
  poplar::Engine engine(graph, poplar::program::Sequence());
  engine.getReport();
}
