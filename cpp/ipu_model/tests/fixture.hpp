#pragma once
#include <doctest/doctest.h>

#include "poplar/Engine.hpp"
#include "poplar/Graph.hpp"
#include "poplar/IPUModel.hpp"
#include "poplar/Program.hpp"
#include <numeric>
#include <string>
#include <vector>

/// A model machine with a graph, for one test.
struct Machine {
  explicit Machine(unsigned tiles = 8, const char *version = "ipu2")
      : device(make(tiles, version)), graph(device.getTarget()) {}
  static poplar::Device make(unsigned tiles, const char *version) {
    poplar::IPUModel model(version);
    model.tilesPerIPU = tiles;
    return model.createDevice();
  }

  void addCodelets() { graph.addCodelets(IPU_MODEL_TESTS "/test_codelets.cc"); }

  poplar::Tensor variable(poplar::Type type, std::vector<std::size_t> shape, const char *name,
                          unsigned tile = 0) {
    poplar::Tensor t = graph.addVariable(type, shape, name);
    graph.setTileMapping(t, tile);
    return t;
  }

  template <typename T>
  poplar::Tensor constant(poplar::Type type, std::vector<std::size_t> shape, std::vector<T> values) {
    poplar::Tensor t = graph.addConstant<T>(type, shape, poplar::ArrayRef<T>(values));
    graph.setTileMapping(t, 0);
    return t;
  }

  /// Runs `prog` once and gives what `t` holds then.
  template <typename T>
  std::vector<T> result(const poplar::program::Program &prog, const poplar::Tensor &t,
                        const poplar::OptionFlags &options = {}) {
    const std::string handle = "result" + std::to_string(handles++);
    graph.createHostRead(handle, t);
    poplar::Engine engine(graph, prog, options);
    engine.load(device);
    engine.run(0);
    std::vector<T> values(t.numElements());
    engine.readTensor(handle, values.data(), values.data() + values.size());
    return values;
  }

  poplar::Device device;
  poplar::Graph graph;
  int handles = 0;
};

/// 0, 1, 2, ... as T.
template <typename T> std::vector<T> counting(std::size_t n) {
  std::vector<T> values(n);
  std::iota(values.begin(), values.end(), T{});
  return values;
}

/// The message of the exception E that `f` throws; fails the test where it throws none.
template <typename E, typename F> std::string messageOf(F &&f) {
  try {
    f();
  } catch (const E &error) {
    return error.what();
  } catch (const std::exception &error) {
    FAIL_CHECK("another exception: " << error.what());
    return "";
  }
  FAIL_CHECK("no exception");
  return "";
}

/// Asks for the text once: a check inside of it must not fail while doctest writes the message.
#define CHECK_CONTAINS(text, part)                                                                 \
  do {                                                                                             \
    const std::string checkedText = (text);                                                        \
    CHECK_MESSAGE(checkedText.find(part) != std::string::npos, "'" << (part) << "' not in: " << checkedText); \
  } while (false)
