// Host and codelets in one source, told apart by the macro of the IPU target.
constexpr unsigned size = 5;
#ifndef __IPU__
#include <iostream>
#include <poplar/DeviceManager.hpp>
#include <poplar/Engine.hpp>
#include <popops/Loop.hpp>
using namespace poplar;
int main() {
  const auto devices = DeviceManager().getDevices(TargetType::IPU, 1);
  const Device &device = devices.at(0);
  device.attach();
  Graph graph(device.getTarget());
  graph.addCodelets(__FILE__);
  const Tensor squares = graph.addVariable(INT, {size}, "squares");
  graph.setTileMapping(squares, 1286);
  const ComputeSet cs = graph.addComputeSet("squares");
  graph.setTileMapping(graph.addVertex(cs, "Squares", {{"out", squares}}), 1286);
  Engine engine(graph, program::Sequence(program::Execute(cs), program::PrintTensor("squares", squares)));
  engine.setPrintTensorStream(std::cout);
  engine.load(device);
  engine.run(0);
}
#else
#include <poplar/Vertex.hpp>
struct Squares : public poplar::Vertex {
  poplar::Output<poplar::Vector<int>> out;
  void compute() {
    for (unsigned i = 0; i != size; ++i)
      out[i] = int(i * i);
  }
};
#endif
