// Two remote buffers, rows addressed by an offset tensor, rows of host memory in and out.
#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>
#include <poplar/Program.hpp>
#include <popops/ElementWise.hpp>
#include <popops/codelets.hpp>
#include <poputil/TileMapping.hpp>

#include <algorithm>
#include <iostream>

using namespace poplar;
using namespace poplar::program;

int main() {
  const std::size_t n = 600, repeats = 4;
  auto device = IPUModel{}.createDevice();
  Graph graph{device.getTarget()};
  popops::addCodelets(graph);

  auto data = graph.addVariable(INT, {n}, "data");
  auto offset = graph.addVariable(INT, {1}, "offset");
  auto one = graph.addConstant(INT, {1}, 1, "one");
  auto hundred = graph.addConstant(INT, {}, 100, "hundred");
  poputil::mapTensorLinearly(graph, data);
  for (auto t : {offset, one, hundred})
    graph.setTileMapping(t, 0);
  graph.setInitialValue(offset, ArrayRef<int>{0});
  auto in = graph.addRemoteBuffer("in", INT, n, repeats);
  auto out = graph.addRemoteBuffer("out", INT, n, repeats);

  Sequence body;
  body.add(Copy(in, data, offset));
  popops::addInPlace(graph, data, hundred, body, "data += 100");
  body.add(Copy(data, out, offset));
  popops::addInPlace(graph, offset, one, body, "offset++");

  Engine engine(graph, Repeat(repeats, body));
  engine.load(device);
  std::vector<int> row(n);
  for (std::size_t r = 0; r < repeats; ++r) {
    std::fill(row.begin(), row.end(), int(r));
    engine.copyToRemoteBuffer(row.data(), "in", r);
  }
  engine.run(0);
  for (std::size_t r = 0; r < repeats; ++r) {
    engine.copyFromRemoteBuffer("out", row.data(), r);
    if (!std::all_of(row.begin(), row.end(), [&](int x) { return x == 100 + int(r); })) {
      std::cerr << "row " << r << " is wrong\n";
      return 1;
    }
  }
  std::cout << "remote buffers OK\n";
  return EXIT_SUCCESS;
}
