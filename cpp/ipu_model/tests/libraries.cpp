// poputil, popops, poprand and poplin against plain host loops.

#include "fixture.hpp"
#include "poplin/MatMul.hpp"
#include "popops/AllTrue.hpp"
#include "popops/Cast.hpp"
#include "popops/DynamicSlice.hpp"
#include "popops/ElementWise.hpp"
#include "popops/Encoding.hpp"
#include "popops/Gather.hpp"
#include "popops/Loop.hpp"
#include "popops/Pad.hpp"
#include "popops/Reduce.hpp"
#include "popops/ScaledAdd.hpp"
#include "popops/Sort.hpp"
#include "popops/TopK.hpp"
#include "popops/Zero.hpp"
#include "popops/codelets.hpp"
#include "poprand/RandomGen.hpp"
#include "poputil/Broadcast.hpp"
#include "poputil/GraphFunction.hpp"
#include "poputil/TileMapping.hpp"
#include "poputil/Util.hpp"
#include "poputil/VertexTemplates.hpp"
#include "poputil/exceptions.hpp"
#include <cmath>

using namespace poplar;
using namespace poplar::program;

namespace {

struct Libraries : Machine {
  Libraries() : Machine(6) { popops::addCodelets(graph); }
  /// Variable with values 0, 1, 2, ... spread over the tiles.
  template <typename T = float> Tensor spread(Type type, std::vector<std::size_t> shape, std::vector<T> values = {}) {
    const Tensor t = graph.addVariable(type, shape, "t");
    poputil::mapTensorLinearly(graph, t, 1, 1);
    graph.setInitialValue(t, values.empty() ? counting<T>(t.numElements()) : values);
    return t;
  }
  Sequence prog;
};

} // namespace

TEST_CASE("names of templates") {
  CHECK(poputil::templateVertex("ns::V", FLOAT, true, UNSIGNED_INT) == "ns::V<float,true,unsigned int>");
  CHECK(poputil::templateVertex("V", HALF, "ns::Mode::FAST", 4) == "V<half,ns::Mode::FAST,4>");
}

TEST_CASE("the linear mapping keeps grains whole and 128 bytes together") {
  Machine m(10);
  const auto mapping = poputil::calcLinearTileMapping(m.graph, m.graph.addVariable(FLOAT, {100}, "t"));
  // 100 floats: 50 grains of 2, at least 16 grains a tile: 3 parts.
  CHECK(mapping[0] == std::vector<Interval>{{0, 32}});
  CHECK(mapping[1] == std::vector<Interval>{{32, 66}});
  CHECK(mapping[2] == std::vector<Interval>{{66, 100}});
  CHECK(mapping[3].empty());
  const auto even = poputil::calcLinearTileMapping(m.graph, ArrayRef<std::size_t>({40}), 1, 1);
  for (const auto &tile : even)
    CHECK(poputil::intervalSequenceNumElements(tile) == 4);
  CHECK(poputil::getTileImbalance(even) == 0);
  const Tensor t = m.graph.addVariable(FLOAT, {20}, "u");
  CHECK(poputil::mapTensorLinearlyWithOffset(m.graph, t, 2, 2, 9) == 9);
  CHECK(m.graph.getTileMapping(t)[9] == std::vector<Interval>{{0, 2}});
}

TEST_CASE("regions are split evenly, at grains, and lose nothing") {
  const std::vector<Interval> regions{{0, 10}, {20, 47}, {50, 51}};
  for (unsigned grain : {1u, 2u, 4u})
    for (unsigned parts : {1u, 3u, 6u, 100u}) {
      const auto split = poputil::splitRegions(regions, grain, parts);
      CHECK(split.size() <= parts);
      std::vector<Interval> joined;
      std::size_t most = 0, least = 1000;
      for (const auto &part : split) {
        joined.insert(joined.end(), part.begin(), part.end());
        most = std::max(most, poputil::intervalSequenceNumElements(part));
        least = std::min(least, poputil::intervalSequenceNumElements(part));
        for (const Interval &i : part)
          CHECK((i.begin() - (i.begin() < 20 ? 0 : i.begin() < 50 ? 20 : 50)) % grain == 0);
      }
      poputil::mergeAdjacentRegions(joined);
      CHECK(joined == regions);
      CHECK(most <= least + 3 * grain);
    }
  poputil::Regions mapping{{{10, 20}, {0, 10}, {30, 40}}, {{5, 5}}};
  poputil::mergeAdjacentRegions(mapping);
  CHECK(mapping == poputil::Regions{{{0, 20}, {30, 40}}, {}});
  CHECK(poputil::splitRegions(std::vector<Interval>{{0, 100}}, 1, 6, 0, UINT_MAX, 10).at(0).at(0).size() <= 10);
}

TEST_CASE_FIXTURE(Libraries, "element-wise operations of tutorial 2") {
  const Tensor v1 = variable(FLOAT, {2, 2}, "v1"), v2 = variable(FLOAT, {2, 2}, "v2", 1);
  prog.add(Copy(constant<float>(FLOAT, {4}, {1.0f, 1.5f, 2.0f, 2.5f}), v1.flatten()));
  prog.add(Copy(constant<float>(FLOAT, {4}, {4.0f, 3.0f, 2.0f, 1.0f}), v2.flatten()));
  const Tensor v3 = popops::add(graph, v1, v2, prog, "Add");
  const Tensor v4 = popops::add(graph, v3, v2, prog, "Add");
  const Tensor v5 = popops::add(graph, v1, v2.transpose(), prog, "Add");
  CHECK(result<float>(prog, v3) == std::vector<float>{5, 4.5f, 4, 3.5f});
  CHECK(result<float>(prog, v4) == std::vector<float>{9, 7.5f, 6, 4.5f});
  CHECK(result<float>(prog, v5) == std::vector<float>{5, 3.5f, 5, 3.5f});
}

TEST_CASE_FIXTURE(Libraries, "formulas, broadcasts, constants and types") {
  using namespace popops::expr;
  const Tensor a = spread(FLOAT, {3, 4}), row = spread(FLOAT, {4}), i = spread<int>(INT, {5}, {-7, -1, 0, 3, 2147483647});
  const Tensor f = popops::map(graph, Select(_1 * 2.0f, -_1, _1 > Const(5)) + _2, {a, row}, prog);
  const Tensor wrapped = popops::add(graph, i, 1, prog), shifted = popops::shiftRight(graph, i, 28, prog);
  const Tensor quotient = popops::div(graph, i, 2, prog), less = popops::lt(graph, i, 1, prog);
  const Tensor bits = popops::popcount(graph, i, prog);
  popops::mapInPlace(graph, Add(_1, _2), {a, a.reverse(0)}, prog); // reads what it overwrites
  popops::mulInPlace(graph, a, 0.5f, prog);
  std::vector<float> expected;
  for (int n = 0; n != 12; ++n)
    expected.push_back((n > 5 ? 2.0f * static_cast<float>(n) : -static_cast<float>(n)) + static_cast<float>(n % 4));
  CHECK(result<float>(prog, f) == expected);
  CHECK(result<int>(prog, wrapped) == std::vector<int>{-6, 0, 1, 4, -2147483647 - 1});
  CHECK(result<int>(prog, shifted) == std::vector<int>{15, 15, 0, 0, 7});
  CHECK(result<int>(prog, quotient) == std::vector<int>{-3, 0, 0, 1, 1073741823});
  CHECK(result<unsigned char>(prog, less) == std::vector<unsigned char>{1, 1, 1, 0, 0});
  CHECK(result<int>(prog, bits) == std::vector<int>{30, 32, 0, 2, 31});
  CHECK(result<float>(prog, a) == std::vector<float>{4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7});
  CHECK_THROWS_AS(popops::add(graph, a, i.slice(0, 4), prog), poputil::poplibs_error);
  CHECK_THROWS_AS(popops::sin(graph, i, prog), poputil::poplibs_error);
  CHECK_THROWS_AS(popops::add(graph, a, spread(FLOAT, {5}), prog), poputil::poplibs_error);
}

TEST_CASE_FIXTURE(Libraries, "constants in formulas have the type of what they meet") {
  using namespace popops::expr;
  const Tensor a = spread(FLOAT, {2}, {1.5f, -2.0f}), i = spread<int>(INT, {2}, {3, 7});
  const Tensor yes = spread<int>(BOOL, {2}, {1, 0});
  const auto values = [&](const Expr &formula, const std::vector<Tensor> &operands) {
    Sequence own;
    const Tensor out = popops::map(graph, formula, operands, own);
    CHECK(out.elementType() == FLOAT);
    return result<float>(own, out);
  };
  using Floats = std::vector<float>;
  CHECK(values(_1 * (Const(2) + Const(3)), {a}) == Floats{7.5f, -10});
  CHECK(values(_1 * -Const(1), {a}) == Floats{-1.5f, 2});
  CHECK(values(_1 * Select(Const(1), Const(0), _2), {a, yes}) == Floats{1.5f, 0});
  CHECK(values(_1 * ((Const(1.f) + Const(2.f)) * Const(3.f)), {a}) == Floats{13.5f, -18});
  CHECK(values(Clamp(Const(1), Const(0), _1), {a}) == Floats{1, -2});
  CHECK(values(Cast(Const(5) / Const(2.0f), FLOAT) + _1, {a}) == Floats{4, 0.5f});
  // What constants are compared as is no business of the result's type.
  CHECK(values(Select(_1, Const(0), Const(3) < Const(3.5f)), {a}) == Floats{1.5f, -2});
  CHECK(values(Select(_1, Const(0), !(Const(2) + Const(-2))), {a}) == Floats{1.5f, -2});
  CHECK(values(Select(_1, Const(9), _2 & Const(4)), {a, i}) == Floats{9, -2}); // 3 & 4, 7 & 4
  CHECK(result<int>(prog, popops::map(graph, _1 + Const(2) * Const(3), {i}, prog)) == std::vector<int>{9, 13});
  for (const Expr &condition : {Expr(_1), Expr(Const(1.0f)), Expr(Const(1.0f) + Const(2))})
    CHECK_CONTAINS(messageOf<poputil::poplibs_error>([&] { popops::map(graph, Select(_1, _1, condition), {a}, prog); }), "the condition of SELECT has the type 'float'; it must be bool or an integer");
  CHECK_THROWS_AS(popops::select(graph, a, a, a, prog), poputil::poplibs_error);
  CHECK_THROWS_AS(popops::map(graph, UnaryOp(UnaryOpType::IS_NAN, _1), {i}, prog), poputil::poplibs_error);
}

TEST_CASE_FIXTURE(Libraries, "half results are rounded at every operation") {
  const Tensor h = popops::cast(graph, spread(FLOAT, {3}, {1.0f, 2049.0f, 70000.0f}), HALF, prog);
  const Tensor back = popops::cast(graph, popops::add(graph, h, 1.0f, prog), FLOAT, prog);
  // 2049 rounds to 2048 (ties to even), 2048 + 1 does again; 70000 is beyond the largest half.
  CHECK(result<float>(prog, back) == std::vector<float>{2, 2048, HUGE_VALF});
  const Tensor ints = popops::cast(graph, spread(FLOAT, {3}, {-1.75f, 3e9f, NAN}), INT, prog);
  CHECK(result<int>(prog, ints) == std::vector<int>{-1, 2147483647, 0});
}

TEST_CASE_FIXTURE(Libraries, "reductions over any dimensions") {
  using popops::Operation;
  const Tensor t = spread<int>(INT, {2, 3, 4});
  const auto at = [](std::size_t i, std::size_t j, std::size_t k) { return static_cast<int>((i * 3 + j) * 4 + k); };
  const Tensor last = popops::reduce(graph, t, {2}, Operation::ADD, prog);
  const Tensor outer = popops::reduce(graph, t, {0, 2}, popops::ReduceParams(Operation::MAX), prog);
  const Tensor all = popops::reduce(graph, t, {0, 1, 2}, Operation::SQUARE_ADD, prog);
  const Tensor least = popops::reduce(graph, t.reshape({4, 6}), {0}, Operation::MIN, prog);
  std::vector<int> sums, maxima(3, 0);
  int squares = 0;
  for (std::size_t i = 0; i != 2; ++i)
    for (std::size_t j = 0; j != 3; ++j) {
      int sum = 0;
      for (std::size_t k = 0; k != 4; ++k) {
        sum += at(i, j, k);
        maxima[j] = std::max(maxima[j], at(i, j, k));
        squares += at(i, j, k) * at(i, j, k);
      }
      sums.push_back(sum);
    }
  CHECK(last.shape() == std::vector<std::size_t>{2, 3});
  CHECK(result<int>(prog, last) == sums);
  CHECK(result<int>(prog, outer) == maxima);
  CHECK(all.rank() == 0);
  CHECK(result<int>(prog, all) == std::vector<int>{squares});
  CHECK(result<int>(prog, least).size() == 6);
}

TEST_CASE_FIXTURE(Libraries, "reductions with update, scale, several at once, and logical ones") {
  using popops::Operation;
  const Tensor t = spread(FLOAT, {10, 2}), out = spread(FLOAT, {2}, {100, 200});
  const Tensor scale = constant<float>(FLOAT, {1}, {0.5f});
  popops::reduceWithOutput(graph, t, out, {0}, {Operation::ADD, true, scale}, prog);
  CHECK(result<float>(prog, out) == std::vector<float>{145, 250}); // 100 + 90/2, 200 + 100/2
  Sequence many;
  std::vector<Tensor> outs;
  popops::reduceMany(graph, {{t, {0}, Operation::ADD}, {t, {1}, Operation::MUL}}, outs, many);
  REQUIRE(outs.size() == 2);
  CHECK(result<float>(many, outs[0]) == std::vector<float>{90, 100});
  CHECK(result<float>(many, outs[1])[3] == 42);
  std::vector<ComputeSet> css;
  Sequence staged;
  const Tensor some = popops::gt(graph, t, 18.0f, staged);
  const Tensor any = popops::reduce(graph, some, {0}, Operation::LOGICAL_OR, css);
  for (const ComputeSet &cs : css)
    staged.add(Execute(cs));
  CHECK(result<unsigned char>(staged, any) == std::vector<unsigned char>{0, 1});
  Sequence whole;
  CHECK(result<unsigned char>(whole, popops::allTrue(graph, some, whole)) == std::vector<unsigned char>{0});
  CHECK_THROWS_AS(popops::reduce(graph, t, {0}, Operation::LOGICAL_AND, prog), poputil::poplibs_error);
}

TEST_CASE_FIXTURE(Libraries, "dynamic slices and updates") {
  const Tensor t = spread(FLOAT, {4, 3, 2}), offset = spread<unsigned>(UNSIGNED_INT, {1}, {2});
  const Tensor s = popops::dynamicSlice(graph, t, offset, {0}, {1}, prog);
  CHECK(s.shape() == std::vector<std::size_t>{1, 3, 2});
  CHECK(result<float>(prog, s) == std::vector<float>{12, 13, 14, 15, 16, 17});
  Sequence middle;
  const Tensor two = constant<unsigned>(UNSIGNED_INT, {2}, {1, 1});
  CHECK(result<float>(middle, popops::dynamicSlice(graph, t, two, {0, 1}, {2, 1}, middle)) == std::vector<float>{8, 9, 14, 15});
  Sequence update;
  popops::dynamicUpdate(graph, t, constant<float>(FLOAT, {2, 1, 2}, {-1, -2, -3, -4}), two, {0, 1}, {2, 1}, update);
  auto expected = counting<float>(24);
  expected[8] = -1, expected[9] = -2, expected[14] = -3, expected[15] = -4;
  CHECK(result<float>(update, t) == expected);
  const Tensor wrap = constant<unsigned>(UNSIGNED_INT, {1}, {3});
  Sequence wrapped;
  CHECK(result<float>(wrapped, popops::dynamicSlice(graph, t.slice(0, 1, 1).slice(0, 1, 2), wrap, {0}, {2}, wrapped)) == std::vector<float>{18, 0});
}

TEST_CASE_FIXTURE(Libraries, "many slices, gathers, one-hot codes, iota, padding") {
  const Tensor table = popops::createSliceableTensor(graph, FLOAT, {5, 3}, {0}, {1}, 0, "table");
  graph.setInitialValue(table, counting<float>(15));
  const Tensor offsets = constant<unsigned>(UNSIGNED_INT, {3, 1}, {4, 0, 4});
  const Tensor rows = popops::multiSlice(graph, table, offsets, {0}, {1}, prog);
  CHECK(rows.shape() == std::vector<std::size_t>{3, 1, 3});
  const std::vector<float> got{12, 13, 14, 0, 1, 2, 12, 13, 14};
  CHECK(result<float>(prog, rows) == got);
  Sequence add;
  popops::multiUpdateAdd(graph, table, rows, offsets, constant<float>(FLOAT, {}, {2}), {0}, {1}, add);
  CHECK(result<float>(Sequence(prog, add), table[4]) == std::vector<float>{60, 65, 70});
  Sequence gathered;
  const Tensor columns = popops::gather(graph, table, constant<unsigned>(UNSIGNED_INT, {2}, {2, 1}), 1, gathered);
  CHECK(columns.shape() == std::vector<std::size_t>{5, 2});
  CHECK(result<float>(gathered, columns[1]) == std::vector<float>{5, 4});
  Sequence blocks;
  const Tensor table3 = popops::gather(graph, table, constant<unsigned>(UNSIGNED_INT, {2, 2}, {2, 1, 0, 2}), 1, blocks);
  CHECK(table3.shape() == std::vector<std::size_t>{5, 2, 2});
  CHECK(result<float>(blocks, table3[1]) == std::vector<float>{5, 4, 3, 5});
  const Tensor column = popops::gather(graph, table, constant<unsigned>(UNSIGNED_INT, {}, {1}), 1, blocks);
  CHECK(column.shape() == std::vector<std::size_t>{5});
  CHECK(result<float>(blocks, column) == std::vector<float>{1, 4, 7, 10, 13});
  const popops::SlicePlan plan = popops::embedding::plan(graph, FLOAT, 5, 3, {2}, {});
  const Tensor planned = popops::createSliceableTensor(graph, FLOAT, {5, 3}, {0}, {1}, plan, {}, "planned");
  const Tensor indices = popops::createIndicesTensor(graph, {0}, 2, plan, {});
  graph.setInitialValue(planned, counting<float>(15));
  graph.setInitialValue(indices, std::vector<unsigned>{3, 1});
  Sequence looked;
  const Tensor found = popops::multiSlice(graph, planned, indices, {0}, {1}, looked, plan, {});
  const Tensor same = popops::gather(graph, planned, indices, 0, looked, popops::GatherParams(), "same");
  CHECK(result<float>(looked, found) == std::vector<float>{9, 10, 11, 3, 4, 5});
  CHECK(result<float>(looked, same) == std::vector<float>{9, 10, 11, 3, 4, 5});
  Sequence code;
  const Tensor hot = spread<int>(INT, {2, 3});
  popops::encodeOneHot(graph, constant<int>(INT, {2}, {2, 7}), hot, code);
  CHECK(result<int>(code, hot) == std::vector<int>{0, 0, 1, 0, 0, 0});
  Sequence numbers;
  const Tensor n = spread<int>(INT, {20});
  popops::iota(graph, n, 5, numbers);
  CHECK(result<int>(numbers, n.slice(18, 20)) == std::vector<int>{23, 24});
  const Tensor one = spread(FLOAT, {3});
  CHECK(result<float>(Sequence(), popops::pad(graph, one, 1, 2, 0, 9.0f)) == std::vector<float>{9, 0, 1, 2, 9, 9});
  CHECK(result<float>(Sequence(), popops::pad(one, {2}, {1}, popops::padding::Type::REFLECT)) == std::vector<float>{2, 1, 0, 1, 2, 1});
}

TEST_CASE_FIXTURE(Libraries, "sorting and the k best") {
  const Tensor t = spread<int>(INT, {2, 4}, {3, 1, 4, 1, 5, 9, 2, 6}), v = spread<int>(INT, {2, 4});
  CHECK(result<int>(prog, popops::sort(graph, t, 1, prog)) == std::vector<int>{1, 1, 3, 4, 2, 5, 6, 9});
  CHECK(result<int>(prog, popops::sort(graph, t, 0, prog)) == std::vector<int>{3, 1, 2, 1, 5, 9, 4, 6});
  CHECK(result<int>(prog, popops::sortKeyValue(graph, t, v, 1, prog)) == std::vector<int>{1, 3, 0, 2, 6, 4, 7, 5});
  const auto best = popops::topKWithPermutation(graph, prog, t, {2, true, popops::SortOrder::DESCENDING});
  CHECK(result<int>(prog, best.first) == std::vector<int>{4, 3, 9, 6});
  CHECK(result<unsigned>(prog, best.second) == std::vector<unsigned>{2, 0, 1, 3});
  CHECK(result<int>(prog, popops::topK(graph, prog, t, {2, false, popops::SortOrder::DESCENDING})) == std::vector<int>{1, 1, 5, 2});
}

TEST_CASE_FIXTURE(Libraries, "counted loops") {
  const Tensor sum = spread<int>(INT, {1}, {0});
  const auto add = [&](const Tensor &index) {
    Sequence body;
    popops::addInPlace(graph, sum, index, body);
    return body;
  };
  CHECK(result<int>(popops::countedLoop(graph, 2, 11, 3, add), sum) == std::vector<int>{2 + 5 + 8});
  CHECK(result<int>(popops::countedLoop(graph, 5, add), sum) == std::vector<int>{10});
  const Tensor count = spread<int>(INT, {1}, {0}), limit = constant<int>(INT, {1}, {7});
  CHECK(result<int>(popops::countedForLoop(graph, count, 1, limit, 2, add(count)), sum) == std::vector<int>{1 + 3 + 5});
}

TEST_CASE_FIXTURE(Libraries, "fill, zero, scaled additions, graph functions") {
  const Tensor a = spread(FLOAT, {20}), b = spread(FLOAT, {20});
  popops::scaledAddTo(graph, a, b, 2.0f, prog);
  popops::scaledSubtractFrom(graph, a, b, constant<float>(FLOAT, {}, {0.5f}), prog);
  CHECK(result<float>(prog, a)[10] == 25);
  popops::fill(graph, b.slice(0, 2), prog, 7);
  popops::zero(graph, b.slice(2, 4), prog);
  CHECK(result<float>(prog, b.slice(0, 5)) == std::vector<float>{7, 7, 0, 0, 4});
  using namespace poputil::graphfn;
  VoidFunction twice(graph, {input(a, "in"), created("out")}, [&](std::vector<Tensor> &args, Sequence &body) {
    args[1] = popops::mul(graph, args[0], 2.0f, body);
  });
  Sequence calls;
  std::vector<Tensor> args{b, Tensor()};
  twice(args, calls);
  CHECK(result<float>(calls, args[1].slice(3, 5)) == std::vector<float>{6, 8});
}

TEST_CASE_FIXTURE(Libraries, "random numbers depend on seed and place, not on the mapping") {
  const Tensor seed = constant<unsigned>(UNSIGNED_INT, {2}, {1, 2});
  const Tensor here = graph.addVariable(FLOAT, {1000}, "here"), there = graph.addVariable(FLOAT, {1000}, "there");
  graph.setTileMapping(here, 0);
  poputil::mapTensorLinearly(graph, there, 1, 1);
  const auto first = result<float>(prog, poprand::uniform(graph, &seed, 0, here, FLOAT, -1, 1, prog));
  CHECK(first == result<float>(prog, poprand::uniform(graph, &seed, 0, there, FLOAT, -1, 1, prog)));
  CHECK(first != result<float>(prog, poprand::uniform(graph, &seed, 1, there, FLOAT, -1, 1, prog)));
  const auto mean = [](const std::vector<float> &v) { return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size()); };
  const auto in = [](const std::vector<float> &v, float low, float high) {
    return std::all_of(v.begin(), v.end(), [&](float x) { return x >= low && x <= high; });
  };
  CHECK(in(first, -1, 1));
  CHECK(std::fabs(mean(first)) < 0.08); // four standard errors of 1000 draws of variance 1/3
  const auto normal = result<float>(prog, poprand::normal(graph, &seed, 0, there, FLOAT, 3, 2, prog));
  CHECK(std::fabs(mean(normal) - 3) < 0.26);
  CHECK(in(result<float>(prog, poprand::truncatedNormal(graph, &seed, 0, there, FLOAT, 0, 1, 1.5, prog)), -1.5f, 1.5f));
  const auto dice = result<int>(prog, poprand::uniform(graph, &seed, 0, there, INT, 1, 6, prog));
  CHECK(*std::min_element(dice.begin(), dice.end()) == 1);
  CHECK(*std::max_element(dice.begin(), dice.end()) == 6);
  const auto coins = result<float>(prog, poprand::bernoulli(graph, &seed, 0, there, FLOAT, 0.25, prog));
  CHECK(std::fabs(mean(coins) - 0.25) < 0.055);
  Sequence unseeded;
  const Tensor next = poprand::uniform(graph, nullptr, 0, there, FLOAT, 0, 1, unseeded);
  CHECK(result<float>(unseeded, next) != result<float>(Sequence(unseeded, unseeded), next));
}

TEST_CASE_FIXTURE(Libraries, "matrix products") {
  const Tensor a = spread(FLOAT, {5, 7}), b = spread(FLOAT, {7, 3});
  const Tensor c = poplin::matMul(graph, a, b, prog, "product");
  std::vector<float> expected(15, 0);
  for (std::size_t i = 0; i != 5; ++i)
    for (std::size_t j = 0; j != 3; ++j)
      for (std::size_t k = 0; k != 7; ++k)
        expected[i * 3 + j] += static_cast<float>((i * 7 + k) * (k * 3 + j));
  CHECK(result<float>(prog, c) == expected);
  poplin::matMulAcc(graph, c, -1.0f, a, b, prog);
  poplin::matMulAcc(graph, c, constant<float>(FLOAT, {}, {2}), a, b, prog);
  poplin::matMulAcc(graph, c, -2.0f, a, b, prog);
  CHECK(result<float>(prog, c) == std::vector<float>(15, 0));
  const Tensor g = poplin::matMulGrouped(graph, spread(FLOAT, {2, 1, 2}), spread(FLOAT, {2, 2, 1}), prog, FLOAT);
  CHECK(result<float>(prog, g) == std::vector<float>{1, 13});
  CHECK_THROWS_AS(poplin::matMul(graph, a, a, prog), poputil::poplibs_error);
}

TEST_CASE_FIXTURE(Libraries, "tensors are mapped to their users") {
  const Tensor t = graph.addVariable(FLOAT, {10}, "t");
  poputil::TensorUseTracker uses(6);
  uses.add(graph, 1, t.slice(0, 4));
  uses.add(graph, 5, t.slice(4, 10));
  uses.mapTensorsByUse(graph, 1, 1);
  CHECK(graph.getTileMapping(t)[1] == std::vector<Interval>{{0, 4}});
  CHECK(graph.getTileMapping(t)[5] == std::vector<Interval>{{4, 10}});
  CHECK(poputil::dimIsSplitOverTiles(graph, t, 0));
  CHECK_FALSE(poputil::dimIsSplitOverIPUs(graph, t, 0));
  const Tensor partly = graph.addVariable(FLOAT, {10}, "partly");
  poputil::TensorUseTracker some(6);
  some.add(graph, 1, partly.slice(2, 4));
  some.add(graph, 5, partly.slice(6, 8));
  some.mapTensorsByUse(graph, 1, 1, true);
  CHECK(graph.getTileMapping(partly)[1] == std::vector<Interval>{{0, 6}});
  CHECK(graph.getTileMapping(partly)[5] == std::vector<Interval>{{6, 10}});
  const Tensor unused = graph.addVariable(FLOAT, {4}, "unused");
  some.add(graph, 2, unused.slice(1, 2));
  some.mapTensorsByUse(graph, 1, 1);
  CHECK_THROWS_AS(graph.getTileMapping(unused), invalid_tile_mapping);
  graph.setTileMapping(unused, 0);
  const Tensor copy = poputil::duplicate(graph, t, prog);
  CHECK(graph.getTileMapping(copy) == graph.getTileMapping(t));
  Tensor column = spread(FLOAT, {3, 1}), row = spread(FLOAT, {4});
  poputil::broadcastToMatch(column, row);
  CHECK(column.shape() == std::vector<std::size_t>{3, 4});
  CHECK(row.shape() == column.shape());
  Tensor four = spread(FLOAT, {4}), one = spread(FLOAT, {1, 1});
  CHECK_CONTAINS(messageOf<poputil::poplibs_error>([&] { poputil::broadcastToMatch(four, std::vector<std::size_t>{}); }), "of shape {4} cannot be broadcast");
  poputil::broadcastToMatch(one, std::vector<std::size_t>{});
  CHECK(one.rank() == 0);
  const Tensor scalar = spread(FLOAT, {});
  CHECK_THROWS_AS(popops::addInPlace(graph, scalar, four, prog), poputil::poplibs_error);
  popops::addInPlace(graph, scalar, spread(FLOAT, {1}, {3}), prog);
  CHECK(result<float>(prog, scalar) == std::vector<float>{3});
  CHECK_CONTAINS(messageOf<poputil::poplibs_error>([&] { poputil::copyToIpu(graph, t, prog, 1); }), "tensor 't' cannot be copied to IPU 1; the graph has 1, numbered from 0");
}

TEST_CASE("mapping queries: clones, sorted regions, unbroadcast tensors") {
  Machine m;
  const Tensor t = m.graph.addVariable(FLOAT, {4, 4}, "t");
  for (unsigned i = 0; i != 4; ++i)
    m.graph.setTileMapping(t[i], i);
  const Tensor copy = m.graph.clone(t.transpose(), "copy");
  CHECK(m.graph.getTileMapping(copy.transpose()) == m.graph.getTileMapping(t));
  CHECK(m.graph.cloneN(t, 3).shape() == std::vector<std::size_t>{3, 4, 4});
  CHECK(m.graph.clone(t[0].broadcast(2, 0), {}, TensorCloneMethod::PRESERVE_ORDER_AND_ALIASES).containsAliases());
  CHECK(m.graph.clone(HALF, t).elementType() == HALF);
  const Tensor flat = t.transpose().flatten();
  const auto sorted = m.graph.getSortedContiguousRegions(flat, {{0, 2}, {4, 6}});
  // Elements 0, 4, 1, 5 of the variable: two stretches, 0-1 at positions 0 and 4, 4-5 at 1 and 5.
  CHECK(sorted == std::vector<std::vector<Interval>>{{{0, 1}, {4, 5}}, {{1, 2}, {5, 6}}});
  CHECK(m.graph.getSortedContiguousRegions(t.flatten(), {{0, 16}}) == std::vector<std::vector<Interval>>{{{0, 16}}});
  CHECK(m.graph.findUnbroadcastTensor(t[0].expand({0}).broadcast(5, 0)).numElements() == 4);
  Tensor shuffled = flat;
  m.graph.reorderToSimplify(&shuffled, {});
  CHECK(shuffled.isContiguous());
}
