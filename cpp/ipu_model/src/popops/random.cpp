#include "../numbers.hpp"
#include "kernels.hpp"
#include "popops/ElementWise.hpp"
#include "poprand/RandomGen.hpp"
#include "poprand/codelets.hpp"
#include "poputil/exceptions.hpp"
#include <cmath>

namespace poprand {

namespace {

/// Philox 4x32-10 (Salmon et al., SC 2011): four words of a key and a counter.
struct Philox {
  std::uint32_t key[2], modifier;
  void draw(std::uint64_t index, std::uint32_t attempt, std::uint32_t out[4]) const {
    std::uint32_t c[4] = {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), attempt,
                          modifier};
    std::uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round != 10; ++round, k0 += 0x9e3779b9u, k1 += 0xbb67ae85u) {
      const std::uint64_t a = std::uint64_t{0xd2511f53u} * c[0], b = std::uint64_t{0xcd9e8d57u} * c[2];
      const std::uint32_t next[4] = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(b),
                                     static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(a)};
      for (int i = 0; i != 4; ++i) c[i] = next[i];
    }
    for (int i = 0; i != 4; ++i) out[i] = c[i];
  }
};

/// In (0, 1).
double unit(std::uint32_t bits) { return (bits + 0.5) / 4294967296.0; }

double uniform01(const Philox &philox, std::uint64_t index) {
  std::uint32_t words[4];
  philox.draw(index, 0, words);
  return unit(words[0]);
}

double gaussian(const Philox &philox, std::uint64_t index, std::uint32_t attempt) {
  std::uint32_t words[4];
  philox.draw(index, attempt, words);
  constexpr double twoPi = 6.283185307179586;
  return std::sqrt(-2 * std::log(unit(words[0]))) * std::cos(twoPi * unit(words[1]));
}

/// A number from the stream of an element.
using Draw = std::function<double(const Philox &, std::uint64_t index)>;

/// The seed that an operation uses: the one given, or a state that each execution advances.
Tensor seedFor(Graph &graph, const Tensor *masterSeed, Sequence &prog, const DebugContext &name) {
  if (masterSeed) {
    if (masterSeed->elementType() != poplar::UNSIGNED_INT || masterSeed->numElements() != 2)
      throw poputil::poplibs_error("a seed is a tensor of two unsigned int, not of " +
                                   masterSeed->elementType().toString() + masterSeed->shapeToString());
    return masterSeed->flatten();
  }
  const Tensor state = graph.addVariable(poplar::UNSIGNED_INT, {2}, {name, "state"});
  graph.setTileMapping(state, 0);
  graph.setInitialValue(state, std::vector<unsigned>{static_cast<unsigned>(graph.data()->variables.size()), 0x5eedu});
  popops::addInPlace(graph, state.slice(1, 2), 1u, prog, {name, "advance"});
  return state;
}

Tensor generate(Graph &graph, const char *what, const Tensor *masterSeed, std::uint32_t modifier,
                const Tensor &reference, const Type &type, Draw draw, double cycles, Sequence &prog,
                const DebugContext &name) {
  const Tensor seed = seedFor(graph, masterSeed, prog, name);
  const Tensor out = makeOutput(graph, type, reference.shape(), &reference, {name, what});
  const auto set = [type, modifier, draw = std::move(draw)](const std::uint32_t *words, void *field, std::size_t i,
                                                            std::uint64_t index) {
    writeNumber(type, field, i, draw(Philox{{words[0], words[1]}, modifier}, index));
  };
  addElementKernel(graph, std::string("poprand::") + what, out, &seed, set,
                   std::max(1u, graph.getTarget().getVectorWidth(type)), cycles, 40, prog, {name, what});
  return out;
}

} // namespace

void addCodelets(Graph &) {}

Tensor uniform(Graph &graph, const Tensor *seed, std::uint32_t modifier, const Tensor &reference, const Type &type,
               double low, double high, Sequence &prog, const DebugContext &name) {
  if (!(low <= high)) throw poputil::poplibs_error("uniform: the lower bound is above the upper");
  const bool integer = isInteger(type);
  const double range = integer ? std::floor(high) - std::ceil(low) + 1 : high - low;
  return generate(
      graph, "uniform", seed, modifier, reference, type,
      [=](const Philox &philox, std::uint64_t index) {
        const double u = uniform01(philox, index);
        return integer ? std::ceil(low) + std::floor(u * range) : low + u * range;
      },
      5, prog, name);
}

Tensor normal(Graph &graph, const Tensor *seed, std::uint32_t modifier, const Tensor &reference, const Type &type,
              double mean, double stdDev, Sequence &prog, const DebugContext &name) {
  return generate(
      graph, "normal", seed, modifier, reference, type,
      [=](const Philox &philox, std::uint64_t index) { return mean + stdDev * gaussian(philox, index, 0); }, 6, prog,
      name);
}

Tensor truncatedNormal(Graph &graph, const Tensor *seed, std::uint32_t modifier, const Tensor &reference,
                       const Type &type, double mean, double stdDev, double alpha, Sequence &prog,
                       const DebugContext &name) {
  if (!(alpha >= 1)) // below, most draws are thrown away
    throw poputil::poplibs_error("truncatedNormal: alpha must be at least 1");
  return generate(
      graph, "truncatedNormal", seed, modifier, reference, type,
      [=](const Philox &philox, std::uint64_t index) {
        for (std::uint32_t attempt = 0;; ++attempt)
          if (const double value = gaussian(philox, index, attempt); std::fabs(value) <= alpha)
            return mean + stdDev * value;
      },
      12, prog, name);
}

Tensor bernoulli(Graph &graph, const Tensor *seed, std::uint32_t modifier, const Tensor &reference, const Type &type,
                 double prob, Sequence &prog, const DebugContext &name) {
  return generate(
      graph, "bernoulli", seed, modifier, reference, type,
      [=](const Philox &philox, std::uint64_t index) { return uniform01(philox, index) < prob ? 1.0 : 0.0; },
      5, prog, name);
}

Tensor dropout(Graph &graph, const Tensor *seed, std::uint32_t modifier, const Tensor &in, const Tensor &reference,
               double keepProbability, double scale, Sequence &prog, const DebugContext &name) {
  const Tensor mask = bernoulli(graph, seed, modifier, reference, in.elementType(), keepProbability, prog, name);
  using namespace popops::expr;
  return popops::map(graph, _1 * _2 * Const(scale), {in, mask}, prog, {name, "dropout"});
}

void setSeed(Graph &, const Tensor &, std::uint32_t, Sequence &, const DebugContext &) {}

} // namespace poprand
