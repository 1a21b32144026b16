// Cycles, memory, reports, and the two ways of running vertices.

#include "fixture.hpp"
#include "codelets/codelet_cache.hpp"
#include "cost_model.hpp"
#include "poplar/CSRFunctions.hpp"
#include "poplar/DeviceManager.hpp"
#include "poplar/RandomSeed.hpp"
#include "poplar/exceptions.hpp"
#include "popops/Cast.hpp"
#include "popops/ElementWise.hpp"
#include "popops/Reduce.hpp"
#include "poprand/RandomGen.hpp"
#include "poputil/TileMapping.hpp"
#include <cstdlib>
#include <filesystem>
#include <sstream>

using namespace poplar;
using namespace poplar::program;

namespace {

/// Compute set with `vertices` Counts on tile 0, each with the estimate 10 * (number + 1).
struct Counts : Machine {
  explicit Counts(unsigned vertices) {
    addCodelets();
    cs = graph.addComputeSet("counts");
    for (unsigned i = 0; i != vertices; ++i) {
      const VertexRef v = graph.addVertex(cs, "Count", {{"out", variable(INT, {}, "n")}});
      graph.setTileMapping(v, 0);
      graph.setPerfEstimate(v, 10 * (i + 1));
    }
  }
  ComputeSet cs;
};

std::uint64_t cyclesOf(Machine &m, const Program &prog) {
  Engine engine(m.graph, prog);
  engine.load(m.device);
  engine.run();
  return engine.estimatedCycles();
}

/// Checks brackets, strings and commas; enough to find what a JSON reader would refuse.
bool isBalancedJson(const std::string &text) {
  std::string open;
  bool inString = false;
  for (std::size_t i = 0; i != text.size(); ++i) {
    const char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
      continue;
    }
    if (c == '"')
      inString = true;
    if (c == '{' || c == '[')
      open += c;
    if (c == '}' || c == ']') {
      if (open.empty() || open.back() != (c == '}' ? '{' : '['))
        return false;
      open.pop_back();
    }
    if (c == ',' && i + 1 < text.size() && (text[i + 1] == ']' || text[i + 1] == '}'))
      return false;
  }
  return open.empty() && !inString;
}

} // namespace

TEST_CASE("six workers get the vertices in turn, the busiest counts six times") {
  // Workers: 10+70, 20, 30, 40, 50, 60: the first has 80 of its issue slots, one in six cycles.
  Counts seven(7);
  CHECK(cyclesOf(seven, Execute(seven.cs)) == 6 * 80);
  Counts one(1);
  CHECK(cyclesOf(one, Repeat(5, Execute(one.cs))) == 5 * 60);
}

TEST_CASE("the slowest tile decides; vertices with all workers count once") {
  Machine m;
  m.addCodelets();
  const ComputeSet cs = m.graph.addComputeSet("cs");
  const VertexRef all = m.graph.addVertex(cs, "Workers", {{"out", m.variable(INT, {4}, "w", 1)}});
  m.graph.setTileMapping(all, 1);
  m.graph.setPerfEstimate(all, 500);
  const VertexRef one = m.graph.addVertex(cs, "Count", {{"out", m.variable(INT, {}, "n", 2)}});
  m.graph.setTileMapping(one, 2);
  m.graph.setCycleEstimate(one, 80);
  CHECK(cyclesOf(m, Execute(cs)) == 500);
  CHECK(m.graph.getPerfEstimate(one).cycles == 80);
}

TEST_CASE("an exchange costs its largest tile, the latency and a sync") {
  Machine m;
  m.addCodelets();
  const Tensor far = m.variable(FLOAT, {300}, "far", 1), sums = m.variable(FLOAT, {2}, "sums", 2);
  const ComputeSet cs = m.graph.addComputeSet("cs");
  for (unsigned i = 0; i != 2; ++i) { // both read the same: it arrives once
    const VertexRef v = m.graph.addVertex(cs, "Sum", {{"in", far}, {"out", sums[i]}});
    m.graph.setTileMapping(v, 2);
    m.graph.setPerfEstimate(v, 100);
  }
  const std::uint64_t exchange = 300 + 52 + 90; // 4 bytes a cycle; constants of the cost model
  CHECK(cyclesOf(m, Execute(cs)) == 600 + exchange);
  // Without the delay of the sync.
  IPUModel quick;
  quick.tilesPerIPU = 8;
  quick.minIPUSyncDelay = 0;
  CHECK(quick.createDevice().getTarget().getMinIPUSyncDelay() == 0);
}

TEST_CASE("copies that follow each other are one step, in nested sequences too, but not where one runs elsewhere") {
  Machine m;
  const Tensor a = m.variable(FLOAT, {40}, "a", 0), b = m.variable(FLOAT, {40}, "b", 1);
  const Copy low(a.slice(0, 20), b.slice(0, 20)), high(a.slice(20, 40), b.slice(20, 40));
  const std::uint64_t apart = cyclesOf(m, Copy(a.slice(0, 20), b.slice(0, 20)));
  CHECK(apart == 20 + 52 + 90);
  CHECK(cyclesOf(m, Sequence{low, high}) == 40 + 52 + 90);
  CHECK(cyclesOf(m, Sequence{Sequence{low}, Sequence{Sequence{high}}}) == 40 + 52 + 90);
  CHECK(cyclesOf(m, Sequence{low, high, low}) == 3 * apart);
}

TEST_CASE("what arrives off an 8-byte boundary is moved into place by a short copy") {
  Machine m;
  const Tensor a = m.variable(FLOAT, {101}, "a", 0), b = m.variable(FLOAT, {101}, "b", 1);
  CHECK(cyclesOf(m, Copy(a.slice(0, 100), b.slice(0, 100))) == 100 + 52 + 90);
  CHECK(cyclesOf(m, Copy(a.slice(0, 100), b.slice(1, 101))) == 6 * 77 + 100 + 52 + 90);
  CHECK(cyclesOf(m, Copy(a.slice(0, 99), b.slice(0, 99))) == 6 * 77 + 99 + 52 + 90);
}

TEST_CASE("scattered elements are sent and received one by one, both ways at once") {
  Machine m;
  m.addCodelets();
  const Tensor grid = m.variable(FLOAT, {40, 2}, "grid", 1), sums = m.variable(FLOAT, {2}, "sums", 0);
  const ComputeSet cs = m.graph.addComputeSet("cs");
  m.graph.setTileMapping(sums[1], 1);
  const Tensor other = m.variable(FLOAT, {40, 2}, "other", 0);
  for (unsigned tile : {0u, 1u}) {
    const VertexRef v = m.graph.addVertex(
        cs, "Sum", {{"in", (tile ? other : grid).slice(0, 1, 1).flatten()}, {"out", sums[tile]}});
    m.graph.setTileMapping(v, tile);
    m.graph.setPerfEstimate(v, 100);
  }
  CHECK(cyclesOf(m, Execute(cs)) == 600 + 3 * 40 + 52 + 90);
}

TEST_CASE("estimators: of a vertex type, of nobody") {
  Machine m;
  m.addCodelets();
  const Tensor in = m.variable(FLOAT, {10}, "in"), out = m.variable(FLOAT, {}, "out");
  const ComputeSet cs = m.graph.addComputeSet("cs");
  const VertexRef v = m.graph.addVertex(cs, "Sum", {{"in", in}, {"out", out}});
  m.graph.setTileMapping(v, 0);
  CHECK_THROWS_AS(m.graph.getPerfEstimate(v), missing_perf_estimate);
  CHECK(cyclesOf(m, Execute(cs)) == 6 * ipu_model::defaultVertexCycles(11));
  m.graph.registerPerfEstimator("Sum", [](const VertexIntrospector &vertex, const Target &target) {
    return VertexPerfEstimate(vertex.getFieldInfo("in").size() * target.getTypeSize(FLOAT));
  });
  CHECK(m.graph.getPerfEstimate(v).cycles == 40);
  CHECK(cyclesOf(m, Execute(cs)) == 240);
  m.graph.registerCycleEstimator("Sum", [](const VertexIntrospector &, const Target &) { return std::uint64_t{7}; });
  CHECK(cyclesOf(m, Execute(cs)) == 42);
}

TEST_CASE("reports add up and say what they are") {
  Counts m(3);
  Engine engine(m.graph, Sequence(Execute(m.cs, "step \"one\""), Repeat(2, Execute(m.cs))));
  engine.load(m.device);
  engine.run();
  CHECK(engine.estimatedCycles() == 3 * 180);
  std::ostringstream text, json, memory, timeline;
  engine.printProfileSummary(text, {{"showExecutionSteps", "true"}});
  engine.writeReportJson(json);
  engine.writeMemorySvg(memory);
  engine.writeTimelineSvg(timeline);
  for (const std::string &report : {text.str(), json.str(), memory.str(), timeline.str()})
    CHECK_CONTAINS(report, ipu_model::disclaimer);
  CHECK_CONTAINS(text.str(), "Total cycles:                                  540");
  CHECK_CONTAINS(text.str(), "2 x Execute");
  CHECK(isBalancedJson(json.str()));
  CHECK_CONTAINS(json.str(), "\"cycles\":{\"total\":540,\"compute\":540,\"exchange\":0,\"host\":0,\"sync\":0}");
  CHECK_CONTAINS(json.str(), "\"tileComputeCycles\":[540,0,0,0,0,0,0,0]");
  CHECK_CONTAINS(json.str(), "{\"name\":\"Count\",\"instances\":6,\"cycles\":180}");
  CHECK_CONTAINS(json.str(), "step \\\"one\\\"");
  for (std::size_t i = 0; i != ipu_model::cost::count; ++i) { // every constant, with its source
    const ipu_model::CostConstant &c = ipu_model::costConstant(static_cast<ipu_model::cost::Id>(i));
    REQUIRE(c.name != nullptr);
    CHECK_CONTAINS(json.str(), std::string("\"source\":\"") + c.source);
  }
  CHECK_CONTAINS(memory.str(), "Vertex Field Data");
  CHECK_CONTAINS(timeline.str(), "180 cycles of compute from 360");
  engine.resetExecutionProfiling();
  CHECK(engine.estimatedCycles() == 0);
}

TEST_CASE("reports keep to themselves: no setting of a stream changes them, and they change none") {
  Counts m(3);
  Engine engine(m.graph, Execute(m.cs));
  engine.loadAndRun(m.device);
  using Report = void (*)(Engine &, std::ostream &);
  const Report reports[] = {
      [](Engine &e, std::ostream &out) { e.printProfileSummary(out, {{"showVarStorage", "true"}}); },
      [](Engine &e, std::ostream &out) { e.writeReportJson(out); },
      [](Engine &e, std::ostream &out) { e.writeMemorySvg(out); },
      [](Engine &e, std::ostream &out) { e.writeTimelineSvg(out); }};
  for (const Report report : reports) {
    std::ostringstream plain, set;
    report(engine, plain);
    set << std::hex << std::showbase << std::fixed;
    set.precision(1);
    const auto flags = set.flags();
    report(engine, set);
    CHECK(set.str() == plain.str());
    CHECK(set.flags() == flags);
    CHECK(set.precision() == 1);
    CHECK(plain.precision() == 6);
  }
  std::ostringstream both;
  engine.printProfileSummary(both);
  engine.writeReportJson(both);
  CHECK(both.str().find("e+03") == std::string::npos);
}

TEST_CASE("reports that are written at the end go to a folder that is made for them") {
  const ipu_model::TemporaryFolder folder;
  const std::string reports = (folder.path() / "new" / "reports").string();
  {
    Counts m(1);
    Engine engine(m.graph, Execute(m.cs), {{"autoReport.all", "true"}, {"autoReport.directory", reports}});
    engine.loadAndRun(m.device);
  }
  for (const char *name : {"report.json", "memory.svg", "timeline.svg"})
    CHECK_MESSAGE(std::filesystem::file_size(std::filesystem::path(reports) / name) > 0, name);
}

TEST_CASE("the fast and the checking way of running agree bit for bit") {
  const auto compute = [](const OptionFlags &options) {
    Machine m(16);
    m.addCodelets();
    const Tensor t = m.graph.addVariable(FLOAT, {64, 8}, "t");
    poputil::mapTensorLinearly(m.graph, t, 1, 1);
    Sequence prog;
    const Tensor seed = m.constant<unsigned>(UNSIGNED_INT, {2}, {7, 8});
    const Tensor random = poprand::normal(m.graph, &seed, 1, t, FLOAT, 0, 1, prog);
    const Tensor sums = m.graph.addVariable(FLOAT, {64}, "sums"), n = m.variable(INT, {}, "n");
    poputil::mapTensorLinearly(m.graph, sums, 1, 1);
    const ComputeSet cs = m.graph.addComputeSet("cs");
    for (unsigned i = 0; i != 64; ++i)
      m.graph.setTileMapping(m.graph.addVertex(cs, "Sum", {{"in", random.transpose().flatten().slice(i, i + 8)}, {"out", sums[i]}}), i % 16);
    m.graph.setTileMapping(m.graph.addVertex(cs, "Count", {{"out", n}, {"step", 1}}), 3);
    prog.add(Repeat(3, Execute(cs)));
    popops::mulInPlace(m.graph, sums, popops::sigmoid(m.graph, sums, prog), prog);
    const Tensor total = popops::reduce(m.graph, sums, {0}, popops::Operation::ADD, prog);
    prog.add(Copy(popops::cast(m.graph, n, FLOAT, prog), sums[0]));
    return m.result<std::uint32_t>(prog, concat(sums, total.expand({0})).reinterpret(UNSIGNED_INT), options);
  };
  const auto fast = compute({{"target.threads", "4"}});
  CHECK(fast.size() == 65);
  CHECK(fast == compute({{"target.threads", "1"}}));
  for (const char *seed : {"1", "2", "3"})
    CHECK(fast == compute({{"debug.mode", "true"}, {"debug.shuffleSeed", seed}}));
}

TEST_CASE("targets and devices") {
  const Device one = IPUModel("ipu1").createDevice(), two = IPUModel().createDevice();
  CHECK(one.getTarget().getTilesPerIPU() == 1216);
  CHECK(one.getTarget().getBytesPerTile() == 262144);
  CHECK(two.getTarget().getTilesPerIPU() == 1472);
  CHECK(two.getTarget().getBytesPerTile() == 638976);
  CHECK(two.getTarget().getVectorWidth(HALF) == 4);
  CHECK(two.getTarget().getTypeSize(BOOL) == 1);
  CHECK((two.getTarget().getTargetType() == TargetType::IPU_MODEL));
  CHECK_CONTAINS(messageOf<invalid_machine_model>([] { IPUModel("ipu9"); }), "'ipu9'");
  unsetenv("IPU_MODEL_AS_DEVICE");
  CHECK(DeviceManager::createDeviceManager().getDevices(TargetType::IPU, 1).empty());
  CHECK_THROWS_AS(DeviceManager().acquireAvailableDevice(), runtime_error);
  setenv("IPU_MODEL_AS_DEVICE", "ipu2", 1);
  DeviceManager manager;
  const auto devices = manager.getDevices(TargetType::IPU, 2);
  unsetenv("IPU_MODEL_AS_DEVICE");
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].attach());
  CHECK(devices[0].getTarget().getNumTiles() == 2944);
  CHECK((manager.getDevices(TargetType::CPU, 1).at(0).getTarget().getTargetType() == TargetType::CPU));
  const float values[] = {1.0f, 65504.0f, 6e-8f, -0.1f};
  std::uint16_t half[4];
  float back[4];
  copyFloatToDeviceHalf(two.getTarget(), values, half, 4);
  copyDeviceHalfToFloat(two.getTarget(), half, back, 4);
  CHECK(half[0] == 0x3c00);
  CHECK(back[1] == 65504.0f);
  CHECK(half[2] == 1); // the smallest subnormal
  CHECK(back[3] == doctest::Approx(-0.1).epsilon(0.001));
}

TEST_CASE("what is not covered says so") {
  Machine m;
  std::stringstream stream("executable 0 of another process");
  CHECK_CONTAINS(messageOf<poplar_error>([&] { Executable::deserialize(stream); }), "did not write the executable");
  CHECK_CONTAINS(messageOf<poplar_error>([&] { Call(HostFunction(), {}, {}); }), "HostFunction is not covered");
  CHECK_CONTAINS(messageOf<poplar_error>([&] { m.graph.addHostFunction("f", 1, 2); }), "'f') is not covered");
  CHECK_CONTAINS(messageOf<poplar_error>([&] { CrossReplicaCopy(1, 2); }), "one replica");
  CHECK_CONTAINS(messageOf<graph_replication_error>([&] { Graph(m.device, 2); }), "replication factor 2");
  CHECK_CONTAINS(messageOf<type_error>([&] { m.constant<float>(QUARTER, {1}, {1}); }), "'quarter'");
  Sequence prog;
  setFloatingPointBehaviour(m.graph, prog, FloatingPointBehaviour());
  CHECK(getHwSeeds(m.graph, prog).shape() == std::vector<std::size_t>{8, 6, 4});
  CHECK(prog.isEmpty());
}
