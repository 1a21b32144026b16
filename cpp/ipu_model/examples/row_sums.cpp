// Sums the rows of a matrix, a row a tile. Run with: ./poplar-run examples/row_sums.cpp
#ifdef __POPC__
#include <poplar/Vertex.hpp>
class SumRow : public poplar::Vertex {
public:
  poplar::Input<poplar::Vector<float>> row;
  poplar::Output<float> sum;
  bool compute() {
    *sum = 0.0f;
    for (unsigned i = 0; i != row.size(); ++i)
      *sum = *sum + row[i];
    return true;
  }
};
#else
#include <iostream>
#include <poplar/Engine.hpp>
#include <poplar/IPUModel.hpp>
using namespace poplar;
int main() {
  Device device = IPUModel("ipu2").createDevice();
  Graph graph(device);
  graph.addCodelets(__FILE__);
  const Tensor matrix = graph.addVariable(FLOAT, {4, 100}, "matrix");
  const Tensor sums = graph.addVariable(FLOAT, {4}, "sums");
  graph.setTileMapping(sums, 0);
  const ComputeSet cs = graph.addComputeSet("rows");
  for (unsigned i = 0; i != 4; ++i) {
    graph.setTileMapping(matrix[i], i);
    const VertexRef v = graph.addVertex(cs, "SumRow", {{"row", matrix[i]}, {"sum", sums[i]}});
    graph.setTileMapping(v, i);
    graph.setPerfEstimate(v, 10 + 100 / 2);
  }
  graph.createHostWrite("matrix", matrix);
  Engine engine(graph, program::Sequence(program::Execute(cs), program::PrintTensor("sums", sums)));
  engine.load(device);
  engine.writeTensor("matrix", std::vector<float>(400, 0.25f));
  engine.run();
  engine.printProfileSummary(std::cout, {{"showExecutionSteps", "true"}});
}
#endif
