// Views: each operation against the element order written down by hand, or against index arithmetic.

#include "fixture.hpp"
#include "poplar/exceptions.hpp"

using namespace poplar;

namespace {
/// The element numbers that a view of one variable shows.
std::vector<std::size_t> order(const Tensor &t) {
  std::vector<std::size_t> elements;
  for (const VariableInterval &region : t.getVarRegions())
    for (std::size_t i = region.interval.begin(); i != region.interval.end(); ++i)
      elements.push_back(i);
  return elements;
}
using Order = std::vector<std::size_t>;
} // namespace

TEST_CASE("views select and reorder elements") {
  Machine m;
  const Tensor t = m.variable(FLOAT, {2, 3}, "t"); // 0 1 2 / 3 4 5
  CHECK(order(t[1]) == Order{3, 4, 5});
  CHECK(order(t[1][2]) == Order{5});
  CHECK(t[1][2].rank() == 0);
  CHECK(order(t.index({1, 0})) == Order{3});
  CHECK(order(t.slice(1, 3, 1)) == Order{1, 2, 4, 5});
  CHECK(order(t.slice(0, 1)) == Order{0, 1, 2});
  CHECK(order(t.slice(Interval(1, 2), 1)) == Order{1, 4});
  CHECK(order(t.slice({0, 1}, {2, 3})) == Order{1, 2, 4, 5});
  CHECK(order(t.transpose()) == Order{0, 3, 1, 4, 2, 5});
  CHECK(t.transpose().shape() == std::vector<std::size_t>{3, 2});
  CHECK(order(t.transpose().transpose()) == Order{0, 1, 2, 3, 4, 5});
  CHECK(order(t.reverse(1)) == Order{2, 1, 0, 5, 4, 3});
  CHECK(order(t.reverse(0)) == Order{3, 4, 5, 0, 1, 2});
  CHECK(order(t.subSample(2, 1)) == Order{0, 2, 3, 5});
  CHECK(order(t.upsample(2, 1)) == Order{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5});
  CHECK(order(t.broadcast(2, 0)) == Order{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5});
  CHECK(order(t.broadcast(2, 1)) == Order{0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5});
  CHECK(order(concat(t[1], t[0])) == Order{3, 4, 5, 0, 1, 2});
  CHECK(order(concat(t, t.reverse(1), 1)) == Order{0, 1, 2, 2, 1, 0, 3, 4, 5, 5, 4, 3});
  CHECK(append(t, t[0]).shape() == std::vector<std::size_t>{3, 3});
  CHECK(t.expand({0, 1}).shape() == std::vector<std::size_t>{1, 2, 1, 3});
  CHECK(t.expand({2}).squeeze({2}).shape() == t.shape());
  CHECK(t.reshape({3, 2}).shapeToString() == "{3,2}");
  CHECK(t.flatten().rank() == 1);
  CHECK(m.variable(INT, {2, 3, 4, 5}, "u").flatten(1, 3).shape() == std::vector<std::size_t>{2, 12, 5});
  CHECK(t.slices(std::vector<Interval>{{0, 1}, {1, 3}}, 1).at(1) == t.slice(1, 3, 1));
}

TEST_CASE("dimension shuffles agree with index arithmetic") {
  Machine m;
  const Tensor t = m.variable(INT, {2, 3, 4, 5}, "t");
  const std::vector<std::vector<unsigned>> permutations = {{3, 2, 1, 0}, {1, 0, 3, 2}, {2, 3, 0, 1}, {0, 2, 1, 3}};
  for (const auto &p : permutations) {
    const Tensor s = t.dimShuffle(p);
    const auto shape = s.shape();
    std::vector<std::size_t> expected;
    std::size_t index[4];
    for (index[0] = 0; index[0] != shape[0]; ++index[0])
      for (index[1] = 0; index[1] != shape[1]; ++index[1])
        for (index[2] = 0; index[2] != shape[2]; ++index[2])
          for (index[3] = 0; index[3] != shape[3]; ++index[3]) {
            std::size_t at[4];
            for (int d = 0; d != 4; ++d)
              at[p[static_cast<std::size_t>(d)]] = index[d];
            expected.push_back(((at[0] * 3 + at[1]) * 4 + at[2]) * 5 + at[3]);
          }
    CHECK(order(s) == expected);
  }
  CHECK(t.dimRoll(3, 1).shape() == std::vector<std::size_t>{2, 5, 3, 4});
  CHECK(t.dimShufflePartial({0, 3}, {3, 0}).shape() == std::vector<std::size_t>{5, 3, 4, 2});
}

TEST_CASE("properties of views") {
  Machine m;
  const Tensor t = m.variable(FLOAT, {4, 4}, "t"), u = m.variable(FLOAT, {4}, "u");
  CHECK(t.isContiguous());
  CHECK_FALSE(t.transpose().isContiguous());
  CHECK(t.getContiguousRegions() == std::vector<Interval>{{0, 16}});
  CHECK(t.slice(0, 2, 1).getContiguousRegions().size() == 4);
  CHECK_FALSE(t.containsAliases());
  CHECK(concat(t[0], t[0]).containsAliases());
  CHECK(u.broadcast(2, 0).containsAliases());
  CHECK_FALSE(u.broadcast(2, 0).isParallelWriteable());
  CHECK(m.constant<float>(FLOAT, {2}, {1, 2}).containsConstant());
  CHECK(t[0].intersectsWith(t.transpose()[3]));
  CHECK_FALSE(t[0].intersectsWith(t[1]));
  CHECK_FALSE(t[0].intersectsWith(u));
  CHECK(t == t.reshape({16}).reshape({4, 4}));
  CHECK(t != t.transpose());
  CHECK_FALSE(Tensor().valid());
}

TEST_CASE("bad arguments of views name the tensor and the shape") {
  Machine m;
  const Tensor t = m.variable(FLOAT, {2, 3}, "named");
  CHECK_CONTAINS(messageOf<index_error>([&] { t.slice(1, 4, 1); }), "slice [1,4) of dimension 1 of tensor 'named' of shape {2,3}");
  CHECK_CONTAINS(messageOf<index_error>([&] { t[2]; }), "index 2 of tensor 'named'");
  CHECK_CONTAINS(messageOf<index_error>([&] { t.dimShuffle({0, 0}); }), "{2,3}");
  CHECK_CONTAINS(messageOf<tensor_creation_error>([&] { t.reshape({5}); }), "'named'");
  CHECK_CONTAINS(messageOf<tensor_creation_error>([&] { t.squeeze({0}); }), "dimension 0");
  CHECK_CONTAINS(messageOf<tensor_creation_error>([&] { t[0].transpose(); }), "rank 2");
  CHECK_CONTAINS(messageOf<tensor_creation_error>([&] { concat(t, t[0].reshape({3, 1}), 1); }), "{3,1}");
  CHECK_CONTAINS(messageOf<type_error>([&] { t.reinterpret(HALF); }), "'half'");
  CHECK_THROWS_AS(Tensor().numElements(), tensor_creation_error);
}
