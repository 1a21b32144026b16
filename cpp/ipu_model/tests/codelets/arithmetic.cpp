// half, the short vectors and the intrinsics.
#include "../../device/poplar/HalfFloat.hpp"

#include "vertex_instance.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

using namespace ipu_model;
using namespace ipu_model::test;

namespace {

/// The nearest multiple of the spacing of binary16 around x, ties to even: IEEE 754, by exact double arithmetic.
double nearestHalf(double x) {
  if (x == 0 || std::isnan(x)) return x;
  const int exponent = std::max(std::ilogb(x), -14);
  const double spacing = std::ldexp(1.0, exponent - 10);
  const double rounded = std::nearbyint(x / spacing) * spacing;
  return std::fabs(rounded) > 65504 ? std::copysign(std::numeric_limits<double>::infinity(), x) : rounded;
}

}  // namespace

TEST_CASE("every half value survives the way to float and back") {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const float f = device::halfToFloat(static_cast<std::uint16_t>(bits));
    if (std::isnan(f))
      REQUIRE((device::floatToHalf(f) & 0x7C00) == 0x7C00);
    else
      REQUIRE(device::floatToHalf(f) == bits);
  }
  CHECK(device::halfToFloat(0x3C00) == 1.0f);
  CHECK(device::halfToFloat(0x7BFF) == 65504.0f);
  CHECK(device::halfToFloat(0x0001) == std::ldexp(1.0f, -24));
  CHECK(device::halfToFloat(0xFC00) == -std::numeric_limits<float>::infinity());
}

TEST_CASE("float to half rounds to nearest even") {
  std::uint32_t state = 1;
  for (int i = 0; i < 200000; ++i) {
    state = state * 1664525u + 1013904223u;
    const double magnitude = std::ldexp(1.0 + (state & 0xFFFFFF) * 0x1p-24, static_cast<int>(state >> 27) - 16 - 11);
    const float x = static_cast<float>(state & 1 << 26 ? -magnitude : magnitude);
    CAPTURE(x);
    REQUIRE(static_cast<double>(device::halfToFloat(device::floatToHalf(x))) == nearestHalf(x));
  }
  for (const float tie : {1.0f + 0x1p-11f, 1.0f + 3 * 0x1p-11f, 65519.0f, 65520.0f, 0x1p-25f, 3 * 0x1p-25f})
    CHECK(static_cast<double>(device::halfToFloat(device::floatToHalf(tie))) == nearestHalf(tie));
}

TEST_CASE("half rounds after every operation and promotes with float") {
  const auto library = compile(R"(
    #include <cmath>
    template <class T> class Arithmetic : public Vertex {
     public:
      Input<Vector<T>> in;
      InOut<Vector<T>> out;
      Output<float> promoted;
      T factor;
      bool compute() {
        T sum = 0;
        for (T x : in) sum += x * factor;
        out[0] = sum;
        out[1] = in[0] * 3 - 1;  // an integer becomes T
        out[2] = std::sqrt(in[0]);
        out[3] += 1;
        *promoted = in[0] * 1.0f + 0.0001f;
        return in[0] < in[1] && in[0] != 0 && -in[0] < 0.0f && factor == T(1);
      }
    };
    template class Arithmetic<half>;
    template class Arithmetic<float>;)");
  using device::floatToHalf;
  using device::halfToFloat;
  VertexInstance vertex(library, "Arithmetic<half>");
  std::vector<std::uint16_t> in{floatToHalf(1), floatToHalf(2048), floatToHalf(1)}, out(4, floatToHalf(2));
  float promoted = 0;
  vertex.vector("in", in);
  vertex.vector("out", out);
  vertex.scalar("promoted", promoted);
  vertex.state("factor", floatToHalf(1));
  CHECK(vertex.run());
  CHECK(halfToFloat(out[0]) == 2048);  // 1 + 2048 is a tie that goes to 2048, and so is 2048 + 1
  CHECK(halfToFloat(out[1]) == 2);
  CHECK(halfToFloat(out[2]) == 1);
  CHECK(halfToFloat(out[3]) == 3);
  CHECK(promoted == 1.0f * 1.0f + 0.0001f);
}

TEST_CASE("short vectors and intrinsics") {
  const auto library = compile(R"(
    #include <ipu_intrinsics>
    class Vectors : public Vertex {
     public:
      Input<Vector<float, VectorLayout::ONE_PTR, 8>> in;
      Output<Vector<float, VectorLayout::ONE_PTR, 8>> out;
      Output<Vector<half, VectorLayout::ONE_PTR, 8>> halves;
      unsigned n;
      bool compute() {
        auto* from = reinterpret_cast<const float2*>(&in[0]);
        auto* to = reinterpret_cast<float2*>(&out[0]);
        const rptsize_t pairs = n / 2;
        for (unsigned i = 0; i < pairs; ++i) {
          const float2 v = ipu::load_postinc(&from, 1);
          ipu::store_postinc(&to, ipu::fma(v, v, float2{1.0f, 2.0f}) * 2.0f, 1);
        }
        half4 h = {1, 2, 3, 4};
        h = h * h + half4::broadcast(0.5f);
        half2 low = {h[0], h[1]};
        low = ipu::max(low, half2{3, 3});
        halves[0] = low[0];
        halves[1] = low[1];
        halves[2] = h[3];
        halves[3] = ipu::sum(h);
        return ipu::clamp(7.0f, float2{0, 5}) == 5 && __builtin_ipu_max(1.0f, 2.0f) == 2 && ipu::rsqrt(4.0f) == 0.5f;
      }
    };)");
  VertexInstance vertex(library, "Vectors");
  std::vector<float> in{1, 2, 3, 4}, out(4);
  std::vector<std::uint16_t> halves(4);
  vertex.vector("in", in);
  vertex.vector("out", out);
  vertex.vector("halves", halves);
  vertex.state("n", 4u);
  CHECK(vertex.run());
  CHECK(out == std::vector<float>{4, 12, 20, 36});
  const std::vector<float> expected{3, 4.5f, 16.5f, 32};
  for (std::size_t i = 0; i < 4; ++i) CHECK(device::halfToFloat(halves[i]) == expected[i]);
}

TEST_CASE("IPU-only names stay out of poplar/Vertex.hpp") {
  compile("struct float2 { float x, y; }; using half2 = float2;"
          "class X : public Vertex { public: int n; bool compute() { float2 v{1, 2}; return v.x < v.y; } };");
}

TEST_CASE("random builtins repeat for a seed, differ between seeds and fill their range") {
  const auto library = compile(R"(
    #include <ipu_builtins.h>
    class Random : public Vertex {
     public:
      Output<Vector<float>> uniform, normal;
      void compute() {
        for (float& x : uniform) x = __builtin_ipu_urand_f32();
        for (float& x : normal) x = __builtin_ipu_f32v2grand()[1];
      }
    };)");
  REQUIRE(library->find("Random")->usesRandom);
  CHECK_FALSE(compile("class X : public Vertex { public: int n; bool compute() { return n; } };")->find("X")->usesRandom);
  const auto draw = [&](std::uint64_t seed, const char* field) {
    VertexInstance vertex(library, "Random");
    std::vector<float> uniform(4000), normal(4000);
    vertex.vector("uniform", uniform);
    vertex.vector("normal", normal);
    vertex.vertexClass().seedRandom(seed);
    vertex.run();
    return field == std::string("uniform") ? uniform : normal;
  };
  CHECK(draw(1, "uniform") == draw(1, "uniform"));
  CHECK(draw(1, "uniform") != draw(2, "uniform"));
  double mean = 0, square = 0;
  for (const float x : draw(3, "uniform")) {
    REQUIRE(x >= -0.5f);
    REQUIRE(x < 0.5f);
    mean += x / 4000;
  }
  CHECK(std::fabs(mean) < 0.02);  // four standard errors of 1/sqrt(12 * 4000)
  mean = 0;
  for (const float x : draw(3, "normal")) {
    mean += x / 4000;
    square += x * x / 4000;
  }
  CHECK(std::fabs(mean) < 0.064);
  CHECK(std::fabs(square - 1) < 0.09);
}
