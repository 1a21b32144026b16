// Devices, targets, types, and what a graph tells about itself.

#include "fixture.hpp"
#include "poplar/DeviceManager.hpp"
#include "popops/TopK.hpp"
#include "poputil/Util.hpp"
#include <sstream>

using namespace poplar;
using namespace poplar::program;

TEST_CASE("devices are attached and detached, and no hardware is found") {
  Machine m;
  CHECK(m.device.attach());
  CHECK(m.device.isAttached());
  m.device.detach();
  CHECK(!m.device.isAttached());
  CHECK(m.device.createVirtualDevice(3).getTarget().getTilesPerIPU() == 3);
  const Device simulator = Device::createSimulatorDevice(m.graph.getTarget());
  CHECK(simulator.getTarget().getNumTiles() == m.graph.getTarget().getNumTiles());
  CHECK(DeviceManager().getNumDevices() == 0);
}

TEST_CASE("targets are made by hand and know the numbers of their machine") {
  const Target two = Target::createIPUTarget(2, "ipu2");
  CHECK(two.getNumIPUs() == 2);
  CHECK(two.getNumTiles() == 2 * 1472);
  CHECK(two.getTargetArchString().cloneAsString() == "ipu2");
  CHECK(two.getFloatVectorWidth() == 2);
  CHECK(two.getHalfVectorWidth() == 4);
  CHECK(two.getTileClockFrequency() > 1e9);
  CHECK(two.getMemcpyBytesPerCycle() == 8);
  CHECK(two.getGlobalSyncCycles() > two.getMinIPUSyncDelay());
  CHECK(two.getInterleavedMemoryElementIndex() < two.getMemoryElementOffsets().size());
  CHECK(Target::createIPUTarget(1, 5, "ipu1").getNumTiles() == 5);
  CHECK(two.createVirtualTarget(1, 7).getNumTiles() == 7);
  const bool cpu = Target::createCPUTarget().getTargetType() == TargetType::CPU;
  CHECK(cpu);
}

TEST_CASE("types have names and host types") {
  CHECK(FLOAT.toString() == "float");
  CHECK(FLOAT.isFloatingPoint());
  CHECK(HALF.isFloatingPoint());
  CHECK(!INT.isFloatingPoint());
  CHECK(FLOAT.hash() != INT.hash());
  const Type host = equivalent_device_type<unsigned>::value;
  CHECK(host == UNSIGNED_INT);
}

TEST_CASE("a graph tells what is in it") {
  Machine m;
  CHECK(!m.graph.hasCodelet("Sum"));
  m.addCodelets();
  CHECK(m.graph.hasCodelet("Sum"));
  CHECK(m.graph.getNumVertices() == 0);
  const Tensor in = m.variable(FLOAT, {2, 6}, "in"), out = m.variable(FLOAT, {}, "out");
  const ComputeSet cs = m.graph.addComputeSet("sum");
  const VertexRef v = m.graph.addVertex(cs, "Sum", {{"in", in.flatten()}, {"out", out}});
  m.graph.setTileMapping(v, 0);
  CHECK(m.graph.getNumVertices() == 1);
  std::ostringstream dot;
  m.graph.outputVertexGraph(dot, {Execute(cs)});
  CHECK_CONTAINS(dot.str(), "Sum");
  CHECK(in.reshapePartial(1, 2, {2, 3}).shape() == std::vector<std::size_t>{2, 2, 3});
  std::ostringstream regions;
  in.dumpRegions(regions);
  CHECK(!regions.str().empty());
  CHECK(m.graph.getTopLevelGraph().getNumVertices() == 1);
}

TEST_CASE("topK takes the largest in order, and regions are dealt to workers") {
  Machine m;
  const Tensor t = m.variable(FLOAT, {1, 5}, "t");
  Sequence prog;
  prog.add(Copy(m.constant<float>(FLOAT, {1, 5}, {3, 9, 1, 7, 5}), t));
  const Tensor top = popops::topK(m.graph, prog, t, popops::TopKParams(3, true, popops::SortOrder::DESCENDING));
  CHECK(m.result<float>(prog, top.flatten()) == std::vector<float>{9, 7, 5});
  const auto parts =
      poputil::splitRegionsBetweenWorkers(m.graph.getTarget(), std::vector<Interval>{{0, 60}}, 1);
  std::size_t all = 0;
  for (const auto &part : parts)
    for (const Interval &interval : part) all += interval.size();
  CHECK(parts.size() == 6);
  CHECK(all == 60);
}
