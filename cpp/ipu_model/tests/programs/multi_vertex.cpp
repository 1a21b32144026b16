// Six workers on one state; codelets from a string stream; a template instantiation found by templateVertex.
#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>
#include <poplar/Program.hpp>
#include <poputil/VertexTemplates.hpp>

#include <iostream>
#include <numeric>
#include <sstream>

using namespace poplar;
using namespace poplar::program;

const char *const codelets = R"cpp(
#include <poplar/Vertex.hpp>
using namespace poplar;
namespace sums {
template <class T, bool squared>
class [[poplar::constraint("elem(*in) != elem(*partials)")]] PartialSums : public MultiVertex {
public:
  Input<Vector<T, VectorLayout::ONE_PTR, 8>> in;
  Output<Vector<T, VectorLayout::ONE_PTR>> partials;
  const unsigned n;
  bool compute(unsigned workerId) {
    T sum = 0;
    for (unsigned i = workerId; i < n; i += numWorkers())
      sum += squared ? in[i] * in[i] : in[i];
    partials[workerId] = sum;
    return true;
  }
};
template class PartialSums<float, false>;
template class PartialSums<int, true>;
}
)cpp";

int main() {
  auto device = IPUModel("ipu2").createDevice();
  Graph graph(device.getTarget());
  std::stringstream source(codelets);
  graph.addCodelets(source);

  const unsigned n = 50;
  std::vector<int> values(n);
  std::iota(values.begin(), values.end(), 1);
  auto in = graph.addConstant<int>(INT, {n}, values);
  auto partials = graph.addVariable(INT, {device.getTarget().getNumWorkerContexts()}, "partials");
  graph.setTileMapping(in, 3);
  graph.setTileMapping(partials, 3);
  auto cs = graph.addComputeSet({"sums"});
  auto v = graph.addVertex(cs, poputil::templateVertex("sums::PartialSums", INT, true),
                           {{"in", in}, {"partials", partials}, {"n", n}});
  graph.setTileMapping(v, 3);
  graph.setPerfEstimate(v, 100, 2 * n);
  graph.createHostRead("partials", partials);

  Sequence prog({Execute(cs), PrintTensor("partials", partials)});
  Engine engine(graph, prog);
  engine.setPrintTensorStream(std::cout);
  engine.load(device);
  engine.run();
  std::vector<int> result(6);
  engine.readTensor("partials", result.data(), result.data() + result.size());
  const int sum = std::accumulate(result.begin(), result.end(), 0);
  std::cout << "sum of squares " << sum << "\n";
  return sum == n * (n + 1) * (2 * n + 1) / 6 ? 0 : 1;
}
