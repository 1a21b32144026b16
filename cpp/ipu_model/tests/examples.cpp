// The README shows what the examples are; the constructs of the public tutorials give what those print.

#include "fixture.hpp"
#include <fstream>
#include <sstream>

using namespace poplar;
using namespace poplar::program;

namespace {
std::string contents(const std::string &path) {
  std::ifstream in(path);
  REQUIRE_MESSAGE(in.good(), path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}
} // namespace

TEST_CASE("the README holds the example as it is") {
  const std::string readme = contents(IPU_MODEL_EXAMPLES "/../README.md");
  CHECK_CONTAINS(readme, contents(IPU_MODEL_EXAMPLES "/row_sums.cpp"));
}

TEST_CASE("variables, slices of two dimensions and a stream read twice, as in tutorial 1") {
  Machine m;
  const Tensor v1 = m.variable(FLOAT, {4}, "v1"), v3 = m.variable(FLOAT, {4, 4}, "v3"), v4 = m.variable(INT, {10}, "v4");
  const DataStream stream = m.graph.addHostToDeviceFIFO("numbers", INT, 10);
  m.graph.createHostWrite("write", v3);
  m.graph.createHostRead("read", v3);
  Sequence prog;
  prog.add(Copy(m.constant<float>(FLOAT, {4}, {1.0f, 1.5f, 2.0f, 2.5f}), v1));
  prog.add(Copy(v1.slice(0, 3), v3.slice({1, 1}, {2, 4}))); // another shape, as many elements
  for (const char *title : {"v4-0", "v4-1"}) {
    prog.add(Copy(stream, v4));
    prog.add(PrintTensor(title, v4));
  }
  Engine engine(m.graph, prog);
  std::ostringstream printed;
  engine.setPrintTensorStream(printed);
  engine.load(m.device);
  std::vector<float> h3(16, 0.0f);
  auto numbers = counting<int>(30);
  engine.writeTensor("write", h3.data(), h3.data() + h3.size());
  engine.connectStream("numbers", numbers.data(), numbers.data() + numbers.size());
  engine.run(0);
  engine.readTensor("read", h3.data(), h3.data() + h3.size());
  CHECK(std::vector<float>(h3.begin() + 4, h3.begin() + 8) == std::vector<float>{0, 1, 1.5f, 2});
  CHECK(std::accumulate(h3.begin(), h3.end(), 0.0f) == 4.5f);
  CHECK(printed.str() == "v4-0: [0 1 2 3 4 5 6 7 8 9]\nv4-1: [10 11 12 13 14 15 16 17 18 19]\n");
}
