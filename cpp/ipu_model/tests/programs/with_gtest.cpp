// A program that is a GoogleTest suite without a main function; CPU and model devices.
#include <gtest/gtest.h>

#include <popops/ElementWise.hpp>
#include <popops/Reduce.hpp>
#include <popops/codelets.hpp>

#include <poplar/Device.hpp>
#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>

using namespace poplar;
using namespace poplar::program;

namespace {

template <class F> std::vector<float> evaluate(const Device &device, F build) {
  Graph graph(device.getTarget());
  popops::addCodelets(graph);
  auto a = graph.addVariable(FLOAT, {2, 3}, "a");
  graph.setTileMapping(a, 0);
  graph.setInitialValue(a, ArrayRef<float>{1, 2, 3, 4, 5, 6});
  Sequence prog;
  Tensor out = build(graph, a, prog);
  graph.createHostRead("out", out, true);
  Engine engine(graph, prog, OptionFlags{});
  engine.load(device);
  engine.run();
  std::vector<float> result(out.numElements());
  engine.readTensor("out", result.data(), result.data() + result.size());
  return result;
}

} // namespace

TEST(Reduce, rowsOnACpuDevice) {
  const auto device = Device::createCPUDevice();
  EXPECT_EQ(evaluate(device,
                     [](Graph &g, Tensor a, Sequence &s) {
                       return popops::reduce(g, a, {1}, popops::Operation::ADD, s, "rows");
                     }),
            (std::vector<float>{6, 15}));
}

TEST(Elementwise, transposedSum) {
  const auto device = IPUModel().createDevice();
  EXPECT_EQ(evaluate(device,
                     [](Graph &g, Tensor a, Sequence &s) {
                       return popops::add(g, a.transpose(), a.reshape({3, 2}), s, "sum");
                     }),
            (std::vector<float>{2, 6, 5, 9, 8, 12}));
}

TEST(Graph, unknownVertex) {
  const auto device = IPUModel().createDevice();
  Graph graph(device);
  auto cs = graph.addComputeSet();
  EXPECT_THROW(graph.addVertex(cs, "Nothing"), poplar_error);
}
