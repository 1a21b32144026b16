#include <poplar/Vertex.hpp>

#include <print.h>

using namespace poplar;

template <typename T> class FivePoints : public Vertex {
public:
  Input<VectorList<T, VectorListLayout::COMPACT_DELTAN, 4, false>> in;
  Output<VectorList<T, VectorListLayout::COMPACT_DELTAN, 4, false>> out;

  bool compute() {
    for (auto y = 0u; y < out.size(); y++)
      for (auto x = 0u; x < out[y].size(); x++)
        out[y][x] = 0.2f * (in[y + 1][x + 1] + in[y][x + 1] + in[y + 2][x + 1] + in[y + 1][x] + in[y + 1][x + 2]);
    return true;
  }
};

template class FivePoints<float>;
