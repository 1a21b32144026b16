// Options by Boost; matrix times vector with one vertex a row; streams to callbacks.
#include <boost/program_options.hpp>

#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>
#include <poplar/Program.hpp>

#include <cstdlib>
#include <iostream>

using namespace poplar;
using namespace poplar::program;
namespace po = boost::program_options;

int main(int argc, char **argv) {
  unsigned rows, cols;
  po::options_description desc("options");
  desc.add_options()("help", "this text")("rows", po::value<unsigned>(&rows)->default_value(4), "rows")(
      "cols", po::value<unsigned>(&cols)->required(), "columns");
  po::variables_map vm;
  try {
    po::store(po::parse_command_line(argc, argv, desc), vm);
    if (vm.count("help")) {
      std::cout << desc;
      return 0;
    }
    po::notify(vm);
  } catch (const po::error &e) {
    std::cerr << e.what() << "\n";
    return 3;
  }

  auto device = IPUModel().createDevice();
  Graph graph(device);
  graph.addCodelets("codelets/row_product.cpp");
  auto matrix = graph.addVariable(FLOAT, {rows, cols}, "matrix");
  auto in = graph.addVariable(FLOAT, {cols}, "in");
  auto out = graph.addVariable(FLOAT, {rows}, "out");
  graph.setTileMapping(in, 0);
  auto cs = graph.addComputeSet("mulCS");
  const unsigned tiles = graph.getTarget().getNumTiles();
  for (unsigned r = 0; r < rows; ++r) {
    const unsigned tile = r * tiles / rows;
    graph.setTileMapping(matrix[r], tile);
    graph.setTileMapping(out[r], tile);
    auto v = graph.addVertex(cs, "RowProduct", {{"row", matrix[r]}, {"in", in}, {"out", out[r]}});
    graph.setTileMapping(v, tile);
    graph.setPerfEstimate(v, 20 + cols);
  }
  auto toMatrix = graph.addHostToDeviceFIFO("matrix", FLOAT, rows * cols);
  auto toIn = graph.addHostToDeviceFIFO("in", FLOAT, cols);
  auto fromOut = graph.addDeviceToHostFIFO("out", FLOAT, rows);
  Engine engine(graph, Sequence{Copy(toMatrix, matrix), Copy(toIn, in), Execute(cs), Copy(out, fromOut)});
  engine.load(device);

  std::vector<float> m(rows * cols), x(cols), y(rows);
  for (auto &value : m)
    value = float(std::rand()) / float(RAND_MAX);
  for (auto &value : x)
    value = float(std::rand()) / float(RAND_MAX);
  engine.connectStream("matrix", m.data());
  engine.connectStreamToCallback("in", [&](void *p) { std::copy(x.begin(), x.end(), static_cast<float *>(p)); });
  engine.connectStreamToCallback(
      "out", [&](void *p) { std::copy_n(static_cast<const float *>(p), rows, y.begin()); });
  engine.run();
  for (unsigned r = 0; r < rows; ++r) {
    float expected = 0;
    for (unsigned c = 0; c < cols; ++c)
      expected += m[r * cols + c] * x[c];
    if (std::abs(expected - y[r]) > 1e-4f)
      return 1;
  }
  std::cout << "Multiplication result OK\n";
  engine.printProfileSummary(std::cout, {{"showExecutionSteps", "true"}});
}
