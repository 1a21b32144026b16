// Functions, branches, loops, host callbacks and library calls in one program.
#include <poplar/Engine.hpp>
#include <poplar/Graph.hpp>
#include <poplar/IPUModel.hpp>
#include <poplar/Program.hpp>
#include <poplin/MatMul.hpp>
#include <poplin/codelets.hpp>
#include <popops/Cast.hpp>
#include <popops/ElementWise.hpp>
#include <popops/Fill.hpp>
#include <popops/Loop.hpp>
#include <popops/Zero.hpp>
#include <popops/codelets.hpp>
#include <poputil/TileMapping.hpp>

#include <iostream>
#include <map>

using namespace poplar;
using namespace poplar::program;

int main() {
  auto device = IPUModel().createDevice();
  Graph graph(device);
  popops::addCodelets(graph);
  poplin::addCodelets(graph);

  auto counter = graph.addVariable(INT, {}, "counter");
  auto which = graph.addVariable(INT, {}, "which");
  graph.setTileMapping(counter, 0);
  graph.setTileMapping(which, 1);
  auto one = graph.addConstant<int>(INT, {}, 1);
  auto ten = graph.addConstant<int>(INT, {}, 10);
  graph.setTileMapping(one, 0);
  graph.setTileMapping(ten, 0);

  Sequence addOne, addTen;
  popops::addInPlace(graph, counter, one, addOne, "+1");
  popops::addInPlace(graph, counter, ten, addTen, "+10");
  auto plusOne = graph.addFunction(addOne);

  std::map<std::string, Program> programs;
  Sequence init;
  popops::zero(graph, counter, init, "init");
  programs["init"] = init;
  Switch choose(which, {{1, Call(plusOne)}, {2, addTen}}, Sequence{});
  programs["choose"] = choose;
  Sequence branch;
  auto big = popops::gt(graph, counter, ten, branch, "big");
  branch.add(If(big, Call(plusOne), addTen));
  programs["branch"] = branch;
  programs["loop"] = popops::countedLoop(graph, 3, [&](const Tensor &) { return Call(plusOne); }, "loop");

  auto a = graph.addVariable(FLOAT, {2, 3}, "a");
  poputil::mapTensorLinearly(graph, a);
  Sequence product;
  popops::fill(graph, a, product, 2.0f, "fill");
  auto square = poplin::matMul(graph, a, a.transpose(), product, "aa");
  auto asInt = popops::cast(graph, square, INT, product, "cast");
  product.add(PrintTensor("square", asInt));
  programs["product"] = product;

  graph.createHostWrite("which", which);
  graph.createHostRead("counter", counter);
  std::vector<Program> all;
  std::map<std::string, unsigned> ids;
  for (const auto &[name, program] : programs) {
    ids[name] = all.size();
    all.push_back(program);
  }
  Engine engine(graph, all);
  engine.setPrintTensorStream(std::cout);
  engine.load(device);
  const auto run = [&](const std::string &name, int expected) {
    engine.run(ids[name]);
    int value = -1;
    engine.readTensor("counter", &value, &value + 1);
    if (value != expected) {
      std::cerr << name << ": " << value << ", not " << expected << "\n";
      std::exit(1);
    }
  };
  run("init", 0);
  for (const auto &[choice, expected] : {std::pair{1, 1}, {2, 11}, {7, 11}}) {
    engine.writeTensor("which", &choice, &choice + 1);
    run("choose", expected);
  }
  run("branch", 12);
  run("loop", 15);
  run("product", 15);
  std::cout << "control flow OK\n";
}
