// A loop that stops by data, codelets by a path relative to this file, flags with an include folder.
#include <poplar/DeviceManager.hpp>
#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>
#include <poplar/Program.hpp>

#include <iostream>

using namespace poplar;
using namespace poplar::program;

int main(int argc, char **argv) {
  const unsigned start = argc > 1 ? std::stoul(argv[1]) : 27;
  auto device = IPUModel().createDevice();
  Graph graph(device);
  graph.addCodelets({"codelets/collatz.cpp"}, "-O3 -I codelets");

  auto value = graph.addVariable(UNSIGNED_INT, {}, "value");
  auto steps = graph.addVariable(UNSIGNED_INT, {}, "steps");
  auto running = graph.addVariable(BOOL, {}, "running");
  for (auto &t : {value, steps, running})
    graph.setTileMapping(t, 5);
  graph.setInitialValue(value, start);
  graph.setInitialValue(steps, 0u);
  graph.setInitialValue(running, true);

  auto cs = graph.addComputeSet("step");
  auto v = graph.addVertex(cs, "CollatzStep", {{"value", value}, {"steps", steps}, {"running", running}});
  graph.setTileMapping(v, 5);
  graph.setPerfEstimate(v, 30);
  graph.createHostRead("steps", steps);

  Engine engine(graph, RepeatWhileTrue(Sequence{}, running, Execute(cs)));
  engine.loadAndRun(device);
  unsigned result = 0;
  engine.readTensor("steps", &result, &result + 1);
  std::cout << start << " needs " << result << " steps\n";
}
